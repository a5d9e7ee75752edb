//! What was checked, with which result, and what was not.

use crate::oci::Digest;
use serde::Serialize;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether every check that was done passed.
    pub verified: bool,
    /// The key, as bundles name it.
    pub key: String,
    /// What was checked, and what was not, image by image.
    pub checks: Vec<Check>,
    /// Referrers that did not count, and why. Anybody can attach something to an image: that alone is no failure.
    pub refused: Vec<Refused>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A name that stays: [`ids`].
    pub id: &'static str,
    /// The image or index that was checked.
    pub subject: Digest,
    /// What was checked, in words.
    pub what: &'static str,
    /// How it went.
    pub result: Outcome,
    /// More about the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// Nobody looked.
    NotDone,
}

/// A referrer that did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The image or index that it refers to.
    pub subject: Digest,
    /// Its manifest.
    pub referrer: Digest,
    /// Why.
    pub reason: String,
}

/// The names of all checks.
pub mod ids {
    /// The image is signed.
    pub const SIGNATURE: &str = "signature";
    /// There is provenance about the image.
    pub const PROVENANCE: &str = "provenance";
    /// The provenance is of a build that kiln understands.
    pub const BUILD_TYPE: &str = "provenance-build-type";
    /// There is a CycloneDX bill of materials about the image.
    pub const CYCLONEDX: &str = "sbom-cyclonedx";
    /// It lists the image's files.
    pub const CYCLONEDX_FILES: &str = "sbom-cyclonedx-files";
    /// There is an SPDX bill of materials about the image.
    pub const SPDX: &str = "sbom-spdx";
    /// It lists the image's files.
    pub const SPDX_FILES: &str = "sbom-spdx-files";
    /// The result of a check; once for each that is attached.
    pub const TEST_RESULT: &str = "test-result";
    /// There is a verdict about the image, by the policy that is asked for.
    pub const VERDICT: &str = "verdict";
    /// It says that the image may be released.
    pub const VERDICT_PASSED: &str = "verdict-passed";
    /// The provenance reaches the level of SLSA that the policy requires.
    pub const LEVEL: &str = "provenance-level";
    /// Something else is attached.
    pub const OTHER: &str = "other-referrers";
    /// Entries in transparency logs.
    pub const LOG: &str = "transparency-log";
    /// The time of signing.
    pub const TIME: &str = "signing-time";
    /// What the provenance says happened.
    pub const REBUILD: &str = "rebuild";
}

impl Report {
    /// Adds checks of others, and decides anew.
    pub fn add(&mut self, checks: impl IntoIterator<Item = Check>) {
        self.checks.extend(checks);
        self.verified =
            self.failed().next().is_none() && self.checks.iter().any(|check| check.result == Outcome::Passed);
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.result == Outcome::Failed)
    }

    /// Whether all is as it should be, but for a verdict that says that the image must not be released.
    pub fn is_denied(&self) -> bool {
        self.failed().next().is_some() && self.failed().all(|check| check.id == ids::VERDICT_PASSED)
    }
}

impl Check {
    pub(super) fn new(id: &'static str, subject: Digest, result: Outcome) -> Self {
        Check { id, subject, what: words(id), result, detail: None }
    }

    pub(super) fn with(self, detail: impl Into<String>) -> Self {
        Check { detail: Some(detail.into()), ..self }
    }

    /// Passed, or failed with the reason.
    pub fn of(id: &'static str, subject: Digest, result: Result<String, String>) -> Self {
        match result {
            Ok(detail) if detail.is_empty() => Self::new(id, subject, Outcome::Passed),
            Ok(detail) => Self::new(id, subject, Outcome::Passed).with(detail),
            Err(reason) => Self::new(id, subject, Outcome::Failed).with(reason),
        }
    }
}

fn words(id: &str) -> &'static str {
    match id {
        ids::SIGNATURE => "the image is signed with the key",
        ids::PROVENANCE => "SLSA provenance, signed with the key, is about this image",
        ids::BUILD_TYPE => "the provenance tells of a kiln build and holds no parameter that kiln does not know",
        ids::CYCLONEDX => "a CycloneDX bill of materials, signed with the key, is about this image",
        ids::CYCLONEDX_FILES => "the CycloneDX bill of materials lists exactly the image's files",
        ids::SPDX => "an SPDX bill of materials, signed with the key, is about this image",
        ids::SPDX_FILES => "the SPDX bill of materials lists exactly the image's files, each with an owner",
        ids::TEST_RESULT => "a check, whose result is signed with the key, did not fail",
        ids::VERDICT => "a verdict, signed with the key, is about this image, by the policy where one was named",
        ids::VERDICT_PASSED => "the verdict says that the image may be released",
        ids::LEVEL => {
            "the provenance reaches the level of SLSA that the policy requires, by the builders that it trusts"
        }
        ids::OTHER => "other artifacts are attached to the image",
        ids::LOG => "the signatures are in a transparency log",
        ids::TIME => "the signatures were made at a known time",
        ids::REBUILD => "a second build gives the same image",
        _ => "",
    }
}
