//! Dividing one tree into layers, so that images share those that are alike.
//!
//! The packages of one source package change together, so they are one group.
//! The largest groups get a layer each, and everything else shares the last
//! one. A new version of a large package then costs its users one layer, not
//! all of them, and images with some large packages in common share those
//! layers in registries and on disks.
//!
//! What this heuristic does not see:
//!
//! - Size is not frequency of change: a large package that changes weekly and
//!   one that never does are treated alike.
//! - A group at the edge of the budget may change places with another when
//!   either grows; the shared layer then changes as well.
//! - Folders stand in the layer of everything that is in them, so a folder
//!   whose time or mode changes, changes several layers.
//! - Runtimes that name layers by all that lie below share only a common
//!   beginning. Layers are ordered by name, not by size, so that the order at
//!   least does not change when sizes do.
//!
//! Many files of the user's are divided into [runs]: a changed file then costs
//! the run that it is in, not the whole folder.

use super::cut::Cut;
use crate::tree::{Change, Entry, LinkId, Node, Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a tree, to become a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The groups in it, sorted; those of files that nobody owns have no name and are not listed.
    pub groups: Vec<String>,
    /// Its entries with the folders above them.
    pub change: Change,
}

/// Divides `tree` into at most `budget` parts (at least one), in the order in which they become layers.
///
/// `group_of` tells who owns a path: the name of a source package, for
/// example. Paths without an owner go into the last part, which is where
/// all groups go that get no layer of their own.
pub fn split(tree: &Tree, group_of: impl Fn(&TreePath) -> Option<String>, budget: usize) -> Vec<Part> {
    let owners = owners(tree, group_of);
    let alone = largest(tree, &owners, budget.saturating_sub(1));
    let mut parts: BTreeMap<Option<&str>, (BTreeSet<&str>, BTreeSet<&TreePath>)> = BTreeMap::new();
    for (path, owner) in &owners {
        let own_layer = owner.as_deref().filter(|name| alone.contains(*name));
        let (groups, paths) = parts.entry(own_layer).or_default();
        groups.extend(owner.as_deref());
        paths.insert(path);
    }
    // The shared part has no name and comes first in the map; as a layer it comes last.
    let shared = parts.remove(&None);
    parts.into_values().chain(shared).map(|(groups, paths)| part(tree, &groups, &paths)).collect()
}

/// Fewer bytes of files than two such runs are not divided.
const SMALLEST_RUN: u64 = 16 << 20;

/// Divides `tree` into at most `budget` runs (at least one) of paths that follow one another, each of some size.
pub fn runs(tree: &Tree, budget: usize) -> Vec<Change> {
    let size = |entry: &Entry| 512 + entry.size();
    let total: u64 = tree.iter().map(|(_, entry)| size(entry)).sum();
    if budget < 2 || total < 2 * SMALLEST_RUN {
        return vec![tree.clone().into()];
    }
    let mut cut = Cut { full: SMALLEST_RUN };
    // Most runs are somewhat larger than half of what fills one.
    while cut.full.saturating_mul(budget as u64) / 2 < total {
        cut.full *= 2;
    }
    let (mut runs, mut run, mut filled) = (BTreeMap::new(), 0, 0);
    for (path, entry) in tree.iter() {
        if cut.before(filled, path, size(entry)) && run + 1 < budget {
            (run, filled) = (run + 1, 0);
        }
        filled += size(entry);
        runs.insert(path, format!("{run:03}"));
    }
    split(tree, |path| runs.get(path).cloned(), budget).into_iter().map(|part| part.change).collect()
}

/// The owner of each path that does not come along with others: all but folders that have something in them.
fn owners(tree: &Tree, group_of: impl Fn(&TreePath) -> Option<String>) -> BTreeMap<TreePath, Option<String>> {
    let mut links: BTreeMap<LinkId, Option<String>> = BTreeMap::new();
    let full: BTreeSet<TreePath> = tree.iter().filter_map(|(path, _)| path.parent()).collect();
    let mut owners = BTreeMap::new();
    for (path, entry) in tree.iter() {
        if entry.is_dir() && full.contains(path) {
            continue;
        }
        let owner = match &entry.node {
            // All paths of one file are in one layer, or it would be two files.
            Node::File { link: Some(id), .. } => links.entry(*id).or_insert_with(|| group_of(path)).clone(),
            _ => group_of(path),
        };
        owners.insert(path.clone(), owner);
    }
    owners
}

/// The names of the `count` groups with the most bytes; of equals, the first names.
fn largest(tree: &Tree, owners: &BTreeMap<TreePath, Option<String>>, count: usize) -> BTreeSet<String> {
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut counted: BTreeSet<LinkId> = BTreeSet::new();
    for (path, owner) in owners {
        let (Some(owner), Some(entry)) = (owner, tree.get(path)) else { continue };
        let is_counted = matches!(&entry.node, Node::File { link: Some(id), .. } if !counted.insert(*id));
        // Each entry costs a header, too.
        *sizes.entry(owner).or_default() += 512 + if is_counted { 0 } else { entry.size() };
    }
    let mut sizes: Vec<(&str, u64)> = sizes.into_iter().collect();
    sizes.sort_by(|(a, a_size), (b, b_size)| b_size.cmp(a_size).then_with(|| a.cmp(b)));
    sizes.into_iter().take(count).map(|(name, _)| name.to_owned()).collect()
}

fn part(tree: &Tree, groups: &BTreeSet<&str>, paths: &BTreeSet<&TreePath>) -> Part {
    let mut entries: BTreeMap<TreePath, Entry> = BTreeMap::new();
    for path in paths {
        for above in std::iter::once(TreePath::root()).chain(path.ancestors()) {
            if let Some(entry) = tree.get(&above) {
                entries.entry(above).or_insert_with(|| entry.clone());
            }
        }
    }
    let entries: Tree = entries.into_iter().collect();
    Part { groups: groups.iter().map(|name| (*name).to_owned()).collect(), change: entries.into() }
}

#[cfg(test)]
mod tests;
