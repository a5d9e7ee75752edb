//! The account files of a tree, as both owners of files and users of commands are looked up in them.

use super::file::FileError;
use crate::store::Store;
use crate::tree::{Entry, Tree};

/// The most that an account file may have.
const LIMIT: u64 = 16 << 20;

/// Where users stand: name, password, number, group, and further fields.
pub(super) const PASSWD: &str = "/etc/passwd";
/// Where groups stand: name, password, number, members.
pub(super) const GROUP: &str = "/etc/group";

/// An account file.
#[derive(Debug)]
pub(super) struct Accounts {
    file: &'static str,
    text: String,
}

impl Accounts {
    /// Reads an account file; where the tree has none, it is empty.
    pub(super) fn read(tree: &Tree, file: &'static str, store: &Store) -> Result<Self, FileError> {
        let path = tree.resolve(file)?;
        let content = tree.get(&path).and_then(Entry::content);
        let bytes = content.map_or(Ok(Vec::new()), |content| store.read(content, LIMIT))?;
        Ok(Accounts { file, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// The fields of each line.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<&str>> {
        let lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.split(':').collect())
    }

    /// The first line of that name; `kind` is what it names.
    pub(super) fn named(&self, kind: &'static str, name: &str) -> Result<Vec<&str>, FileError> {
        let unknown = || FileError::UnknownAccount { kind, name: name.to_owned(), file: self.file };
        self.rows().find(|row| row[0] == name).ok_or_else(unknown)
    }

    /// The number in a field of a line.
    ///
    /// # Errors
    /// Where there is none: it must not become root's.
    pub(super) fn number(&self, row: &[&str], at: usize) -> Result<u32, FileError> {
        let name = row.first().copied().unwrap_or_default();
        let malformed = || FileError::MalformedAccounts { name: name.to_owned(), file: self.file };
        row.get(at).and_then(|field| field.parse().ok()).ok_or_else(malformed)
    }
}
