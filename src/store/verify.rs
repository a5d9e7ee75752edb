//! Doubts about what is stored, and how they are settled.
//!
//! A blob is checked when it is first read to its end. Whoever gives up in the middle, because what came so far
//! made no sense, does not learn whether the content is wrong or the disk.

use super::prune::each_file;
use super::{Store, StoreError};
use crate::oci::Digest;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::{MutexGuard, PoisonError};

impl Store {
    /// Notes that a blob was not read to its end.
    pub(super) fn doubt(&self, digest: &Digest) {
        self.session.doubts.lock().unwrap_or_else(PoisonError::into_inner).insert(*digest);
    }

    /// Checks the blobs that this handle and its clones did not read to their end; those that are damaged are removed
    /// and count as [losses](Self::losses).
    pub fn settle_doubts(&self) {
        let doubts = std::mem::take(&mut *self.session.doubts.lock().unwrap_or_else(PoisonError::into_inner));
        self.check(&doubts);
    }

    /// Checks all blobs; those that are damaged are removed and count as [losses](Self::losses).
    ///
    /// Where one was damaged, others may be: this is how a build does not stumble over each of them in turn.
    ///
    /// # Errors
    /// Where the store cannot be listed.
    pub fn verify(&self) -> Result<(), StoreError> {
        let mut found = BTreeSet::new();
        each_file(&self.root.join("blobs/sha256"), &mut |path, _| {
            let names = path.file_name().zip(path.parent().and_then(|folder| folder.file_name()));
            let name = names.and_then(|(rest, first)| Some(format!("sha256:{}{}", first.to_str()?, rest.to_str()?)));
            found.extend(name.and_then(|name| name.parse::<Digest>().ok()));
        })?;
        self.check(&found);
        Ok(())
    }

    /// The blobs that need no check.
    pub(super) fn checked(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.session.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, digests: &BTreeSet<Digest>) {
        self.checked().retain(|digest| !digests.contains(digest));
        digests.par_iter().for_each(|digest| {
            // What cannot be read at all is the next reader's error.
            if self.has(digest)
                && let Ok(mut reader) = self.reader(digest)
            {
                let _ = io::copy(&mut reader.by_ref(), &mut io::sink());
            }
        });
    }
}
