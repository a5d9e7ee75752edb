//! What can go wrong between a package source and packages in the store.

use super::index::IndexError;
use super::release::ReleaseError;
use crate::http::HttpError;
use crate::store::StoreError;

/// Why packages could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// No place is known where the archive lies.
    #[error("no mirror is known for the archive {archive}: name one in the spec")]
    NoMirror {
        /// The archive.
        archive: String,
    },
    /// No mirror has a state of the suite that can be accepted.
    #[error("no mirror has an acceptable {suite} of {archive}:{}", lines(problems))]
    NoRelease {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// What is wrong with each mirror.
        problems: Vec<MirrorProblem>,
    },
    /// kiln is offline and has not seen the suite before.
    #[error("kiln is offline and the store has no state of {suite} of {archive}: run once with network")]
    OfflineRelease {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
    },
    /// The suite does not have what was asked for.
    #[error("{suite} of {archive} has no component {component} for {architecture}; it has {}", known.join(", "))]
    NoComponent {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
        /// The component that was asked for.
        component: String,
        /// The architecture.
        architecture: String,
        /// The components that there are.
        known: Vec<String>,
    },
    /// No mirror has a file that the archive lists.
    #[error("{what} cannot be fetched:{}", lines(problems))]
    Unavailable {
        /// What was to be fetched.
        what: String,
        /// What is wrong with each mirror.
        problems: Vec<MirrorProblem>,
    },
    /// A package that the lock names is nowhere to be had.
    #[error(
        "{package} {version} is locked, but no mirror has it any more, nor has the archive of old versions:{}\n\
         run `kiln lock --update {package}` to take the version that is offered now",
        lines(problems)
    )]
    PackageGone {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// What is wrong with each mirror.
        problems: Vec<MirrorProblem>,
    },
    /// A path of an index or a lock leads out of the archive.
    #[error("the path `{path}` of {what} does not lie below the archive")]
    BadPath {
        /// Whose path it is.
        what: String,
        /// The path.
        path: String,
    },
    /// An index.
    #[error("{what}: {source}")]
    Index {
        /// Which one.
        what: String,
        /// What is wrong.
        source: IndexError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network, where no other place can help.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// What is wrong with one mirror.
#[derive(Debug, thiserror::Error)]
pub enum MirrorProblem {
    /// It could not be asked, or does not have it.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// What it has cannot be accepted.
    #[error("{url}: {source}")]
    Release {
        /// What was fetched.
        url: crate::http::Url,
        /// Why it is refused.
        source: ReleaseError,
    },
}

impl MirrorProblem {
    /// Whether the mirror works, and does not have it.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, MirrorProblem::Http(error) if error.is_not_found())
    }
}

impl DebError {
    /// Whether the fault lies with servers or the network: they cannot be reached, or what they offer cannot be accepted.
    pub fn is_of_service(&self) -> bool {
        match self {
            DebError::NoRelease { problems, .. } | DebError::Unavailable { problems, .. } => {
                !problems.iter().all(MirrorProblem::is_not_found)
            }
            DebError::Http(error) => error.is_of_server(),
            _ => false,
        }
    }
}

fn lines(problems: &[MirrorProblem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
