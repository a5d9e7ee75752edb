//! kiln's own form: everything that is known, as `specs/verdict.md` describes it.

use super::group::{Group, groups};
use super::tidy::Tidy;
use crate::evidence::scan::{Component, Finding, SpecLine};
use crate::oci::Digest;
use crate::policy::{Because, Expired, Judged, Missing, Outcome, PolicyText};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The version of the form: another one where a reader of this one could misunderstand it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    verdict: u32,
    kiln: &'a str,
    image: Image<'a>,
    day: Date,
    passed: bool,
    counts: Counts,
    policies: &'a [PolicyText],
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Database<'a>>,
    findings: Vec<Row<'a>>,
    missing: &'a [Missing],
    unused: &'a [Because],
    changes: Vec<Change<'a>>,
    components: Vec<&'a Component>,
    shares: Vec<Share<'a>>,
    layers: Vec<Layer<'a>>,
    attestations: Vec<Attestation<'a>>,
    signatures: Vec<Signature<'a>>,
}

#[derive(Serialize)]
struct Image<'a> {
    name: &'a str,
    digest: Digest,
    platform: String,
}

#[derive(Serialize)]
struct Counts {
    denied: usize,
    warned: usize,
    accepted: usize,
    noted: usize,
}

#[derive(Serialize)]
struct Database<'a> {
    name: &'a str,
    digest: Digest,
    updated: Timestamp,
    feeds: Vec<Feed<'a>>,
}

#[derive(Serialize)]
struct Feed<'a> {
    name: &'a str,
    advisories: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    id: Digest,
    outcome: Outcome,
    family: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
    because: &'a [Because],
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: &'a Option<Expired>,
}

#[derive(Serialize)]
struct Change<'a> {
    change: String,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<SpecLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    through: Vec<String>,
    findings: Vec<&'a Digest>,
}

#[derive(Serialize)]
struct Share<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    size: u64,
}

#[derive(Serialize)]
struct Layer<'a> {
    digest: Digest,
    size: u64,
    about: &'a str,
}

#[derive(Serialize)]
struct Attestation<'a> {
    predicate: &'a str,
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

#[derive(Serialize)]
struct Signature<'a> {
    by: &'a str,
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
}

pub(super) fn write(tidy: &Tidy<'_>, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, &document(tidy))?;
    to.write_all(b"\n")
}

fn document<'a>(tidy: &'a Tidy<'a>) -> Document<'a> {
    let report = tidy.report;
    let verdict = &tidy.verdict;
    let row = |(judged, id): (&'a Judged, &Digest)| Row {
        id: *id,
        outcome: judged.outcome,
        family: judged.finding.rule.family.name(),
        finding: &judged.finding,
        because: &judged.because,
        expired: &judged.expired,
    };
    let mut components: Vec<&Component> = tidy.components.iter().collect();
    components.sort();
    let mut shares: Vec<Share<'_>> = tidy.shares.iter().map(share).collect();
    shares.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| (a.name, a.purl).cmp(&(b.name, b.purl))));
    let mut attestations: Vec<Attestation<'_>> = tidy.attestations.iter().map(attestation).collect();
    attestations.sort_by_key(|attestation| (attestation.predicate, *attestation.digest.as_bytes()));
    let mut signatures: Vec<Signature<'_>> = tidy.signatures.iter().map(signature).collect();
    signatures.sort_by_key(|signature| (signature.by, *signature.digest.as_bytes()));
    Document {
        verdict: VERSION,
        kiln: report.version,
        image: Image { name: &tidy.name, digest: report.digest, platform: report.platform.to_string() },
        day: verdict.day,
        passed: verdict.passed,
        counts: Counts {
            denied: verdict.count(Outcome::Denied),
            warned: verdict.count(Outcome::Warned),
            accepted: verdict.count(Outcome::Accepted),
            noted: verdict.count(Outcome::Noted),
        },
        policies: &verdict.policies,
        database: tidy.database.as_ref().map(database),
        findings: verdict.findings.iter().zip(&tidy.ids).map(row).collect(),
        missing: &verdict.missing,
        unused: &verdict.unused,
        changes: changes(tidy),
        components,
        shares,
        layers: tidy.layers.iter().map(layer).collect(),
        attestations,
        signatures,
    }
}

fn changes<'a>(tidy: &'a Tidy<'_>) -> Vec<Change<'a>> {
    // Where a finding lies in memory tells which one it is: two of them may be equal.
    let findings = tidy.verdict.findings.iter().map(std::ptr::from_ref::<Judged>);
    let ids: BTreeMap<*const Judged, &Digest> = findings.zip(&tidy.ids).collect();
    let change = |group: Group<'_>| Change {
        change: group.change.sentence(),
        outcome: group.outcome,
        at: group.at,
        through: group.through,
        findings: group.findings.iter().filter_map(|judged| ids.get(&std::ptr::from_ref(*judged)).copied()).collect(),
    };
    groups(&tidy.verdict).into_iter().map(change).collect()
}

fn database(database: &super::Database) -> Database<'_> {
    Database {
        name: &database.name,
        digest: database.digest,
        updated: database.updated,
        feeds: database.feeds.iter().map(|(name, count)| Feed { name, advisories: *count }).collect(),
    }
}

fn share(share: &super::Share) -> Share<'_> {
    Share { name: &share.name, purl: share.purl.as_deref(), size: share.size }
}

fn layer(layer: &super::Layer) -> Layer<'_> {
    Layer { digest: layer.digest, size: layer.size, about: &layer.about }
}

fn attestation(attestation: &super::Attestation) -> Attestation<'_> {
    let super::Attestation { predicate, digest, uri, verified } = attestation;
    Attestation { predicate, digest: *digest, uri: uri.as_deref(), verified: *verified }
}

fn signature(signature: &super::Signature) -> Signature<'_> {
    Signature { by: &signature.by, digest: signature.digest, verified: signature.verified }
}
