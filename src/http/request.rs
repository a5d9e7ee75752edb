//! What to ask for.

use super::Url;
use super::authority::Authority;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use std::fs::File;
use std::sync::Arc;

/// Bodies for which nobody set a limit are cut off here.
const DEFAULT_LIMIT: u64 = 64 << 20;

/// What is sent along with a request.
#[derive(Clone)]
pub(super) enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A stretch of a file, read again for each attempt.
    Part { file: Arc<File>, at: u64, size: u64, sent: Arc<dyn Fn(u64) + Send + Sync> },
}

/// One request: a URL with a limit for the answer.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Body>,
    pub(super) limit: u64,
    pub(super) size: Option<u64>,
    pub(super) file_allowed: bool,
    pub(super) any_status: bool,
    pub(super) immutable: bool,
    pub(super) repeatable: bool,
    pub(super) stays: bool,
    pub(super) authority: Option<Arc<dyn Authority>>,
}

impl Request {
    /// A request with any method.
    pub fn new(method: Method, url: Url) -> Self {
        Request {
            url,
            headers: HeaderMap::new(),
            body: None,
            limit: DEFAULT_LIMIT,
            size: None,
            file_allowed: false,
            any_status: false,
            immutable: false,
            repeatable: matches!(method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE),
            stays: false,
            authority: None,
            method,
        }
    }

    /// Asks for a body.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// What is asked for.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Refuses a body of more bytes than this.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Refuses a body of any other length than this.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self.limit = bytes;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a header that is kept out of logs, and from every other host on a redirect.
    #[must_use]
    pub fn secret_header(self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.header(name, value)
    }

    /// Sends a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(Body::Bytes(body.into()));
        self
    }

    /// Sends `size` bytes of a file from `at` on; `sent` hears how many of them went out, in each attempt anew.
    #[must_use]
    pub fn body_part(mut self, file: Arc<File>, at: u64, size: u64, sent: Arc<dyn Fn(u64) + Send + Sync>) -> Self {
        self.body = Some(Body::Part { file, at, size, sent });
        self
    }

    /// Asks an authority for the header that opens the door, and tells it where the door stays closed.
    #[must_use]
    pub fn authority(mut self, authority: Arc<dyn Authority>) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Says whether sending it twice does no more harm than sending it once, where the method does not tell.
    #[must_use]
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// Refuses redirects to another origin: for bodies that nobody else may see.
    #[must_use]
    pub fn stay(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Accepts a `file:` URL. Only for URLs that the user wrote; a redirect never leads to a file.
    #[must_use]
    pub fn allow_file(mut self) -> Self {
        self.file_allowed = true;
        self
    }

    /// Hands over answers with any status, where otherwise all but 2xx are errors.
    #[must_use]
    pub fn any_status(mut self) -> Self {
        self.any_status = true;
        self
    }

    /// Promises that the content is fixed and will be checked by digest, so that a broken download may be resumed
    /// from a server that does not say which version of the file it has.
    #[must_use]
    pub fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        self.any_status || status.is_success()
    }
}
