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

#[test]
#[ignore = "needs a folder with the packages of trixie, named by KILN_TEST_DEBS"]
#[expect(clippy::disallowed_methods, reason = "where a test finds its packages")]
fn scripts_are_emulated_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let place = std::env::var_os("KILN_TEST_STORE").map_or(folder.path().to_owned(), Into::into);
    let store = Store::open(place).unwrap();
    let mut packages = BTreeMap::new();
    for (_, package) in fixtures::real(&store, &[]) {
        let stanza = unpack(&store, &package).unwrap().stanza;
        packages.insert(package.name.clone(), (package, stanza));
    }
    let mut providers = BTreeMap::new();
    for (name, (_, stanza)) in &packages {
        for atom in atoms(stanza.get("Provides").unwrap_or_default()) {
            providers.entry(atom.name.to_owned()).or_insert_with(|| name.clone());
        }
    }
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
}
