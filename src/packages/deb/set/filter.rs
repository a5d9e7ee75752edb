//! What is left out of packages: documentation that nobody reads in a container.
//!
//! Copyright files always stay: whoever passes software on must pass on its licence.

use super::Keep;
use crate::tree::{Entry, Tree, TreePath};
use std::collections::BTreeSet;

/// What belongs to `keep "man"`.
const MAN: [&str; 2] = ["usr/share/man", "usr/share/info"];

/// What belongs to `keep "doc"`.
const DOC: [&str; 8] = [
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/gtk-doc",
    "usr/share/help",
    "usr/share/gnome/help",
    "usr/share/lintian",
    "usr/share/linda",
    "usr/share/bug",
];

/// What belongs to `keep "locale"`.
const LOCALE: [&str; 1] = ["usr/share/locale"];

/// Where the documentation of packages is.
const DOC_FOLDER: &str = "usr/share/doc";

/// The file of other names for locales that programs read; it is no translation.
const LOCALE_ALIAS: &str = "usr/share/locale/locale.alias";

/// The folders of which something is left out.
pub(super) fn folders(keep: Keep) -> impl Iterator<Item = &'static str> {
    let groups: [(bool, &[&str]); 3] = [(keep.man, &MAN), (keep.doc, &DOC), (keep.locale, &LOCALE)];
    groups.into_iter().filter(|(keep, _)| !keep).flat_map(|(_, folders)| folders.iter().copied())
}

/// Decides what of one package is laid.
pub(super) struct Filter<'a> {
    left_out: Vec<TreePath>,
    tree: &'a Tree,
    /// Where copyright files that are links lead.
    targets: BTreeSet<TreePath>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(keep: Keep, tree: &'a Tree) -> Self {
        let path = |folder: &'static str| TreePath::new(folder).expect("the folders are clean paths");
        let doc = path(DOC_FOLDER);
        let is_link =
            |(p, e): &(&TreePath, &Entry)| e.link_target().is_some() && p.file_name().is_some_and(is_copyright);
        let targets = tree.below(&doc).filter(is_link).filter_map(|(p, _)| tree.resolve(p.as_bytes()).ok()).collect();
        Filter { left_out: folders(keep).map(path).collect(), tree, targets }
    }

    /// Whether an entry of the package, with its path on a merged `/usr`, is left out.
    pub(super) fn leaves_out(&self, path: &TreePath, entry: &Entry) -> bool {
        let Some(folder) = self.left_out.iter().find(|folder| path.starts_with(folder)) else { return false };
        // The folder itself stays where a package has it: it has an owner and a mode of its own.
        if path == folder || path.as_bytes() == LOCALE_ALIAS.as_bytes() {
            return false;
        }
        if folder.as_bytes() == DOC_FOLDER.as_bytes() {
            return !self.is_for_copyright(path, entry);
        }
        true
    }

    /// Whether an entry stands below a folder of which something is left out.
    pub(super) fn looks_at(&self, path: &TreePath) -> bool {
        self.left_out.iter().any(|folder| path != folder && path.starts_with(folder))
    }

    /// Whether it is a copyright file, leads to one, or holds one.
    fn is_for_copyright(&self, path: &TreePath, entry: &Entry) -> bool {
        if path.file_name().is_some_and(is_copyright) {
            return true;
        }
        // `/usr/share/doc/PACKAGE` may be a link to the folder of another package.
        if entry.link_target().is_some() {
            return path.depth() == DOC_FOLDER.split('/').count() + 1 || self.targets.contains(path);
        }
        if entry.is_dir() {
            let counts = |p: &TreePath| p.file_name().is_some_and(is_copyright) || self.targets.contains(p);
            return self.tree.below(path).any(|(p, e)| !e.is_dir() && counts(p));
        }
        self.targets.contains(path)
    }
}

pub(super) fn is_copyright(name: &[u8]) -> bool {
    name == b"copyright" || name.starts_with(b"copyright.")
}
