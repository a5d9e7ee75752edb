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

/// The fields of all lines of an account file; none where the tree has no such file.
pub(super) fn rows(tree: &Tree, file: &'static str, store: &Store) -> Result<Vec<Vec<String>>, FileError> {
    let path = tree.resolve(file)?;
    let Some(content) = tree.get(&path).and_then(Entry::content) else { return Ok(Vec::new()) };
    let text = store.read(content, LIMIT)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| line.split(':').map(str::to_owned).collect()).collect())
}

/// The number in a field of a row.
///
/// # Errors
/// Where there is none: it must not become root's.
pub(super) fn number(row: &[String], at: usize, file: &'static str) -> Result<u32, FileError> {
    let malformed = || FileError::MalformedAccounts { name: row.first().cloned().unwrap_or_default(), file };
    row.get(at).and_then(|field| field.parse().ok()).ok_or_else(malformed)
}
