//! Image references (distribution-spec; the grammar is that of `distribution/reference`).

use super::Digest;
use std::fmt;
use std::str::FromStr;

/// Names an image in a registry: `registry.example.com/acme/hello:1.0@sha256:…`.
///
/// Parsing fills in what Docker's users leave out: `debian` is `docker.io/library/debian`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Host with optional port.
    pub registry: String,
    /// Path below the registry.
    pub repository: String,
    /// The movable name, if given.
    pub tag: Option<String>,
    /// The fixed name, if given.
    pub digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The repository's path breaks the grammar.
    #[error("`{0}` is not an image name: lower-case letters, digits and the separators `.`, `_`, `__`, `-`, `/`")]
    Repository(String),
    /// The tag breaks the grammar.
    #[error(
        "`{0}` is not a tag: at most 128 letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`"
    )]
    Tag(String),
    /// The digest breaks the grammar.
    #[error(transparent)]
    Digest(#[from] super::DigestError),
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(ReferenceError::Tag(clip(tag)));
        }
        let (registry, repository) = match name.split_once('/') {
            // What Docker's users write for the one registry that has several names.
            Some(("docker.io" | "index.docker.io" | "registry-1.docker.io", path)) => match path.contains('/') {
                true => ("docker.io", path.to_owned()),
                false => ("docker.io", format!("library/{path}")),
            },
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path.to_owned()),
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        if !is_host(registry) || repository.len() > 255 || !repository.split('/').all(is_component) {
            return Err(ReferenceError::Repository(clip(name)));
        }
        Ok(Reference { registry: registry.into(), repository, tag: tag.map(Into::into), digest })
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Whether a text may be a tag (distribution-spec, "Pulling manifests").
pub fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    name.split('.').all(label) && port.is_none_or(|p| p.parse::<u16>().is_ok())
}

/// Lower-case words, joined by one dot, one or two underscores, or dashes.
fn is_component(component: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = component.split(word).filter(|s| !s.is_empty());
    component.starts_with(word)
        && component.ends_with(word)
        && separators.into_iter().all(|s| s == "." || s == "_" || s == "__" || s.chars().all(|c| c == '-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.registry.is_empty() {
            write!(f, "{}/", self.registry)?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}
