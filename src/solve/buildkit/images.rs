//! Trees as images with one layer, which a daemon reads out of the store as it reads any image.
//!
//! A daemon keeps layers under what they hold, so an image that it has seen costs nothing, in whatever build it comes again.

use super::content::Contents;
use crate::llb::exec::STEP_EPOCH;
use crate::oci::{Config, Descriptor, Digest, ImageConfig, Manifest, Platform, RootFs, media_type, to_json};
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreeError, tar};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The kind of record that says which image a tree is.
const RECORD: &str = "daemon-image";

/// What a daemon may read of an image. Its blobs are in the store.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Image {
    manifest: Digest,
    config: Digest,
    layer: Digest,
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
        let image = self.image(tree, platform)?;
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        offered.extend([image.manifest, image.config, image.layer]);
        Ok(image.manifest)
    }

    fn image(&self, tree: &Digest, platform: &Platform) -> Result<Image, ImageError> {
        let store = &self.store;
        let key = Digest::of([tree.as_bytes(), platform.to_string().as_bytes()].concat());
        let known = store.record(RECORD, &key)?.and_then(|record| serde_json::from_slice::<Image>(&record).ok());
        let is_there = |image: &Image| [image.manifest, image.config, image.layer].iter().all(|blob| store.has(blob));
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
        let image = Image { manifest: store.put(&manifest)?, config: store.put(&config)?, layer };
        let record = serde_json::to_vec(&image).expect("an image has no maps");
        store.set_record(RECORD, &key, &record)?;
        Ok(image)
    }
}

#[cfg(test)]
mod tests;
