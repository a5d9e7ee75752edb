//! What a build was asked and what it used, as plain data.

use crate::evidence::inventory::{GitCommit, Package, PackageIndex, SpecFile};
use crate::evidence::sbom::{deb_purl, deb_url};
use crate::evidence::stage::Step;
use crate::oci::{Digest, Platform};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One build, as provenance tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The name of the `image` node that was built.
    pub image: String,
    /// The spec; its path is relative to where the build was started or to the repository.
    pub spec: SpecFile,
    /// The files that the spec includes.
    pub includes: Vec<SpecFile>,
    /// The lock.
    pub lock: Option<SpecFile>,
    /// The arguments that were set for the build (`--arg`), not the defaults of the spec.
    pub args: BTreeMap<String, String>,
    /// The platforms that were built.
    pub platforms: Vec<Platform>,
    /// Options of the command line that change the image, by their long names; none that do not.
    pub options: BTreeMap<String, String>,
    /// The repository that holds the spec, where it was clean.
    pub repository: Option<Repository>,
    /// Everything else from outside that is in the image or in what it stands on, in any order.
    pub dependencies: Vec<Dependency>,
    /// The stages that the image was made with, for each platform; and the image itself, where commands ran in it.
    pub stages: Vec<BuiltStage>,
    /// Seconds since 1970.
    pub epoch: i64,
    /// The version of kiln.
    pub kiln_version: String,
    /// The compressors whose version decides the bytes of layers: `gzip` → `libdeflate 1.25`.
    pub compressors: BTreeMap<String, String>,
    /// The suites whose Valid-Until was not honoured because the spec says so.
    pub unchecked_valid_until: Vec<String>,
    /// What made the layers that any command had a part in, where that is not kiln: `buildkit`.
    pub layers_by: Option<String>,
    /// Who built.
    pub builder: Builder,
    /// What is different in each run, only where the user asks for it: it makes the evidence different in each run.
    pub run: Option<Run>,
}

/// Where commands ran, for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltStage {
    /// The stage's name; none for the image itself.
    pub name: Option<String>,
    /// What its commands ran for.
    pub platform: Platform,
    /// What it took from outside, in any order; what the image took as well may be among it.
    pub dependencies: Vec<Dependency>,
    /// Its commands, in order.
    pub steps: Vec<Step>,
}

/// A git repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its address, without credentials.
    pub url: String,
    /// The commit in hexadecimal digits.
    pub commit: String,
}

/// Who built: decides `builder.id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builder {
    /// Somebody's machine, with a key that was made there.
    Local,
    /// A job of a continuous integration service, with a key that was configured for it.
    Ci {
        /// The service by its short name: `github-actions`, `gitlab-ci`; `unknown` where only `CI` is set.
        service: String,
    },
}

/// What differs between two runs of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// A name that only this run has.
    pub invocation_id: String,
    /// Seconds since 1970.
    pub started_on: i64,
    /// Seconds since 1970.
    pub finished_on: i64,
}

/// Something from outside that the build used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// A signed index of packages.
    Index(PackageIndex),
    /// A package file.
    Package {
        /// Its package URL: [`deb_purl`].
        purl: String,
        /// The digest of the package file.
        sha256: Digest,
        /// Where it stands in public.
        url: Option<String>,
    },
    /// A download.
    Http {
        /// From where, without credentials.
        url: String,
        /// The digest of the file.
        digest: Digest,
    },
    /// A commit of a git repository.
    Git {
        /// The source's name in the spec.
        name: String,
        /// The commit.
        commit: GitCommit,
        /// The digest of the tree that was made of it, with that of its submodules; none for a submodule by itself.
        tree: Option<Digest>,
        /// Where it stands in the source, for a submodule.
        submodule: Option<String>,
    },
    /// A folder beside the spec.
    Context {
        /// The source's name in the spec.
        name: String,
        /// The digest of its tree, with what was excluded left out.
        tree: Digest,
    },
    /// An image that files were copied from.
    Oci(UsedImage),
    /// An image that was built upon.
    Base(UsedImage),
}

/// An image, of an OCI layout or of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedImage {
    /// Where it is: the layout, or the whole reference.
    pub reference: String,
    /// The digest of its manifest for the platform.
    pub digest: Digest,
    /// The package URL of one of a registry.
    pub uri: Option<String>,
    /// The index that the lock pins, where the manifest is one of several.
    pub index: Option<Digest>,
    /// The key by which its signature was verified, as bundles name keys.
    pub signed_by: Option<String>,
    /// Documents that came with it.
    pub documents: Vec<UsedDocument>,
}

/// A document that came with an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsedDocument {
    /// What it is: `provenance`, `sbom`.
    pub role: String,
    /// The digest of the bundle or the statement.
    pub digest: Digest,
    /// The key by which it was verified.
    pub signed_by: Option<String>,
}

impl Dependency {
    /// One package file; `indexes` is what its `index` points into.
    pub fn of_package(package: &Package, indexes: &[PackageIndex]) -> Dependency {
        Dependency::Package { purl: deb_purl(package), sha256: package.sha256, url: deb_url(package, indexes) }
    }
}
