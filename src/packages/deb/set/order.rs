//! In which order packages are laid and configured.
//!
//! What a package needs comes before it, so that scripts find what they rely
//! on. The order depends on names and relations only, never on the order in
//! which the packages were given.

use super::super::dependency::{atoms, clauses};
use super::super::unpack::Unpacked;
use std::collections::{BTreeMap, BTreeSet};

/// These come first, whatever they need: the folders and accounts of a system are theirs.
const FIRST: [&str; 2] = ["base-files", "base-passwd"];

/// Who needs whom among packages, by position.
pub(super) struct Relations<'a> {
    packages: &'a [Unpacked],
    by_name: BTreeMap<&'a str, Vec<usize>>,
    providers: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Relations<'a> {
    pub(super) fn new(packages: &'a [Unpacked]) -> Self {
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
        Relations { packages, by_name, providers }
    }

    /// The packages of that name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        self.by_name.get(name).into_iter().flatten().copied()
    }

    /// What a package needs, those first that it needs even to be unpacked.
    fn needs(&self, package: usize) -> Vec<usize> {
        let mut needs = self.needs_by(package, "Pre-Depends");
        needs.extend(self.needs_by(package, "Depends"));
        needs
    }

    /// What a package needs by one of its fields: of all alternatives those that are there.
    pub(super) fn needs_by(&self, package: usize, field: &str) -> Vec<usize> {
        let mut needs = Vec::new();
        for clause in clauses(self.packages[package].stanza.get(field).unwrap_or_default()) {
            for atom in &clause.0 {
                let found = self.by_name.get(atom.name).or_else(|| self.providers.get(atom.name));
                needs.extend(found.into_iter().flatten().copied());
            }
        }
        needs
    }

    /// These packages with all that they need, and what that needs.
    pub(super) fn closure(&self, packages: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut todo: Vec<usize> = packages.into_iter().collect();
        let mut closure = BTreeSet::new();
        while let Some(package) = todo.pop() {
            if closure.insert(package) {
                todo.extend(self.needs(package));
            }
        }
        closure
    }
}

/// The positions of the packages in their order.
pub(super) fn order(packages: &[Unpacked]) -> Vec<usize> {
    let relations = Relations::new(packages);
    let mut walk = Walk { relations: &relations, done: Vec::new(), seen: vec![false; packages.len()] };
    for i in FIRST.iter().flat_map(|name| relations.named(name)) {
        walk.seen[i] = true;
        walk.done.push(i);
    }
    let all = || relations.by_name.values().flatten().copied();
    for i in all().filter(|i| packages[*i].stanza.is_essential()).chain(all()) {
        walk.visit(i);
    }
    walk.done
}

struct Walk<'a> {
    relations: &'a Relations<'a>,
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
                *needs = self.relations.needs(*package);
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
