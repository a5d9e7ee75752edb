//! Signing statements, and checking at once what was signed.

mod encrypted;
mod generate;
mod key;
mod public_key;
#[cfg(test)]
mod tests;

pub use generate::{KeyPair, generate, generate_local, write_key_pair};
pub use key::{LocalKey, needs_passphrase};
pub use public_key::PublicKey;

use super::bundle::{Bundle, Identity, pre_authentication_digest};
use super::statement::Statement;
use crate::oci::{Digest, media_type};
use serde::Serialize;
use std::path::PathBuf;

/// Whoever can sign: holds the private key, or knows who does.
pub trait Signer: Send + Sync {
    /// The key by which others verify.
    fn public_key(&self) -> &PublicKey;

    /// An ECDSA signature over a SHA-256 digest, in ASN.1 DER.
    fn sign(&self, digest: &Digest) -> Result<Vec<u8>, SignError>;
}

/// Why something could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The signer failed.
    #[error("the signer failed: {0}")]
    Signer(String),
    /// The statement has no JSON.
    #[error("the statement cannot be written: {0}")]
    Statement(#[from] serde_json::Error),
    /// What was signed does not verify: the key or the signer is broken, and nothing may leave.
    #[error("the new signature does not verify: {0}")]
    Rejected(String),
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No PEM.
    #[error("this is no PEM file")]
    NotPem,
    /// PEM of something else.
    #[error("a PEM file of `{found}` is no {wanted}")]
    Label {
        /// What it is.
        found: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// The content is damaged.
    #[error("the key is damaged: {0}")]
    Malformed(String),
    /// A key of a kind that kiln does not sign with.
    #[error("a key of the kind {0}: kiln uses ECDSA with the curve P-256 only")]
    Kind(String),
    /// A key file with parameters that no reader accepts.
    #[error("the key file is encrypted with {0}, which cosign does not read either")]
    Parameters(String),
    /// An encrypted key and no passphrase.
    #[error("the key is encrypted and there is no passphrase")]
    NoPassphrase,
    /// The passphrase is wrong, or the file was changed.
    #[error("the passphrase is wrong, or the key file is damaged")]
    Passphrase,
    /// There is a file already.
    #[error("`{}` is there already, and keys are never overwritten", .0.display())]
    Exists(PathBuf),
    /// The key cannot be written.
    #[error("cannot write the key to `{}`: {error}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// A statement that was signed, and verified as a consumer would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The type of its predicate.
    pub predicate_type: String,
    /// The digest of the predicate's bytes.
    pub predicate: Digest,
    /// The bytes of the bundle.
    pub bundle: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
}

/// Signs a statement, then reads the bytes of the bundle again and verifies them.
pub fn sign<P: Serialize>(signer: &dyn Signer, statement: &Statement<P>) -> Result<Signed, SignError> {
    sign_large(signer, statement, 0)
}

/// The same for a statement of about `size` bytes.
pub fn sign_large<P: Serialize>(
    signer: &dyn Signer,
    statement: &Statement<P>,
    size: usize,
) -> Result<Signed, SignError> {
    let (payload, predicate) = statement.to_json(size)?;
    let signature = || {
        let digest = pre_authentication_digest(media_type::IN_TOTO, &payload);
        signer.sign(&digest).map(|signature| (digest, signature))
    };
    let (signature, predicate) = rayon::join(signature, || Digest::of(&payload[predicate]));
    let (signed_digest, signature) = signature?;
    let signed = Bundle {
        payload_type: media_type::IN_TOTO.into(),
        payload,
        signature,
        signer: Identity::Key { hint: signer.public_key().hint() },
        log_entries: 0,
        timestamps: 0,
    };
    let bundle = signed.to_json();
    let (read, digest) = rayon::join(|| signed.read_back(&bundle), || Digest::of(&bundle));
    let read = read.map_err(|error| SignError::Rejected(error.to_string()))?;
    let signature = read.ok_or_else(|| SignError::Rejected("it says something else".into()))?;
    // What was read is what was signed, and so has its digest.
    if !signer.public_key().verifies(&signed_digest, &signature) {
        return Err(SignError::Rejected("the signature is not one of this key over this content".into()));
    }
    Ok(Signed { predicate_type: statement.predicate_type.clone(), predicate, bundle, digest })
}
