//! Taking an image out of a layout into the store.

use super::{Layout, LayoutError};
use crate::image::assemble::{Image, Step};
use crate::image::layer::Layer;
use crate::oci::{Descriptor, ImageConfig};
use crate::store::{Store, StoreError};
use crate::tree::tar::Compression;
use rayon::prelude::*;
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
        for layer in &document.layers {
            if Compression::of_media_type(&layer.media_type).is_none() {
                let reason =
                    format!("it is a layer of the unknown kind `{}`", super::document::clip(&layer.media_type));
                return Err(LayoutError::Content { digest: layer.digest, reason });
            }
        }
        let blobs: Vec<&Descriptor> = [manifest, &document.config].into_iter().chain(&document.layers).collect();
        blobs.into_par_iter().try_for_each(|blob| self.copy(blob, store))?;
        let layer = |(descriptor, diff_id): (&Descriptor, _)| Layer {
            descriptor: Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size),
            diff_id,
            plain_size: None,
        };
        let layers = document.layers.iter().zip(config.rootfs.diff_ids.iter().copied()).map(layer).collect();
        let mut row = Descriptor::new(&manifest.media_type, manifest.digest, manifest.size);
        row.platform = Some(config.platform.clone());
        let image = Image { platform: config.platform.clone(), manifest: row, config: document.config, layers };
        Ok(Imported { image, config })
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
