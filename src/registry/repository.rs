//! One repository of one registry.

use super::document::{Document, Parsed};
use super::endpoint::Endpoint;
use super::pull::Name;
use super::seen;
use super::{Progress, RegistryError};
use crate::http::header::CONTENT_LENGTH;
use crate::http::{Authority, Method, Request};
use crate::oci::{Descriptor, Digest, Reference};
use crate::store::Store;
use std::io::Write;
use std::sync::Arc;

/// One repository of one registry.
#[derive(Clone)]
pub struct Repository {
    reference: Reference,
    /// The registry itself: written to, and read from last.
    pub(super) home: Endpoint,
    /// Places that have the same, in the order in which they are asked.
    mirrors: Vec<Endpoint>,
}

impl Repository {
    /// The repository that a reference names.
    pub(super) fn new(reference: &Reference, home: Endpoint, mirrors: Vec<Endpoint>) -> Self {
        Repository { reference: Reference { tag: None, digest: None, ..reference.clone() }, home, mirrors }
    }

    /// The repository's name, without tag and digest.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The manifest or index that a tag names now; none where there is no such tag.
    pub async fn by_tag(&self, tag: &str) -> Result<Option<Document>, RegistryError> {
        Ok(self.document(&Name::Tag(tag.into())).await?.map(|(document, _)| document))
    }

    /// The manifest or index of a digest; none where it is not there.
    pub async fn by_digest(&self, digest: &Digest) -> Result<Option<Document>, RegistryError> {
        Ok(self.document(&Name::Digest(*digest)).await?.map(|(document, _)| document))
    }

    pub(super) async fn document(&self, name: &Name) -> Result<Option<(Document, Parsed)>, RegistryError> {
        for mirror in &self.mirrors {
            if let Some(found) = passable(mirror.document(name).await)? {
                return Ok(Some(found));
            }
        }
        self.home.document(name).await
    }

    /// The digest that a tag names now.
    pub async fn tagged(&self, tag: &str) -> Result<Option<Digest>, RegistryError> {
        for mirror in &self.mirrors {
            if let Some(found) = passable(mirror.tagged(tag, &mirror.pulling()).await)? {
                return Ok(Some(found));
            }
        }
        self.home.tagged(tag, &self.home.pulling()).await
    }

    /// The same repository, read at home alone: for those who must know what is there.
    #[must_use]
    pub fn without_mirrors(self) -> Repository {
        Repository { mirrors: Vec::new(), ..self }
    }

    /// Reads a blob of at most `limit` bytes whole, checked.
    pub async fn read_blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        if blob.size > limit {
            let reason = format!("it has {} bytes, more than the {limit} that are allowed here", blob.size);
            return Err(RegistryError::Refused { place: self.reference.to_string(), digest: blob.digest, reason });
        }
        for mirror in &self.mirrors {
            if let Some(bytes) = passable(mirror.read_blob(blob).await)? {
                return Ok(bytes);
            }
        }
        self.home.read_blob(blob).await?.ok_or_else(|| self.incomplete(&blob.digest))
    }

    /// Brings a blob into the store, checked. What `expect` was told of it is for the caller; `advance` hears of each
    /// byte once, however often it travels.
    pub async fn pull_blob(
        &self,
        blob: &Descriptor,
        store: &Store,
        progress: &dyn Progress,
    ) -> Result<(), RegistryError> {
        let mut travelled = 0;
        for mirror in &self.mirrors {
            if passable(mirror.pull_blob(blob, store, progress, &mut travelled).await)?.is_some() {
                return Ok(());
            }
        }
        let found = self.home.pull_blob(blob, store, progress, &mut travelled).await?;
        found.ok_or_else(|| self.incomplete(&blob.digest))?;
        Ok(seen::note(store, &self.home, &blob.digest)?)
    }

    /// What refers to a manifest, with artifact type and annotations, sorted by digest: from the referrers API, or
    /// where the registry has none from the tag that stands for it.
    ///
    /// The rows are what the registry says; the manifests themselves have the last word.
    pub async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        for mirror in &self.mirrors {
            let rows = mirror.referrers(subject).await.map(Some);
            if let Some(rows) = passable(rows)?.filter(|rows| !rows.is_empty()) {
                return Ok(rows);
            }
        }
        self.home.referrers(subject).await
    }

    pub(super) fn incomplete(&self, digest: &Digest) -> RegistryError {
        RegistryError::Incomplete { place: self.reference.to_string(), digest: *digest }
    }
}

