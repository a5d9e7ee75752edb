//! Who opens doors: headers that authorise requests, made anew where a server asks for it.

use super::HttpError;
use reqwest::header::{HeaderMap, HeaderValue};
use std::future::Future;
use std::pin::Pin;

/// What an authority says later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpError>> + Send + 'a>>;

/// Knows the `Authorization` of requests to one host.
///
/// The client asks it before each attempt, and after an answer with status 401. What it says never reaches another
/// host, redirects included.
pub trait Authority: Send + Sync {
    /// The header's value for the next attempt; none where nothing is known or needed.
    fn header(&self) -> Answer<'_, Option<HeaderValue>>;

    /// A request that carried `refused` was answered with status 401 and these headers. True where
    /// [`header`](Self::header) now gives something else, so that another attempt makes sense.
    fn challenged<'a>(&'a self, answer: &'a HeaderMap, refused: Option<HeaderValue>) -> Answer<'a, bool>;

    /// What a user whose request was denied should know: whose credentials these were, and how to give others.
    fn advice(&self) -> String;
}

#[cfg(test)]
mod tests;
