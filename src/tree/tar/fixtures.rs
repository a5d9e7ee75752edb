//! Archives for tests: written block by block, so that they can also be wrong.

use super::header::{self, BLOCK, Block};
use super::pax;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An entry of root's with mode 0644; the name at most 100 bytes.
    pub(crate) fn entry(self, kind: u8, name: &str, link: &str, content: &[u8]) -> Self {
        self.edited(kind, name, link, content, |_| {})
    }

    /// An entry whose header is changed before its checksum is made.
    pub(crate) fn edited(
        mut self,
        kind: u8,
        name: &str,
        link: &str,
        content: &[u8],
        edit: impl FnOnce(&mut Block),
    ) -> Self {
        let mut block = [0; BLOCK];
        header::NAME.put(&mut block, name.as_bytes());
        header::LINK.put(&mut block, link.as_bytes());
        header::MAGIC.put(&mut block, header::USTAR);
        let mode = if kind == b'5' { 0o755 } else { 0o644 };
        for (field, number) in [
            (header::MODE, mode),
            (header::UID, 0),
            (header::GID, 0),
            (header::SIZE, content.len() as u64),
            (header::MTIME, 1_000_000_000),
        ] {
            assert!(field.put_octal(&mut block, number));
        }
        block[header::TYPE] = kind;
        edit(&mut block);
        header::seal(&mut block);
        self.bytes.extend_from_slice(&block);
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len() + header::padding(content.len() as u64), 0);
        self
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', name, "", content.as_ref())
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.entry(b'5', name, "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name, target, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(b'1', name, target, b"")
    }

    /// A PAX header for the entry that follows.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            pax::put_record(&mut body, key.as_bytes(), value);
        }
        self.entry(b'x', "pax", "", &body)
    }

    /// The archive with its end mark.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }
}
