//! The same questions to apt itself: needs apt and a mirror, so it is ignored by default.

use super::*;
use crate::http::{Client, Settings};
use crate::packages::deb::tests::{VARIED, source};
use crate::packages::deb::{Source, open_indexes};
use crate::store::Store;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An apt that knows one set of sources and an empty root.
struct Apt {
    root: PathBuf,
}

impl Apt {
    fn new(root: &Path, sources: &[Source]) -> Self {
        for folder in ["state/lists/partial", "cache/archives/partial", "etc/preferences.d"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("status"), "").unwrap();
        let mut list = String::new();
        for source in sources {
            let (mirror, components) = (source.mirrors[0].secret(), source.components.join(" "));
            list += &format!("deb [trusted=yes] {mirror} {} {components}\n", source.suite);
        }
        std::fs::write(root.join("sources.list"), list).unwrap();
        let apt = Apt { root: root.to_owned() };
        let output = apt.run("apt-get", &["update"]);
        assert!(output.contains("Reading package lists"), "{output}");
        apt
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let root = self.root.display();
        let options = [
            format!("Dir::State={root}/state"),
            format!("Dir::State::status={root}/status"),
            format!("Dir::Cache={root}/cache"),
            format!("Dir::Cache::pkgcache={root}/cache/pkgcache.bin"),
            format!("Dir::Cache::srcpkgcache={root}/cache/srcpkgcache.bin"),
            format!("Dir::Etc::sourcelist={root}/sources.list"),
            "Dir::Etc::sourceparts=-".into(),
            format!("Dir::Etc::preferencesparts={root}/etc/preferences.d"),
            "Dir::Etc::preferences=-".into(),
            "APT::Architecture=amd64".into(),
            "APT::Architectures=amd64".into(),
            "APT::Get::List-Cleanup=0".into(),
            "APT::Sandbox::User=root".into(),
            "Debug::NoLocking=1".into(),
        ];
        let mut command = Command::new(program);
        for option in options {
            command.arg("-o").arg(option);
        }
        let output = command.args(arguments).env("LC_ALL", "C").output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// What apt would install, with versions; its words where it would not.
    fn plan(&self, recommends: bool, wishes: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let option = if recommends { "--install-recommends" } else { "--no-install-recommends" };
        let output = self.run("apt-get", &[&["install", "-s", option], wishes].concat());
        let mut plan = BTreeMap::new();
        for line in output.lines().filter_map(|line| line.strip_prefix("Inst ")) {
            let (name, rest) = line.split_once(" (").unwrap();
            plan.insert(name.to_owned(), rest.split(' ').next().unwrap().to_owned());
        }
        if plan.is_empty() { Err(output) } else { Ok(plan) }
    }
}

fn ours(indexes: &Indexes, recommends: bool, wishes: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let wishes = wishes.iter().map(|name| Wish::parse(name).unwrap()).collect();
    let resolution = indexes.resolve(&Request { wishes, recommends, ..Request::default() });
    let packages = resolution.map_err(|problem| problem.to_string())?.packages;
    Ok(packages.into_iter().map(|package| (package.locked.name, package.locked.version)).collect())
}

/// Prints how two plans differ; says whether they do.
fn differ(
    wishes: &[&str],
    apt: &Result<BTreeMap<String, String>, String>,
    kiln: &Result<BTreeMap<String, String>, String>,
) -> bool {
    match (apt, kiln) {
        (Ok(apt), Ok(kiln)) if apt == kiln => return false,
        (Ok(apt), Ok(kiln)) => {
            let missing: Vec<_> = apt.iter().filter(|(name, version)| kiln.get(*name) != Some(version)).collect();
            let surplus: Vec<_> = kiln.iter().filter(|(name, version)| apt.get(*name) != Some(version)).collect();
            eprintln!("{wishes:?} differs: only apt has {missing:?}; only kiln has {surplus:?}");
        }
        (Err(_), Err(_)) => return false,
        (apt, kiln) => eprintln!("{wishes:?} differs: apt says {apt:?}; kiln says {kiln:?}"),
    }
    true
}

/// Asks both about wishes and keeps count.
struct Comparison {
    indexes: Indexes,
    apt: Apt,
    asked: usize,
    /// Questions that neither could answer: they compare nothing.
    void: usize,
    different: Vec<String>,
}

impl Comparison {
    #[expect(clippy::disallowed_methods, reason = "a real archive holds for the real time")]
    fn of(suites: &[&str], root: &Path) -> Self {
        let store = Store::open(root.join("store")).unwrap();
        let http = Client::new(Settings::default()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sources: Vec<Source> = suites.iter().map(|suite| source(suite)).collect();
        let now = jiff::Timestamp::now();
        let indexes = runtime.block_on(open_indexes(&http, &store, &sources, "amd64", now)).unwrap();
        let apt = Apt::new(&root.join("apt"), &sources);
        Comparison { indexes, apt, asked: 0, void: 0, different: Vec::new() }
    }

    fn ask(&mut self, recommends: bool, wishes: &[&str]) {
        let (apt, kiln) = (self.apt.plan(recommends, wishes), ours(&self.indexes, recommends, wishes));
        self.asked += 1;
        self.void += usize::from(apt.is_err() && kiln.is_err());
        if differ(wishes, &apt, &kiln) {
            self.different.push(format!("{wishes:?}"));
        }
    }

    fn finish(self) {
        let Comparison { asked, void, different, .. } = self;
        eprintln!("{asked} questions, {void} without an answer, {} differ", different.len());
        assert!(void * 10 < asked, "too few answers");
        assert!(different.len() <= 1, "{different:?}");
    }
}

#[test]
#[ignore = "needs apt and a Debian mirror; takes minutes"]
fn resolution_agrees_with_apt() {
    let folder = tempfile::tempdir().unwrap();
    let mut comparison = Comparison::of(&["trixie"], folder.path());
    for name in VARIED {
        comparison.ask(false, &[name]);
    }
    for few in VARIED.chunks(7) {
        comparison.ask(false, few);
    }
    for name in VARIED.iter().step_by(4) {
        comparison.ask(true, &[name]);
    }
    comparison.finish();
}

#[test]
#[ignore = "needs apt and a Debian mirror; takes minutes"]
fn resolution_over_several_suites_agrees_with_apt() {
    let folder = tempfile::tempdir().unwrap();
    let mut comparison =
        Comparison::of(&["trixie", "trixie-updates", "trixie-security", "trixie-backports"], folder.path());
    for name in VARIED.iter().step_by(3) {
        comparison.ask(false, &[name]);
    }
    comparison.finish();
}

/// Every so many packages of the whole index, as `KILN_APT_STEP` says.
#[test]
#[ignore = "needs apt and a Debian mirror; takes as long as you like"]
#[expect(clippy::disallowed_methods, reason = "says how long the test may take")]
fn resolution_of_a_sample_agrees_with_apt() {
    let Some(step) = std::env::var("KILN_APT_STEP").ok().and_then(|step| step.parse().ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut comparison = Comparison::of(&["trixie"], folder.path());
    let rows = comparison.indexes.list[0].index.rows().map(|row| row.name().to_owned());
    for name in rows.collect::<Vec<_>>().iter().step_by(step) {
        comparison.ask(false, &[name]);
    }
    comparison.finish();
}
