//! Statements about images, out of a registry into the store: those in bundles that refer to an image, and those that BuildKit
//! puts into an index. Each is asked for once, as a digest names it.

use crate::evidence::sign::PublicKey;
use crate::evidence::verify::check_signed;
use crate::evidence::{Bundle, MAX_BUNDLE};
use crate::oci::{Descriptor, Digest, Index, Manifest, Reference, document, media_type};
use crate::registry::{RegistryError, Repository};
use crate::store::Store;

/// The largest statement in an index: BuildKit itself writes no larger ones.
pub(super) const MAX_STATEMENT: u64 = 64 << 20;

/// As many documents of an index are looked at.
const MAX_DOCUMENTS: usize = 32;

/// The annotations by which BuildKit says that a row of an index is about another one.
pub(super) const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// A repository, and the store that keeps what is read of it.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub repository: &'a Repository,
    pub store: &'a Store,
}

impl Reader<'_> {
    /// A manifest or index of a digest.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchImage`] where the registry does not have it.
    pub(super) async fn document(&self, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        if !self.store.has(digest) {
            let missing = || RegistryError::NoSuchImage(self.named(digest));
            let document = self.repository.by_digest(digest).await?.ok_or_else(missing)?;
            self.store.put(&document.bytes)?;
        }
        Ok(self.store.read(digest, document::MAX_SIZE)?)
    }

    /// The bundle of a manifest that refers to one of these images; none where it is something else.
    pub(super) async fn bundle(
        &self,
        referrer: &Digest,
        images: &[Digest],
    ) -> Result<Option<Descriptor>, RegistryError> {
        let Some(manifest) = self.manifest(referrer).await? else { return Ok(None) };
        let about = manifest.subject.as_ref().is_some_and(|subject| images.contains(&subject.digest));
        let [layer] = manifest.layers.as_slice() else { return Ok(None) };
        let fits = about && layer.media_type == media_type::SIGSTORE_BUNDLE && layer.size <= MAX_BUNDLE;
        Ok(fits.then(|| layer.clone()))
    }

    /// The statements that BuildKit put into an index about one of its manifests.
    pub(super) async fn in_index(&self, index: &Index, about: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let mut found = Vec::new();
        for row in attestations(index, about).take(MAX_DOCUMENTS) {
            let Some(manifest) = self.manifest(&row.digest).await? else { continue };
            let statements = manifest.layers.into_iter().filter(|layer| layer.media_type == media_type::IN_TOTO);
            found.extend(statements.filter(|layer| layer.size <= MAX_STATEMENT).take(MAX_DOCUMENTS));
        }
        Ok(found)
    }

    /// Brings a blob into the store.
    pub(super) async fn bring(&self, blob: &Descriptor) -> Result<(), RegistryError> {
        match self.store.size(&blob.digest) == Some(blob.size) {
            true => Ok(()),
            false => self.repository.pull_blob(blob, self.store, &()).await,
        }
    }

    /// A manifest of a digest; none where it is none that can be read.
    async fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>, RegistryError> {
        Ok(serde_json::from_slice(&self.document(digest).await?).ok())
    }

    fn named(&self, digest: &Digest) -> Reference {
        Reference { digest: Some(*digest), ..self.repository.reference().clone() }
    }
}

fn attestations<'i>(index: &'i Index, about: &Digest) -> impl Iterator<Item = &'i Descriptor> + use<'i> {
    let about = about.to_string();
    index.manifests.iter().filter(move |row| {
        row.annotations.get(REFERENCE_TYPE).is_some_and(|kind| kind == "attestation-manifest")
            && row.annotations.get(REFERENCE_DIGEST) == Some(&about)
    })
}

/// The statement in a bundle, and whether one of the keys signed it; none where there is none.
pub(super) fn said<'k>(bundle: &[u8], keys: impl IntoIterator<Item = &'k PublicKey>) -> Option<(Vec<u8>, bool)> {
    if let Some(said) = keys.into_iter().find_map(|key| check_signed(bundle, key).ok()) {
        return Some((said.payload, true));
    }
    let bundle = Bundle::from_json(bundle).ok()?;
    (bundle.payload_type == media_type::IN_TOTO).then_some((bundle.payload, false))
}
