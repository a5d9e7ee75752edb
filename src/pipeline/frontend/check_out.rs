//! The command that makes the tree of a commit as the lock pins it, of what a daemon's git checked out.
//!
//! A checkout has modes that depend on the daemon's umask, times of its own, and traces of submodules. What is left is what is
//! in the commit, and its digest is that of the lock or nothing is used.

use super::bring::{OUTPUTS, put, read_folder};
use crate::pipeline::error::Error;
use crate::pipeline::locking;
use crate::pipeline::project::Project;
use crate::pipeline::session::Session;
use crate::plan::LockedCommit;
use crate::store::Store;
use crate::tree::{Entry, Node, Tree, TreeError, TreePath};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder with one for each checkout: of the repository, and of its submodules in the order of the lock.
pub(super) const CHECKOUTS: &str = "/run/kiln/checkouts";

/// The name under which git keeps its own, and which nothing in a commit has.
const GIT: &[u8] = b".git";

/// What is checked out.
#[derive(Debug, Clone)]
pub struct CheckOutOptions {
    /// The spec.
    pub spec: PathBuf,
    /// The values of its args.
    pub args: BTreeMap<String, String>,
    /// The source.
    pub source: String,
}

/// Makes the tree of a source's commit in its folder.
///
/// # Errors
/// Where it is another one than the lock's.
pub fn check_out(session: &Session<'_>, options: &CheckOutOptions) -> Result<(), Error> {
    let project = Project::load(&options.spec, &options.args)?;
    let mut texts = project.sources.clone();
    let lock = locking::unseen(&project, &locking::buildable(&project, &mut texts)?)?;
    let missing = || Error::Mistake(format!("the lock has no commit of source {}", options.source));
    let locked = lock.commit(&options.source).ok_or_else(missing)?;
    let tree = checked(locked, Path::new(CHECKOUTS), &session.store)?;
    put(&tree, &session.store, &Path::new(OUTPUTS).join("0"))
}

/// The tree that the lock pins, of the checkouts in a folder.
fn checked(locked: &LockedCommit, checkouts: &Path, store: &Store) -> Result<Tree, Error> {
    let checkout = |number: usize| Ok::<_, Error>(plain(&read_folder(store, &checkouts.join(number.to_string()))?));
    let mut tree = checkout(0)?;
    for (number, module) in locked.submodules.iter().enumerate() {
        let at = TreePath::new(&module.path).map_err(TreeError::from)?;
        tree.make_dirs(&at, &Entry::dir(0o755))?;
        tree.clear(&at);
        tree.graft(&at, &checkout(number + 1)?)?;
    }
    let below = TreePath::new(&locked.subdir).map_err(TreeError::from)?;
    if !below.is_root() {
        tree = tree.subtree(&below).iter().filter(|(path, _)| !path.is_root()).map(owned).collect();
    }
    let found = tree.save(store)?;
    if found != locked.tree {
        return Err(Error::Usage(format!(
            "source {}: the lock says that the tree of commit {} is {}, but the daemon's git made {found} of it: git's \
             attributes may ask it to change files (ends of lines, LFS), as `kiln build` never does; otherwise the lock was \
             changed by hand, or another commit goes by the same name",
            locked.source, locked.commit, locked.tree
        )));
    }
    Ok(tree)
}

/// A checkout without what is not in the commit: git's own, what is in submodules, owners, times, and all of the mode but
/// whether a file is a program.
fn plain(checkout: &Tree) -> Tree {
    let entries = checkout.iter().filter(|(path, _)| !path.is_root());
    let mut tree: Tree = entries.filter_map(|(path, entry)| Some((path.clone(), bare(entry)?))).collect();
    let traces = tree.iter().map(|(path, _)| path).filter(|path| path.file_name() == Some(GIT));
    for trace in traces.cloned().collect::<Vec<_>>() {
        match trace.parent().filter(|module| !module.is_root()) {
            Some(module) => tree.clear(&module),
            None => drop(tree.remove(&trace)),
        }
    }
    tree
}

fn owned((path, entry): (&TreePath, &Entry)) -> (TreePath, Entry) {
    (path.clone(), entry.clone())
}

/// What a commit can hold of an entry.
fn bare(entry: &Entry) -> Option<Entry> {
    match &entry.node {
        Node::Dir => Some(Entry::dir(0o755)),
        Node::File { content, size, .. } => {
            let mode = if entry.mode & 0o100 == 0 { 0o644 } else { 0o755 };
            Some(Entry::file(*content, *size, mode))
        }
        Node::Symlink { target } => Some(Entry::symlink(target)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
