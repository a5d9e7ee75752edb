//! Rules for mirrors: where else a registry's content may be had.

use super::RegistryError;
use super::host::Place;
use crate::oci::Reference;

/// A place that has what a registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The registry, with the beginning of a repository's path where it is not for all: `docker.io/library`.
    pub of: String,
    /// What stands in its place: `mirror.example.com/hub`; `http://` may stand in front.
    pub at: String,
}

/// A rule, understood.
pub(super) struct Rule {
    of: String,
    place: Place,
    path: String,
}

impl Rule {
    pub fn read(mirror: &Mirror) -> Result<Self, RegistryError> {
        // A password in front of a host is not repeated.
        let shown = mirror.at.rsplit_once('@').map_or(mirror.at.clone(), |(_, host)| format!("***@{host}"));
        let wrong =
            |what: &str| RegistryError::Setting(format!("a mirror of `{}` is set to `{shown}`: {what}", mirror.of));
        let at = mirror.at.trim_end_matches('/');
        let (plain, at) = match at.split_once("://") {
            None => (None, at),
            Some(("https", at)) => (Some(false), at),
            Some(("http", at)) => (Some(true), at),
            Some(_) => return Err(wrong("mirrors are reached over https or http")),
        };
        let (host, path) = at.split_once('/').unwrap_or((at, ""));
        let place = Place::new(host, plain).ok_or_else(|| wrong("that is no host with an optional port and path"))?;
        let of = mirror.of.trim_end_matches('/');
        let (registry, prefix) = of.split_once('/').unwrap_or((of, ""));
        if Place::new(registry, None).is_none() {
            return Err(wrong("the mirrored registry is no host with an optional port and path"));
        }
        if [path, prefix].iter().any(|path| !is_path(path)) {
            return Err(wrong("a path has lower-case letters, digits and single separators `.`, `_`, `-`, `/`"));
        }
        Ok(Rule { of: of.to_owned(), place, path: path.to_owned() })
    }

    /// The registry that stands in.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How specific this rule is.
    pub fn reach(&self) -> usize {
        self.of.len()
    }

    /// The registry and the repository that stand for a reference's.
    pub fn apply(&self, reference: &Reference) -> Option<(&Place, String)> {
        let whole = format!("{}/{}", reference.registry, reference.repository);
        let rest = whole.strip_prefix(&self.of)?.strip_prefix('/')?;
        let repository = if self.path.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.path) };
        Some((&self.place, repository))
    }
}

/// Whether a text may be the beginning of a repository's path; an empty one may.
fn is_path(path: &str) -> bool {
    path.is_empty() || format!("example.com/{path}").parse::<Reference>().is_ok_and(|r| r.repository == path)
}
