//! Signatures in the form that cosign wrote before version 3: a small document that names the image, signed as it is.

use super::signed::Refusal;
use crate::evidence::sign::PublicKey;
use crate::oci::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// The media type of the document.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation of the document's row that holds the signature.
pub const SIMPLE_SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// The largest document that is read: it holds a name, a digest and annotations.
pub const MAX_SIMPLE: u64 = 64 << 10;

#[derive(Deserialize)]
struct Document {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Checks that a key signed the document, and that the document is about an image; `signature` is in base64.
///
/// The name in the document does not count: whoever signs content signs it under every name.
pub fn check_simple(document: &[u8], signature: &str, key: &PublicKey, image: &Digest) -> Result<(), Refusal> {
    let signature = STANDARD.decode(signature.trim()).map_err(|_| Refusal::Signature)?;
    if !key.verifies(&Digest::of(document), &signature) {
        return Err(Refusal::Signature);
    }
    let document: Document = serde_json::from_slice(document).map_err(|error| Refusal::Simple(error.to_string()))?;
    if document.critical.kind != "cosign container image signature" {
        return Err(Refusal::Simple("it says to be something else".into()));
    }
    match document.critical.image.digest == image.to_string() {
        true => Ok(()),
        false => Err(Refusal::Subject(
            document.critical.image.digest.chars().take(80).flat_map(char::escape_debug).collect(),
        )),
    }
}

#[cfg(test)]
mod tests;
