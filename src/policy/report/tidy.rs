//! A report whose texts are harmless and short, whoever wrote them.

use super::{Attestation, Database, Layer, Report, Share, Signature};
use crate::evidence::scan::{Component, Detail, Finding, Origin, Place, SpecLine, Weight};
use crate::oci::Digest;
use crate::policy::{Because, Expired, Judged, Missing, Outcome, PolicyText, Verdict};
use crate::rules::Family;
use std::collections::BTreeMap;

/// Characters of a text: a summary is rarely longer, and a page with longer ones is not read.
const TEXT: usize = 1_000;
/// Characters of a name, a version, a path or an address.
const NAME: usize = 500;
/// Entries of a list within a finding; what is more is counted.
const LIST: usize = 50;

/// What all forms are written from.
pub(super) struct Tidy<'a> {
    /// What holds no text of others: digests, platform, version, times.
    pub(super) report: &'a Report<'a>,
    pub(super) name: String,
    pub(super) spec: String,
    pub(super) verdict: Verdict,
    /// For each finding of the verdict a name that no other has and that it keeps in the next scan.
    pub(super) ids: Vec<Digest>,
    pub(super) components: Vec<Component>,
    pub(super) shares: Vec<Share>,
    pub(super) layers: Vec<Layer>,
    pub(super) database: Option<Database>,
    pub(super) attestations: Vec<Attestation>,
    pub(super) signatures: Vec<Signature>,
}

impl<'a> Tidy<'a> {
    pub(super) fn new(report: &'a Report<'a>) -> Self {
        let verdict = report.verdict;
        let share =
            |share: &Share| Share { name: name(&share.name), purl: share.purl.as_deref().map(name), size: share.size };
        let layer = |layer: &Layer| Layer { about: text(&layer.about), ..layer.clone() };
        let database = |database: &Database| Database {
            name: name(&database.name),
            feeds: database.feeds.iter().take(LIST).map(|(feed, count)| (name(feed), *count)).collect(),
            ..*database
        };
        let attestation = |attestation: &Attestation| Attestation {
            predicate: name(&attestation.predicate),
            uri: attestation.uri.as_deref().map(name),
            ..*attestation
        };
        let signature = |signature: &Signature| Signature { by: name(&signature.by), ..*signature };
        Tidy {
            report,
            name: name(report.name),
            spec: name(report.spec),
            ids: ids(&verdict.findings),
            verdict: tidy_verdict(verdict),
            components: report.components.iter().map(tidy_component).collect(),
            shares: report.shares.iter().map(share).collect(),
            layers: report.layers.iter().map(layer).collect(),
            database: report.database.map(database),
            attestations: report.attestations.iter().map(attestation).collect(),
            signatures: report.signatures.iter().map(signature).collect(),
        }
    }

    /// The findings with their names, without the licences that no clause is about: each package has one, and a licence
    /// is no fault.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&Judged, Digest)> {
        self.verdict.findings.iter().zip(self.ids.iter().copied()).filter(|(judged, _)| is_told(judged))
    }

    /// How many of these findings had an outcome.
    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.findings().filter(|(judged, _)| judged.outcome == outcome).count()
    }
}

/// Whether a finding is more than the licence of a package.
pub(super) fn is_told(judged: &Judged) -> bool {
    judged.outcome != Outcome::Noted || judged.finding.rule.family != Family::Licence
}

/// Fingerprints; where findings share one, the second and all that follow get others.
fn ids(findings: &[Judged]) -> Vec<Digest> {
    let mut seen: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    let id = |judged: &Judged| {
        let fingerprint = judged.finding.fingerprint();
        let count = seen.entry(*fingerprint.as_bytes()).or_default();
        *count += 1;
        if *count == 1 { fingerprint } else { Digest::of(format!("{fingerprint}\n{count}")) }
    };
    findings.iter().map(id).collect()
}

fn tidy_verdict(verdict: &Verdict) -> Verdict {
    let missing = |missing: &Missing| Missing { what: text(&missing.what), at: tidy_line(&missing.at) };
    Verdict {
        passed: verdict.passed,
        day: verdict.day,
        policies: verdict
            .policies
            .iter()
            .map(|policy| PolicyText { name: name(&policy.name), ..policy.clone() })
            .collect(),
        findings: verdict.findings.iter().map(tidy_judged).collect(),
        missing: verdict.missing.iter().map(missing).collect(),
        unused: verdict.unused.iter().map(tidy_because).collect(),
    }
}

