//! Where an image is, as users name it: in an OCI layout or in a registry.

use super::error::Error;
use super::session::Session;
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Reference};
use crate::registry::{self, Name, Want};
use std::path::{Path, PathBuf};

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// An OCI layout, in a folder or an archive.
    Layout(PathBuf),
    /// A repository, with tag or digest.
    Registry(Reference),
}

/// The tag that is meant where none is said.
const LATEST: &str = "latest";

impl Place {
    /// Reads what the user wrote.
    ///
    /// `oci:`, `oci-archive:` and `docker://` say which of both is meant. Without them, what is there on disk is a
    /// layout, and what begins with the name of a host is in a registry: a mistyped path asks nobody.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("oci:").or_else(|| text.strip_prefix("oci-archive:")) {
            return Ok(Place::Layout(path.into()));
        }
        let wrong = |error: crate::oci::ReferenceError| Error::Usage(error.to_string());
        if let Some((scheme @ ("http" | "https"), rest)) = text.split_once("://") {
            return Err(Error::Usage(format!("`{scheme}://` does not belong to a reference: write {rest}")));
        }
        if let Some(reference) = text.strip_prefix("docker://") {
            return Ok(Place::Registry(reference.parse().map_err(wrong)?));
        }
        if names_host(text) && !Path::new(text).exists() {
            return Ok(Place::Registry(text.parse().map_err(wrong)?));
        }
        Ok(Place::Layout(text.into()))
    }
}

/// Whether the first part of a path can only be a host: it has a dot or a port, or is `localhost`.
pub(super) fn names_host(text: &str) -> bool {
    let Some((host, _)) = text.split_once('/') else { return false };
    !host.starts_with('.') && (host.contains(['.', ':']) || host == "localhost")
}

/// What names an image in its repository.
pub(super) fn name_of(reference: &Reference) -> Name {
    match (reference.digest, &reference.tag) {
        (Some(digest), _) => Name::Digest(digest),
        (None, tag) => Name::Tag(tag.as_deref().unwrap_or(LATEST).to_owned()),
    }
}

/// The same with the tag that is meant where neither tag nor digest is said.
pub(super) fn with_tag(reference: Reference) -> Reference {
    match (&reference.tag, &reference.digest) {
        (None, None) => Reference { tag: Some(LATEST.to_owned()), ..reference },
        _ => reference,
    }
}

/// An image that was found.
pub(super) struct Found {
    /// Its contents, as far as they were wanted.
    pub layout: Layout,
    /// Its manifest or index.
    pub subject: Descriptor,
}

/// Finds the image that the user names. What a registry has of it is brought into the store, as far as it is wanted.
pub(super) fn find(session: &Session<'_>, place: &Place, want: Want<'_>) -> Result<Found, Error> {
    match place {
        Place::Layout(path) => {
            let layout = Layout::open(path).map_err(|error| not_found(path, error))?;
            let subject = layout.image(None)?;
            Ok(Found { layout, subject })
        }
        Place::Registry(reference) => {
            session.phase("pulling");
            let repository = session.registries()?.repository(reference)?;
            // Signatures may have come since the image was pulled.
            let want = Want { anew: !session.settings.offline, ..want };
            let (name, transfer) = (name_of(reference), Transfer(session));
            let pulled = session.wait(registry::pull(&repository, &name, want, &session.store, &transfer))?;
            let rows = std::iter::once(pulled.image.clone()).chain(pulled.referrers).collect();
            Ok(Found { layout: Layout::of_store(&session.store, rows), subject: pulled.image })
        }
    }
}

/// For a path that is not there and could be meant as the short name of an image, says how to write that.
fn not_found(path: &Path, error: crate::image::layout::LayoutError) -> Error {
    let text = path.to_string_lossy();
    match text.parse::<Reference>() {
        Ok(reference) if !path.exists() && !text.starts_with(['.', '/']) => Error::NotThere(format!(
            "there is no file or folder {text}; an image in a registry is named with its registry, as {reference}"
        )),
        _ => error.into(),
    }
}

/// Tells a session's listener how transfers go on.
pub(super) struct Transfer<'a>(pub &'a Session<'a>);

impl registry::Progress for Transfer<'_> {
    fn expect(&self, bytes: u64) {
        self.0.progress.expect(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.progress.advance(bytes);
    }
}

#[cfg(test)]
mod tests;
