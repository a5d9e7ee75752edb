//! Image manifests and indexes (image-spec `manifest.md`, `image-index.md`).

use super::{Descriptor, media_type};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An image, or with `artifact_type` anything else that is stored like one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::MANIFEST`], or Docker's.
    #[serde(default)]
    pub media_type: String,
    /// What the artifact is, where it is no image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// What this manifest refers to: a signature names its image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Descriptor>,
    /// Free annotations, sorted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// An image of a configuration and layers.
    pub fn image(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Manifest {
            schema_version: 2,
            media_type: media_type::MANIFEST.into(),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Whether this is an image: nothing else has an image's configuration.
    pub fn is_image(&self) -> bool {
        let has_config = matches!(self.config.media_type.as_str(), media_type::CONFIG | media_type::DOCKER_CONFIG);
        has_config && self.subject.is_none() && self.artifact_type.is_none()
    }

    /// The row for this manifest in a list of referrers: with its artifact type and all its annotations.
    pub fn referrer(&self, manifest: &Descriptor) -> Descriptor {
        let mut row = Descriptor::new(&manifest.media_type, manifest.digest, manifest.size);
        row.artifact_type = Some(self.artifact_type.as_ref().unwrap_or(&self.config.media_type).clone());
        row.annotations = self.annotations.clone();
        row
    }

    /// An artifact of one layer with the empty configuration; the configuration's content is `{}`.
    pub fn artifact(artifact_type: impl Into<String>, layer: Descriptor) -> Self {
        let mut manifest = Self::image(Descriptor::of(media_type::EMPTY, b"{}"), vec![layer]);
        manifest.artifact_type = Some(artifact_type.into());
        manifest
    }
}

/// Several manifests under one name: one a platform, or whatever an OCI layout holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::INDEX`], or Docker's.
    #[serde(default)]
    pub media_type: String,
    /// The rows.
    pub manifests: Vec<Descriptor>,
    /// What this index refers to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Descriptor>,
    /// Free annotations, sorted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// An index of `manifests`.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Index {
            schema_version: 2,
            media_type: media_type::INDEX.into(),
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }
}
