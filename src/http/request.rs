//! What to ask for.

use super::Url;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

/// Bodies for which nobody set a limit are cut off here.
const DEFAULT_LIMIT: u64 = 64 << 20;

/// One request: a URL with a limit for the answer.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) limit: u64,
    pub(super) size: Option<u64>,
    pub(super) file_allowed: bool,
    pub(super) any_status: bool,
    pub(super) immutable: bool,
}

impl Request {
    /// A request with any method.
    pub fn new(method: Method, url: Url) -> Self {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            limit: DEFAULT_LIMIT,
            size: None,
            file_allowed: false,
            any_status: false,
            immutable: false,
        }
    }

    /// Asks for a body.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
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
        self.body = Some(body.into());
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

    /// Whether sending it twice does no more than sending it once.
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE)
    }

    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        self.any_status || status.is_success()
    }
}
