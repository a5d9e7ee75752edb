//! Moving a tag: the last step of a release.

use super::RegistryError;
use super::document::{Document, Written};
use super::pull::Name;
use super::repository::Repository;
use crate::http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use crate::oci::{Digest, Reference};

/// As often a registry is asked whether it shows a new tag, where it still shows the old one.
const LOOKS: u32 = 4;

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// There was none of the name.
    New,
    /// It named something else.
    From(Digest),
    /// It named the image already.
    Already,
}

/// Moves a tag to a document that was pushed, and looks whether it stands there afterwards.
///
/// # Errors
/// [`RegistryError::TagTaken`] with `clobber` false, where the tag names something else;
/// [`RegistryError::TagLost`] where somebody else moved it meanwhile.
pub async fn tag(repository: &Repository, tag: &str, image: &Document, clobber: bool) -> Result<Moved, RegistryError> {
    let (place, wanted) = (&repository.home, image.descriptor.digest);
    let authority = place.pushing(None);
    let full = || Reference { tag: Some(tag.into()), ..repository.reference().clone() };
    let taken = |named| RegistryError::TagTaken { tag: full(), named, wanted };

    let before = place.tagged(tag, &authority).await?;
    let mut conditions = HeaderMap::new();
    match before {
        Some(named) if named == wanted => return Ok(Moved::Already),
        Some(named) if !clobber => return Err(taken(named)),
        None if !clobber => {
            conditions.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        _ => {}
    }
    let written = place.put_document(&Name::Tag(tag.into()), image, &conditions).await?;
    for look in 0.. {
        let named = place.tagged(tag, &authority).await?;
        match named {
            // Also where the first of two attempts was written, and the second one met it.
            Some(named) if named == wanted => break,
            Some(named) if written == Written::Overtaken => return Err(taken(named)),
            _ if named == before && look < LOOKS => {
                let pause = place.client.patience(look.min(1), None).unwrap_or_default();
                tokio::time::sleep(pause).await;
            }
            _ => return Err(RegistryError::TagLost { tag: full(), named, wanted }),
        }
    }
    Ok(before.map_or(Moved::New, Moved::From))
}
