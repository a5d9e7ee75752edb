//! Taking an image out of a layout into the store.

use super::{Layout, LayoutError};
use crate::image::assemble::{Image, Step};
use crate::image::layer::Layer;
use crate::oci::{Descriptor, ImageConfig, document, media_type};
use crate::store::{Store, StoreError};
use crate::tree::flatten::{self, Flat, FlattenError, Packed, flatten};
use crate::tree::tar::{Compression, Limits};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::io::{Read, Write};

/// An image whose documents and layers are in the store.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The image as if kiln had assembled it; what its layers unpack to is not checked yet.
    pub image: Image,
    /// Its configuration.
    pub config: ImageConfig,
}

impl Imported {
    /// What its layers amount to.
    ///
    /// # Errors
    /// As [`flatten`].
    pub fn flat(&self, store: &Store) -> Result<Flat, FlattenError> {
        flatten(&self.packed(), store, &Limits::default())
    }

    /// The same, where it is known.
    ///
    /// # Errors
    /// As [`flatten::known`].
    pub fn known_flat(&self, store: &Store) -> Result<Option<Flat>, FlattenError> {
        flatten::known(&self.packed(), store)
    }

    fn packed(&self) -> Vec<Packed<'_>> {
        self.image.layers.iter().map(Layer::packed).collect()
    }

    /// Its history with its layers, to build upon: one step for each line.
    ///
    /// Where the history does not fit the layers, it is left out.
    pub fn steps(&self) -> Vec<Step> {
        let with_layer = self.config.history.iter().filter(|line| !line.empty_layer).count();
        let mut layers = self.image.layers.iter().cloned();
        if with_layer != self.image.layers.len() {
            return layers
                .map(|layer| Step { created: self.config.created.clone(), ..Step::new("base", layer) })
                .collect();
        }
        let step = |line: &crate::oci::History| Step {
            created_by: line.created_by.clone().unwrap_or_default(),
            comment: line.comment.clone(),
            created: line.created.clone(),
            layer: if line.empty_layer { None } else { layers.next() },
        };
        self.config.history.iter().map(step).collect()
    }
}

impl Layout {
    /// Copies manifest, configuration and layers of one platform into the store.
    ///
    /// # Errors
    /// Where anything is missing, not what its digest says, or no layer that kiln can read.
    pub fn import(&self, manifest: &Descriptor, store: &Store) -> Result<Imported, LayoutError> {
        let document = self.manifest(manifest)?;
        let config = self.config(&document)?;
        let kinds = document.layers.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
        let blobs: Vec<&Descriptor> = [manifest, &document.config].into_iter().chain(&document.layers).collect();
        blobs.into_par_iter().try_for_each(|blob| self.copy(blob, store))?;
        let layer = |((descriptor, kind), diff_id): ((&Descriptor, &str), _)| Layer {
            descriptor: Descriptor::new(kind, descriptor.digest, descriptor.size),
            diff_id,
            plain_size: None,
        };
        let layers = document.layers.iter().zip(kinds).zip(config.rootfs.diff_ids.iter().copied()).map(layer).collect();
        let mut row = Descriptor::new(&manifest.media_type, manifest.digest, manifest.size);
        row.platform = Some(config.platform.clone());
        let image = Image { platform: config.platform.clone(), manifest: row, config: document.config, layers };
        Ok(Imported { image, config })
    }

    /// Copies a manifest or an index into the store with all that it names, whatever that is.
    ///
    /// # Errors
    /// Where anything is missing or not what its digest says.
    pub fn import_all(&self, row: &Descriptor, store: &Store) -> Result<(), LayoutError> {
        // Bounds depth and number before anything is copied.
        let mut blobs = Vec::new();
        self.each_manifest(row, 0, &mut BTreeSet::new(), &mut |row| {
            let manifest = self.manifest(row)?;
            blobs.push(row.clone());
            blobs.push(manifest.config);
            blobs.extend(manifest.layers);
            Ok(())
        })?;
        let mut indexes = vec![row.clone()];
        while let Some(row) = indexes.pop() {
            if matches!(row.media_type.as_str(), media_type::INDEX | media_type::DOCKER_INDEX) {
                let bytes = self.read(&row, document::MAX_SIZE)?;
                let refuse = |reason| LayoutError::Document { digest: row.digest, reason };
                indexes.extend(document::index(&bytes).map_err(refuse)?.manifests);
            }
            blobs.push(row);
        }
        blobs.sort_by_key(|blob| blob.digest);
        blobs.dedup_by_key(|blob| blob.digest);
        blobs.par_iter().try_for_each(|blob| self.copy(blob, store))
    }

    fn copy(&self, blob: &Descriptor, store: &Store) -> Result<(), LayoutError> {
        if store.size(&blob.digest) == Some(blob.size) {
            return Ok(());
        }
        let mut content = self.blob(blob)?;
        let mut writer = store.writer()?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => writer.write_all(&buffer[..count]).map_err(StoreError::from)?,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(LayoutError::Content { digest: blob.digest, reason: e.to_string() }),
            }
        }
        writer.commit_as(&blob.digest)?;
        Ok(())
    }
}

/// The media type of a layer in the words of OCI: Docker has others for the same bytes.
fn kind(layer: &Descriptor) -> Result<&'static str, LayoutError> {
    match Compression::of_media_type(&layer.media_type) {
        Some(Compression::None) => Ok(media_type::LAYER),
        Some(Compression::Gzip) => Ok(media_type::LAYER_GZIP),
        Some(Compression::Zstd) => Ok(media_type::LAYER_ZSTD),
        Some(Compression::Xz) | None => {
            let reason = format!("it is a layer of the unknown kind `{}`", document::clip(&layer.media_type));
            Err(LayoutError::Content { digest: layer.digest, reason })
        }
    }
}
