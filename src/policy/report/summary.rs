//! The verdict as SLSA's summary of a verification: `https://slsa.dev/verification_summary/v1`.

use super::Report;
use super::tidy::Tidy;
use crate::evidence::predicate;
use crate::oci::Digest;
use crate::policy::PolicyText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who kiln is as a verifier, whoever runs it: the signature says whose run it was.
const VERIFIER: &str = "urn:kiln:verifier:v1";
/// The version of SLSA whose levels are told.
const SLSA: &str = "1.1";
/// SLSA's words for the result; the second is that for levels too where the policy was not met.
const PASSED: &str = "PASSED";
const FAILED: &str = "FAILED";

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who verified.
    pub verifier: Verifier,
    /// When, in RFC 3339.
    pub time_verified: String,
    /// What was asked for: the image by name and digest.
    pub resource_uri: String,
    /// By what.
    pub policy: Document,
    /// The claims that were used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<Document>,
    /// `PASSED` or `FAILED`.
    pub verification_result: String,
    /// The level of each track, or `FAILED`.
    pub verified_levels: Vec<String>,
    /// How many of its dependencies reach which level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dependency_levels: BTreeMap<String, u64>,
    /// The version of SLSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
    /// The policies one by one: whoever has one of several texts can tell whether it was among them.
    #[serde(rename = "kiln_policies", default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Counted>,
}

/// A policy that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The file.
    #[serde(flatten)]
    pub document: Document,
    /// Whether it stood above the spec's own, which could not weaken it.
    pub above: bool,
}

/// Who verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// A URI.
    pub id: String,
    /// Versions of its parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// A document by address and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it is, or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Algorithm → hexadecimal digits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
}

impl Summary {
    /// The type of the predicate.
    pub const TYPE: &'static str = predicate::VERDICT;

    /// Whether the image passed.
    pub fn passed(&self) -> bool {
        self.verification_result == PASSED
    }

    /// Sums a report up. `level` is the level of SLSA's build track that was verified on the image's provenance, and is
    /// told only where the verdict passed; `None` where nobody looked. The time is the beginning of the verdict's day.
    pub fn of(report: &Report<'_>, level: Option<u8>) -> Self {
        let tidy = Tidy::new(report);
        let passed = tidy.verdict.passed;
        let mut inputs: Vec<Document> = tidy
            .attestations
            .iter()
            .map(|attestation| Document { uri: attestation.uri.clone(), digest: sha256(&attestation.digest) })
            .collect();
        inputs.sort_by(|a, b| (&a.uri, &a.digest).cmp(&(&b.uri, &b.digest)));
        let level = level.filter(|_| passed).map(|level| format!("SLSA_BUILD_LEVEL_{}", level.min(3)));
        Summary {
            verifier: Verifier {
                id: VERIFIER.to_owned(),
                version: [("kiln".to_owned(), report.version.to_owned())].into(),
            },
            time_verified: format!("{}T00:00:00Z", tidy.verdict.day),
            resource_uri: format!("{}@{}", tidy.name, report.digest),
            policy: policy(&tidy.verdict.policies),
            input_attestations: inputs,
            verification_result: if passed { PASSED } else { FAILED }.to_owned(),
            verified_levels: if passed { level.into_iter().collect() } else { vec![FAILED.to_owned()] },
            dependency_levels: BTreeMap::new(),
            slsa_version: Some(SLSA.to_owned()),
            policies: counted(&tidy.verdict.policies),
        }
    }

    /// The summary of an index, whose images have these: it passed if all of them did, and reaches the level that each of
    /// them reaches. `inputs` are what is attached to the index and to its images.
    pub fn of_index(images: &[Summary], index: &Digest, inputs: Vec<Document>) -> Option<Self> {
        let first = images.first()?;
        let passed = images.iter().all(|image| image.verification_result == PASSED);
        let levels = first.verified_levels.iter();
        let levels = levels.filter(|level| images.iter().all(|image| image.verified_levels.contains(level)));
        let name = first.resource_uri.rsplit_once('@').map_or(first.resource_uri.as_str(), |(name, _)| name);
        Some(Summary {
            resource_uri: format!("{name}@{index}"),
            input_attestations: inputs,
            verification_result: if passed { PASSED } else { FAILED }.to_owned(),
            verified_levels: if passed { levels.cloned().collect() } else { vec![FAILED.to_owned()] },
            ..first.clone()
        })
    }
}

impl Document {
    /// Something that is attached, by its digest.
    pub fn attached(digest: &Digest) -> Self {
        Document { uri: None, digest: sha256(digest) }
    }
}

/// The policies in the order of their names.
fn counted(texts: &[PolicyText]) -> Vec<Counted> {
    let document = |text: &PolicyText| Document { uri: Some(text.name.clone()), digest: sha256(&text.digest) };
    let mut texts: Vec<&PolicyText> = texts.iter().collect();
    texts.sort_by_key(|text| (text.name.as_str(), text.above));
    texts.into_iter().map(|text| Counted { document: document(text), above: text.above }).collect()
}

/// One policy by its file. Several are one document: what a file with a line of digest, two spaces and name for each of
/// them would hold, in order of names, as sha256sum(1) writes it.
fn policy(texts: &[PolicyText]) -> Document {
    match texts {
        [] => Document { uri: Some("urn:kiln:policy:none".to_owned()), digest: BTreeMap::new() },
        [text] => Document { uri: Some(text.name.clone()), digest: sha256(&text.digest) },
        texts => {
            let mut lines: Vec<(&str, String)> = texts
                .iter()
                .map(|text| (text.name.as_str(), format!("{}  {}\n", text.digest.hex(), text.name)))
                .collect();
            lines.sort();
            let list: String = lines.into_iter().map(|(_, line)| line).collect();
            Document { uri: Some("urn:kiln:policy:list".to_owned()), digest: sha256(&Digest::of(list)) }
        }
    }
}

fn sha256(digest: &Digest) -> BTreeMap<String, String> {
    [("sha256".to_owned(), digest.hex())].into()
}
