//! One `/usr`: what packages ship in `/bin`, `/sbin` and `/lib*` goes to `/usr`, and links stand in its place.
//!
//! From trixie on packages do so themselves and `base-files` brings the links.
//! Older ones still name the old places, which their systems link to `/usr` as
//! well; dpkg then writes through the links. The result is the same here: the
//! path is changed and nothing else. Targets of symbolic links are kept as they
//! are, because they too are resolved through the links on such systems, and
//! hard links are kept because all names of a file move alike.

use crate::tree::TreePath;

/// The folders that are links to those of the same name in `/usr`.
pub(super) const MERGED: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];

/// Where an entry of a package comes to stand.
///
/// The folders themselves are entries too: a directory `/bin` is the directory
/// `/usr/bin`, while a link `/bin` stays the link that it is.
pub(super) fn merged(path: &TreePath, is_dir: bool) -> TreePath {
    let first = path.parts().next().unwrap_or_default();
    let moves = MERGED.iter().any(|folder| folder.as_bytes() == first) && (path.depth() > 1 || is_dir);
    if !moves {
        return path.clone();
    }
    // Longer by four bytes only: what was a path stays one, but for the very longest.
    TreePath::new([b"usr/", path.as_bytes()].concat()).unwrap_or_else(|_| path.clone())
}
