//! Downloads for a graph.

use crate::http::{Client, HttpError, Request, Url, UrlError};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use std::io::Write;
use tokio::runtime::Handle;

/// The most bytes that one download may have.
const LIMIT: u64 = 16 << 30;

/// Brings files from elsewhere into a store.
pub trait Fetch: Send + Sync {
    /// Downloads `url` into the store; content with another digest must not stay there.
    fn fetch(&self, url: &str, digest: &Digest, store: &Store) -> Result<(), FetchError>;
}

/// Why a file could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The download failed.
    #[error(transparent)]
    Http(Box<HttpError>),
    /// The file is not what was asked for.
    #[error("the file at {url} is another one than was asked for: its digest is {actual}, not {expected}")]
    WrongDigest {
        /// Where it came from, without secrets.
        url: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no network in this build.
    #[error("{url} is not in the store, and this build must not use the network")]
    Offline {
        /// Where it would have come from, without secrets.
        url: String,
    },
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        FetchError::Http(Box::new(error))
    }
}

/// Downloads over HTTP.
#[derive(Clone)]
pub struct Downloads {
    client: Client,
    runtime: Handle,
}

impl Downloads {
    /// Downloads with `client`, driven by `runtime`.
    pub fn new(client: Client, runtime: Handle) -> Self {
        Downloads { client, runtime }
    }
}

impl Fetch for Downloads {
    fn fetch(&self, url: &str, digest: &Digest, store: &Store) -> Result<(), FetchError> {
        let url: Url = url.parse()?;
        let mut writer = store.writer()?;
        let request = Request::get(url.clone()).limit(LIMIT).immutable();
        self.runtime.block_on(self.client.download(request, None, &mut writer))?;
        writer.flush().map_err(StoreError::from)?;
        match writer.commit_as(digest) {
            Ok(_) => Ok(()),
            Err(StoreError::WrongDigest { expected, actual }) => {
                Err(FetchError::WrongDigest { url: url.to_string(), expected, actual })
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// Downloads nothing: every file must be in the store already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

impl Fetch for Offline {
    fn fetch(&self, url: &str, _: &Digest, _: &Store) -> Result<(), FetchError> {
        let url: Url = url.parse()?;
        Err(FetchError::Offline { url: url.to_string() })
    }
}
