//! SARIF 2.1.0: each finding at the line of the spec that brings it.
//!
//! A hole is a rule of its own, so that code hosts show how bad it is, as GitHub does by `security-severity`; other
//! findings have kiln's rules. GitHub's limits hold: it refuses a run with more results or a rule with more tags.

use super::advisory::{advisory, score, tenths, weakness};
use super::group::hole;
use super::sparse::sparse;
use super::tidy::{Tidy, line};
use crate::evidence::scan::{Detail, Finding, Place, SpecLine};
use crate::oci::Digest;
use crate::policy::{Because, Judged, Missing, Outcome};
use crate::rules::{Confidence, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// GitHub takes no more results of a run.
pub(super) const MAX_RESULTS: usize = 25_000;
/// GitHub takes no more tags of a rule.
pub(super) const MAX_TAGS: usize = 20;

/// The rule of what must be attached and is not.
const REQUIREMENT: &str = "requirement";

/// What stands in a path of an address as it is (RFC 3986, section 3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

pub(super) fn write(tidy: &Tidy<'_>, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, &document(tidy))?;
    to.write_all(b"\n")
}

fn document(tidy: &Tidy<'_>) -> Value {
    let report = tidy.report;
    let room = MAX_RESULTS.saturating_sub(tidy.verdict.missing.len());
    let findings: Vec<(&Judged, Digest)> = tidy.findings().take(room).collect();
    let mut worst: BTreeMap<&str, &Finding> = BTreeMap::new();
    for (judged, _) in &findings {
        let known = worst.entry(rule_of(&judged.finding)).or_insert(&judged.finding);
        if judged.finding.severity > known.severity {
            *known = &judged.finding;
        }
    }
    let mut rules: Vec<Value> = worst.values().map(|finding| rule(finding)).collect();
    let places: BTreeMap<&str, usize> = worst.keys().enumerate().map(|(i, id)| (*id, i)).collect();
    let place = |finding: &Finding| places.get(rule_of(finding)).copied().unwrap_or_default();
    let mut results: Vec<Value> = Vec::new();
    if !tidy.verdict.missing.is_empty() {
        let at = rules.len();
        results.extend(tidy.verdict.missing.iter().take(MAX_RESULTS).map(|missing| requirement(missing, at)));
        rules.push(json!({
            "id": REQUIREMENT,
            "shortDescription": { "text": "something that must be attached to the image is not" },
            "fullDescription": { "text": "The policy requires that it is attached when the image is released." },
            "help": { "text": "Attach it, or change the policy's `require`." },
            "defaultConfiguration": { "level": "error" },
            "properties": { "tags": ["security"], "security-severity": "8.0" },
        }));
    }
    let all = findings.iter().map(|(judged, id)| result(tidy, judged, id, place(&judged.finding)));
    results.extend(all);
    let run = json!({
        "tool": { "driver": {
            "name": "kiln",
            "version": report.version,
            "semanticVersion": report.version,
            "rules": rules,
        }},
        // Up to its last slash this is GitHub's category: each image and platform has alerts of its own.
        "automationDetails": { "id": format!("kiln/{}/{}/", tidy.name, report.platform) },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "the root of the sources" } } },
        "invocations": [{ "executionSuccessful": true }],
        "properties": {
            "image": format!("{}@{}", tidy.name, report.digest),
            "platform": report.platform.to_string(),
            "passed": tidy.verdict.passed,
            "day": tidy.verdict.day.to_string(),
            "leftOff": tidy.findings().count() - findings.len(),
        },
    });
    let mut run = sparse(run);
    // A list of results that is missing would mean that nothing was looked for.
    run["results"] = Value::Array(results.into_iter().map(sparse).collect());
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    })
}

/// The name of the SARIF rule.
fn rule_of(finding: &Finding) -> &str {
    hole(finding).map_or(finding.rule.id, |hole| &hole.id)
}

fn rule(finding: &Finding) -> Value {
    let of = finding.rule;
    let (short, full, page) = match hole(finding) {
        Some(hole) => {
            let full = if hole.summary.is_empty() { &finding.title } else { &hole.summary };
            (format!("{}: {full}", hole.id), full.clone(), advisory(&hole.id).page)
        }
        None => (of.title.to_owned(), of.title.to_owned(), None),
    };
    let controls: Vec<String> = of.controls.iter().map(ToString::to_string).collect();
    let more = if controls.is_empty() { String::new() } else { format!(" Asked for by {}.", controls.join(", ")) };
    let help = format!("{}.{more} See {}.", of.remedy, of.page());
    json!({
        "id": rule_of(finding),
        "name": of.id,
        "shortDescription": { "text": plain(&short) },
        "fullDescription": { "text": plain(&full) },
        "help": { "text": plain(&help) },
        "helpUri": page,
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": {
            "tags": tags(finding, controls),
            "precision": precision(finding),
            "security-severity": tenths(finding).map(score),
        },
    })
}

fn tags(finding: &Finding, controls: Vec<String>) -> Vec<String> {
    let mut tags = vec!["security".to_owned(), finding.rule.family.name().to_owned()];
    let weaknesses = hole(finding).into_iter().flat_map(|hole| &hole.weaknesses);
    tags.extend(weaknesses.filter_map(|name| weakness(name)).map(|number| format!("external/cwe/cwe-{number:03}")));
    tags.extend(controls);
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags.truncate(MAX_TAGS);
    tags
}

