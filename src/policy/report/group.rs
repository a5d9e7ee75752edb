//! Findings by what to change.

use super::order::compare;
use super::tidy::is_told;
use crate::evidence::scan::{Detail, Finding, SpecLine, Weight};
use crate::policy::{Because, Judged, Outcome, Verdict};
use crate::rules::Severity;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Findings that one change takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// The change.
    pub change: Change,
    /// The line of the spec that brings what is wrong; none where nobody knows it.
    pub at: Option<SpecLine>,
    /// Because of which packages it is there, the one that was asked for first; empty where it was asked for itself.
    pub through: Vec<String>,
    /// What became of the worst of the findings.
    pub outcome: Outcome,
    /// How bad the worst of those is; none where nobody weighed any.
    pub severity: Option<Severity>,
    /// The findings, worst first.
    pub findings: Vec<&'a Judged>,
}

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Take a newer version of a package.
    Update {
        /// The package's name.
        package: String,
        /// The version that is there.
        from: String,
        /// The version in which all that can be repaired is.
        to: String,
        /// How many holes of the group stay open in it, because nobody has repaired them.
        open: usize,
    },
    /// Do without a package, or wait for a repair: there is none yet.
    Replace {
        /// The package's name.
        package: String,
        /// The version that is there.
        version: String,
        /// What its distribution says of that: `will not fix`.
        state: Option<String>,
    },
    /// What the rule says.
    Mend {
        /// The name of the rule.
        rule: &'static str,
        /// What to do, in a sentence.
        remedy: String,
    },
    /// Nothing: it is accepted.
    Nothing {
        /// Why.
        reason: String,
    },
}

impl<'a> Group<'a> {
    /// The clause that decided; none where no clause is about it, and of acceptances.
    pub fn by(&self) -> Option<&'a Because> {
        let decided = matches!(self.outcome, Outcome::Denied | Outcome::Warned);
        self.findings.first().filter(|_| decided).and_then(|judged| judged.because.first())
    }
}

impl Change {
    /// What it is about: a package with its version, or what is wrong in words.
    pub fn subject(&self) -> String {
        match self {
            Change::Update { package, from: version, .. } | Change::Replace { package, version, .. } => {
                format!("{package} {version}")
            }
            Change::Mend { rule, .. } => (*rule).to_owned(),
            Change::Nothing { reason } => reason.clone(),
        }
    }

    /// What to do, in a sentence without a point.
    pub fn sentence(&self) -> String {
        match self {
            Change::Update { package, to, open: 0, .. } => format!("update {package} to {to} or later"),
            Change::Update { package, to, open, .. } => {
                let verb = if *open == 1 { "has" } else { "have" };
                format!("update {package} to {to} or later; {open} of these {verb} no repair yet")
            }
            Change::Replace { package, state: Some(state), .. } => {
                format!("do without {package}, or accept with a reason and a date: its distribution says `{state}`")
            }
            Change::Replace { package, state: None, .. } => {
                format!("do without {package}, or accept with a reason and a date: there is no repair yet")
            }
            Change::Mend { remedy, .. } => remedy.clone(),
            Change::Nothing { .. } => "nothing: it is accepted".to_owned(),
        }
    }
}

/// By what the findings of one group are alike: an acceptance, a package, or a rule; and the line of the spec.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Alike<'a> {
    Accepted { reason: &'a str, at: Option<&'a SpecLine> },
    Package { at: Option<&'a SpecLine>, name: &'a str, version: &'a str },
    Rule { at: Option<&'a SpecLine>, rule: &'static str, remedy: &'a str },
}

/// The findings by what to change: what is denied first, then by severity, number and name. What is accepted is
/// together by its reason, and not with what to change; licences that no clause is about are left out. Texts are those
/// of the findings: whoever shows them makes them harmless first.
pub fn groups(verdict: &Verdict) -> Vec<Group<'_>> {
    let mut alike: BTreeMap<Alike<'_>, Vec<&Judged>> = BTreeMap::new();
    for judged in verdict.findings.iter().filter(|judged| is_told(judged)) {
        alike.entry(key(judged)).or_default().push(judged);
    }
    let mut groups: Vec<Group<'_>> = alike.into_iter().map(|(key, findings)| group(&key, findings)).collect();
    groups.sort_by_cached_key(|group| {
        let worst = (group.outcome, Reverse(group.severity), Reverse(group.findings.len()));
        (worst, group.change.clone(), group.at.clone())
    });
    groups
}

fn key(judged: &Judged) -> Alike<'_> {
    let finding = &judged.finding;
    if judged.outcome == Outcome::Accepted {
        let because = judged.because.first();
        let reason = because.and_then(|because| because.reason.as_deref()).unwrap_or_default();
        return Alike::Accepted { reason, at: because.map(|because| &because.at) };
    }
    let at = line(finding);
    match &finding.detail {
        Detail::Hole(hole) => Alike::Package { at, name: &hole.name, version: &hole.version },
        _ => Alike::Rule { at, rule: finding.rule.id, remedy: &finding.remedy },
    }
}

/// The line of the spec that brought it.
pub(super) fn line(finding: &Finding) -> Option<&SpecLine> {
    finding.places.iter().find_map(|place| place.origin.spec.as_ref())
}

fn group<'a>(key: &Alike<'_>, mut findings: Vec<&'a Judged>) -> Group<'a> {
    findings.sort_by(|a, b| {
        let worst = |judged: &Judged| (judged.outcome, Reverse(judged.finding.severity));
        worst(a).cmp(&worst(b)).then_with(|| a.finding.cmp(&b.finding))
    });
    let outcome = findings.first().map_or(Outcome::Noted, |judged| judged.outcome);
    let decided = findings.iter().filter(|judged| judged.outcome == outcome);
    let severity = decided.map(|judged| judged.finding.severity).max().flatten();
    let (change, at) = match key {
        Alike::Accepted { reason, at } => (Change::Nothing { reason: (*reason).to_owned() }, *at),
        Alike::Package { at, name, version } => (of_package(name, version, &findings), *at),
        Alike::Rule { at, rule, remedy } => (Change::Mend { rule, remedy: (*remedy).to_owned() }, *at),
    };
    let chains = findings.iter().flat_map(|judged| &judged.finding.places).map(|place| &place.origin.because);
    let mut through = chains.min_by_key(|chain| chain.len()).cloned().unwrap_or_default();
    // The last one is the package itself.
    through.pop();
    if matches!(key, Alike::Accepted { .. }) {
        through.clear();
    }
    Group { change, at: at.cloned(), through, outcome, severity, findings }
}

fn of_package(name: &str, version: &str, findings: &[&Judged]) -> Change {
    let holes = || findings.iter().filter_map(|judged| hole(&judged.finding));
    // Of each hole the nearest repair, and of those the last: it has all the others.
    let to = holes().filter_map(|hole| hole.fixed.first()).max_by(|a, b| compare(a, b));
    match to {
        Some(to) => Change::Update {
            package: name.to_owned(),
            from: version.to_owned(),
            to: to.clone(),
            open: holes().filter(|hole| hole.fixed.is_empty()).count(),
        },
        None => Change::Replace {
            package: name.to_owned(),
            version: version.to_owned(),
            state: holes().find_map(|hole| hole.state.clone()),
        },
    }
}

/// What is known of the hole, where it is one.
pub(super) fn hole(finding: &Finding) -> Option<&Weight> {
    match &finding.detail {
        Detail::Hole(hole) => Some(hole),
        _ => None,
    }
}
