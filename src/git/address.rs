//! Where a repository is.

use std::fmt;
use std::str::FromStr;

/// The address of a repository that git may be given: never an option, never a helper that starts a program, and
/// without anything secret in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    scheme: Scheme,
    /// What stands before the path: `https://example.com/`, or `git@example.com:` in the short form of ssh.
    place: String,
    path: String,
}

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    Https,
    Ssh,
    Http,
    File,
}

/// Why a text is no address that git may be given. No text is repeated that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It begins with a dash.
    #[error("git would take it for an option")]
    Option,
    /// It names a helper, which git would start.
    #[error("`{0}::` names a helper, a program that git would start")]
    Helper(String),
    /// Its scheme is none of those that are allowed.
    #[error("git is not asked over `{0}:`: only https, ssh, http and file are allowed")]
    Scheme(String),
    /// It is no address.
    #[error("it is no address of a repository: {0}")]
    Malformed(&'static str),
    /// It holds credentials.
    #[error("the address holds {0}")]
    Secret(&'static str),
    /// It is relative, and leads above the root of where it starts.
    #[error("it leads out of the place that it is relative to")]
    Outside,
}

impl Address {
    /// Whether anybody on the way could change what comes.
    pub fn is_plain_http(&self) -> bool {
        self.scheme == Scheme::Http
    }

    /// Whether it is a folder of this machine.
    pub fn is_file(&self) -> bool {
        self.scheme == Scheme::File
    }

    /// Whether it is reached over ssh.
    pub fn is_ssh(&self) -> bool {
        self.scheme == Scheme::Ssh
    }

    /// The address as a URI, also where it is written in the short form of ssh.
    pub fn uri(&self) -> String {
        match self.place.strip_suffix(':') {
            Some(host) => format!("ssh://{host}/{}", self.path.trim_start_matches('/')),
            None => self.to_string(),
        }
    }

    /// The address of a submodule, as `.gitmodules` of a commit from here says it.
    ///
    /// # Errors
    /// As for other addresses, and where it is less protected than this one: a repository must not lead its users
    /// from https to http, or from the network to their own files.
    pub fn submodule(&self, text: &str) -> Result<Address, AddressError> {
        let address = if is_relative(text) { self.relative(text)? } else { text.parse()? };
        match address.scheme {
            Scheme::Https | Scheme::Ssh => Ok(address),
            scheme if scheme == self.scheme => Ok(address),
            Scheme::Http => Err(AddressError::Malformed("it leads to plain http")),
            Scheme::File => Err(AddressError::Malformed("it leads to files of the machine that builds")),
        }
    }

    fn relative(&self, text: &str) -> Result<Address, AddressError> {
        let mut parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or(AddressError::Outside)?),
                part => parts.push(part),
            }
        }
        let from_root = if self.place.ends_with(':') && self.path.starts_with('/') { "/" } else { "" };
        format!("{}{from_root}{}", self.place, parts.join("/")).parse()
    }
}

fn is_relative(text: &str) -> bool {
    text.starts_with("./") || text.starts_with("../")
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with('-') {
            return Err(AddressError::Option);
        }
        if text.is_empty() || text.len() > MAX_ADDRESS {
            return Err(AddressError::Malformed("it is empty or very long"));
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') && helper(text).is_none() {
            return Err(AddressError::Malformed("it has spaces, backslashes or control characters"));
        }
        match (helper(text), text.split_once("://")) {
            (Some(helper), _) => Err(AddressError::Helper(helper.chars().take(20).collect())),
            (None, Some((scheme, _))) => url(text, scheme),
            (None, None) => short(text),
        }
    }
}

/// The longest address.
const MAX_ADDRESS: usize = 2_000;

/// The helper that git would start for an address.
fn helper(text: &str) -> Option<&str> {
    let (name, _) = text.split_once("::")?;
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b)).then_some(name)
}

/// Whether a host or a user could become an option of ssh, for which git decodes them.
fn is_odd(name: &str) -> bool {
    name.starts_with('-') || name.contains('%')
}

fn url(text: &str, scheme: &str) -> Result<Address, AddressError> {
    let scheme = match scheme {
        "https" => Scheme::Https,
        "ssh" => Scheme::Ssh,
        "http" => Scheme::Http,
        "file" => Scheme::File,
        other => return Err(AddressError::Scheme(other.chars().take(20).collect())),
    };
    let url = url::Url::parse(text).map_err(|_| AddressError::Malformed("it cannot be read as a URL"))?;
    if url.password().is_some() {
        return Err(AddressError::Secret("a password"));
    }
    // Where ssh has an account, https would have a token.
    if scheme != Scheme::Ssh && !url.username().is_empty() {
        return Err(AddressError::Secret("a user name or a token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Malformed("nothing can follow the path"));
    }
    let host = url.host_str().unwrap_or_default();
    match scheme {
        Scheme::File if !host.is_empty() => {
            return Err(AddressError::Malformed("a path follows `file://`, from the root: `file:///srv/docs.git`"));
        }
        Scheme::File => {}
        _ if host.is_empty() || is_odd(host) || is_odd(url.username()) => {
            return Err(AddressError::Malformed("it needs a host"));
        }
        _ => {}
    }
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    if path.trim_matches('/').is_empty() {
        return Err(AddressError::Malformed("it needs the path of a repository"));
    }
    let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
    if decoded.iter().any(u8::is_ascii_control) {
        return Err(AddressError::Malformed("its path has control characters"));
    }
    let place = url.as_str().strip_suffix(path).ok_or(AddressError::Malformed("it cannot be read as a URL"))?;
    Ok(Address { scheme, place: place.to_owned(), path: path.to_owned() })
}

/// The short form of ssh: `git@example.com:acme/docs.git`.
fn short(text: &str) -> Result<Address, AddressError> {
    let not_one = AddressError::Malformed("it begins with `https://` or `ssh://`, or is `user@host:path`");
    let (place, path) = text.split_once(':').filter(|(place, _)| !place.contains('/')).ok_or(not_one.clone())?;
    let (user, host) = place.split_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if user.is_some_and(|user| !is_name(user)) || !is_name(host) {
        return Err(not_one);
    }
    if path.trim_matches('/').is_empty() || path.starts_with('-') {
        return Err(AddressError::Malformed("it needs the path of a repository"));
    }
    Ok(Address { scheme: Scheme::Ssh, place: format!("{place}:"), path: path.to_owned() })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.path)
    }
}
