//! What can go wrong with a registry.

use crate::http::HttpError;
use crate::oci::{Digest, Platform, Reference};
use crate::store::StoreError;

/// Why an image could not be pulled or pushed. No variant shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry has no such thing.
    #[error("{0}: there is no such image")]
    NoSuchImage(Reference),
    /// The image is not for the platform.
    #[error("{image} is not for {wanted}; it is for {}", listed(.present))]
    NoSuchPlatform {
        /// The image.
        image: Reference,
        /// The platform that was asked for.
        wanted: Platform,
        /// Those that are there.
        present: Vec<Platform>,
    },
    /// What is there is not what it says to be.
    #[error("{place}: {digest} is refused: {reason}")]
    Refused {
        /// The repository.
        place: String,
        /// The document or blob.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// How registries are to be reached was said in a way that has no meaning.
    #[error("{0}")]
    Setting(String),
    /// Certificates for a registry cannot be used.
    #[error("{}: {reason}", path.display())]
    Certificate {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// What is there is sound, but of a kind that kiln does not take.
    #[error("{place}: {what} cannot be used: {reason}")]
    Unsupported {
        /// The repository.
        place: String,
        /// The document or blob.
        what: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A part of an image is not there.
    #[error("{place} does not have {digest}, which belongs to the image; it has to be pushed there again")]
    Incomplete {
        /// The repository.
        place: String,
        /// The document or blob.
        digest: Digest,
    },
    /// The door stays closed.
    #[error("{place}: {doing} is not allowed (status {status}{said}); {advice}")]
    Denied {
        /// The repository.
        place: String,
        /// What was attempted.
        doing: &'static str,
        /// 401 or 403.
        status: u16,
        /// What the registry said, with what it begins from the status.
        said: String,
        /// With whose credentials, and how to give others.
        advice: String,
    },
    /// The registry answered, but not with what was asked for.
    #[error("{place}: {doing} failed: the registry answers with status {status}{said}")]
    Answer {
        /// The repository.
        place: String,
        /// What was attempted.
        doing: &'static str,
        /// The status of the last answer.
        status: u16,
        /// What the registry said.
        said: String,
    },
    /// The registry does not keep to the specification.
    #[error("{place}: {doing} failed: {problem}; this is a fault of the registry or of a proxy before it")]
    Protocol {
        /// The repository.
        place: String,
        /// What was attempted.
        doing: &'static str,
        /// What is wrong with the answer.
        problem: String,
    },
    /// The registry takes no body as large as needed.
    #[error(
        "{place} refuses {digest} as too large (status 413), even in pieces of {piece} bytes; \
         raise the limit of the registry or of the proxy before it"
    )]
    TooLarge {
        /// The repository.
        place: String,
        /// The blob.
        digest: Digest,
        /// The smallest pieces that were tried.
        piece: u64,
    },
    /// The tag names something else, and must not be moved.
    #[error("{tag} names {named} already, and `--no-clobber` keeps it from moving to {wanted}; choose another tag")]
    TagTaken {
        /// The tag.
        tag: Reference,
        /// What it names.
        named: Digest,
        /// What it should have named.
        wanted: Digest,
    },
    /// The tag names something else just after it was moved.
    #[error(
        "{tag} was moved to {wanted} and names {} now; somebody else writes to this tag: see who, and push again",
        named.map_or("nothing".into(), |digest| digest.to_string())
    )]
    TagLost {
        /// The tag.
        tag: Reference,
        /// What it names.
        named: Option<Digest>,
        /// What it should name.
        wanted: Digest,
    },
    /// Others write to the list of referrers all the time.
    #[error("{place}: the entries in the tag `{tag}` are lost again and again, as others write to it; push again")]
    Contended {
        /// The repository.
        place: String,
        /// The tag that stands for the list.
        tag: String,
    },
    /// What is to be pushed is not at hand as it should be.
    #[error("cannot push {digest}: {reason}")]
    Content {
        /// The document or blob.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    /// Whether the fault lies with the registry or the network, so that trying again later or elsewhere may help.
    pub fn is_of_service(&self) -> bool {
        match self {
            RegistryError::Refused { .. }
            | RegistryError::Incomplete { .. }
            | RegistryError::Denied { .. }
            | RegistryError::Answer { .. }
            | RegistryError::Protocol { .. }
            | RegistryError::TooLarge { .. }
            | RegistryError::TagLost { .. }
            | RegistryError::Contended { .. } => true,
            RegistryError::Http(error) => error.is_of_server(),
            RegistryError::NoSuchImage(_)
            | RegistryError::NoSuchPlatform { .. }
            | RegistryError::Unsupported { .. }
            | RegistryError::TagTaken { .. }
            | RegistryError::Setting(_)
            | RegistryError::Certificate { .. }
            | RegistryError::Content { .. }
            | RegistryError::Store(_) => false,
        }
    }

    /// Whether the registry has answered that there is no such image.
    pub fn is_not_found(&self) -> bool {
        matches!(self, RegistryError::NoSuchImage(_))
    }

    /// Whether another place that has the same content may serve better.
    pub(super) fn is_of_place(&self) -> bool {
        self.is_of_service() || matches!(self, RegistryError::Unsupported { .. })
    }
}

fn listed(platforms: &[Platform]) -> String {
    let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
