//! In-toto statements, version 1: a claim about some content.

use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The `_type` of a statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The `_type` that cosign 3 still writes for attestations; it has the same fields.
pub const STATEMENT_0_1: &str = "https://in-toto.io/Statement/v0.1";

/// The types of predicates that kiln writes and looks for.
pub mod predicate {
    /// "I signed this", as cosign 3 says it; the predicate is empty.
    pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
    /// A CycloneDX bill of materials.
    pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
    /// An SPDX 2 bill of materials.
    pub const SPDX: &str = "https://spdx.dev/Document";
    /// SLSA provenance, version 1.
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    /// What is said of holes, as OpenVEX; its documents say their version themselves.
    pub const OPENVEX: &str = "https://openvex.dev/ns";
    /// SLSA provenance of version 0.2, which kiln reads and does not write.
    pub const PROVENANCE_0_2: &str = "https://slsa.dev/provenance/v0.2";
    /// The verdict of a policy: SLSA's summary of a verification.
    pub const VERDICT: &str = "https://slsa.dev/verification_summary/v1";
    /// The result of a check.
    pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
}

/// A claim of one type about some content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    /// Always [`STATEMENT`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What the claim is about.
    pub subject: Vec<Subject>,
    /// Which claim it is.
    pub predicate_type: String,
    /// The claim.
    pub predicate: P,
}

/// Some content; only the digest identifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Algorithm → hexadecimal digits.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// Content by its digest alone.
    pub fn new(digest: &Digest) -> Self {
        Subject { name: None, digest: [("sha256".to_owned(), digest.hex())].into() }
    }

    /// The same with a name.
    pub fn named(self, name: impl Into<String>) -> Self {
        Subject { name: Some(name.into()), ..self }
    }

    /// Whether this is the content of `digest`.
    pub fn is(&self, digest: &Digest) -> bool {
        self.digest.get("sha256").is_some_and(|hex| *hex == digest.hex())
    }
}

impl<P> Statement<P> {
    /// A claim about `subject`.
    pub fn new(subject: Vec<Subject>, predicate_type: &str, predicate: P) -> Self {
        Statement { kind: STATEMENT.into(), subject, predicate_type: predicate_type.into(), predicate }
    }
}

impl<P: Serialize> Statement<P> {
    /// The bytes of the statement, compact JSON, and where in them the predicate is. It needs `room` bytes or a few more: to
    /// grow what is large means to copy it.
    ///
    /// # Errors
    /// Where the predicate has no JSON.
    pub fn to_json(&self, room: usize) -> serde_json::Result<(Vec<u8>, Range<usize>)> {
        let without = Statement {
            kind: self.kind.clone(),
            subject: self.subject.clone(),
            predicate_type: self.predicate_type.clone(),
            predicate: (),
        };
        let mut json = serde_json::to_vec(&without)?;
        // The predicate is the last field.
        json.truncate(json.len() - b"null}".len());
        json.reserve(room);
        let start = json.len();
        serde_json::to_writer(&mut json, &self.predicate)?;
        let end = json.len();
        json.push(b'}');
        Ok((json, start..end))
    }
}

/// An empty JSON object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

impl Statement<Nothing> {
    /// The signature of an image: the claim that says nothing more.
    pub fn signature(image: &Digest) -> Self {
        Statement::new(vec![Subject::new(image)], predicate::SIGNATURE, Nothing {})
    }
}
