//! One database of advisories, compiled from feeds, in the store under a digest.
//!
//! It is an OCI artifact: a manifest of the type [`ARTIFACT`] with an empty configuration. Its layers are parts, one for
//! each ecosystem and one for what is known of CVEs, so that a scan opens those that it needs. The manifest's annotations
//! say what it was compiled from and when that was said ([`Facts`]). The same feeds give the same bytes.
//!
//! A part is made of blocks of records (see `part`). The manifest names the digest of a part's index, and the index that
//! of each block: a scan checks what it reads and never has to read a part whole.

mod compile;
mod facts;
mod part;
mod spill;

pub use compile::{CompileError, Compiled, compile};
pub use facts::{Facts, FeedFacts};
pub use part::PartError;

use crate::advisories::hole::Hit;
use crate::advisories::identity::Identity;
use crate::advisories::matching;
use crate::oci::{Digest, Manifest, document, media_type};
use crate::store::{Store, StoreError};
use facts::Layer;
pub(super) use part::Part;
use std::collections::BTreeMap;

/// The type of the artifact.
pub const ARTIFACT: &str = "application/vnd.kiln.advisories.v1+json";
/// The media type of a part.
pub const PART: &str = "application/vnd.kiln.advisories.part.v1";
/// The part of what is known of CVEs; no ecosystem has this name.
pub(super) const CVES: &str = "CVE";

/// A database that is in the store.
#[derive(Debug)]
pub struct Database {
    store: Store,
    digest: Digest,
    facts: Facts,
    layers: BTreeMap<String, Layer>,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The store could not give it.
    #[error("the database of advisories cannot be read: {0}")]
    Store(#[from] StoreError),
    /// It is something else.
    #[error("{digest} is no database of advisories that this kiln can read: {reason}; compile or pull one")]
    Foreign {
        /// The digest that was asked for.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// A part of it is damaged.
    #[error(
        "the part `{title}` of the database of advisories {digest}: {source}; remove the database and compile or pull it again"
    )]
    Part {
        /// The database.
        digest: Digest,
        /// The part.
        title: String,
        /// What is wrong.
        source: PartError,
    },
}

impl Database {
    /// Opens the database whose manifest has the digest.
    ///
    /// # Errors
    /// [`DatabaseError::Store`] where the manifest is missing or damaged, and [`DatabaseError::Foreign`] where it is that of
    /// something else. Parts are looked at when they are needed.
    pub fn open(store: &Store, digest: &Digest) -> Result<Database, DatabaseError> {
        let bytes = store.read(digest, document::MAX_SIZE)?;
        let foreign = |reason| DatabaseError::Foreign { digest: *digest, reason };
        let manifest = document::manifest(&bytes, media_type::MANIFEST).map_err(foreign)?;
        Self::of(store, digest, manifest).map_err(foreign)
    }

    fn of(store: &Store, digest: &Digest, manifest: Manifest) -> Result<Database, String> {
        if manifest.artifact_type.as_deref() != Some(ARTIFACT) {
            return Err("it is another kind of artifact".into());
        }
        let mut layers = BTreeMap::new();
        for descriptor in &manifest.layers {
            let (title, layer) = Layer::of(descriptor)?;
            if layers.insert(title.clone(), layer).is_some() {
                return Err(format!("it has two parts `{}`", document::clip(&title)));
            }
        }
        let facts = Facts::of(&manifest, &layers)?;
        Ok(Database { store: store.clone(), digest: *digest, facts, layers })
    }

    /// The manifest's digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What it was compiled from, and when that was said.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The bytes of all parts, as the manifest tells them.
    pub fn size(&self) -> u64 {
        self.layers.values().map(|layer| layer.size).fold(0, u64::saturating_add)
    }

    /// The holes of packages, which are named by their package URLs; what is no such URL, and what is of an ecosystem
    /// that nobody tells of, has none. Sorted by package, then by the hole's name.
    ///
    /// # Errors
    /// [`DatabaseError`] where a part is missing or damaged.
    pub fn find(&self, purls: &[&str]) -> Result<Vec<Hit>, DatabaseError> {
        matching::find(self, purls)
    }

    /// Whether the database tells of the ecosystem that a package is of. Where it does not, finding no hole means nothing.
    pub fn covers(&self, purl: &str) -> bool {
        Identity::of(purl).is_some_and(|identity| self.layers.contains_key(identity.base))
    }

    /// Opens a part; none where the database has nothing of that name.
    pub(super) fn part(&self, title: &str) -> Result<Option<Part>, DatabaseError> {
        let Some(layer) = self.layers.get(title) else { return Ok(None) };
        let file = self.store.reader(&layer.digest)?.into_file().map_err(StoreError::from)?;
        Part::open(file, layer).map(Some).map_err(|source| self.damaged(title, source))
    }

    /// The error for a part that is damaged.
    pub(super) fn damaged(&self, title: &str, source: PartError) -> DatabaseError {
        DatabaseError::Part { digest: self.digest, title: title.to_owned(), source }
    }
}

#[cfg(test)]
mod tests;
