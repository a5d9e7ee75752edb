//! A team's own cases of its policy: findings, and what should become of them.

use super::super::error::Error;
use super::super::project::locate;
use super::super::read_bounded;
use super::bench::above;
use crate::diagnostic::Sources;
use crate::evidence::scan::{Detail, Finding};
use crate::policy::{Case, Judged, Outcome, Proofs, Reached, Standing, Verdict, judge};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Cases that were held against a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CasesReport {
    /// One a case, in the order of the file.
    pub cases: Vec<CaseReport>,
}

/// A case that was held against a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseReport {
    /// What the file calls it.
    pub name: String,
    /// What came out otherwise than expected, in sentences; nothing where all is as it should be.
    pub differences: Vec<String>,
}

impl CasesReport {
    /// Whether all cases came out as expected.
    pub fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.differences.is_empty())
    }
}

/// A file of cases: `specs/policy-test.md`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    policy: String,
    cases: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: String,
    day: Date,
    /// A verdict of kiln's own form, whose findings are taken.
    #[serde(default)]
    verdict: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
    #[serde(default)]
    proofs: GivenProofs,
    expect: Expected,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct GivenProofs {
    signature: bool,
    sbom: bool,
    provenance: Option<u8>,
    checks: BTreeMap<String, bool>,
}

/// What should come out; what is not said may be anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    passed: Option<bool>,
    #[serde(default)]
    denied: Option<BTreeSet<String>>,
    #[serde(default)]
    warned: Option<BTreeSet<String>>,
    #[serde(default)]
    accepted: Option<BTreeSet<String>>,
    #[serde(default)]
    missing: Option<usize>,
}

/// The findings of a verdict in kiln's own form; the rest of it does not matter here.
#[derive(Deserialize)]
struct Recorded {
    findings: Vec<Finding>,
}

/// The largest file of cases, and the largest verdict that is recorded, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Holds a team's cases against its policy.
///
/// # Errors
/// Where the file, the policy or a recorded verdict cannot be read. A case that comes out otherwise is none.
pub fn policy_test(path: &Path) -> Result<CasesReport, Error> {
    let (folder, _) = locate(path)?;
    let cases: Cases = read(path)?;
    let (policies, sources) = above(Some(&folder.join(&cases.policy)), Sources::default())?;
    let report = cases.cases.into_iter().map(|given| {
        let mut findings = given.findings;
        if let Some(recorded) = &given.verdict {
            findings.extend(read::<Recorded>(&folder.join(recorded))?.findings);
        }
        let GivenProofs { signature, sbom, provenance, checks } = given.proofs;
        let provenance = provenance.map(|level| Reached { level, above: level });
        let proofs = Proofs { signature, sbom, provenance, checks: checks.into_iter().collect() };
        let verdict = judge(Case {
            policies: policies.iter().map(|policy| (Standing::Above, policy)).collect(),
            vex: &[],
            image: "",
            sources: &sources,
            findings,
            proofs: &proofs,
            day: given.day,
        });
        Ok(CaseReport { differences: given.expect.differences(&verdict), name: given.name })
    });
    Ok(CasesReport { cases: report.collect::<Result<_, Error>>()? })
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Error> {
    let unreadable = |source| Error::Unreadable { what: "the policy's cases", path: path.to_owned(), source };
    let content = read_bounded(path, MAX_FILE).map_err(unreadable)?;
    serde_json::from_slice(&content).map_err(|error| unreadable(std::io::Error::other(error)))
}

impl Expected {
    fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let mut differences = Vec::new();
        if self.passed.is_some_and(|passed| passed != verdict.passed) {
            differences.push(match verdict.passed {
                true => "it passed, and should not have".to_owned(),
                false => "it did not pass, and should have".to_owned(),
            });
        }
        for (outcome, expected) in
            [(Outcome::Denied, &self.denied), (Outcome::Warned, &self.warned), (Outcome::Accepted, &self.accepted)]
        {
            let Some(expected) = expected else { continue };
            let found = verdict.findings.iter().filter(|judged| judged.outcome == outcome);
            let found: BTreeSet<String> = found.map(name).collect();
            for name in found.difference(expected) {
                differences.push(format!("{name} was {}, and should not have been", outcome.name()));
            }
            for name in expected.difference(&found) {
                differences.push(format!("{name} was not {}, and should have been", outcome.name()));
            }
        }
        if let Some(expected) = self.missing.filter(|expected| *expected != verdict.missing.len()) {
            differences.push(format!("{} required things were missing, and not {expected}", verdict.missing.len()));
        }
        differences
    }
}

/// What a finding is called here: a hole by its name, any other by its rule.
fn name(judged: &Judged) -> String {
    match &judged.finding.detail {
        Detail::Hole(hole) => hole.id.clone(),
        _ => judged.finding.rule.id.to_owned(),
    }
}
