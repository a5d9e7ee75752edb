//! Which paths of a tree are one file.

use super::{Entry, LinkId, Node, TreePath};
use std::collections::BTreeMap;

/// Finds the first path of files that have several, while a tree is gone through in order.
#[derive(Default)]
pub(super) struct HardLinks<'a> {
    files: BTreeMap<LinkId, Vec<(&'a TreePath, &'a Entry)>>,
}

impl<'a> HardLinks<'a> {
    /// The path under which the file was met before; none the first time and for files with one path.
    pub(super) fn first_path(&mut self, path: &'a TreePath, entry: &'a Entry) -> Option<&'a TreePath> {
        let Node::File { link: Some(id), .. } = &entry.node else { return None };
        // Equal ids with other metadata are other files; more than one of them is rare.
        let files = self.files.entry(*id).or_default();
        let known = files.iter().find(|(_, e)| *e == entry).map(|(p, _)| *p);
        if known.is_none() {
            files.push((path, entry));
        }
        known
    }
}
