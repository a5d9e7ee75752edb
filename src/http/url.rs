//! URLs that never show what they keep secret.

use std::fmt;
use std::str::FromStr;

/// A URL with scheme `http`, `https` or `file`.
///
/// `Display` and `Debug` leave out user name and password and hide the values of
/// the query, where object stores put signatures and tokens. So a URL may go into
/// any message, log or report; only [`Url::secret`] gives it whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url(url::Url);

/// Why a text is no URL that kiln can fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL at all. The text is not repeated: it may hold a password.
    #[error("not a URL: {0}")]
    Malformed(String),
    /// Its scheme is unknown.
    #[error("URLs of scheme `{0}:` cannot be fetched: only http, https and file")]
    Scheme(String),
    /// It names no host, or a file URL names one.
    #[error("{0}: URLs with http and https need a host name, those with file must have none")]
    Host(String),
}

impl Url {
    /// `http`, `https` or `file`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// The host without port; nothing for files.
    pub fn host(&self) -> Option<&str> {
        self.0.host_str()
    }

    /// The host with the port, where that is not the scheme's own: what the header `Host` says.
    pub fn authority(&self) -> String {
        let host = self.host().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path, percent-encoded.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether this names a local file.
    pub fn is_file(&self) -> bool {
        self.scheme() == "file"
    }

    /// Whether this names the machine that kiln runs on: `localhost`, 127.0.0.0/8 or `::1`.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The URL below this one: `path` is added after a single slash, query and fragment are dropped.
    ///
    /// The path is text, not yet percent-encoded. Its `.` and `..` are refused by
    /// [`None`], so that the result is always below this URL.
    pub fn below(&self, path: &str) -> Option<Url> {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut().ok()?.pop_if_empty().extend(path.split('/'));
        Some(Url(url))
    }

    /// This URL with more segments of its path, each of them text that is percent-encoded here; a last one that is
    /// empty makes a slash at the end. Query and fragment are dropped, `.` and `..` lead nowhere.
    #[must_use]
    pub fn with_segments(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Url(url)
    }

    /// Resolves a reference, as the `Location` of a redirect, against this URL.
    pub fn join(&self, reference: &str) -> Result<Url, UrlError> {
        Self::checked(self.0.join(reference).map_err(|e| UrlError::Malformed(e.to_string()))?)
    }

    /// This URL with another pair in its query.
    #[must_use]
    pub fn and(&self, name: &str, value: &str) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Url(url)
    }

    /// This URL with the query of another in place of its own.
    #[must_use]
    pub fn with_query_of(&self, other: &Url) -> Url {
        let mut url = self.0.clone();
        url.set_query(other.0.query());
        Url(url)
    }

    /// Whether both have the same scheme, host and port: only then may credentials travel on.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// The whole URL with its secrets. For the wire only.
    pub fn secret(&self) -> &url::Url {
        &self.0
    }

    fn checked(url: url::Url) -> Result<Url, UrlError> {
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        match url.scheme() {
            "http" | "https" if has_host => Ok(Url(url)),
            "file" if !has_host => Ok(Url(url)),
            "http" | "https" | "file" => Err(UrlError::Host(Url(url).to_string())),
            other => Err(UrlError::Scheme(other.chars().take(20).collect())),
        }
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::checked(url::Url::parse(text).map_err(|e| UrlError::Malformed(e.to_string()))?)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.0.scheme())?;
        if !self.0.username().is_empty() || self.0.password().is_some() {
            f.write_str("***@")?;
        }
        f.write_str(self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())?;
        match self.0.query() {
            Some(_) => f.write_str("?***"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
