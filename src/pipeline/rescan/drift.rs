//! What is new in an image since it was judged last, and what is gone.

use super::report::{GoneHole, HoleReport, OtherFinding};
use super::told::{KnownHole, identity};
use crate::evidence::scan::{Detail, Weight};
use crate::policy::report::line;
use crate::policy::{Judged, Outcome, Verdict};
use crate::rules::Severity;
use std::collections::BTreeSet;

/// The difference between what is known of an image and what was.
pub(super) struct Drift {
    /// The holes of today, those that are new first, then as the verdict has them.
    pub holes: Vec<HoleReport>,
    pub gone: Vec<GoneHole>,
    /// What else somebody should know.
    pub findings: Vec<OtherFinding>,
}

/// Holes by package and by each of their names: databases come to call a hole by another one of them.
type Names<'a> = BTreeSet<(Option<&'a str>, &'a str)>;

/// Compares a verdict of today with the holes of the last scan.
pub(super) fn drift(verdict: &Verdict, before: &[KnownHole]) -> Drift {
    let known: Names<'_> = before
        .iter()
        .flat_map(|hole| hole.names.iter().map(|name| (hole.identity.as_deref(), name.as_str())))
        .collect();
    let today = verdict.findings.iter().filter_map(hole).map(|(judged, hole)| (judged, hole, identity(&hole.package)));
    let today: Vec<(&Judged, &Weight, String)> = today.collect();
    let mut holes: Vec<HoleReport> = today
        .iter()
        .map(|(judged, hole, package)| {
            let is_known = |name: &str| [Some(package.as_str()), None].iter().any(|of| known.contains(&(*of, name)));
            report(judged, hole, !names_of(hole).any(is_known))
        })
        .collect();
    holes.sort_by_key(|hole| !hole.new);
    let now: Names<'_> = today
        .iter()
        .flat_map(|(_, hole, package)| {
            names_of(hole).flat_map(move |name| [(Some(package.as_str()), name), (None, name)])
        })
        .collect();
    let is_gone = |hole: &&KnownHole| !hole.names.iter().any(|name| now.contains(&(hole.identity.as_deref(), name)));
    let mut gone: Vec<GoneHole> = before
        .iter()
        .filter(is_gone)
        .map(|hole| GoneHole { id: name(&hole.id), package: hole.package.as_deref().map(name) })
        .collect();
    gone.sort();
    gone.dedup();
    Drift { holes, gone, findings: others(verdict) }
}

fn hole(judged: &Judged) -> Option<(&Judged, &Weight)> {
    match &judged.finding.detail {
        Detail::Hole(hole) => Some((judged, hole)),
        _ => None,
    }
}

fn names_of(hole: &Weight) -> impl Iterator<Item = &str> {
    hole.aliases.iter().map(String::as_str).chain([hole.id.as_str()])
}

fn report(judged: &Judged, hole: &Weight, new: bool) -> HoleReport {
    HoleReport {
        id: name(&hole.id),
        aliases: hole.aliases.iter().map(|alias| name(alias)).collect(),
        new,
        outcome: judged.outcome.name(),
        severity: judged.finding.severity.map_or("unknown", Severity::name),
        package: name(&hole.package),
        name: name(&hole.name),
        version: name(&hole.version),
        fixed: hole.fixed.iter().map(|version| name(version)).collect(),
        exploited: hole.exploited.as_deref().map(name),
        title: text(&judged.finding.title),
    }
}

/// What is denied or warned and no hole.
fn others(verdict: &Verdict) -> Vec<OtherFinding> {
    let is_told = |judged: &&Judged| hole(judged).is_none() && judged.outcome <= Outcome::Warned;
    let findings = verdict.findings.iter().filter(is_told);
    let findings =
        findings.map(|judged| OtherFinding { outcome: judged.outcome.name(), title: text(&judged.finding.title) });
    let missing = verdict.missing.iter();
    let missing = missing.map(|missing| OtherFinding { outcome: Outcome::Denied.name(), title: text(&missing.what) });
    findings.chain(missing).collect()
}

/// A text of others as a line.
pub(super) fn text(text: &str) -> String {
    line(text, 1_000)
}

fn name(text: &str) -> String {
    line(text, 500)
}
