//! Whole images, from a registry into the store.

use super::document::{Document, Parsed};
use super::repository::Repository;
use super::{Progress, RegistryError, seen};
use crate::oci::{Descriptor, Digest, ImageConfig, Manifest, Platform, Reference, document, media_type};
use crate::store::Store;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// As many transfers go on at a time.
const PARALLEL: usize = 6;

/// As many manifests may refer to one.
const REFERRERS: usize = 500;

/// The blobs of all that refers to an image may have so many bytes.
const REFERRERS_SIZE: u64 = 2 << 30;

/// By this annotation BuildKit says what a row of an index tells about.
const ABOUT: &str = "vnd.docker.reference.digest";

/// What names an image in its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A movable name.
    Tag(String),
    /// A fixed name.
    Digest(Digest),
}

/// How much of an image is wanted. Manifests and configurations always are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Want<'a> {
    /// Of an index, the image for this platform alone; all where nothing is said.
    pub platform: Option<&'a Platform>,
    /// Whether its layers are wanted.
    pub layers: bool,
    /// Whether what refers to it is wanted, with its blobs.
    pub referrers: bool,
    /// Whether the registry is asked for what refers to it although the store knows what it said before.
    pub anew: bool,
}

/// An image in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The manifest or index that was named.
    pub image: Descriptor,
    /// What refers to it and to its platforms' manifests, as rows of a list of referrers.
    pub referrers: Vec<Descriptor>,
}

/// Brings an image into the store. What the store has is not asked for again; where a digest names it and all is
/// there, nobody is asked at all.
///
/// # Errors
/// [`RegistryError::NoSuchImage`], [`RegistryError::NoSuchPlatform`], and where anything is not what it says to be.
pub async fn pull(
    repository: &Repository,
    name: &Name,
    want: Want<'_>,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Pulled, RegistryError> {
    let work = Work { repository, store, want };
    let (image, parsed) = work.root(name).await?;
    let chosen = work.choose(&image, parsed).await?;
    let mut blobs = BTreeMap::new();
    for (row, manifest) in &chosen {
        // What is no image came along for what it holds.
        let whole = want.layers || (want.referrers && (!manifest.is_image() || row.annotations.contains_key(ABOUT)));
        work.check_layers(manifest)?;
        work.need(&mut blobs, manifest, whole)?;
    }
    let mut referrers = BTreeMap::new();
    if want.referrers {
        let remembered = matches!(name, Name::Digest(_)) && !want.anew;
        let about = BTreeSet::from_iter(std::iter::once(image.digest).chain(chosen.iter().map(|(row, _)| row.digest)));
        for subject in about {
            for (row, manifest) in work.referrers(&subject, remembered).await? {
                work.need(&mut blobs, &manifest, true)?;
                referrers.insert(row.digest, manifest.referrer(&row));
            }
        }
    }
    pull_blobs(repository, blobs.values(), store, progress).await?;
    Ok(Pulled { image, referrers: referrers.into_values().collect() })
}

/// Brings blobs into the store that it does not have yet, checked.
///
/// # Errors
/// Where one is not there, or is not what it says to be.
pub async fn pull_blobs(
    repository: &Repository,
    blobs: impl Iterator<Item = &Descriptor>,
    store: &Store,
    progress: &dyn Progress,
) -> Result<(), RegistryError> {
    let missing: Vec<&Descriptor> = blobs.filter(|blob| store.size(&blob.digest) != Some(blob.size)).collect();
    progress.expect(missing.iter().map(|blob| blob.size).fold(0, u64::saturating_add));
    let transfers: Vec<_> = missing.into_iter().map(|blob| repository.pull_blob(blob, store, progress)).collect();
    stream::iter(transfers).buffer_unordered(PARALLEL).try_collect::<()>().await
}

/// One pull.
struct Work<'a> {
    repository: &'a Repository,
    store: &'a Store,
    want: Want<'a>,
}

/// A manifest with its row.
type Entry = (Descriptor, Box<Manifest>);

