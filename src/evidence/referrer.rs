//! Bundles as OCI artifacts that refer to an image, as cosign 3 stores them.

use super::sign::Signed;
use super::time::rfc3339;
use crate::oci::{Descriptor, Digest, Manifest, media_type, to_json};
use std::collections::BTreeMap;

const CREATED: &str = "org.opencontainers.image.created";
const CONTENT: &str = "dev.sigstore.bundle.content";
/// The annotation of a bundle that says which claim it makes.
pub const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// A manifest that ties a bundle to an image, and the blobs that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The row for a list of referrers: with the artifact type and all annotations of the manifest.
    pub descriptor: Descriptor,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The blobs that it names: the empty configuration and the bundle.
    pub blobs: Vec<(Digest, Vec<u8>)>,
}

impl Referrer {
    /// Ties a bundle to `subject`, an image or an index. `epoch` is the time that the manifest names.
    pub fn new(signed: Signed, subject: &Descriptor, epoch: i64) -> Self {
        let layer = Descriptor::new(media_type::SIGSTORE_BUNDLE, signed.digest, signed.bundle.len() as u64);
        let bundle = (layer.digest, signed.bundle);
        let mut manifest = Manifest::artifact(media_type::SIGSTORE_BUNDLE, layer);
        manifest.subject = Some(Descriptor::new(&subject.media_type, subject.digest, subject.size));
        manifest.annotations = BTreeMap::from([
            (CREATED.to_owned(), rfc3339(epoch)),
            (CONTENT.to_owned(), "dsse-envelope".to_owned()),
            (PREDICATE_TYPE.to_owned(), signed.predicate_type),
        ]);
        let bytes = to_json(&manifest);
        let mut descriptor = Descriptor::of(media_type::MANIFEST, &bytes);
        descriptor.artifact_type = manifest.artifact_type;
        descriptor.annotations = manifest.annotations;
        Referrer { descriptor, manifest: bytes, blobs: vec![(manifest.config.digest, b"{}".to_vec()), bundle] }
    }
}
