//! What a statement is about.

use super::Image;
use crate::oci::Digest;
use purl::GenericPurl;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A package, or an image with or without some of its packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Product {
    /// Its names: package URLs, references of images.
    pub names: Vec<String>,
    /// The parts of it that are meant; all where nothing is named.
    pub parts: Vec<String>,
}

impl Product {
    /// Whether this is a package, or an image that is meant with this package.
    pub(super) fn has(&self, package: &str, image: &Image<'_>) -> bool {
        let is = |names: &[String]| names.iter().any(|name| covers(name, package));
        let is_image = || self.names.iter().any(|name| is_image(name, image));
        match self.parts.is_empty() {
            true => is(&self.names) || is_image(),
            false => is(&self.parts) && (is_image() || is(&self.names)),
        }
    }
}

/// Whether a package URL is meant by another, which may leave out its version and qualifiers.
fn covers(wanted: &str, package: &str) -> bool {
    let (Ok(wanted), Ok(package)) = (GenericPurl::<String>::from_str(wanted), GenericPurl::<String>::from_str(package))
    else {
        return false;
    };
    let same = wanted.package_type() == package.package_type()
        && wanted.namespace() == package.namespace()
        && wanted.name() == package.name();
    let version = wanted.version().is_none_or(|version| package.version() == Some(version));
    let qualifiers = wanted.qualifiers().iter();
    same && version
        && qualifiers.into_iter().all(|(name, value)| package.qualifiers().get(name.as_str()) == Some(value))
}

/// Whether a name means the image: a reference without tag and digest, or a package URL with its repository or digest.
fn is_image(name: &str, image: &Image<'_>) -> bool {
    if name == image.name {
        return true;
    }
    let Ok(purl) = GenericPurl::<String>::from_str(name) else { return false };
    let digest = purl.version().and_then(|version| version.parse::<Digest>().ok());
    let last = image.name.rsplit('/').next().unwrap_or_default();
    let repository = purl.qualifiers().get("repository_url");
    let is_called = || purl.name() == last && repository.is_none_or(|repository| repository == image.name);
    purl.package_type() == "oci" && (digest.is_some_and(|digest| image.digests.contains(&digest)) || is_called())
}
