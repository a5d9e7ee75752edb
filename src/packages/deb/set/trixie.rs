//! Varied packages of trixie: each, with all that it needs, becomes a set, or its scripts are reported.

use super::*;
use crate::http::{Client, Settings};
use crate::packages::deb::tests::{VARIED, source, wanted};
use crate::packages::deb::{Request, Resolved, Wanted, Wish, fetch, open_indexes};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The scripts that are reported: package, script, and a part of
/// the reason. Who teaches kiln one of them takes its row away; a row that is added here is a package that is lost.
const REPORTED: &[(&str, &str, &str)] = &[
    // Written in Perl.
    ("dictionaries-common", "config", "`/usr/bin/perl`"),
    ("postfix", "config", "`/usr/bin/perl`"),
    // They call programs in Perl that keep registers: of dictionaries, of SGML and XML catalogues, of parsers.
    ("dictionaries-common", "postinst", "`update-dictcommon-hunspell`"),
    ("hunspell-en-us", "postinst", "`update-dictcommon-hunspell`"),
    ("libxml-libxml-perl", "postinst", "`update-perl-sax-parsers`"),
    ("libxml-sax-perl", "postinst", "`update-perl-sax-parsers`"),
    ("polkitd", "postinst", "`update-xmlcatalog`"),
    ("sgml-base", "postinst", "`update-catalog`"),
    ("xml-core", "postinst", "`update-xmlcatalog`"),
    // They run the very programs that they install.
    ("cups", "postinst", "`lpstat`"),
    ("ghc", "postinst", "`/usr/lib/ghc/"),
    ("libgvc6", "postinst", "`libgvc6-config-update`"),
    ("octave", "postinst", "`/usr/bin/octave`"),
    ("postfix", "postinst", "`postconf`"),
    ("texinfo", "postinst", "`kpsewhich`"),
    // They make files by tools that are not emulated.
    ("exim4-config", "postinst", "`awk`"),
    ("fonts-urw-base35", "postinst", "`update-gsfontmap`"),
    ("nmap-common", "postinst", "`tac`"),
    ("vim-runtime", "postinst", "`helpztags`"),
    ("wordpress", "postinst", "`getopt`"),
    ("phpmyadmin", "postinst", "`getopt`"),
    // They make secrets or data of one machine.
    ("bind9", "postinst", "`rndc-confgen`"),
    ("mariadb-server", "postinst", "`bash`"),
    ("phpmyadmin", "config", "`dd`"),
    // They configure a running Apache.
    ("javascript-common", "postinst", "a source or a target is missing"),
    ("libapache2-mod-php8.4", "postinst", "`a2dismod`"),
];

/// Left out, as they bring gigabytes and no kind of script that others do not have.
const HUGE: [&str; 7] = ["blender", "chromium", "gnome-shell", "kicad", "linux-image-amd64", "plasma-desktop", "qgis"];

/// Which row speaks of a problem.
fn row(problem: &ScriptProblem) -> Option<usize> {
    REPORTED.iter().position(|(package, script, reason)| {
        problem.package == *package && problem.script == *script && problem.reason.contains(reason)
    })
}

/// Whether the message says where each problem is and what can be done.
fn is_clear(error: &SetError, problems: &[ScriptProblem]) -> bool {
    let message = error.to_string();
    let choices = ["leave the package out", "`scripts \"skip\"", "scripts=\"run\"`"];
    let is_placed = |p: &ScriptProblem| match p.line {
        // A program in another language stops nobody at a line.
        0 => p.reason.starts_with("it is a program for"),
        line => message.contains(&format!("the {} script of {}, line {line}", p.script, p.package)),
    };
    problems.iter().all(|p| message.contains(&p.to_string()) && is_placed(p))
        && choices.iter().all(|choice| message.contains(choice))
}

/// What each of the varied packages needs, with all of it in the store.
async fn plans(store: &Store) -> Vec<(&'static str, Vec<LockedPackage>)> {
    #[expect(clippy::disallowed_methods, reason = "a real archive holds for the real time")]
    let now = jiff::Timestamp::now();
    let http = Client::new(Settings::default()).unwrap();
    let sources = [source("trixie")];
    let indexes = open_indexes(&http, store, &sources, "amd64", now).await.unwrap();
    let resolve = |name: &&'static str| {
        let request = Request { wishes: vec![Wish::named(*name)], ..Request::default() };
        (*name, indexes.resolve(&request).unwrap().packages)
    };
    let plans: Vec<(&str, Vec<Resolved>)> = VARIED.iter().filter(|name| !HUGE.contains(name)).map(resolve).collect();
    let all: BTreeMap<Digest, &Resolved> =
        plans.iter().flat_map(|(_, plan)| plan).map(|package| (package.locked.sha256, package)).collect();
    let archives: Vec<Wanted<'_>> = all.values().map(|package| wanted(package, &sources, &indexes)).collect();
    fetch(&http, store, &archives, &|_| {}).await.unwrap();
    let locked = |plan: Vec<Resolved>| plan.into_iter().map(|package| package.locked).collect();
    plans.into_iter().map(|(name, plan)| (name, locked(plan))).collect()
}

/// Composes a set: the scripts that stand against it, clearly said. Nothing else may.
fn problems(store: &Store, name: &str, plan: &[LockedPackage]) -> Vec<ScriptProblem> {
    let Err(error) = compose(store, plan, &Options::new("amd64"), None) else { return Vec::new() };
    match &error {
        SetError::Scripts(problems) if is_clear(&error, problems) => problems.clone(),
        _ => panic!("{name}: {error}"),
    }
}

#[tokio::test]
#[ignore = "needs a Debian mirror; takes minutes and gigabytes of disk"]
#[expect(clippy::disallowed_methods, reason = "a store that lasts, for whoever works on the scripts")]
async fn scripts_of_trixie_are_emulated_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let place = std::env::var_os("KILN_TEST_STORE").map_or(folder.path().to_owned(), Into::into);
    let store = Store::open(place).unwrap();
    let plans = plans(&store).await;
    // All at once, so that the largest do not come one by one at the ends of their sets.
    let all: BTreeMap<Digest, LockedPackage> =
        plans.iter().flat_map(|(_, plan)| plan).map(|package| (package.sha256, package.clone())).collect();
    unpack_all(&store, &all.into_values().collect::<Vec<_>>()).unwrap();

    let results: Vec<Vec<ScriptProblem>> =
        plans.par_iter().with_max_len(1).map(|(name, plan)| problems(&store, name, plan)).collect();

    let whole = results.iter().filter(|problems| problems.is_empty()).count();
    eprintln!("{whole} of {} packages become sets", results.len());
    let found = || results.iter().flatten();
    let unexpected: BTreeSet<String> = found().filter(|p| row(p).is_none()).map(ToString::to_string).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let seen: BTreeSet<usize> = found().filter_map(row).collect();
    let gone: Vec<_> = REPORTED.iter().enumerate().filter(|(i, _)| !seen.contains(i)).map(|(_, row)| row).collect();
    assert!(gone.is_empty(), "no longer reported: {gone:#?}");
}
