//! What a policy says of an image, as data.

use super::proof::Missing;
use crate::evidence::scan::{Finding, SpecLine};
use crate::evidence::vex::Status;
use crate::oci::Digest;
use crate::rules::Justification;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What policies say of an image on some day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the image may be released.
    pub passed: bool,
    /// The day of the judgement: acceptances end, and distributions do.
    pub day: Date,
    /// The policies by which it was judged.
    pub policies: Vec<PolicyText>,
    /// The findings, those that are denied first, then by rule.
    pub findings: Vec<Judged>,
    /// What must be attached to the image and is not.
    pub missing: Vec<Missing>,
    /// Acceptances that no finding needed.
    pub unused: Vec<Because>,
}

/// A policy by which an image was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    /// The file, as it was named.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// Whether it stands above the spec's own, which cannot weaken it.
    pub above: bool,
}

/// A finding with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What was found.
    pub finding: Finding,
    /// What became of it.
    pub outcome: Outcome,
    /// The clauses that decided, and the acceptance where one did.
    pub because: Vec<Because>,
    /// An acceptance that would have counted, and ended before the day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expired: Option<Expired>,
}

/// What became of a finding, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The image may not be released.
    Denied,
    /// It is told.
    Warned,
    /// It is known and taken on.
    Accepted,
    /// No clause is about it.
    Noted,
}

/// A clause of a policy that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// As it is written: `deny "vulnerability" severity="high"`.
    pub clause: String,
    /// Where it stands.
    pub at: SpecLine,
    /// Why something is accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What is said of an accepted hole: that it is no danger, or one that is taken on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
    /// Why it is no danger, where somebody says that it is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<Justification>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Date>,
}

/// An acceptance that does not count any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// Where it stands.
    pub at: SpecLine,
    /// The last day on which it counted.
    pub until: Date,
}

impl Outcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Denied => "denied",
            Outcome::Warned => "warned",
            Outcome::Accepted => "accepted",
            Outcome::Noted => "noted",
        }
    }
}

impl Verdict {
    /// How many findings had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|judged| judged.outcome == outcome).count()
    }
}
