//! One bundle against one key.

use crate::evidence::bundle::{Bundle, BundleError, Identity};
use crate::evidence::sign::PublicKey;
use crate::evidence::statement::{STATEMENT, STATEMENT_0_1, Statement, Subject};
use crate::oci::{Digest, media_type};
use serde::de::IgnoredAny;

/// A statement whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatement {
    /// What it is about.
    pub subject: Vec<Subject>,
    /// Which claim it makes.
    pub predicate_type: String,
    /// The bytes that were signed: the whole statement.
    pub payload: Vec<u8>,
    /// How many entries of transparency logs the bundle carries; nobody checked them.
    pub log_entries: usize,
    /// How many signed timestamps the bundle carries; nobody checked them.
    pub timestamps: usize,
}

/// Why a bundle does not count.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// There is a key to verify with, not a trusted root.
    #[error("it is signed with a certificate, not with the key")]
    Certificate,
    /// Something else than a statement.
    #[error("it signs a `{0}`, not an in-toto statement")]
    PayloadType(String),
    /// The signature is not one of the key over this payload.
    #[error("the signature is not one of this key over this content")]
    Signature,
    /// The payload is no statement.
    #[error("what is signed is no in-toto statement: {0}")]
    Statement(String),
    /// A statement of an unknown version.
    #[error("what is signed is a `{0}`, not an in-toto statement")]
    StatementType(String),
    /// The document of an older signature is none.
    #[error("what is signed is no signature of an image: {0}")]
    Simple(String),
    /// About something else.
    #[error("it is about {0}, not about this image")]
    Subject(String),
}

impl SignedStatement {
    /// Whether the claim is about the content of `digest`.
    pub fn is_about(&self, digest: &Digest) -> bool {
        self.subject.iter().any(|subject| subject.is(digest))
    }

    /// The digests that the claim is about, as text.
    pub(super) fn subjects(&self) -> String {
        let digests = self.subject.iter().flat_map(|subject| &subject.digest);
        let digests: Vec<_> = digests.take(4).map(|(algorithm, hex)| format!("{algorithm}:{hex}")).collect();
        if digests.is_empty() { "nothing".into() } else { digests.join(", ") }
    }
}

/// Reads a bundle and verifies it with a key; what it says is not judged here.
///
/// The payload is parsed only after its signature was found good.
pub fn check_signed(bundle: &[u8], key: &PublicKey) -> Result<SignedStatement, Refusal> {
    let bundle = Bundle::from_json(bundle)?;
    if let Identity::Certificate(_) = bundle.signer {
        return Err(Refusal::Certificate);
    }
    if bundle.payload_type != media_type::IN_TOTO {
        return Err(Refusal::PayloadType(bundle.payload_type.chars().take(120).collect()));
    }
    if !key.verifies(&bundle.signed_digest(), &bundle.signature) {
        return Err(Refusal::Signature);
    }
    let statement: Statement<IgnoredAny> =
        serde_json::from_slice(&bundle.payload).map_err(|error| Refusal::Statement(error.to_string()))?;
    if ![STATEMENT, STATEMENT_0_1].contains(&statement.kind.as_str()) {
        return Err(Refusal::StatementType(statement.kind.chars().take(120).collect()));
    }
    Ok(SignedStatement {
        subject: statement.subject,
        predicate_type: statement.predicate_type,
        payload: bundle.payload,
        log_entries: bundle.log_entries,
        timestamps: bundle.timestamps,
    })
}
