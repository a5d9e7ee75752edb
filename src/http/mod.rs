//! One HTTP client for everything that kiln fetches: limits, retries, proxies,
//! offline mode, and URLs whose secrets cannot be printed.
//!
//! Servers are taken for hostile: every body has a limit, every wait has an end,
//! a redirect leads neither to a file nor from https to http, and credentials never
//! reach a second host. Bodies come as they are sent; nothing is decoded on the way.

mod authority;
mod client;
mod error;
mod request;
mod response;
mod retry;
mod sending;
pub(crate) mod tls;
mod url;

pub use authority::{Answer, Authority};
pub use client::{Client, Downloaded, Settings};
pub use error::HttpError;
pub use request::Request;
pub use reqwest::{Method, StatusCode, header};
pub use response::Response;
pub use tls::{Identity, check_roots};
pub use url::{Url, UrlError};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
