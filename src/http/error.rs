//! What can go wrong on the wire.

use super::Url;
use crate::oci::Digest;

/// Why something could not be fetched. No variant shows a secret: URLs redact themselves.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The network is not to be used.
    #[error("{url} is needed, but kiln runs offline")]
    Offline {
        /// What was asked for.
        url: Url,
    },
    /// The file or the page is not there.
    #[error("{url}: not found")]
    NotFound {
        /// What was asked for.
        url: Url,
    },
    /// The server answered, but not with what was asked for.
    #[error("{url}: the server answers with status {status}{}", after(*attempts))]
    Status {
        /// What was asked for.
        url: Url,
        /// The status of the last answer.
        status: u16,
        /// How often kiln has tried.
        attempts: u32,
    },
    /// The server wants other credentials than it got, or it wants some and there are none (status 401 or 403).
    #[error("{url}: denied with status {status}: {advice}")]
    Denied {
        /// What was asked for.
        url: Url,
        /// The status of the last answer.
        status: u16,
        /// Whose credentials these were, and what to do.
        advice: String,
    },
    /// The server asks for credentials, and those that are set up cannot be had.
    #[error("{place} asks for credentials, but {reason}")]
    Credentials {
        /// Who asks.
        place: String,
        /// Why not, without anything secret.
        reason: String,
    },
    /// No answer, a broken or a silent connection.
    #[error("{url}: {reason}{}", after(*attempts))]
    Connection {
        /// What was asked for.
        url: Url,
        /// What happened.
        reason: String,
        /// How often kiln has tried.
        attempts: u32,
    },
    /// The body is longer than whoever asked for it allows.
    #[error("{url}: more than the allowed {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// The limit.
        limit: u64,
    },
    /// The body has another length than the one that is pinned.
    #[error("{url}: {actual} bytes instead of the expected {expected}")]
    WrongSize {
        /// What was asked for.
        url: Url,
        /// The length that was expected.
        expected: u64,
        /// The length that the server announced or sent.
        actual: u64,
    },
    /// The body is another one than the one that is pinned.
    #[error("{url}: the content is {actual} instead of the expected {expected}")]
    WrongDigest {
        /// What was asked for.
        url: Url,
        /// The digest that was expected.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// The server sends kiln to a place where it must not go, or in circles.
    #[error("{url}: redirected {why}")]
    Redirect {
        /// What was asked for.
        url: Url,
        /// Where to, and why not.
        why: String,
    },
    /// A `file:` URL that nobody but the user may name.
    #[error("{url}: a file URL is not allowed here")]
    FileRefused {
        /// What was asked for.
        url: Url,
    },
    /// The local file could not be read.
    #[error("{url}: {source}")]
    File {
        /// What was asked for.
        url: Url,
        /// Why.
        source: std::io::Error,
    },
    /// What was to be sent could not be read.
    #[error("reading what is sent to {url}: {source}")]
    Source {
        /// Where it was to go.
        url: Url,
        /// Why.
        source: std::io::Error,
    },
    /// What was fetched could not be written.
    #[error("writing what was fetched from {url}: {source}")]
    Sink {
        /// What was asked for.
        url: Url,
        /// Why.
        source: std::io::Error,
    },
    /// The client itself could not be made.
    #[error("setting up the HTTP client: {0}")]
    Setup(String),
}

impl HttpError {
    /// Whether the thing is not there, as opposed to out of reach.
    pub fn is_not_found(&self) -> bool {
        matches!(self, HttpError::NotFound { .. })
    }

    /// Whether another server may well have it: the fault lies with the network or this server.
    pub fn is_of_server(&self) -> bool {
        !matches!(
            self,
            HttpError::Offline { .. }
                | HttpError::Credentials { .. }
                | HttpError::Source { .. }
                | HttpError::Sink { .. }
                | HttpError::Setup(_)
        )
    }
}

fn after(attempts: u32) -> String {
    match attempts {
        0 | 1 => String::new(),
        n => format!(" (tried {n} times)"),
    }
}
