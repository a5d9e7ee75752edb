//! One HTTP client for everything that kiln fetches: limits, retries, proxies,
//! offline mode, and URLs whose secrets cannot be printed.

mod url;

pub use url::{Url, UrlError};
