//! The entries of a tree object, as bytes of strangers.

use super::CommitId;

/// An entry of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: EntryKind,
    pub(super) id: CommitId,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Folder,
    File,
    Program,
    Link,
    Module,
}

/// Reads the entries of a tree object whose names have so many bytes; in words, why one is refused.
pub(super) fn entries(mut bytes: &[u8], width: usize) -> Result<Vec<Entry<'_>>, String> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let short = || "a folder ends within an entry".to_owned();
        let space = bytes.iter().position(|b| *b == b' ').ok_or_else(short)?;
        let (mode, rest) = (&bytes[..space], &bytes[space + 1..]);
        let end = rest.iter().position(|b| *b == 0).ok_or_else(short)?;
        let (name, rest) = (&rest[..end], &rest[end + 1..]);
        let (id, rest) = rest.split_at_checked(width).ok_or_else(short)?;
        check_name(name)?;
        let kind = kind(mode).ok_or_else(|| {
            let mode = String::from_utf8_lossy(&mode[..mode.len().min(10)]);
            format!("`{}` has the mode {}, which git does not know", shown(name), mode.escape_debug())
        })?;
        entries.push(Entry { name, kind, id: CommitId::from_bytes(id) });
        bytes = rest;
    }
    Ok(entries)
}

fn kind(mode: &[u8]) -> Option<EntryKind> {
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
    match mode {
        0o040000 => Some(EntryKind::Folder),
        // The second is of the first versions of git.
        0o100644 | 0o100664 => Some(EntryKind::File),
        0o100755 => Some(EntryKind::Program),
        0o120000 => Some(EntryKind::Link),
        0o160000 => Some(EntryKind::Module),
        _ => None,
    }
}

/// Refuses names that are none, and the name under which a working copy would have its own repository.
fn check_name(name: &[u8]) -> Result<(), String> {
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.eq_ignore_ascii_case(b".git") {
        return Err(format!("it has an entry with the name `{}`", shown(name)));
    }
    Ok(())
}

/// A name for people.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(mode: &str, name: &[u8]) -> Vec<u8> {
        [mode.as_bytes(), b" ", name, b"\0", &[7; 20]].concat()
    }

    #[test]
    fn entries_of_each_kind_are_read() {
        let modes = ["40000", "040000", "100644", "100664", "100755", "120000", "160000"];
        let bytes: Vec<u8> = modes.iter().flat_map(|mode| raw(mode, format!("n{mode}").as_bytes())).collect();
        let kinds: Vec<EntryKind> = entries(&bytes, 20).expect("entries").iter().map(|entry| entry.kind).collect();
        use EntryKind::{File, Folder, Link, Module, Program};
        assert_eq!(kinds, [Folder, Folder, File, File, Program, Link, Module]);
        assert_eq!(entries(&bytes, 20).expect("entries")[0].id.as_str(), "07".repeat(20));
    }

    #[test]
    fn hostile_entries_are_refused() {
        for name in ["", ".", "..", "a/b", ".git", ".GIT", ".gIt"] {
            let refused = entries(&raw("100644", name.as_bytes()), 20).expect_err(name);
            assert_eq!(refused, format!("it has an entry with the name `{name}`"));
        }
        for mode in ["100000", "120755", "1", "", "999999", "20666", "+40000x"] {
            assert!(entries(&raw(mode, b"x"), 20).is_err(), "{mode}");
        }
        let whole = raw("100644", b"name");
        for length in 1..whole.len() {
            assert!(entries(&whole[..length], 20).is_err(), "{length}");
        }
    }
}