impl Work<'_> {
    fn place(&self) -> String {
        self.repository.reference().to_string()
    }

    /// The document that was named.
    async fn root(&self, name: &Name) -> Result<(Descriptor, Parsed), RegistryError> {
        let named = |tag, digest| Reference { tag, digest, ..self.repository.reference().clone() };
        let digest = match name {
            Name::Digest(digest) => Some(*digest),
            // A question that costs nothing where reading is counted, as at Docker's hub.
            Name::Tag(tag) => self.repository.tagged(tag).await?,
        };
        let found = match digest {
            Some(digest) => self.document(&digest, None).await?,
            None => None,
        };
        found.ok_or_else(|| {
            RegistryError::NoSuchImage(match name {
                Name::Tag(tag) => named(Some(tag.clone()), None),
                Name::Digest(digest) => named(None, Some(*digest)),
            })
        })
    }

    /// A document out of the store, or else out of the registry into the store.
    async fn document(
        &self,
        digest: &Digest,
        media_type: Option<&str>,
    ) -> Result<Option<(Descriptor, Parsed)>, RegistryError> {
        let (document, parsed) = match self.stored(digest)? {
            Some(bytes) => Document::new(bytes, media_type).map_err(|wrong| wrong.at(&self.place(), digest))?,
            None => {
                let Some(found) = self.repository.document(&Name::Digest(*digest)).await? else { return Ok(None) };
                self.store.put(&found.0.bytes)?;
                found
            }
        };
        Ok(Some((document.descriptor, parsed)))
    }

    /// A document or configuration, where the store has it. That it has not yet is no loss.
    fn stored(&self, digest: &Digest) -> Result<Option<Vec<u8>>, RegistryError> {
        if !self.store.has(digest) {
            return Ok(None);
        }
        match self.store.read(digest, document::MAX_SIZE) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_lost_content() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The document of a row, which has to be what the row says.
    async fn row(&self, row: &Descriptor) -> Result<Option<Parsed>, RegistryError> {
        let Some((found, parsed)) = self.document(&row.digest, Some(&row.media_type)).await? else { return Ok(None) };
        if (&found.media_type, found.size) != (&row.media_type, row.size) {
            let reason = format!(
                "it is listed with {} bytes as `{}`, and has {} as `{}`",
                row.size,
                document::clip(&row.media_type),
                found.size,
                document::clip(&found.media_type)
            );
            return Err(self.refuse(&row.digest, reason));
        }
        Ok(Some(parsed))
    }

    /// The documents of rows, in their order.
    async fn rows(&self, rows: &[Descriptor]) -> Result<Vec<Option<Parsed>>, RegistryError> {
        let transfers: Vec<_> = rows.iter().map(|row| self.row(row)).collect();
        stream::iter(transfers).buffered(PARALLEL).try_collect().await
    }

    /// The manifests that are wanted: those of the platform with what tells about them, or all.
    async fn choose(&self, image: &Descriptor, root: Parsed) -> Result<Vec<Entry>, RegistryError> {
        let (mut level, mut seen) = (Vec::new(), BTreeSet::from([image.digest]));
        let (mut chosen, mut present) = (Vec::new(), Vec::new());
        match root {
            Parsed::Manifest(manifest) if self.fits(image, &manifest, &mut present).await? => {
                chosen.push((image.clone(), manifest));
            }
            Parsed::Manifest(_) => {}
            Parsed::Index(index) => level = index.manifests,
        }
        let mut about = Vec::new();
        for depth in 0.. {
            level.retain(|row| seen.insert(row.digest));
            if seen.len() > document::MAX_MANIFESTS || (depth == document::MAX_DEPTH && !level.is_empty()) {
                return Err(self.refuse(&image.digest, "it has more manifests than are allowed, or too deep".into()));
            }
            let rows: Vec<Descriptor> =
                level.drain(..).filter(|row| self.may_fit(row, &mut present, &mut about)).collect();
            if rows.is_empty() {
                break;
            }
            let found = self.rows(&rows).await?;
            for (row, parsed) in rows.into_iter().zip(found) {
                match parsed.ok_or_else(|| self.repository.incomplete(&row.digest))? {
                    Parsed::Index(index) => level.extend(index.manifests),
                    Parsed::Manifest(manifest) if self.fits(&row, &manifest, &mut present).await? => {
                        chosen.push((row, manifest));
                    }
                    Parsed::Manifest(_) => {}
                }
            }
        }
        let Some(wanted) = self.want.platform else { return Ok(chosen) };
        chosen.truncate(1);
        let Some((first, _)) = chosen.first() else {
            let image = Reference { digest: Some(image.digest), ..self.repository.reference().clone() };
            return Err(RegistryError::NoSuchPlatform { image, wanted: wanted.clone(), present });
        };
        let digest = first.digest.to_string();
        for row in about.into_iter().filter(|row: &Descriptor| row.annotations.get(ABOUT) == Some(&digest)) {
            match self.row(&row).await? {
                Some(Parsed::Manifest(manifest)) => chosen.push((row, manifest)),
                Some(Parsed::Index(_)) => return Err(self.refuse(&row.digest, "it tells about one image".into())),
                None => return Err(self.repository.incomplete(&row.digest)),
            }
        }
        Ok(chosen)
    }

    /// Whether a row may lead to something that is wanted; what tells about others is put aside.
    fn may_fit(&self, row: &Descriptor, present: &mut Vec<Platform>, about: &mut Vec<Descriptor>) -> bool {
        let Some(wanted) = self.want.platform else { return true };
        match &row.platform {
            _ if row.annotations.contains_key(ABOUT) => {
                about.push(row.clone());
                false
            }
            Some(platform) if platform.os == "unknown" => false,
            Some(platform) if !wanted.matches(platform) => {
                present.push(platform.clone());
                false
            }
            _ => matches!(
                row.media_type.as_str(),
                media_type::INDEX | media_type::DOCKER_INDEX | media_type::MANIFEST | media_type::DOCKER_MANIFEST
            ),
        }
    }

    /// Whether a manifest is wanted. Where its row does not name its platform, its configuration does.
    async fn fits(
        &self,
        row: &Descriptor,
        manifest: &Manifest,
        present: &mut Vec<Platform>,
    ) -> Result<bool, RegistryError> {
        let Some(wanted) = self.want.platform else { return Ok(true) };
        if row.platform.is_some() || !manifest.is_image() {
            return Ok(row.platform.is_some());
        }
        let config = &manifest.config;
        let bytes = match self.stored(&config.digest)? {
            Some(bytes) => bytes,
            None => {
                let bytes = self.repository.read_blob(config, document::MAX_SIZE).await?;
                self.store.put(&bytes)?;
                bytes
            }
        };
        let parsed: ImageConfig =
            serde_json::from_slice(&bytes).map_err(|e| self.refuse(&config.digest, format!("it is malformed: {e}")))?;
        let fits = wanted.matches(&parsed.platform);
        present.extend((!fits).then_some(parsed.platform));
        Ok(fits)
    }

    /// What refers to a manifest, each with its manifest; `remembered` where it may be what the store knows.
    async fn referrers(&self, subject: &Digest, remembered: bool) -> Result<Vec<Entry>, RegistryError> {
        let (home, known) = (self.repository.reference(), remembered.then_some(()));
        let known = known.map(|()| seen::referrers(self.store, home, subject)).transpose()?.flatten();
        let asked = known.is_none();
        let rows = match known {
            Some(rows) => rows,
            None => self.repository.referrers(subject).await?,
        };
        if rows.len() > REFERRERS {
            let reason = format!("{} manifests refer to it, more than the {REFERRERS} that are allowed", rows.len());
            return Err(self.refuse(subject, reason));
        }
        let is_manifest = |row: &&Descriptor| row.media_type == media_type::MANIFEST;
        let wanted: Vec<Descriptor> = rows.iter().filter(is_manifest).cloned().collect();
        let found = self.rows(&wanted).await?;
        let mut entries = Vec::new();
        for (row, parsed) in wanted.into_iter().zip(found) {
            // A row without its manifest, or for another subject, says nothing about this one.
            if let Some(Parsed::Manifest(manifest)) = parsed
                && manifest.subject.as_ref().is_some_and(|own| own.digest == *subject)
                // Large, and for builds alone.
                && manifest.artifact_type.as_deref() != Some(media_type::RESULTS)
            {
                entries.push((row, manifest));
            }
        }
        let blobs = entries.iter().flat_map(|(_, own)| std::iter::once(&own.config).chain(&own.layers));
        let size = blobs.map(|blob| blob.size).fold(0, u64::saturating_add);
        if size > REFERRERS_SIZE {
            return Err(self.refuse(subject, format!("what refers to it has {size} bytes")));
        }
        if asked {
            let rows: Vec<Descriptor> = entries.iter().map(|(row, manifest)| manifest.referrer(row)).collect();
            seen::note_referrers(self.store, home, subject, &rows)?;
        }
        Ok(entries)
    }

    /// Refuses layers that may not be passed on: they are not in the registry.
    fn check_layers(&self, manifest: &Manifest) -> Result<(), RegistryError> {
        let foreign = |layer: &&Descriptor| is_foreign(&layer.media_type);
        match manifest.layers.iter().find(foreign) {
            Some(layer) if self.want.layers || self.want.platform.is_some() => Err(RegistryError::Unsupported {
                place: self.place(),
                what: format!("the layer {}", layer.digest),
                reason: "it is one that may not be passed on, and is not in the registry".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Adds the blobs of a manifest to those that are needed.
    fn need(
        &self,
        blobs: &mut BTreeMap<Digest, Descriptor>,
        manifest: &Manifest,
        whole: bool,
    ) -> Result<(), RegistryError> {
        let layers = if whole { manifest.layers.as_slice() } else { &[] };
        if manifest.is_image() && manifest.config.size > document::MAX_SIZE {
            let reason = format!("a configuration of {} bytes is too large", manifest.config.size);
            return Err(self.refuse(&manifest.config.digest, reason));
        }
        for blob in std::iter::once(&manifest.config).chain(layers) {
            let known = blobs.entry(blob.digest).or_insert_with(|| blob.clone());
            if known.size != blob.size {
                let reason = format!("it is listed with {} bytes and with {}", known.size, blob.size);
                return Err(self.refuse(&blob.digest, reason));
            }
        }
        Ok(())
    }

    fn refuse(&self, digest: &Digest, reason: String) -> RegistryError {
        RegistryError::Refused { place: self.place(), digest: *digest, reason }
    }
}

/// Whether layers of this kind may not be passed on.
pub(super) fn is_foreign(media_type: &str) -> bool {
    media_type.contains(".nondistributable.") || media_type.contains(".foreign.")
}
