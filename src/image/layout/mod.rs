//! Reading OCI layouts of strangers, folders and archives alike.
//!
//! Everything is checked against its digest and size before it is used, all
//! documents are bounded, and a document that could be taken for two different
//! things is refused.

mod import;
mod source;

pub use import::Imported;

use crate::oci::{Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Reference, document, media_type};
use crate::store::{Store, StoreError};
use crate::tree::tar::TarError;
use source::Source;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The annotation that holds an image's name in a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The annotation that holds its whole name.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// An OCI layout that is open for reading.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
    source: Source,
    index: Index,
}

/// Why a layout cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is no layout.
    #[error("{} is not an OCI layout: {reason}", path.display())]
    NotALayout {
        /// What should be one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The archive that should hold a layout is damaged or refused.
    #[error("cannot read {}: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: TarError,
    },
    /// A blob is missing.
    #[error("{} has no content with the digest {digest}", path.display())]
    Missing {
        /// The layout.
        path: PathBuf,
        /// The blob.
        digest: Digest,
    },
    /// A blob is not what it is named.
    #[error("the content {digest} is not what it claims to be: {reason}")]
    Content {
        /// The digest that it should have.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// A document is malformed, too large, or could be understood in two ways.
    #[error("the document {digest} is refused: {reason}")]
    Document {
        /// The document.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// No image has the name.
    #[error("there is no image `{wanted}`; there is {}", listed(.present))]
    NoSuchImage {
        /// What was asked for.
        wanted: String,
        /// What is there.
        present: Vec<String>,
    },
    /// A layout with several images was asked for its only one.
    #[error("there are several images; name one of {}", listed(.present))]
    SeveralImages {
        /// Their names, or digests where they have none.
        present: Vec<String>,
    },
    /// The image is not for the platform.
    #[error("the image is not for {wanted}; it is for {}", listed_platforms(.present))]
    NoSuchPlatform {
        /// The platform that was asked for.
        wanted: Platform,
        /// Those that are there.
        present: Vec<Platform>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn listed_platforms(platforms: &[Platform]) -> String {
    listed(&platforms.iter().map(ToString::to_string).collect::<Vec<_>>())
}

impl Layout {
    /// Opens the layout in a folder or in a tar archive.
    ///
    /// # Errors
    /// Where it is none, or of a later version.
    pub fn open(path: impl AsRef<Path>) -> Result<Layout, LayoutError> {
        let path = path.as_ref().to_owned();
        let (source, version, index) = Source::open(&path)?;
        let fail = |reason: String| LayoutError::NotALayout { path: path.clone(), reason };
        let version: serde_json::Value =
            serde_json::from_slice(&version).map_err(|e| fail(format!("its file `oci-layout` is malformed: {e}")))?;
        match version.get("imageLayoutVersion").and_then(|v| v.as_str()) {
            Some(version) if version.starts_with("1.") => {}
            Some(other) => return Err(fail(format!("its version `{}` is unknown", document::clip(other)))),
            None => return Err(fail("its file `oci-layout` has no version".into())),
        }
        let index = document::index(&index).map_err(|reason| fail(format!("its index.json {reason}")))?;
        Ok(Layout { path, source, index })
    }

    /// An image whose contents are in the store, with what refers to it: `rows` as they would stand in `index.json`.
    pub fn of_store(store: &Store, rows: Vec<Descriptor>) -> Layout {
        Layout { path: store.root().to_owned(), source: Source::Store(store.clone()), index: Index::new(rows) }
    }

    /// The stretch of a file that holds a blob, for those who check it themselves: where it begins, and its length.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn part(&self, digest: &Digest) -> Result<(Arc<File>, u64, u64), LayoutError> {
        self.source.part(digest)?.ok_or_else(|| LayoutError::Missing { path: self.path.clone(), digest: *digest })
    }

    /// The rows of its `index.json`.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Opens a blob. Reading fails at the end where content or size are not as the descriptor says.
    ///
    /// # Errors
    /// Where it is missing or of another size.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<impl Read + Send + use<>, LayoutError> {
        let missing = || LayoutError::Missing { path: self.path.clone(), digest: descriptor.digest };
        let (content, size) = self.source.blob(&descriptor.digest)?.ok_or_else(missing)?;
        if size != descriptor.size {
            let reason = format!("it has {size} bytes, not {}", descriptor.size);
            return Err(LayoutError::Content { digest: descriptor.digest, reason });
        }
        Ok(source::Verified::new(content, descriptor.digest))
    }

    /// Reads a blob of at most `limit` bytes whole.
    ///
    /// # Errors
    /// Where it is missing, larger, or not what its digest says.
    pub fn read(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, LayoutError> {
        if descriptor.size > limit {
            let reason = format!("it has {} bytes, more than the {limit} that are allowed", descriptor.size);
            return Err(LayoutError::Document { digest: descriptor.digest, reason });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(descriptor.size).unwrap_or(0));
        let read = self.blob(descriptor)?.read_to_end(&mut bytes);
        read.map_err(|e| LayoutError::Content { digest: descriptor.digest, reason: e.to_string() })?;
        Ok(bytes)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where it is malformed or ambiguous.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest, LayoutError> {
        let bytes = self.read(descriptor, document::MAX_SIZE)?;
        document::manifest(&bytes, &descriptor.media_type)
            .map_err(|reason| LayoutError::Document { digest: descriptor.digest, reason })
    }

    /// Reads the configuration of an image.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where it is malformed or does not fit the manifest.
    pub fn config(&self, manifest: &Manifest) -> Result<ImageConfig, LayoutError> {
        let fail = |reason: String| LayoutError::Document { digest: manifest.config.digest, reason };
        let bytes = self.read(&manifest.config, document::MAX_SIZE)?;
        let config: ImageConfig = serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))?;
        let (ids, layers) = (config.rootfs.diff_ids.len(), manifest.layers.len());
        if ids == layers { Ok(config) } else { Err(fail(format!("it names {ids} layers, its manifest {layers}"))) }
    }

    /// The image with the given name, digest or whole name; the only one where nothing is given.
    ///
    /// # Errors
    /// Where there is none, or more than one to choose from.
    pub fn image(&self, name: Option<&str>) -> Result<Descriptor, LayoutError> {
        let images = self.images()?;
        let label = |row: &Descriptor| row.annotations.get(REF_NAME).cloned().unwrap_or(row.digest.to_string());
        let present = || images.iter().map(label).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        if let Some(name) = name {
            let is_it = |row: &&Descriptor| {
                let names = [row.annotations.get(REF_NAME), row.annotations.get(IMAGE_NAME)];
                names.into_iter().flatten().any(|n| n == name) || row.digest.to_string() == name
            };
            let found = images.iter().find(is_it).cloned();
            return found.ok_or_else(|| LayoutError::NoSuchImage { wanted: name.into(), present: present() });
        }
        let digests: BTreeSet<Digest> = images.iter().map(|row| row.digest).collect();
        match images.first() {
            Some(image) if digests.len() == 1 => Ok(image.clone()),
            Some(_) => Err(LayoutError::SeveralImages { present: present() }),
            None => Err(LayoutError::NoSuchImage { wanted: "any".into(), present: Vec::new() }),
        }
    }

    /// The whole names of an image, where the layout tells them.
    pub fn names(&self, image: &Descriptor) -> Vec<Reference> {
        let rows = self.index.manifests.iter().filter(|row| row.digest == image.digest);
        rows.filter_map(|row| row.annotations.get(IMAGE_NAME)?.parse().ok()).collect()
    }

    /// The rows of the index that are images, not what refers to them.
    fn images(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let mut images = Vec::new();
        for row in &self.index.manifests {
            let is_image = match row.media_type.as_str() {
                // Where registries have no list of referrers, an index under such a name is it.
                media_type::INDEX | media_type::DOCKER_INDEX => {
                    !row.annotations.get(REF_NAME).is_some_and(|name| is_referrers_tag(name))
                }
                media_type::MANIFEST | media_type::DOCKER_MANIFEST => self.manifest(row)?.is_image(),
                _ => false,
            };
            if is_image {
                images.push(row.clone());
            }
        }
        Ok(images)
    }

    /// The manifests of an image, one a platform, each with its platform.
    ///
    /// What builders put beside them, such as BuildKit's attestations, is left out.
    ///
    /// # Errors
    /// Where a document is missing, damaged or refused.
    pub fn platforms(&self, image: &Descriptor) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found = Vec::new();
        self.each_manifest(image, 0, &mut BTreeSet::new(), &mut |row| {
            found.extend(self.for_platform(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// A row with its platform; none where it is not that of an image.
    fn for_platform(&self, row: &Descriptor) -> Result<Option<Descriptor>, LayoutError> {
        let manifest = self.manifest(row)?;
        if !manifest.is_image() {
            return Ok(None);
        }
        let mut row = row.clone();
        if row.platform.is_none() {
            row.platform = Some(self.config(&manifest)?.platform);
        }
        Ok(Some(row).filter(|row| row.platform.as_ref().is_some_and(|p| p.os != "unknown")))
    }

    /// The manifest of an image for `platform`. Manifests that are listed for other platforms need not be there.
    ///
    /// # Errors
    /// [`LayoutError::NoSuchPlatform`] where it has none.
    pub fn platform(&self, image: &Descriptor, platform: &Platform) -> Result<Descriptor, LayoutError> {
        let (mut found, mut present) = (None, Vec::new());
        self.each_manifest(image, 0, &mut BTreeSet::new(), &mut |row| {
            let other = row.platform.as_ref().filter(|other| !platform.matches(other));
            match other {
                Some(other) if other.os == "unknown" => {}
                Some(other) => present.push(other.clone()),
                None if found.is_none() => {
                    let row = self.for_platform(row)?;
                    present.extend(row.as_ref().and_then(|row| row.platform.clone()));
                    found = row.filter(|row| row.platform.as_ref().is_some_and(|other| platform.matches(other)));
                }
                None => {}
            }
            Ok(())
        })?;
        found.ok_or_else(|| LayoutError::NoSuchPlatform { wanted: platform.clone(), present })
    }

    /// The manifests whose subject is `subject`, as lists of referrers name them, sorted by digest.
    ///
    /// # Errors
    /// Where a document is missing, damaged or refused.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for row in &self.index.manifests {
            self.each_manifest(row, 0, &mut seen, &mut |row| {
                let manifest = self.manifest(row)?;
                if manifest.subject.as_ref().is_some_and(|s| s.digest == *subject) {
                    found.push(manifest.referrer(row));
                }
                Ok(())
            })?;
        }
        found.sort_by_key(|row| row.digest);
        Ok(found)
    }

    /// What refers to an image and to the manifests of its platforms, and what refers to results of commands among that.
    ///
    /// # Errors
    /// As [`referrers`](Self::referrers).
    pub fn all_referrers(&self, image: &Descriptor) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found = self.referrers(&image.digest)?;
        for manifest in self.platforms(image)?.iter().filter(|manifest| manifest.digest != image.digest) {
            found.extend(self.referrers(&manifest.digest)?);
        }
        let is_results = |row: &&Descriptor| row.artifact_type.as_deref() == Some(media_type::RESULTS);
        let claims = found.iter().filter(is_results).map(|results| self.referrers(&results.digest));
        let claims = claims.collect::<Result<Vec<_>, _>>()?;
        found.extend(claims.into_iter().flatten());
        Ok(found)
    }

    /// Visits the row of each manifest at and below a row once; other kinds of content are passed over.
    fn each_manifest(
        &self,
        row: &Descriptor,
        depth: usize,
        seen: &mut BTreeSet<Digest>,
        visit: &mut dyn FnMut(&Descriptor) -> Result<(), LayoutError>,
    ) -> Result<(), LayoutError> {
        let refuse = |reason: &str| LayoutError::Document { digest: row.digest, reason: reason.into() };
        if !seen.insert(row.digest) {
            return Ok(());
        }
        if seen.len() > document::MAX_MANIFESTS {
            return Err(refuse("it is one of more manifests than are allowed"));
        }
        match row.media_type.as_str() {
            media_type::INDEX | media_type::DOCKER_INDEX if depth == document::MAX_DEPTH => {
                Err(refuse("indexes lie inside each other too deeply"))
            }
            media_type::INDEX | media_type::DOCKER_INDEX => {
                let bytes = self.read(row, document::MAX_SIZE)?;
                let index = document::index(&bytes).map_err(|reason| refuse(&reason))?;
                index.manifests.iter().try_for_each(|row| self.each_manifest(row, depth + 1, seen, visit))
            }
            media_type::MANIFEST | media_type::DOCKER_MANIFEST => visit(row),
            _ => Ok(()),
        }
    }
}

/// The tag under which lists of referrers stand in registries without an interface for them.
fn is_referrers_tag(name: &str) -> bool {
    name.strip_prefix("sha256-").is_some_and(|hex| Digest::from_hex(hex).is_ok())
}

#[cfg(test)]
mod tests;
