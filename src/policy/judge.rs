//! From findings and policies to a verdict.

use super::accept::accepted_places;
use super::clause::{is_meant, line, shown};
use super::proof::{Proofs, missing};
use super::verdict::{Because, Expired, Judged, Outcome, PolicyText, Verdict};
use crate::diagnostic::{Sources, Span};
use crate::evidence::scan::{Detail, Finding};
use crate::evidence::vex::{Image, Statement, Status};
use crate::oci::Digest;
use crate::spec::{Accept, Accepted, Clause, Effect, Policy};
use jiff::civil::Date;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What is judged, and by what.
pub struct Case<'a> {
    /// The policies, each with who made it.
    pub policies: Vec<(Standing, &'a Policy)>,
    /// What documents say of holes that the policies name.
    pub vex: &'a [Vex],
    /// The image's name, as such documents may have it: without tag and digest.
    pub image: &'a str,
    /// The texts of the policies.
    pub sources: &'a Sources,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is attached to the image, or will be.
    pub proofs: &'a Proofs,
    /// The day of the judgement.
    pub day: Date,
}

/// What a document says of holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vex {
    /// Whose policy names the document: it counts where an acceptance of that policy would.
    pub standing: Standing,
    /// Where the policy names it, or the spec the image that it came with.
    pub span: Span,
    /// Whose word it is, where it came with an image; none where a policy names it.
    pub of: Option<VexOf>,
    /// What it says.
    pub statements: Vec<Statement>,
}

/// The image that a document came with, which speaks for what that image brought and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexOf {
    /// The image's name, without tag and digest.
    pub image: String,
    /// Its digests: who uses it may call it otherwise than who made it.
    pub digests: Vec<Digest>,
    /// Who owns what it brought, as places name it ([`crate::evidence::scan::Origin::owner`]).
    pub owner: String,
}

impl Vex {
    /// The image that statements about an image mean.
    fn image<'v>(&'v self, judged: &'v str) -> Image<'v> {
        let judged = Image { name: judged, digests: &[] };
        self.of.as_ref().map_or(judged, |of| Image { name: &of.image, digests: &of.digests })
    }

    /// The places of a finding, as positions, that it may speak of.
    fn places(&self, finding: &Finding) -> BTreeSet<usize> {
        let Some(of) = &self.of else { return places(finding) };
        let owned =
            finding.places.iter().enumerate().filter(|(_, place)| place.origin.owner.as_ref() == Some(&of.owner));
        owned.map(|(position, _)| position).collect()
    }
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
    let bench = Bench {
        clauses: &clauses,
        accepts: &accepts,
        vex: case.vex,
        image: case.image,
        sources: case.sources,
        day: case.day,
    };
    let mut findings: Vec<Judged> =
        case.findings.into_iter().flat_map(|finding| bench.weigh(finding, &mut used)).collect();
    // Worst first; what is equally bad by rule and title.
    findings.sort_by(|a, b| {
        let key = |judged: &Judged| (judged.outcome, judged.finding.rule.family, Reverse(judged.finding.severity));
        key(a).cmp(&key(b)).then_with(|| a.finding.cmp(&b.finding))
    });
    let requires = case.policies.iter().flat_map(|(standing, policy)| policy.requires.iter().map(|r| (*standing, r)));
    let missing = missing(requires, case.proofs, case.sources);
    let unused = accepts.iter().enumerate().filter(|(i, _)| !used.contains(i));
    let unused = unused.map(|(_, (_, accept))| accepted(accept, case.sources)).collect();
    let passed = missing.is_empty() && findings.iter().all(|judged| judged.outcome != Outcome::Denied);
    Verdict { passed, day: case.day, policies: texts(&case.policies, case.sources), findings, missing, unused }
}

/// All that findings are held against.
struct Bench<'a> {
    clauses: &'a [(Standing, &'a Clause)],
    accepts: &'a [(Standing, &'a Accept)],
    vex: &'a [Vex],
    image: &'a str,
    sources: &'a Sources,
    day: Date,
}

/// A clause that is about a finding, with the places of it that nothing waives.
struct Claim<'a> {
    clause: &'a Clause,
    left: BTreeSet<usize>,
    waived_by: Vec<Because>,
}

impl<'a> Bench<'a> {
    /// The strictest clause that nothing waives decides. Where an acceptance is about some of the places of a finding, these
    /// are a finding of their own.
    fn weigh(&self, finding: Finding, used: &mut BTreeSet<usize>) -> Vec<Judged> {
        let fitting: Vec<(usize, Standing, &Accept)> = self
            .accepts
            .iter()
            .enumerate()
            .filter(|(_, (_, accept))| !accepted_places(accept, &finding).is_empty())
            .map(|(position, (standing, accept))| (position, *standing, *accept))
            .collect();
        // One that ended is no longer needed by what it was about, and is not called useless for that.
        used.extend(fitting.iter().map(|(position, _, _)| *position));
        let meant = self.clauses.iter().filter(|(_, clause)| is_meant(clause, &finding));
        let claims: Vec<Claim<'a>> =
            meant.map(|(standing, clause)| self.claim(&finding, *standing, clause, &fitting)).collect();
        let standing = claims.iter().filter(|claim| !claim.left.is_empty());
        let Some(effect) = standing.clone().map(|claim| claim.clause.effect).max() else {
            let known = if claims.is_empty() { self.known(&finding, &fitting) } else { Vec::new() };
            return vec![self.without_claim(finding, &claims, known)];
        };
        let deciding: Vec<&Claim<'_>> = standing.filter(|claim| claim.clause.effect == effect).collect();
        let outcome = if effect == Effect::Deny { Outcome::Denied } else { Outcome::Warned };
        let left: BTreeSet<usize> = deciding.iter().flat_map(|claim| claim.left.iter().copied()).collect();
        let because = deciding.iter().map(|claim| self.clause(claim.clause)).collect();
        let expired = self.expired(fitting.iter().map(|(_, _, accept)| *accept));
        let whole = places(&finding);
        let mut judged = Vec::new();
        if left != whole {
            let waived = whole.difference(&left).copied().collect();
            judged.push(self.without_claim(with_places(&finding, &waived), &claims, Vec::new()));
        }
        judged.push(Judged { finding: with_places(&finding, &left), outcome, because, expired });
        judged
    }

