//! Real packages of trixie: each with all that it needs becomes a set, or says which scripts stand against it.

use super::super::dependency::{atoms, clauses};
use super::super::fixtures;
use super::super::unpack::unpack;
use super::*;
use std::collections::BTreeMap;

/// The closure of a package's needs among those that are there, by the first choice of each clause.
fn closure<'a>(
    packages: &'a BTreeMap<String, (LockedPackage, Stanza)>,
    providers: &BTreeMap<String, String>,
    start: &str,
) -> Vec<&'a LockedPackage> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![start.to_owned()];
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let stanza = &packages[&name].1;
        for field in ["Pre-Depends", "Depends"] {
            for clause in clauses(stanza.get(field).unwrap_or_default()) {
                let find = |n: &str| packages.get_key_value(n).map(|(n, _)| n.clone()).or(providers.get(n).cloned());
                todo.extend(clause.0.iter().find_map(|atom| find(atom.name)));
            }
        }
    }
    seen.iter().map(|name| &packages[name].0).collect()
}

/// All packages of the folder, by name, and who provides what.
struct Archive {
    packages: BTreeMap<String, (LockedPackage, Stanza)>,
    providers: BTreeMap<String, String>,
}

impl Archive {
    fn open(store: &Store, names: &[&str]) -> Self {
        let mut packages = BTreeMap::new();
        for (_, package) in fixtures::real(store, names) {
            let stanza = unpack(store, &package).unwrap().stanza;
            packages.insert(package.name.clone(), (package, stanza));
        }
        let mut providers = BTreeMap::new();
        for (name, (_, stanza)) in &packages {
            for atom in atoms(stanza.get("Provides").unwrap_or_default()) {
                providers.entry(atom.name.to_owned()).or_insert_with(|| name.clone());
            }
        }
        Archive { packages, providers }
    }
}

/// What a small system is made of, by the names that it has on Debian 12.
const NAMES: [&str; 14] = [
    "base-files",
    "base-passwd",
    "libc-bin",
    "libc6",
    "libgcc-s1",
    "gcc-12-base",
    "mawk",
    "libcrypt1",
    "zlib1g",
    "netbase",
    "tzdata",
    "debconf",
    "openssl",
    "libssl3",
];

#[test]
#[ignore = "needs a Debian machine: real packages, apt, dpkg and ldconfig"]
fn dpkg_and_ldconfig_are_content() {
    use crate::tree::materialise::{Options as Placing, materialise};
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let archive = Archive::open(&store, &NAMES);
    let wanted: BTreeSet<String> = ["base-files", "base-passwd", "libc-bin", "netbase", "tzdata", "openssl"]
        .iter()
        .flat_map(|name| closure(&archive.packages, &archive.providers, name))
        .map(|package| package.name.clone())
        .collect();
    let packages: Vec<LockedPackage> = wanted.iter().map(|name| archive.packages[name].0.clone()).collect();
    let options = Options { database: Database::Full, ..Options::new("amd64") };
    let set = compose(&store, &packages, &options, None).unwrap();
    let root = folder.path().join("root");
    materialise(&set.tree, &store, &root, Placing { later_times: true, ..Placing::default() }).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).env("LC_ALL", "C").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let place = format!("--root={}", root.display());
    assert_eq!(run("dpkg", &[&place, "--audit"]), (true, String::new()));
    assert_eq!(run("dpkg", &[&place, "-V"]), (true, String::new()));
    let (_, list) = run("dpkg", &[&place, "-l"]);
    assert_eq!(list.lines().filter(|line| line.starts_with("ii ")).count(), packages.len(), "{list}");
    // What our cache says and what ldconfig's own says is the same.
    let cache = root.join("etc/ld.so.cache");
    let ours = run("ldconfig", &["-p", "-C", &cache.display().to_string()]).1;
    std::fs::remove_file(&cache).unwrap();
    run("ldconfig", &["-X", "-r", &root.display().to_string()]);
    let theirs = run("ldconfig", &["-p", "-C", &cache.display().to_string()]).1;
    let libraries =
        |text: &str| -> Vec<String> { text.lines().filter(|line| line.starts_with('\t')).map(str::to_owned).collect() };
    assert!(!libraries(&ours).is_empty());
    assert_eq!(libraries(&ours), libraries(&theirs));
}

#[test]
#[ignore = "needs a Debian machine: real packages of its apt, or of a folder that KILN_TEST_DEBS names"]
#[expect(clippy::disallowed_methods, reason = "where a test finds its packages")]
fn scripts_are_emulated_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let place = std::env::var_os("KILN_TEST_STORE").map_or(folder.path().to_owned(), Into::into);
    let store = Store::open(place).unwrap();
    let Archive { packages, providers } = Archive::open(&store, &NAMES);
    let wanted: Vec<String> = match std::env::var("KILN_TEST_PACKAGES") {
        Ok(names) => names.split_whitespace().map(str::to_owned).collect(),
        Err(_) => packages.keys().cloned().collect(),
    };
    let mut problems = BTreeSet::new();
    let mut good = 0;
    for name in &wanted {
        let set: Vec<LockedPackage> = closure(&packages, &providers, name).into_iter().cloned().collect();
        let started = std::time::Instant::now();
        match compose(&store, &set, &Options::new("amd64"), None) {
            Ok(set) => {
                good += 1;
                for warning in &set.warnings {
                    problems.insert(format!("warning {}: {}", warning.package, warning.text));
                }
                eprintln!(
                    "{name}: {} packages, {} entries, {:?}",
                    set.packages.len(),
                    set.tree.len(),
                    started.elapsed()
                );
            }
            Err(SetError::Scripts(found)) => {
                eprintln!("{name}: {} scripts stand against it", found.len());
                problems.extend(found.iter().map(ToString::to_string));
            }
            Err(other) => {
                problems.insert(format!("ERROR {name}: {other}"));
            }
        }
    }
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    eprintln!("{good} of {} sets", wanted.len());
    // A script may be beyond emulation, which is then said; nothing else may stand in the way.
    assert!(!problems.iter().any(|problem| problem.starts_with("ERROR")));
    assert!(good > 0);
}