/// What a mirror said; nothing where it fails, as the next place may do better.
fn passable<T>(said: Result<Option<T>, RegistryError>) -> Result<Option<T>, RegistryError> {
    match said {
        Err(error) if error.is_of_place() => Ok(None),
        other => other,
    }
}

impl Endpoint {
    /// Whether a blob of this digest and size is here.
    pub(super) async fn has_blob(
        &self,
        blob: &Descriptor,
        authority: &Arc<dyn Authority>,
    ) -> Result<bool, RegistryError> {
        let request = Request::new(Method::HEAD, self.blob(&blob.digest));
        let answer = self.ask(request, authority).await?;
        let Some(answer) = self.expect("looking for a blob", answer, authority).await? else { return Ok(false) };
        let size = answer.header(&CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        Ok(size.is_none_or(|size| size == blob.size))
    }

    async fn read_blob(&self, blob: &Descriptor) -> Result<Option<Vec<u8>>, RegistryError> {
        let mut bytes = Vec::new();
        let keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let Some(()) = self.each_piece(blob, keep).await? else { return Ok(None) };
        let actual = Digest::of(&bytes);
        if actual != blob.digest {
            return Err(self.wrong(&blob.digest, &actual));
        }
        Ok(Some(bytes))
    }

    /// `travelled` is how many of the blob's bytes `progress` has heard of.
    async fn pull_blob(
        &self,
        blob: &Descriptor,
        store: &Store,
        progress: &dyn Progress,
        travelled: &mut u64,
    ) -> Result<Option<()>, RegistryError> {
        let (mut writer, mut taken) = (store.writer()?, 0);
        let write = |piece: &[u8]| {
            writer.write_all(piece).map_err(crate::store::StoreError::from)?;
            taken += piece.len() as u64;
            progress.advance(taken.saturating_sub(*travelled));
            *travelled = taken.max(*travelled);
            Ok(())
        };
        let Some(()) = self.each_piece(blob, write).await? else { return Ok(None) };
        match writer.commit_as(&blob.digest) {
            Err(crate::store::StoreError::WrongDigest { actual, .. }) => Err(self.wrong(&blob.digest, &actual)),
            other => Ok(other.map(|_| Some(()))?),
        }
    }

    /// Reads a blob piece by piece; none where it is not here. The size is checked, the digest is not.
    async fn each_piece(
        &self,
        blob: &Descriptor,
        mut take: impl FnMut(&[u8]) -> Result<(), RegistryError> + Send,
    ) -> Result<Option<()>, RegistryError> {
        let authority = self.pulling();
        let request = Request::get(self.blob(&blob.digest)).size(blob.size).immutable();
        let answer = self.ask(request, &authority).await?;
        let Some(mut answer) = self.expect("reading a blob", answer, &authority).await? else { return Ok(None) };
        while let Some(piece) = answer.chunk().await? {
            take(&piece)?;
        }
        Ok(Some(()))
    }

    fn wrong(&self, wanted: &Digest, actual: &Digest) -> RegistryError {
        let reason = format!("its content is {actual}");
        RegistryError::Refused { place: self.place(), digest: *wanted, reason }
    }

    fn blob(&self, digest: &Digest) -> crate::http::Url {
        self.url(&["blobs", &digest.to_string()])
    }
}