    fn claim(
        &self,
        finding: &Finding,
        standing: Standing,
        clause: &'a Clause,
        fitting: &[(usize, Standing, &'a Accept)],
    ) -> Claim<'a> {
        let may = |by: &Standing| *by == standing || (*by == Standing::Own && clause.waivable);
        let mut left = places(finding);
        let mut waived_by = Vec::new();
        for (_, _, accept) in fitting.iter().filter(|(_, by, accept)| may(by) && self.counts(accept)) {
            for place in accepted_places(accept, finding) {
                left.remove(&place);
            }
            waived_by.push(accepted(accept, self.sources));
        }
        for vex in self.vex.iter().filter(|vex| may(&vex.standing)) {
            let covered = vex.places(finding);
            let Some(because) = self.waived(finding, vex).filter(|_| !covered.is_empty()) else { continue };
            left.retain(|place| !covered.contains(place));
            waived_by.push(because);
        }
        Claim { clause, left, waived_by }
    }

    /// What a document says for a hole that does not matter by it. The newest statement of several counts, which is the last.
    fn waived(&self, finding: &Finding, vex: &Vex) -> Option<Because> {
        let Detail::Hole(hole) = &finding.detail else { return None };
        let about = |said: &&Statement| said.is_about(hole, &vex.image(self.image));
        let said = vex.statements.iter().rfind(about).filter(|said| said.waives(self.day))?;
        let status = said.status.name();
        let reason = said.why.as_ref().map_or_else(|| status.to_owned(), |why| format!("{status}: {why}"));
        let clause = format!("vex {}", shown(self.sources, vex.span));
        Some(Because {
            clause,
            at: line(self.sources, vex.span),
            reason: Some(reason),
            status: Some(said.status),
            justification: said.justification,
            until: said.until,
        })
    }

    fn counts(&self, accept: &Accept) -> bool {
        accept.until.as_ref().is_none_or(|until| until.value >= self.day)
    }

    /// The acceptances of a finding that no clause is about: of all of it, or of nothing.
    fn known(&self, finding: &Finding, fitting: &[(usize, Standing, &Accept)]) -> Vec<Because> {
        let counting = fitting.iter().map(|(_, _, accept)| *accept).filter(|accept| self.counts(accept));
        let covered: BTreeSet<usize> = counting.clone().flat_map(|accept| accepted_places(accept, finding)).collect();
        match covered == places(finding) {
            true => counting.map(|accept| accepted(accept, self.sources)).collect(),
            false => Vec::new(),
        }
    }

    /// What nothing stands against: it is accepted where a clause was waived for it, or somebody knows it; else only noted.
    fn without_claim(&self, finding: Finding, claims: &[Claim<'_>], known: Vec<Because>) -> Judged {
        let waived = claims.iter().flat_map(|claim| claim.waived_by.iter().cloned());
        let mut because: Vec<Because> = waived.chain(known).collect();
        because.dedup();
        let outcome = if because.is_empty() { Outcome::Noted } else { Outcome::Accepted };
        Judged { finding, outcome, because, expired: None }
    }

    /// The acceptance that ended last, of those that did.
    fn expired<'b>(&self, accepts: impl Iterator<Item = &'b Accept>) -> Option<Expired> {
        let ended = accepts.filter_map(|accept| {
            let until = accept.until.as_ref().filter(|until| until.value < self.day)?;
            Some(Expired { at: line(self.sources, accept.span), until: until.value })
        });
        ended.max_by_key(|expired| expired.until)
    }

    fn clause(&self, clause: &Clause) -> Because {
        let (clause, at) = (shown(self.sources, clause.span), line(self.sources, clause.span));
        Because { clause, at, reason: None, status: None, justification: None, until: None }
    }
}

/// The places of a finding, as positions; one that has none counts as one place.
fn places(finding: &Finding) -> BTreeSet<usize> {
    (0..finding.places.len().max(1)).collect()
}

fn with_places(finding: &Finding, wanted: &BTreeSet<usize>) -> Finding {
    let places = finding.places.iter().enumerate().filter(|(position, _)| wanted.contains(position));
    Finding { places: places.map(|(_, place)| place.clone()).collect(), ..finding.clone() }
}

fn accepted(accept: &Accept, sources: &Sources) -> Because {
    Because {
        clause: shown(sources, accept.span),
        at: line(sources, accept.span),
        reason: Some(accept.reason.value.clone()),
        status: matches!(accept.what.value, Accepted::Hole(_)).then_some(match accept.justification {
            Some(_) => Status::NotAffected,
            None => Status::Affected,
        }),
        justification: accept.justification,
        until: accept.until.as_ref().map(|until| until.value),
    }
}

/// The files in which the policies stand, each once.
pub fn texts(policies: &[(Standing, &Policy)], sources: &Sources) -> Vec<PolicyText> {
    let files: BTreeSet<_> =
        policies.iter().map(|(standing, policy)| (policy.span.file, *standing == Standing::Above)).collect();
    let text = |(file, above)| {
        let file = sources.file(file);
        PolicyText { name: file.name().to_owned(), digest: Digest::of(file.text()), above }
    };
    files.into_iter().map(text).collect()
}
