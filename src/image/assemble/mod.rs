//! From layers and settings to the documents of an image.

use super::layer::Layer;
use crate::oci::{
    Config, Descriptor, Digest, History, ImageConfig, Index, Manifest, Platform, RootFs, media_type, to_json,
};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;

/// The annotation that says when an image was made: its epoch.
const CREATED: &str = "org.opencontainers.image.created";

/// What an image of one platform consists of.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What it runs on.
    pub platform: Platform,
    /// Who made it.
    pub author: Option<String>,
    /// How it is started.
    pub config: Config,
    /// How it came to be, lowest first.
    pub steps: Vec<Step>,
    /// Annotations of the manifest. When it was made is added, unless it is said here.
    pub annotations: BTreeMap<String, String>,
}

/// One line of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What made the layer, for humans.
    pub created_by: String,
    /// Free text.
    pub comment: Option<String>,
    /// When, where that is not the epoch: layers of a base keep their own time.
    pub created: Option<String>,
    /// The layer; none where a step changed settings only.
    pub layer: Option<Layer>,
}

impl Step {
    /// A layer that this build made.
    pub fn new(created_by: impl Into<String>, layer: Layer) -> Self {
        Step { created_by: created_by.into(), comment: None, created: None, layer: Some(layer) }
    }
}

/// An image of one platform whose blobs are all in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it runs on.
    pub platform: Platform,
    /// The manifest, as an index names it: with the platform.
    pub manifest: Descriptor,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
}

/// Why an image could not be assembled.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The epoch is no time that the format can say.
    #[error("the epoch {0} is out of range: seconds since 1970 that end before the year 10000")]
    Epoch(i64),
    /// A layer was not made, or was lost since.
    #[error("the layer {0} is not in the store")]
    MissingLayer(Digest),
    /// Two images of one index are for the same platform.
    #[error("two images are for {0}")]
    SamePlatform(Platform),
    /// There is nothing to put into an index.
    #[error("an index needs at least one image")]
    NoImages,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes configuration and manifest of an image and stores them.
///
/// # Errors
/// [`AssembleError::MissingLayer`] where a layer's blob is not in the store.
pub fn assemble(recipe: &Recipe, store: &Store, epoch: i64) -> Result<Image, AssembleError> {
    let created = rfc3339(epoch)?;
    let layers: Vec<Layer> = recipe.steps.iter().filter_map(|step| step.layer.clone()).collect();
    for layer in &layers {
        if store.size(&layer.descriptor.digest) != Some(layer.descriptor.size) {
            return Err(AssembleError::MissingLayer(layer.descriptor.digest));
        }
    }
    let config = ImageConfig {
        created: Some(created.clone()),
        author: recipe.author.clone(),
        platform: recipe.platform.clone(),
        config: recipe.config.clone(),
        rootfs: RootFs { kind: "layers".into(), diff_ids: layers.iter().map(|layer| layer.diff_id).collect() },
        history: recipe.steps.iter().map(|step| history(step, &created)).collect(),
    };
    let config = put(store, media_type::CONFIG, &config)?;
    let mut manifest = Manifest::image(config.clone(), layers.iter().map(|layer| layer.descriptor.clone()).collect());
    manifest.annotations = with_created(&recipe.annotations, &created);
    let mut manifest = put(store, media_type::MANIFEST, &manifest)?;
    manifest.platform = Some(recipe.platform.clone());
    Ok(Image { platform: recipe.platform.clone(), manifest, config, layers })
}

/// Makes the index of an image for several platforms, in the order given, and stores it.
///
/// # Errors
/// Where there is no image, or two for one platform.
pub fn assemble_index(
    images: &[Image],
    annotations: &BTreeMap<String, String>,
    store: &Store,
    epoch: i64,
) -> Result<Descriptor, AssembleError> {
    if images.is_empty() {
        return Err(AssembleError::NoImages);
    }
    for (i, image) in images.iter().enumerate() {
        if images[..i].iter().any(|other| other.platform.matches(&image.platform)) {
            return Err(AssembleError::SamePlatform(image.platform.clone()));
        }
    }
    let mut index = Index::new(images.iter().map(|image| image.manifest.clone()).collect());
    index.annotations = with_created(annotations, &rfc3339(epoch)?);
    put(store, media_type::INDEX, &index)
}

/// Seconds since 1970 as the formats write times: `1970-01-01T00:00:00Z`.
///
/// # Errors
/// [`AssembleError::Epoch`] beyond the year 9999 and before 1970.
pub fn rfc3339(epoch: i64) -> Result<String, AssembleError> {
    let time = jiff::Timestamp::from_second(epoch).ok().filter(|_| epoch >= 0);
    Ok(time.ok_or(AssembleError::Epoch(epoch))?.to_string())
}

fn history(step: &Step, created: &str) -> History {
    History {
        created: step.created.clone().or_else(|| Some(created.to_owned())),
        created_by: Some(step.created_by.clone()).filter(|text| !text.is_empty()),
        comment: step.comment.clone(),
        empty_layer: step.layer.is_none(),
    }
}

fn with_created(annotations: &BTreeMap<String, String>, created: &str) -> BTreeMap<String, String> {
    let mut all = annotations.clone();
    all.entry(CREATED.into()).or_insert_with(|| created.to_owned());
    all
}

fn put(store: &Store, media_type: &str, document: &impl serde::Serialize) -> Result<Descriptor, AssembleError> {
    let json = to_json(document);
    store.put(&json)?;
    Ok(Descriptor::of(media_type, &json))
}

#[cfg(test)]
mod tests;
