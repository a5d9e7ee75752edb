//! Trees as images, which a daemon reads out of the store as it reads any image.
//!
//! A tree that came of an image's layers is that image, where whoever unpacks them gets this very tree; any other becomes an
//! image with one layer. A daemon keeps layers under what they hold, so one that it has seen costs nothing, in whatever build
//! it comes again.

use super::content::Contents;
use crate::llb::exec::STEP_EPOCH;
use crate::oci::{Config, Descriptor, Digest, ImageConfig, Manifest, Platform, RootFs, document, media_type, to_json};
use crate::solve::embedded::image_of;
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreeError, tar};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The kind of record that says which image a tree is.
const RECORD: &str = "daemon-image";

/// What a daemon may read of an image. Its blobs are in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Image {
    manifest: Digest,
    config: Digest,
    layers: Vec<Digest>,
}

impl Image {
    fn blobs(&self) -> impl Iterator<Item = &Digest> {
        [&self.manifest, &self.config].into_iter().chain(&self.layers)
    }
}

/// Why a tree cannot be an image.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImageError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Archive(#[from] tar::TarError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error("{0} is not what it should be: {1}")]
    Document(Digest, serde_json::Error),
}

/// The images that a daemon is offered, and nothing else of the store.
#[derive(Clone)]
pub(super) struct Images {
    store: Store,
    offered: Arc<Mutex<BTreeSet<Digest>>>,
}

impl Images {
    pub(super) fn new(store: Store) -> Self {
        Images { store, offered: Arc::default() }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// What the session offers.
    pub(super) fn contents(&self) -> Contents {
        let offered = self.offered.clone();
        Contents::new(self.store.clone(), move |digest| {
            offered.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
        })
    }

    /// Makes a tree an image for a platform, and offers it: the digest of its manifest.
    pub(super) fn offer(&self, tree: &Digest, platform: &Platform) -> Result<Digest, ImageError> {
        let image = match self.unpacked(tree, platform)? {
            Some(image) => image,
            None => self.image(tree, platform)?,
        };
        self.add(&image);
        Ok(image.manifest)
    }

    /// Offers an image of the store as it is.
    pub(super) fn offer_stored(&self, manifest: &Digest) -> Result<(), ImageError> {
        self.add(&self.stored(manifest)?);
        Ok(())
    }

    fn add(&self, image: &Image) {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner).extend(image.blobs());
    }

    /// The image for a platform that a tree came of; none where there is none, or it is no longer whole.
    fn unpacked(&self, tree: &Digest, platform: &Platform) -> Result<Option<Image>, ImageError> {
        let Some(manifest) = image_of(tree, &self.store)?.filter(|manifest| self.store.has(manifest)) else {
            return Ok(None);
        };
        let image = self.stored(&manifest)?;
        if !image.blobs().all(|blob| self.store.has(blob)) {
            return Ok(None);
        }
        let config: ImageConfig = self.document(&image.config)?;
        Ok(config.platform.matches(platform).then_some(image))
    }

    fn stored(&self, manifest: &Digest) -> Result<Image, ImageError> {
        let Manifest { config, layers, .. } = self.document(manifest)?;
        let layers = layers.iter().map(|layer| layer.digest).collect();
        Ok(Image { manifest: *manifest, config: config.digest, layers })
    }

    fn document<T: DeserializeOwned>(&self, digest: &Digest) -> Result<T, ImageError> {
        let bytes = self.store.read(digest, document::MAX_SIZE)?;
        serde_json::from_slice(&bytes).map_err(|error| ImageError::Document(*digest, error))
    }

    /// A tree as an image with one layer.
    fn image(&self, tree: &Digest, platform: &Platform) -> Result<Image, ImageError> {
        let store = &self.store;
        let key = Digest::of([tree.as_bytes(), platform.to_string().as_bytes()].concat());
        let known = store.record(RECORD, &key)?.and_then(|record| serde_json::from_slice::<Image>(&record).ok());
        let is_there = |image: &Image| image.blobs().all(|blob| store.has(blob));
        if let Some(image) = known.filter(is_there) {
            return Ok(image);
        }
        // A command sees all entries with times, whatever an image says of those that have none.
        let timed = |entry: &Entry| Entry { mtime: entry.mtime.or(Some(STEP_EPOCH)), ..entry.clone() };
        let mut entries = Tree::new();
        for (path, entry) in Tree::load(store, tree)?.iter() {
            entries.insert(path.clone(), timed(entry))?;
        }
        let mut writer = store.writer()?;
        tar::write(&Change::from(entries), store, i64::MAX, &mut writer)?;
        let (layer, size) = writer.commit()?;
        let config = to_json(&ImageConfig {
            created: None,
            author: None,
            platform: platform.clone(),
            config: Config::default(),
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![layer] },
            history: Vec::new(),
        });
        let layers = vec![Descriptor::new(media_type::LAYER, layer, size)];
        let manifest = to_json(&Manifest::image(Descriptor::of(media_type::CONFIG, &config), layers));
        let image = Image { manifest: store.put(&manifest)?, config: store.put(&config)?, layers: vec![layer] };
        let record = serde_json::to_vec(&image).expect("an image has no maps");
        store.set_record(RECORD, &key, &record)?;
        Ok(image)
    }
}

#[cfg(test)]
mod tests;
