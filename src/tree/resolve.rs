//! Following symbolic links inside a tree, which is the whole world to them.

use super::{Tree, TreeError, TreePath};
use std::collections::VecDeque;

/// As many links as Linux follows before it gives up.
const MAX_LINKS: usize = 40;

impl Tree {
    /// Where a path leads when all symbolic links on the way and at its end are followed.
    ///
    /// The tree's root is the end of the world: absolute targets begin there
    /// and `..` goes no higher. Parts that do not exist are kept as they are, so
    /// the result may name something that is still to be made.
    ///
    /// # Errors
    /// [`TreeError::Links`] for a circle, [`TreeError::Path`] for a part that is too long.
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Result<TreePath, TreeError> {
        self.follow(path.as_ref(), true)
    }

    /// As [`resolve`](Self::resolve), but a link at the end of the path is not followed.
    pub fn resolve_parent(&self, path: impl AsRef<[u8]>) -> Result<TreePath, TreeError> {
        self.follow(path.as_ref(), false)
    }

    fn follow(&self, path: &[u8], last: bool) -> Result<TreePath, TreeError> {
        let mut todo: VecDeque<Vec<u8>> = parts(path).collect();
        let mut here = TreePath::root();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == b".." {
                here = here.parent().unwrap_or_else(TreePath::root);
                continue;
            }
            let next = here.join(&part)?;
            let follow = last || !todo.is_empty();
            let Some(target) = self.get(&next).and_then(super::Entry::link_target).filter(|_| follow) else {
                here = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(TreeError::Links { path: String::from_utf8_lossy(path).into_owned() });
            }
            if target.starts_with(b"/") {
                here = TreePath::root();
            }
            for part in parts(target).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(here)
    }
}

fn parts(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}
