//! What a push consists of: documents in the order in which they can be written, and their blobs.

use super::RegistryError;
use super::document::{Document, Parsed};
use super::pull::is_foreign;
use super::push::{Contents, Outgoing, Part};
use crate::oci::{Descriptor, Digest, Manifest, document};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;

/// All that belongs to what is to be pushed.
#[derive(Default)]
pub(super) struct Load {
    /// Each blob once.
    pub(super) blobs: BTreeMap<Digest, Descriptor>,
    /// Manifests first, and then indexes, each level behind what it names.
    pub(super) levels: Vec<Vec<Document>>,
    /// What refers to them: each with the digest of its subject and its row in the list of referrers.
    pub(super) referrers: Vec<(Document, Digest, Descriptor)>,
    known: BTreeMap<Digest, usize>,
}

impl Load {
    pub(super) fn of(outgoing: &Outgoing, contents: &dyn Contents) -> Result<Load, RegistryError> {
        let mut load = Load::default();
        load.add(&outgoing.image, contents, 0)?;
        load.refer(&outgoing.referrers, contents)?;
        Ok(load)
    }

    /// What refers to manifests that are in their place already.
    pub(super) fn of_referrers(rows: &[Descriptor], contents: &dyn Contents) -> Result<Load, RegistryError> {
        let mut load = Load::default();
        load.refer(rows, contents)?;
        Ok(load)
    }

    fn refer(&mut self, rows: &[Descriptor], contents: &dyn Contents) -> Result<(), RegistryError> {
        let mut seen = BTreeSet::new();
        for row in rows.iter().filter(|row| seen.insert(row.digest)) {
            let (document, parsed) = read(row, contents)?;
            let Parsed::Manifest(manifest) = parsed else {
                return Err(unfit(row, "what refers to an image is no index"));
            };
            let Some(subject) = &manifest.subject else { return Err(unfit(row, "it refers to nothing")) };
            self.blobs_of(&manifest)?;
            let listed = (subject.digest, manifest.referrer(&document.descriptor));
            self.referrers.push((document, listed.0, listed.1));
        }
        Ok(())
    }

    /// All documents.
    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.levels.iter().flatten().chain(self.referrers.iter().map(|(document, ..)| document))
    }

    /// Adds a document with all below it; gives its level.
    fn add(&mut self, row: &Descriptor, contents: &dyn Contents, depth: usize) -> Result<usize, RegistryError> {
        if let Some(level) = self.known.get(&row.digest) {
            return Ok(*level);
        }
        if depth > document::MAX_DEPTH || self.known.len() >= document::MAX_MANIFESTS {
            return Err(unfit(row, "the image has more manifests than are allowed, or too deep"));
        }
        let (document, parsed) = read(row, contents)?;
        let level = match parsed {
            Parsed::Manifest(manifest) => {
                self.blobs_of(&manifest)?;
                0
            }
            Parsed::Index(index) => {
                let mut level = 0;
                for row in &index.manifests {
                    level = level.max(self.add(row, contents, depth + 1)? + 1);
                }
                level
            }
        };
        self.known.insert(row.digest, level);
        self.levels.resize_with(self.levels.len().max(level + 1), Vec::new);
        self.levels[level].push(document);
        Ok(level)
    }

    fn blobs_of(&mut self, manifest: &Manifest) -> Result<(), RegistryError> {
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            if is_foreign(&blob.media_type) {
                return Err(unfit(blob, "it is a layer that may not be passed on"));
            }
            if self.blobs.entry(blob.digest).or_insert_with(|| blob.clone()).size != blob.size {
                return Err(unfit(blob, "it is listed with two different sizes"));
            }
        }
        Ok(())
    }
}

/// The stretch of a file that holds some content, which has the right length.
pub(super) fn open(row: &Descriptor, contents: &dyn Contents) -> Result<Part, RegistryError> {
    let part = contents.open(&row.digest).map_err(|e| unfit(row, e.to_string()))?;
    match part.size == row.size {
        true => Ok(part),
        false => Err(unfit(row, format!("there are {} bytes of it here, not {}", part.size, row.size))),
    }
}

fn read(row: &Descriptor, contents: &dyn Contents) -> Result<(Document, Parsed), RegistryError> {
    if row.size > document::MAX_SIZE {
        return Err(unfit(row, format!("a manifest of {} bytes is too large for registries", row.size)));
    }
    let part = open(row, contents)?;
    let mut bytes = vec![0; part.size as usize];
    part.file.read_exact_at(&mut bytes, part.at).map_err(|e| unfit(row, e.to_string()))?;
    if Digest::of(&bytes) != row.digest {
        return Err(unfit(row, "its content here is damaged"));
    }
    Document::new(bytes, Some(&row.media_type)).map_err(|wrong| unfit(row, wrong.to_string()))
}

/// The error for content that cannot be pushed.
pub(super) fn unfit(row: &Descriptor, reason: impl Into<String>) -> RegistryError {
    RegistryError::Content { digest: row.digest, reason: reason.into() }
}
