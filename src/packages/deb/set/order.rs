//! In which order packages are laid and configured.
//!
//! What a package needs comes before it, so that scripts find what they rely
//! on. The order depends on names and relations only, never on the order in
//! which the packages were given.

use super::super::dependency::{atoms, clauses};
use super::super::unpack::Unpacked;
use std::collections::BTreeMap;

/// These come first, whatever they need: the folders and accounts of a system are theirs.
const FIRST: [&str; 2] = ["base-files", "base-passwd"];

/// The positions of the packages in their order.
pub(super) fn order(packages: &[Unpacked]) -> Vec<usize> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, package) in packages.iter().enumerate() {
        by_name.entry(package.stanza.name()).or_default().push(i);
    }
    let mut providers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for i in by_name.values().flatten() {
        for atom in atoms(packages[*i].stanza.get("Provides").unwrap_or_default()) {
            providers.entry(atom.name).or_default().push(*i);
        }
    }
    let mut walk = Walk {
        packages,
        by_name: &by_name,
        providers: &providers,
        done: Vec::new(),
        seen: vec![false; packages.len()],
    };
    for name in FIRST {
        for i in by_name.get(name).into_iter().flatten() {
            walk.seen[*i] = true;
            walk.done.push(*i);
        }
    }
    let all = || by_name.values().flatten().copied();
    for i in all().filter(|i| packages[*i].stanza.is_essential()).chain(all()) {
        walk.visit(i);
    }
    walk.done
}

struct Walk<'a> {
    packages: &'a [Unpacked],
    by_name: &'a BTreeMap<&'a str, Vec<usize>>,
    providers: &'a BTreeMap<&'a str, Vec<usize>>,
    done: Vec<usize>,
    seen: Vec<bool>,
}

impl Walk<'_> {
    /// Adds a package behind all that it needs; a circle is cut where it was entered.
    fn visit(&mut self, start: usize) {
        // A stack of its own: chains of dependencies can be long.
        let mut stack = vec![(start, Vec::new(), false)];
        while let Some((package, needs, begun)) = stack.last_mut() {
            if !*begun {
                *begun = true;
                if std::mem::replace(&mut self.seen[*package], true) {
                    stack.pop();
                    continue;
                }
                *needs = needs_of(self.packages, self.by_name, self.providers, *package);
                needs.reverse();
            }
            match needs.pop() {
                Some(next) => stack.push((next, Vec::new(), false)),
                None => {
                    self.done.push(*package);
                    stack.pop();
                }
            }
        }
    }
}

/// What a package needs, those first that it needs even to be unpacked.
fn needs_of(
    packages: &[Unpacked],
    by_name: &BTreeMap<&str, Vec<usize>>,
    providers: &BTreeMap<&str, Vec<usize>>,
    package: usize,
) -> Vec<usize> {
    let mut needs = Vec::new();
    for field in ["Pre-Depends", "Depends"] {
        for clause in clauses(packages[package].stanza.get(field).unwrap_or_default()) {
            for atom in &clause.0 {
                let found = by_name.get(atom.name).or_else(|| providers.get(atom.name));
                needs.extend(found.into_iter().flatten().copied());
            }
        }
    }
    needs
}
