//! What a graph takes from outside, by digest.

use crate::oci::{Config, Digest};
use crate::spec::{Image, Spec};
use std::collections::BTreeMap;

/// One of the images that stand on one another: a base of kiln's own, or the image itself.
#[derive(Debug, Clone)]
pub struct Level {
    /// The name of a base of kiln's own; none for the image that is built.
    pub own: Option<String>,
    /// The spec that says what the level is made of.
    pub spec: Spec,
    /// The image of that spec.
    pub image: Image,
}

impl Level {
    /// The level's name for people.
    pub fn name(&self) -> String {
        match &self.own {
            Some(own) => format!("base {own}"),
            None => self.image.name.to_string(),
        }
    }
}

/// Everything from outside that one image for one platform is made of, by digest.
///
/// All are digests of manifests in the store, but for `http`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// For each level the set of all packages up to it; none where there are none yet.
    pub sets: Vec<Option<Digest>>,
    /// For each level the account files with all accounts up to it; none where the level does not change them.
    pub accounts: Vec<Option<Digest>>,
    /// The downloads by the names of their sources: digests of the files.
    pub http: BTreeMap<String, Digest>,
    /// The images of layouts by the names of their sources, for this platform.
    pub layouts: BTreeMap<String, Digest>,
    /// The configuration of the base, where the image stands on one that is not kiln's own.
    pub base_config: Option<Config>,
}
