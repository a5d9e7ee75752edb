//! What is attached to an image of a registry at the time when it is pinned.
//!
//! Anybody who may write to the registry can attach more later, or take it away. So that the same lock gives the same
//! evidence, what was there is pinned with the image.

use super::error::PlanError;
use crate::oci::{Digest, Index, Reference, media_type};
use crate::registry::Repository;

/// The annotation that says which claim a bundle makes: a hint, never believed.
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// As many images of an index are asked about.
const MAX_IMAGES: usize = 32;

/// As many claims about one image are pinned.
const MAX_ATTACHED: usize = 32;

/// The manifests of bundles with claims of these types that refer to an image or to one of its platforms' images.
pub(super) async fn list(
    repository: &Repository,
    reference: &Reference,
    image: &Digest,
    predicates: &[&str],
) -> Result<Vec<Digest>, PlanError> {
    let missing = || PlanError::NoSuchImage(reference.clone());
    let document = repository.by_digest(image).await?.ok_or_else(missing)?;
    let mut subjects = vec![*image];
    if [media_type::INDEX, media_type::DOCKER_INDEX].contains(&document.descriptor.media_type.as_str()) {
        // An index that cannot be read is refused when it is used.
        let index: Option<Index> = serde_json::from_slice(&document.bytes).ok();
        let rows = index.into_iter().flat_map(|index| index.manifests);
        let rows = rows.filter(|row| row.platform.as_ref().is_none_or(|platform| platform.os != "unknown"));
        subjects.extend(rows.map(|row| row.digest).take(MAX_IMAGES));
    }
    let mut attached = Vec::new();
    for subject in &subjects {
        let rows = repository.referrers(subject).await?;
        let bundles = rows.iter().filter(|row| row.artifact_type.as_deref() == Some(media_type::SIGSTORE_BUNDLE));
        let says = |row: &&crate::oci::Descriptor| {
            row.annotations.get(PREDICATE_TYPE).is_some_and(|kind| predicates.contains(&kind.as_str()))
        };
        attached.extend(bundles.filter(says).map(|row| row.digest).take(MAX_ATTACHED));
    }
    attached.sort();
    attached.dedup();
    Ok(attached)
}