fn tidy_judged(judged: &Judged) -> Judged {
    let expired = |expired: &Expired| Expired { at: tidy_line(&expired.at), until: expired.until };
    let finding = &judged.finding;
    Judged {
        finding: Finding {
            rule: finding.rule,
            severity: finding.severity,
            title: text(&finding.title),
            detail: tidy_detail(&finding.detail),
            places: tidy_places(&finding.places),
            remedy: text(&finding.remedy),
        },
        outcome: judged.outcome,
        because: judged.because.iter().take(LIST).map(tidy_because).collect(),
        expired: judged.expired.as_ref().map(expired),
    }
}

fn tidy_because(because: &Because) -> Because {
    Because {
        clause: text(&because.clause),
        at: tidy_line(&because.at),
        reason: because.reason.as_deref().map(text),
        status: because.status,
        justification: because.justification,
        until: because.until,
    }
}

fn tidy_detail(detail: &Detail) -> Detail {
    match detail {
        Detail::Plain => Detail::Plain,
        Detail::Hole(hole) => Detail::Hole(Box::new(tidy_hole(hole))),
        Detail::Secret { form, confidence, digest } => {
            Detail::Secret { form: name(form), confidence: *confidence, digest: *digest }
        }
        Detail::Licence { package, name: of, licence } => {
            Detail::Licence { package: name(package), name: name(of), licence: name(licence) }
        }
        Detail::Label { name: label } => Detail::Label { name: name(label) },
        Detail::Command { stage } => Detail::Command { stage: stage.as_deref().map(name) },
        Detail::Host { host } => Detail::Host { host: name(host) },
        Detail::Database { days } => Detail::Database { days: *days },
    }
}

fn tidy_hole(hole: &Weight) -> Weight {
    Weight {
        id: name(&hole.id),
        aliases: names(&hole.aliases),
        package: name(&hole.package),
        name: name(&hole.name),
        version: name(&hole.version),
        summary: text(&hole.summary),
        fixed: names(&hole.fixed),
        state: hole.state.as_deref().map(name),
        scores: hole.scores.iter().take(LIST).map(|(vector, score)| (name(vector), *score)).collect(),
        urgency: hole.urgency.as_deref().map(name),
        weaknesses: names(&hole.weaknesses),
        exploited: hole.exploited.as_deref().map(name),
        ransomware: hole.ransomware,
        epss: hole.epss,
        published: hole.published.as_deref().map(name),
        days: hole.days,
        references: names(&hole.references),
    }
}

fn tidy_component(component: &Component) -> Component {
    Component {
        purl: name(&component.purl),
        name: name(&component.name),
        version: name(&component.version),
        licence: component.licence.as_deref().map(name),
        places: tidy_places(&component.places),
    }
}

/// The first places, and as the last one how many more there are.
fn tidy_places(places: &[Place]) -> Vec<Place> {
    let place = |place: &Place| Place {
        path: place.path.as_deref().map(name),
        inside: names(&place.inside),
        line: place.line,
        part: place.part.as_deref().map(name),
        origin: Origin {
            layer: place.origin.layer,
            owner: place.origin.owner.as_deref().map(name),
            stages: names(&place.origin.stages),
            because: names(&place.origin.because),
            spec: place.origin.spec.as_ref().map(tidy_line),
        },
    };
    let more = places.len().saturating_sub(LIST);
    let more = (more > 0).then(|| Place::part(format!("{more} more places")));
    places.iter().take(LIST).map(place).chain(more).collect()
}

fn tidy_line(line: &SpecLine) -> SpecLine {
    SpecLine { file: name(&line.file), line: line.line.max(1) }
}

fn names(all: &[String]) -> Vec<String> {
    all.iter().take(LIST).map(|one| name(one)).collect()
}

fn text(text: &str) -> String {
    line(text, TEXT)
}

fn name(name: &str) -> String {
    line(name, NAME)
}

/// A text as one line of at most `max` characters. White space becomes a space; what does something to a terminal,
/// turns text around, cannot be seen or has no place in XML 1.0 becomes the replacement character.
pub fn line(text: &str, max: usize) -> String {
    let harmless = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => '\u{fffd}',
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    };
    let mut rest = text.chars();
    let mut line: String = rest.by_ref().take(max).map(harmless).collect();
    if rest.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}
