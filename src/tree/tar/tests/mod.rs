mod attacks;
mod decompressing;
mod reading;
mod writing;

use super::fixtures::Archive;
use super::*;
use crate::store::Store;
use crate::tree::{Change, Entry, Node, Tree, TreePath};

pub(super) fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

pub(super) fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn read_with(archive: &[u8], options: &Options<'_>) -> Result<Change, TarError> {
    let (_folder, store) = store();
    read(archive, &store, options)
}

fn read_plain(archive: &[u8]) -> Result<Change, TarError> {
    read_with(archive, &Options::default())
}

fn layer_options() -> Options<'static> {
    Options { whiteouts: true, ..Options::default() }
}

/// The paths of a tree, links with their targets.
fn listing(tree: &Tree) -> Vec<String> {
    tree.iter()
        .map(|(path, entry)| match &entry.node {
            Node::Symlink { target } => format!("{path} -> {}", String::from_utf8_lossy(target)),
            Node::Dir => format!("{path}/"),
            _ => path.to_string(),
        })
        .collect()
}
