//! What a graph takes from outside, by digest.

use crate::oci::{Config, Digest};
use std::collections::BTreeMap;

/// Everything from outside that one image for one platform is made of, by digest.
///
/// All are digests of manifests in the store, but for `http`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// For each level the set of all packages up to it; none where there are none yet.
    pub sets: Vec<Option<Digest>>,
    /// For each level how dpkg installs its packages; none where their scripts are emulated.
    pub installations: Vec<Option<Installation>>,
    /// For each level the account files with all accounts up to it; none where the level does not change them.
    pub accounts: Vec<Option<Digest>>,
    /// The downloads by the names of their sources: digests of the files.
    pub http: BTreeMap<String, Digest>,
    /// The trees of commits by the names of their sources.
    pub commits: BTreeMap<String, Digest>,
    /// The images of layouts and registries by the names of their sources, for this platform.
    pub images: BTreeMap<String, Digest>,
    /// The configuration of the base, where the image stands on one that is not kiln's own.
    pub base_config: Option<Config>,
}

/// What dpkg takes to install packages with their scripts; both are digests of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// The new system that it begins with; none where there is one already.
    pub system: Option<Digest>,
    /// The folder with the archives and the program.
    pub kit: Digest,
}
