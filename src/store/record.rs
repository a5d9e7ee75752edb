//! Records: small values under a kind and a key, for results that can be made anew.

use super::blob::rename_into;
use super::{Store, StoreError};
use crate::oci::Digest;
use std::io;
use std::path::PathBuf;

impl Store {
    fn record_path(&self, kind: &str, key: &Digest) -> PathBuf {
        debug_assert!(!kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        let hex = key.hex();
        self.root.join("records").join(kind).join(&hex[..2]).join(&hex[2..])
    }

    /// The value under `kind` and `key`; none if there is none or it was damaged.
    ///
    /// `kind` consists of lower-case letters and dashes.
    pub fn record(&self, kind: &str, key: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.record_path(kind, key);
        let mut value = match std::fs::read(&path) {
            Ok(value) => value,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::io("cannot read", &path)(e)),
        };
        let body = value.len().checked_sub(32).filter(|body| value[*body..] == checksum(kind, key, &value[..*body]));
        let Some(body) = body else {
            let _ = std::fs::remove_file(&path);
            return Ok(None);
        };
        value.truncate(body);
        Ok(Some(value))
    }

    /// Puts a value under `kind` and `key`, in place of the one that is there.
    pub fn set_record(&self, kind: &str, key: &Digest, value: &[u8]) -> Result<(), StoreError> {
        let unfinished = self.session.unfinished()?;
        let content = [value, &checksum(kind, key, value)].concat();
        std::fs::write(&unfinished, content).map_err(StoreError::io("cannot write", &unfinished))?;
        rename_into(&unfinished, &self.record_path(kind, key))
    }
}

impl Store {
    /// Removes all records but those of the kinds in `keep`, so that all results are made anew.
    pub fn forget(&self, keep: &[&str]) -> Result<(), StoreError> {
        let records = self.root.join("records");
        for entry in std::fs::read_dir(&records).map_err(StoreError::io("cannot list", &records))? {
            let path = entry.map_err(StoreError::io("cannot list", &records))?.path();
            if path.file_name().and_then(|name| name.to_str()).is_none_or(|name| !keep.contains(&name)) {
                // Another process may put a record back meanwhile; one that stays is no worse than before.
                let _ = std::fs::remove_dir_all(&path);
            }
        }
        Ok(())
    }
}

/// Binds a value to its place, so that a damaged or misplaced one does not count.
fn checksum(kind: &str, key: &Digest, value: &[u8]) -> [u8; 32] {
    let mut digester = crate::oci::Digester::new();
    digester.update(kind.as_bytes());
    digester.update(key.as_bytes());
    digester.update(value);
    *digester.finish().as_bytes()
}
