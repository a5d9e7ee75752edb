//! Results of which a part is all that others take.

use super::super::taken::{Part, Taken};
use crate::llb::exec::is_output;
use crate::llb::{Output, Vertex, pb};
use crate::oci::{Digest, Digester};
use crate::tree::{Entry, LinkId, Node, Tree, TreeError, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// The outputs of a command of which something is left out, by the mounts: the paths that are taken.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<usize, BTreeSet<TreePath>>);

impl Parts {
    /// What is taken of a command's outputs. Of one that is told a secret all is kept, or at least looked at.
    pub(super) fn of(vertex: &Vertex, op: &pb::ExecOp, taken: &Taken) -> Self {
        let is_secret = |mount: &pb::Mount| mount.mount_type() == pb::MountType::Secret;
        if !op.secretenv.is_empty() || op.mounts.iter().any(is_secret) {
            return Parts::default();
        }
        let outputs = op.mounts.iter().enumerate().filter(|(_, mount)| is_output(mount));
        let part = |(index, (i, mount)): (u32, (usize, &pb::Mount))| {
            let is_whole = TreePath::from_user(&mount.selector).is_ok_and(|selector| selector.is_root());
            match taken.part(&Output { vertex: vertex.digest, index }) {
                Part::Paths(paths) if is_whole => Some((i, paths)),
                _ => None,
            }
        };
        Parts((0..).zip(outputs).filter_map(part).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths that are taken of what a mount shows; none for all.
    pub(super) fn paths(&self, mount: usize) -> Option<&BTreeSet<TreePath>> {
        self.0.get(&mount)
    }

    /// Names the part of a result that has this name.
    pub(super) fn key(&self, whole: &Digest) -> Digest {
        let mut digester = Digester::new();
        digester.update(b"kiln exec part 1\n");
        digester.update(whole.as_bytes());
        for (mount, paths) in &self.0 {
            digester.update(&(*mount as u64).to_le_bytes());
            digester.update(&(paths.len() as u64).to_le_bytes());
            for path in paths {
                digester.update(&(path.as_bytes().len() as u64).to_le_bytes());
                digester.update(path.as_bytes());
            }
        }
        digester.finish()
    }
}

/// The tree that a command began with, and at these paths, with the folders on the way, what it left: all of it where the
/// way there leads through something else than folders, or ends in a link, which whoever takes it may follow.
pub(in crate::solve) fn part(lower: &Tree, upper: &Tree, paths: &BTreeSet<TreePath>) -> Result<Tree, TreeError> {
    let folders: BTreeSet<TreePath> =
        paths.iter().filter_map(TreePath::parent).flat_map(|folder| folder.ancestors().collect::<Vec<_>>()).collect();
    let is_link = |path: &TreePath| upper.get(path).and_then(Entry::link_target).is_some();
    let is_blocked = |folder: &TreePath| upper.get(folder).is_some_and(|entry| !entry.is_dir());
    if folders.iter().any(is_blocked) || paths.iter().any(is_link) {
        return Ok(upper.clone());
    }
    let mut tree = lower.clone();
    for folder in &folders {
        match upper.get(folder) {
            Some(entry) => drop(tree.insert(folder.clone(), entry.clone())?),
            None => drop(tree.remove(folder)),
        }
    }
    for path in paths {
        tree.remove(path);
        if let Some(entry) = upper.get(path) {
            tree.insert(path.clone(), entry.clone())?;
            for (below, entry) in upper.below(path) {
                tree.insert(below.clone(), entry.clone())?;
            }
        }
    }
    unlink(&mut tree, lower, paths)?;
    Ok(tree)
}

/// Files whose further names are left out have one name, and those that are left have a link of their own.
fn unlink(tree: &mut Tree, lower: &Tree, paths: &BTreeSet<TreePath>) -> Result<(), TreeError> {
    let mut named: BTreeMap<LinkId, Vec<TreePath>> = BTreeMap::new();
    for (path, entry) in tree.iter() {
        let is_taken = || path.ancestors().any(|above| paths.contains(&above));
        if let Node::File { link: Some(link), .. } = entry.node
            && is_taken()
            && lower.get(path) != Some(entry)
        {
            named.entry(link).or_default().push(path.clone());
        }
    }
    for names in named.values() {
        for name in names {
            let Some(Entry { node: Node::File { content, size, .. }, .. }) = tree.get(name) else { continue };
            let link = (names.len() > 1).then(|| LinkId::new(content.as_bytes(), &names[0]));
            let node = Node::File { content: *content, size: *size, link };
            let entry = tree.get(name).map(|entry| Entry { node, ..entry.clone() });
            entry.map(|entry| tree.insert(name.clone(), entry)).transpose()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
