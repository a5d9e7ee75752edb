//! What is said of accepted holes, as OpenVEX 0.2 (github.com/openvex/spec): for those who scan the image.

use super::Report;
use super::cyclonedx::uuid;
use super::group::hole;
use super::tidy::Tidy;
use crate::evidence::sbom::named_purl;
use crate::evidence::vex::{Status, UNTIL};
use crate::oci::{Digest, to_json};
use crate::policy::{Because, Outcome};
use crate::rules::Justification;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The document, which is a predicate too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenVex {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: String,
    timestamp: String,
    version: u32,
    tooling: String,
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Statement {
    vulnerability: Vulnerability,
    products: [Product; 1],
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<Justification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact_statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_statement: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Vulnerability {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
    hashes: BTreeMap<&'static str, String>,
    subcomponents: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Part {
    #[serde(rename = "@id")]
    id: String,
}

/// What is said of one hole, of the packages that it is said of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    name: String,
    aliases: Vec<String>,
    status: Status,
    justification: Option<Justification>,
    reason: String,
    until: Option<Date>,
}

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

impl OpenVex {
    /// The type of the predicate: cosign's name for it.
    pub const TYPE: &'static str = crate::evidence::predicate::OPENVEX;

    /// Tells why the accepted holes of a report are accepted; nothing where there are none. Its time is the beginning of the
    /// verdict's day, so that the same judgement has the same bytes.
    pub fn of(report: &Report<'_>) -> Option<Self> {
        let tidy = Tidy::new(report);
        let mut said: BTreeMap<Said, BTreeSet<Part>> = BTreeMap::new();
        for (judged, _) in tidy.findings().filter(|(judged, _)| judged.outcome == Outcome::Accepted) {
            let Some(hole) = hole(&judged.finding) else { continue };
            for because in &judged.because {
                let Some(status) = because.status else { continue };
                let parts = said.entry(Said::of(&hole.id, &hole.aliases, status, because)).or_default();
                parts.insert(Part { id: hole.package.clone() });
            }
        }
        let image = named_purl(&tidy.name, &report.digest, report.platform);
        let statements: Vec<Statement> =
            said.into_iter().map(|(said, parts)| said.statement(&image, &report.digest, parts)).collect();
        let known = !statements.is_empty();
        let of = Digest::of([to_json(&statements), tidy.verdict.day.to_string().into_bytes()].concat());
        known.then(|| OpenVex {
            context: CONTEXT,
            id: format!("urn:uuid:{}", uuid(&of)),
            author: tidy.name.clone(),
            timestamp: format!("{}T00:00:00Z", tidy.verdict.day),
            version: 1,
            tooling: format!("kiln {}", report.version),
            statements,
        })
    }
}

impl Said {
    fn of(name: &str, aliases: &[String], status: Status, because: &Because) -> Self {
        Said {
            name: name.to_owned(),
            aliases: aliases.to_vec(),
            status,
            justification: because.justification,
            reason: because.reason.clone().unwrap_or_default(),
            until: because.until,
        }
    }

    /// OpenVEX wants an impact of what is no danger, and an action of what is one.
    fn statement(self, image: &str, digest: &Digest, parts: BTreeSet<Part>) -> Statement {
        let (impact, action) = match self.status {
            Status::NotAffected => (Some(self.reason), None),
            Status::Affected => (None, Some(self.reason)),
            Status::Fixed | Status::UnderInvestigation => (None, None),
        };
        Statement {
            vulnerability: Vulnerability { name: self.name, aliases: self.aliases },
            products: [Product {
                id: image.to_owned(),
                hashes: [("sha-256", digest.hex())].into(),
                subcomponents: parts.into_iter().collect(),
            }],
            status: self.status,
            status_notes: self.until.map(|until| format!("{UNTIL}{until}")),
            justification: self.justification,
            impact_statement: impact,
            action_statement: action,
        }
    }
}
