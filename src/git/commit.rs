//! Names of objects.

use std::fmt;
use std::str::FromStr;

/// The whole name of a commit: 40 hexadecimal digits, or 64 in a repository with SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// The digits, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that stands in a tree as so many bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        CommitId(crate::oci::hex(bytes))
    }

    /// How many bytes a name has in the same repository.
    pub(super) fn width(&self) -> usize {
        self.0.len() / 2
    }

    /// What git calls the algorithm.
    pub(super) fn object_format(&self) -> &'static str {
        if self.width() == 32 { "sha256" } else { "sha1" }
    }
}

impl FromStr for CommitId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits && matches!(text.len(), 40 | 64) { Ok(CommitId(text.to_ascii_lowercase())) } else { Err(()) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
