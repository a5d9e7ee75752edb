//! Paths inside a tree.

use std::borrow::Borrow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// A path from the root of a tree: clean, relative, in bytes; the root is the empty path.
///
/// The order is that of the bytes, in which a folder comes before what is in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Arc<[u8]>);

/// Why bytes are no path of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It has `..`, or another part that no file can be called.
    #[error("the path `{0}` is refused: it has an empty part, `.`, `..` or a NUL byte, or begins with `/`")]
    Unclean(String),
    /// It or a part of it is longer than Linux allows.
    #[error("the path `{0}…` is refused: Linux allows 4095 bytes, and 255 for each part")]
    TooLong(String),
}

impl TreePath {
    /// The root.
    pub fn root() -> Self {
        TreePath(Arc::from([]))
    }

    /// A path from its bytes, without a slash in front.
    ///
    /// # Errors
    /// Where a part is empty, `.`, `..`, has a NUL byte or is too long.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let bytes = bytes.as_ref();
        let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        if bytes.len() > 4095 || bytes.split(|b| *b == b'/').any(|part| part.len() > 255) {
            return Err(PathError::TooLong(shown()));
        }
        let unclean = |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.contains(&0);
        if bytes.split(|b| *b == b'/').any(unclean) {
            return Err(PathError::Unclean(shown()));
        }
        Ok(TreePath(Arc::from(bytes)))
    }

    /// A path as users write it: slashes in front, behind or doubled and `.` parts do not count.
    ///
    /// # Errors
    /// As [`new`](Self::new); `..` is refused.
    pub fn from_user(text: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let parts: Vec<&[u8]> =
            text.as_ref().split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
        Self::new(parts.join(&b'/'))
    }

    /// The bytes, without a slash in front.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path for use below a folder on disk.
    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(OsStr::from_bytes(self.as_bytes()))
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How many parts it has; the root has none.
    pub fn depth(&self) -> usize {
        if self.is_root() { 0 } else { self.0.iter().filter(|b| **b == b'/').count() + 1 }
    }

    /// The parts, from the root down.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|part| !part.is_empty())
    }

    /// The last part; none for the root.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.parts().next_back()
    }

    /// The folder that holds it; none for the root.
    pub fn parent(&self) -> Option<TreePath> {
        self.parent_bytes().map(|bytes| TreePath(Arc::from(bytes)))
    }

    /// The bytes of the folder that holds it; none for the root.
    pub(super) fn parent_bytes(&self) -> Option<&[u8]> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(&self.0[..end])
    }

    /// All folders on the way, from below the root down to the path itself.
    pub fn ancestors(&self) -> impl Iterator<Item = TreePath> + '_ {
        let ends = self.0.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i);
        let own = (!self.is_root()).then_some(self.0.len());
        ends.chain(own).map(|end| TreePath(Arc::from(&self.0[..end])))
    }

    /// The path one part deeper.
    ///
    /// # Errors
    /// Where `part` is no clean single part.
    pub fn join(&self, part: impl AsRef<[u8]>) -> Result<TreePath, PathError> {
        let part = part.as_ref();
        if part.is_empty() || part.contains(&b'/') {
            return Err(PathError::Unclean(String::from_utf8_lossy(part).into_owned()));
        }
        if self.is_root() { Self::new(part) } else { Self::new([self.as_bytes(), b"/", part].concat()) }
    }

    /// This path and then `other`.
    pub fn join_path(&self, other: &TreePath) -> TreePath {
        match (self.is_root(), other.is_root()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => TreePath(Arc::from([self.as_bytes(), b"/", other.as_bytes()].concat())),
        }
    }

    /// Whether it is `folder` or below it.
    pub fn starts_with(&self, folder: &TreePath) -> bool {
        folder.is_root()
            || self.0.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }

    /// The path as seen from `folder`; none where it is not below it.
    pub fn relative_to(&self, folder: &TreePath) -> Option<TreePath> {
        if !self.starts_with(folder) {
            return None;
        }
        let rest = &self.0[folder.0.len()..];
        Some(TreePath(Arc::from(rest.strip_prefix(b"/").unwrap_or(rest))))
    }
}

impl Borrow<[u8]> for TreePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for TreePath {
    /// With a slash in front; bytes that are no UTF-8 are shown as `\xNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/")?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
