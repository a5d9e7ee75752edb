//! From findings and policies to a verdict.

use super::accept::accepts;
use super::clause::{is_meant, line, shown};
use super::proof::{Proofs, missing};
use super::verdict::{Because, Expired, Judged, Outcome, PolicyText, Verdict};
use crate::diagnostic::Sources;
use crate::evidence::scan::Finding;
use crate::oci::Digest;
use crate::spec::{Accept, Clause, Effect, Policy};
use jiff::civil::Date;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What is judged, and by what.
pub struct Case<'a> {
    /// The policies, each with who made it.
    pub policies: Vec<(Standing, &'a Policy)>,
    /// The texts of the policies.
    pub sources: &'a Sources,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is attached to the image, or will be.
    pub proofs: &'a Proofs,
    /// The day of the judgement.
    pub day: Date,
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The spec's own.
    Own,
    /// Of those who say what specs must satisfy. A spec cannot weaken it: what the spec accepts counts against its own
    /// clauses, and here only against those that are `waivable`.
    Above,
}

/// Judges.
pub fn judge(case: Case<'_>) -> Verdict {
    let mut used: BTreeSet<usize> = BTreeSet::new();
    let accepts: Vec<(Standing, &Accept)> =
        case.policies.iter().flat_map(|(standing, policy)| policy.accepts.iter().map(|a| (*standing, a))).collect();
    let clauses: Vec<(Standing, &Clause)> =
        case.policies.iter().flat_map(|(standing, policy)| policy.clauses.iter().map(|c| (*standing, c))).collect();
    let bench = Bench { clauses: &clauses, accepts: &accepts, sources: case.sources, day: case.day };
    let mut findings: Vec<Judged> = case.findings.into_iter().map(|finding| bench.weigh(finding, &mut used)).collect();
    // Worst first; what is equally bad by rule and title.
    findings.sort_by(|a, b| {
        let key = |judged: &Judged| (judged.outcome, judged.finding.rule.family, Reverse(judged.finding.severity));
        key(a).cmp(&key(b)).then_with(|| a.finding.cmp(&b.finding))
    });
    let missing = missing(case.policies.iter().flat_map(|(_, policy)| &policy.requires), case.proofs, case.sources);
    let unused = accepts.iter().enumerate().filter(|(i, _)| !used.contains(i));
    let unused = unused.map(|(_, (_, accept))| accepted(accept, case.sources)).collect();
    let passed = missing.is_empty() && findings.iter().all(|judged| judged.outcome != Outcome::Denied);
    Verdict { passed, day: case.day, policies: texts(&case.policies, case.sources), findings, missing, unused }
}

/// All that findings are held against.
struct Bench<'a> {
    clauses: &'a [(Standing, &'a Clause)],
    accepts: &'a [(Standing, &'a Accept)],
    sources: &'a Sources,
    day: Date,
}

impl Bench<'_> {
    /// The strictest clause that nothing waives decides.
    fn weigh(&self, finding: Finding, used: &mut BTreeSet<usize>) -> Judged {
        let meant: Vec<_> = self.clauses.iter().filter(|(_, clause)| is_meant(clause, &finding)).collect();
        let fitting: Vec<_> =
            self.accepts.iter().enumerate().filter(|(_, (_, accept))| accepts(accept, &finding)).collect();
        let mut because = Vec::new();
        let mut outcome = Outcome::Noted;
        let mut waived = Vec::new();
        for (standing, clause) in meant {
            let waiver = fitting.iter().find(|(_, (by, accept))| {
                let may = by == standing || (*by == Standing::Own && clause.waivable);
                may && accept.until.as_ref().is_none_or(|until| until.value >= self.day)
            });
            if let Some((position, (_, accept))) = waiver {
                used.insert(*position);
                waived.push(accepted(accept, self.sources));
                continue;
            }
            outcome = outcome.min(match clause.effect {
                Effect::Deny => Outcome::Denied,
                Effect::Warn => Outcome::Warned,
            });
            because.push((clause.effect, self.clause(clause)));
        }
        let decided = if outcome == Outcome::Denied { Effect::Deny } else { Effect::Warn };
        let mut because: Vec<Because> =
            because.into_iter().filter(|(effect, _)| *effect == decided).map(|(_, because)| because).collect();
        if outcome == Outcome::Noted && !waived.is_empty() {
            outcome = Outcome::Accepted;
            because = waived;
            because.dedup();
        }
        let expired = fitting.iter().filter_map(|(_, (_, accept))| {
            let until = accept.until.as_ref().filter(|until| until.value < self.day)?;
            Some(Expired { at: line(self.sources, accept.span), until: until.value })
        });
        let expired = expired.max_by_key(|expired| expired.until).filter(|_| outcome <= Outcome::Warned);
        // One that ended is no longer needed by what it was about, and is not called useless for that.
        used.extend(fitting.iter().map(|(position, _)| *position));
        Judged { finding, outcome, because, expired }
    }

    fn clause(&self, clause: &Clause) -> Because {
        let (clause, at) = (shown(self.sources, clause.span), line(self.sources, clause.span));
        Because { clause, at, reason: None, until: None }
    }
}

fn accepted(accept: &Accept, sources: &Sources) -> Because {
    Because {
        clause: shown(sources, accept.span),
        at: line(sources, accept.span),
        reason: Some(accept.reason.value.clone()),
        until: accept.until.as_ref().map(|until| until.value),
    }
}

/// The files in which the policies stand, each once.
fn texts(policies: &[(Standing, &Policy)], sources: &Sources) -> Vec<PolicyText> {
    let files: BTreeSet<_> = policies.iter().map(|(_, policy)| policy.span.file).collect();
    let text = |file| {
        let file = sources.file(file);
        PolicyText { name: file.name().to_owned(), digest: Digest::of(file.text()) }
    };
    files.into_iter().map(text).collect()
}
