//! `kiln.lock`: every input from outside, pinned. The format is `specs/lock.md`.

mod read;
mod write;

pub use read::LockError;

use crate::git::{Address, CommitId, Submodule};
use crate::oci::{Digest, Platform, Reference};
use crate::packages::deb::{LockedIndex, LockedPackage};
use jiff::civil::Date;

/// The name of the lock, beside its spec.
pub const FILE_NAME: &str = "kiln.lock";

/// What `kiln.lock` holds, each list sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The signed indexes that the packages were found in.
    pub indexes: Vec<LockedIndex>,
    /// The files from the web.
    pub downloads: Vec<LockedDownload>,
    /// The commits of git repositories.
    pub commits: Vec<LockedCommit>,
    /// The images of OCI layouts.
    pub layouts: Vec<LockedLayout>,
    /// The images of registries.
    pub images: Vec<LockedImage>,
    /// The packages of each image and platform.
    pub sets: Vec<LockedSet>,
    /// The database of advisories that releases are judged by.
    pub advisories: Option<LockedAdvisories>,
}

/// A database of advisories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAdvisories {
    /// The repository in which it is; none for one that was made on this machine.
    pub reference: Option<String>,
    /// Its digest.
    pub sha256: Digest,
    /// The day of its newest news.
    pub date: Date,
}

/// A file from the web.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedDownload {
    /// The name of the spec's source.
    pub source: String,
    /// Where it was found, without credentials.
    pub url: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedCommit {
    /// The name of the spec's source.
    pub source: String,
    /// Where the repository is.
    pub address: Address,
    /// The whole name of the reference that meant it (`refs/tags/v1.2`, `HEAD`); none where the spec says the commit.
    pub reference: Option<String>,
    /// The folder that is meant; empty for all.
    pub subdir: String,
    /// Whether its submodules are part of it.
    pub with_submodules: bool,
    /// The commit.
    pub commit: CommitId,
    /// The digest of the tree that kiln makes of it: it does not rest on what git's names of objects are worth.
    pub tree: Digest,
    /// The submodules, by their paths.
    pub submodules: Vec<Submodule>,
}

/// An image of an OCI layout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedLayout {
    /// The name of the spec's source.
    pub source: String,
    /// The digest of the index or manifest that the source names.
    pub sha256: Digest,
}

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedImage {
    /// The whole reference, with the registry's name and whatever else the spec leaves out.
    pub reference: String,
    /// The digest of the index or manifest that it names.
    pub sha256: Digest,
    /// Manifests that referred to it, or to an image of the index, when it was pinned: what is read from them is the
    /// same in every build.
    pub attached: Vec<Digest>,
}

/// The packages of one image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSet {
    /// The image's name.
    pub image: String,
    /// The platform.
    pub platform: Platform,
    /// The digest of what was asked for: the set is stale where the spec asks for something else.
    pub request: Digest,
    /// The packages by name and architecture.
    pub packages: Vec<LockedEntry>,
}

/// A package of a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedEntry {
    /// The package.
    pub package: LockedPackage,
    /// The base of kiln's own that needs it; none where only the image does.
    pub base: Option<String>,
}

impl Lock {
    /// The packages of an image for a platform.
    pub fn set(&self, image: &str, platform: &Platform) -> Option<&LockedSet> {
        self.sets.iter().find(|set| set.image == image && set.platform == *platform)
    }

    /// The file that a source names.
    pub fn download(&self, source: &str) -> Option<&LockedDownload> {
        self.downloads.iter().find(|download| download.source == source)
    }

    /// The commit that a source names.
    pub fn commit(&self, source: &str) -> Option<&LockedCommit> {
        self.commits.iter().find(|commit| commit.source == source)
    }

    /// The image that a source names.
    pub fn layout(&self, source: &str) -> Option<&LockedLayout> {
        self.layouts.iter().find(|layout| layout.source == source)
    }

    /// The image that a reference names.
    pub fn image(&self, reference: &Reference) -> Option<&LockedImage> {
        let reference = reference.to_string();
        self.images.iter().find(|image| image.reference == reference)
    }

    /// Whether nothing had to be pinned.
    pub fn is_empty(&self) -> bool {
        let files = self.downloads.is_empty() && self.commits.is_empty();
        let inputs = files && self.layouts.is_empty() && self.images.is_empty() && self.indexes.is_empty();
        inputs && self.sets.is_empty() && self.advisories.is_none()
    }

    /// Puts all lists into their order.
    pub(crate) fn sort(&mut self) {
        self.indexes.sort();
        self.downloads.sort();
        self.commits.sort();
        for commit in &mut self.commits {
            commit.submodules.sort();
        }
        self.layouts.sort();
        self.images.sort();
        for image in &mut self.images {
            image.attached.sort();
        }
        self.sets.sort_by(|a, b| (&a.image, &a.platform).cmp(&(&b.image, &b.platform)));
        for set in &mut self.sets {
            set.packages.sort();
        }
    }
}

#[cfg(test)]
mod tests;
