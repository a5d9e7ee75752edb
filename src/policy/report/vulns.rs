//! The holes of an image as an in-toto predicate: `https://in-toto.io/attestation/vulns/v0.2`.

use super::Report;
use super::advisory::{newest, score};
use super::group::hole;
use super::tidy::Tidy;
use crate::evidence::scan::{Finding, Weight};
use crate::rules::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vulnerabilities {
    /// Who looked, with what, and what was found.
    pub scanner: Scanner,
    /// When.
    pub metadata: Times,
}

/// A scanner and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanner {
    /// What it is: a package URL.
    pub uri: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// The database of advisories.
    pub db: ScannerDatabase,
    /// The holes; an empty list says that there are none.
    pub result: Vec<Vulnerability>,
}

/// A database of advisories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannerDatabase {
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uri: Option<String>,
    /// Which one it is: its digest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// When it was made, in RFC 3339.
    pub last_update: String,
}

/// A hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// Its name.
    pub id: String,
    /// How bad it is, by one method or several.
    pub severity: Vec<Graded>,
    /// What else is told of it: `package`, `outcome`, `fixed`, `aliases`, `epss`, `exploited`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub annotations: Vec<BTreeMap<String, serde_json::Value>>,
}

/// How bad a hole is by one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// The method: `kiln` for the word by which it was judged, `cvss_score` and `cvss_vector`.
    pub method: String,
    /// What it says.
    pub score: String,
}

/// When a scan began and ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// In RFC 3339.
    pub scan_started_on: String,
    /// In RFC 3339.
    pub scan_finished_on: String,
}

impl Vulnerabilities {
    /// The type of the predicate.
    pub const TYPE: &'static str = "https://in-toto.io/attestation/vulns/v0.2";

    /// Tells of the holes of a report; nothing where there was no database to look them up in. All times are the
    /// beginning of the verdict's day, so that the same judgement has the same bytes.
    pub fn of(report: &Report<'_>) -> Option<Self> {
        let tidy = Tidy::new(report);
        let database = tidy.database.as_ref()?;
        let day = format!("{}T00:00:00Z", tidy.verdict.day);
        let holes = tidy.findings().filter_map(|(judged, _)| Some((judged, hole(&judged.finding)?)));
        let result = holes.map(|(judged, hole)| Vulnerability {
            id: hole.id.clone(),
            severity: graded(&judged.finding, hole),
            annotations: vec![annotations(judged.outcome.name(), hole)],
        });
        Some(Vulnerabilities {
            scanner: Scanner {
                uri: format!("pkg:generic/kiln@{}", report.version),
                version: Some(report.version.to_owned()),
                db: ScannerDatabase {
                    uri: Some(database.name.clone()),
                    version: Some(database.digest.to_string()),
                    last_update: database.updated.to_string(),
                },
                result: result.collect(),
            },
            metadata: Times { scan_started_on: day.clone(), scan_finished_on: day },
        })
    }
}

fn graded(finding: &Finding, hole: &Weight) -> Vec<Graded> {
    let graded = |method: &str, score: String| Graded { method: method.to_owned(), score };
    let own = graded("kiln", finding.severity.map_or("unknown", Severity::name).to_owned());
    let score = newest(hole).map(|tenths| graded("cvss_score", score(tenths)));
    let vectors = hole.scores.iter().map(|(vector, _)| graded("cvss_vector", vector.clone()));
    std::iter::once(own).chain(score).chain(vectors).collect()
}

fn annotations(outcome: &str, hole: &Weight) -> BTreeMap<String, serde_json::Value> {
    let mut map: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    map.insert("package".into(), hole.package.as_str().into());
    map.insert("outcome".into(), outcome.into());
    if !hole.fixed.is_empty() {
        map.insert("fixed".into(), hole.fixed.clone().into());
    }
    if !hole.aliases.is_empty() {
        map.insert("aliases".into(), hole.aliases.clone().into());
    }
    if let Some(share) = hole.epss {
        map.insert("epss".into(), (f64::from(share) / 1e6).into());
    }
    if let Some(since) = &hole.exploited {
        map.insert("exploited".into(), since.as_str().into());
    }
    map
}