fn precision(finding: &Finding) -> &'static str {
    match &finding.detail {
        Detail::Secret { confidence, .. } if *confidence == Confidence::Likely => "medium",
        Detail::Secret { confidence, .. } if *confidence != Confidence::Certain => "low",
        Detail::Hole(_) => "high",
        _ => "very-high",
    }
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical | Severity::High) => "error",
        Some(Severity::Medium) => "warning",
        _ => "note",
    }
}

fn result(tidy: &Tidy<'_>, judged: &Judged, id: &Digest, rule: usize) -> Value {
    let finding = &judged.finding;
    let level = match judged.outcome {
        Outcome::Denied => "error",
        Outcome::Warned => "warning",
        // It does not stop the release, whatever its severity says.
        Outcome::Accepted | Outcome::Noted => {
            if level(finding.severity) == "note" {
                "note"
            } else {
                "warning"
            }
        }
    };
    let nowhere = [Place::default()];
    let places = if finding.places.is_empty() { nowhere.as_slice() } else { finding.places.as_slice() };
    json!({
        "ruleId": rule_of(finding),
        "ruleIndex": rule,
        "level": level,
        "kind": "fail",
        "message": { "text": message(judged) },
        "locations": places.iter().map(|place| location(tidy, finding, place)).collect::<Vec<_>>(),
        // The first is GitHub's: it would take the line's text, which changes when the repair does not help.
        "partialFingerprints": { "primaryLocationLineHash": id.hex(), "kiln/v1": id.hex() },
        "suppressions": suppressions(judged),
        "properties": properties(judged),
    })
}

fn message(judged: &Judged) -> String {
    let finding = &judged.finding;
    let mut text = format!("{}.", finding.title.trim_end_matches('.'));
    let paths: Vec<&str> =
        finding.places.iter().filter_map(|place| place.path.as_deref().or(place.part.as_deref())).collect();
    match paths.as_slice() {
        [] => {}
        [path] => text += &format!(" In the image: {path}."),
        [path, more @ ..] => text += &format!(" In the image: {path} and {} more.", more.len()),
    }
    let chain = finding.places.iter().map(|place| place.origin.because.as_slice()).find(|chain| chain.len() > 1);
    if let Some(chain) = chain {
        text += &format!(" It is there because of {}.", chain.join(" → "));
    }
    text += &format!(" What to do: {}.", finding.remedy.trim_end_matches('.'));
    plain(&text)
}

/// A text in which nothing is a link: `[…](…)` would be one (section 3.11.6).
fn plain(text: &str) -> String {
    line(&text.replace("](", "] ("), 4_000)
}

fn location(tidy: &Tidy<'_>, finding: &Finding, place: &Place) -> Value {
    let unknown = SpecLine { file: tidy.spec.clone(), line: 1 };
    let at = place.origin.spec.as_ref().unwrap_or(&unknown);
    let logical = |name: &str, kind: &str| json!({ "fullyQualifiedName": name, "kind": kind });
    let path = place.path.as_ref().map(|path| {
        let inside: Vec<&str> = std::iter::once(path.as_str()).chain(place.inside.iter().map(String::as_str)).collect();
        logical(&inside.join("!"), "resource")
    });
    let part = place.part.as_ref().map(|part| logical(part, "property"));
    let package = hole(finding).map(|hole| logical(&hole.package, "package"));
    let logical: Vec<Value> = [path, part, package].into_iter().flatten().collect();
    json!({ "physicalLocation": physical(at), "logicalLocations": logical })
}

fn physical(at: &SpecLine) -> Value {
    let uri = utf8_percent_encode(at.file.trim_start_matches('/'), PATH).to_string();
    json!({
        "artifactLocation": { "uri": uri, "uriBaseId": "%SRCROOT%" },
        "region": { "startLine": at.line },
    })
}

fn suppressions(judged: &Judged) -> Vec<Value> {
    let suppression = |because: &Because| {
        let until = because.until.map(|until| format!(" (until {until})")).unwrap_or_default();
        let reason = because.reason.as_deref().unwrap_or("accepted");
        json!({
            "kind": "external",
            "status": "accepted",
            "justification": format!("{reason}{until}"),
            "location": { "physicalLocation": physical(&because.at) },
        })
    };
    if judged.outcome == Outcome::Accepted { judged.because.iter().map(suppression).collect() } else { Vec::new() }
}

fn properties(judged: &Judged) -> Value {
    let hole = hole(&judged.finding);
    json!({
        "outcome": judged.outcome.name(),
        "severity": judged.finding.severity.map_or("unknown", Severity::name),
        "because": judged.because.iter().map(|because| because.clause.as_str()).collect::<Vec<_>>(),
        "purl": hole.map(|hole| hole.package.as_str()),
        "fixed": hole.map(|hole| hole.fixed.as_slice()),
        "aliases": hole.map(|hole| hole.aliases.as_slice()),
        "exploited": hole.and_then(|hole| hole.exploited.as_deref()),
        "epss": hole.and_then(|hole| hole.epss).map(|share| f64::from(share) / 1e6),
    })
}

fn requirement(missing: &Missing, rule: usize) -> Value {
    let id = Digest::of(format!("{REQUIREMENT}\n{}", missing.what)).hex();
    json!({
        "ruleId": REQUIREMENT,
        "ruleIndex": rule,
        "level": "error",
        "kind": "fail",
        "message": { "text": plain(&format!("{}.", missing.what)) },
        "locations": [{ "physicalLocation": physical(&missing.at) }],
        "partialFingerprints": { "primaryLocationLineHash": id, "kiln/v1": id },
        "properties": { "outcome": "denied" },
    })
}
