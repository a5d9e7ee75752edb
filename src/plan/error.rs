//! Why inputs cannot be pinned.

use crate::git::GitError;
use crate::http::{HttpError, UrlError};
use crate::oci::{Digest, Reference};
use crate::packages::deb::DebError;
use crate::packages::deb::trust::KeyringError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why inputs cannot be pinned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No database of advisories is there.
    #[error(
        "the policy asks for vulnerabilities, and there is no database of them: make one with `kiln db update`, bring one \
         with `kiln db pull`, or say in the policy where one is: `database \"registry.example.com/security/advisories\"`"
    )]
    NoAdvisories,
    /// Debian has no packages for the platform.
    #[error("Debian has no packages for the platform {0}")]
    Platform(String),
    /// A mirror's address is none.
    #[error("the mirror of {apt}: {error}")]
    Mirror {
        /// The package source.
        apt: String,
        /// What is wrong.
        error: UrlError,
    },
    /// A keyring is none.
    #[error("a keyring of {apt}: {error}")]
    Keyring {
        /// The package source.
        apt: String,
        /// What is wrong.
        error: KeyringError,
    },
    /// No versions of the packages fit together.
    #[error("no versions of the packages of {image} for {platform} fit together:\n{explanation}")]
    Unsatisfiable {
        /// The image.
        image: String,
        /// The platform.
        platform: String,
        /// Who wants what, and what stands against it.
        explanation: String,
    },
    /// A download's address is none.
    #[error("the address of source {source_name}: {error}")]
    Address {
        /// The source.
        source_name: String,
        /// What is wrong.
        error: UrlError,
    },
    /// A download is another one than the spec says.
    #[error("source {source_name}: the spec says that its digest is {expected}, but what was fetched has {actual}")]
    WrongDownload {
        /// The source.
        source_name: String,
        /// What the spec says.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// A commit could not be had.
    #[error("source {source_name}: {error}")]
    Git {
        /// The source.
        source_name: String,
        /// Why not.
        error: Box<GitError>,
    },
    /// A commit has other content than when it was locked.
    #[error(
        "source {source_name}: the lock says that the tree of its commit is {expected}, but what was fetched has {actual}: \
         either the lock was changed by hand, or another commit goes by the same name"
    )]
    WrongTree {
        /// The source.
        source_name: String,
        /// What the lock says.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// A commit has other submodules than when it was locked.
    #[error(
        "source {source_name}: the lock names other submodules than its commit does: it was changed by hand; restore it \
         from version control, or take the source's row out and run `kiln lock`"
    )]
    WrongSubmodules {
        /// The source.
        source_name: String,
    },
    /// `--update` named something that is in no lock and no spec.
    #[error("there is no package or source `{0}` to update")]
    NothingToUpdate(String),
    /// The packages could not be had.
    #[error(transparent)]
    Packages(#[from] DebError),
    /// A registry does not have the image of a tag.
    #[error("there is no image {0}")]
    NoSuchImage(Reference),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
