//! CycloneDX 1.6 with vulnerabilities: the packages, the holes in them, and why some are accepted.

use super::advisory::{advisory, link, method, weakness};
use super::group::hole;
use super::sparse::sparse;
use super::tidy::Tidy;
use crate::evidence::scan::Weight;
use crate::evidence::vex::Status;
use crate::oci::Digest;
use crate::policy::{Judged, Outcome};
use crate::rules::{Justification, Severity};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

const IMAGE: &str = "image";

pub(super) fn write(tidy: &Tidy<'_>, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, &document(tidy))?;
    to.write_all(b"\n")
}

fn document(tidy: &Tidy<'_>) -> Value {
    let report = tidy.report;
    let day = format!("{}T00:00:00Z", tidy.verdict.day);
    let holes: Vec<(&Judged, Digest, &Weight)> =
        tidy.findings().filter_map(|(judged, id)| Some((judged, id, hole(&judged.finding)?))).collect();
    let serial = uuid(&Digest::of(format!("cyclonedx\n{}\n{}", report.digest, tidy.verdict.day)));
    let database = tidy
        .database
        .as_ref()
        .map(|database| json!({ "type": "data", "name": database.name, "version": database.digest.to_string() }));
    let kiln = json!({ "type": "application", "name": "kiln", "version": report.version });
    let mut document = sparse(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{serial}"),
        "version": 1,
        "metadata": {
            "timestamp": day,
            "tools": { "components": std::iter::once(kiln).chain(database).collect::<Vec<_>>() },
            "component": {
                "type": "container",
                "bom-ref": IMAGE,
                "name": tidy.name,
                "version": report.digest.to_string(),
                "hashes": [{ "alg": "SHA-256", "content": report.digest.hex() }],
                "properties": [{ "name": "kiln:platform", "value": report.platform.to_string() }],
            },
        },
        "components": components(tidy, &holes),
    }));
    // A list that is there and empty says that nothing was found.
    let holes = holes.iter().map(|(judged, id, hole)| sparse(vulnerability(judged, id, hole)));
    document["vulnerabilities"] = Value::Array(holes.collect());
    document
}

/// The packages, each once, and those that only a hole names.
fn components(tidy: &Tidy<'_>, holes: &[(&Judged, Digest, &Weight)]) -> Vec<Value> {
    let mut packages: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let named = holes.iter().map(|(_, _, hole)| (hole.package.as_str(), (hole.name.as_str(), hole.version.as_str())));
    let known =
        tidy.components.iter().map(|known| (known.purl.as_str(), (known.name.as_str(), known.version.as_str())));
    packages.extend(named.chain(known));
    let component = |(purl, (name, version)): (&str, (&str, &str))| {
        json!({
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
        })
    };
    packages.into_iter().filter(|(purl, _)| !purl.is_empty()).map(component).collect()
}

fn vulnerability(judged: &Judged, id: &Digest, hole: &Weight) -> Value {
    let source = |id: &str| {
        let advisory = advisory(id);
        json!({ "name": advisory.source, "url": advisory.page })
    };
    let references = hole.aliases.iter().map(|alias| json!({ "id": alias, "source": source(alias) }));
    let pages: BTreeSet<String> = hole.references.iter().filter_map(|page| link(page)).collect();
    let weaknesses: BTreeSet<u32> = hole.weaknesses.iter().filter_map(|name| weakness(name)).collect();
    let property = |name: &str, value: &str| json!({ "name": format!("kiln:{name}"), "value": value });
    let mut properties = vec![property("outcome", judged.outcome.name()), property("rule", judged.finding.rule.id)];
    properties.extend(hole.state.as_deref().map(|state| property("state", state)));
    properties.extend(hole.exploited.as_deref().map(|since| property("exploited", since)));
    properties.extend(hole.ransomware.then(|| property("ransomware", "true")));
    properties.extend(hole.epss.map(|share| property("epss", &(f64::from(share) / 1e6).to_string())));
    let known = if hole.package.is_empty() { IMAGE } else { &hole.package };
    json!({
        "bom-ref": format!("urn:uuid:{}", uuid(id)),
        "id": hole.id,
        "source": source(&hole.id),
        "references": references.collect::<Vec<_>>(),
        "ratings": ratings(judged, hole),
        "cwes": weaknesses,
        "description": if hole.summary.is_empty() { &judged.finding.title } else { &hole.summary },
        "recommendation": judged.finding.remedy,
        "advisories": pages.into_iter().map(|page| json!({ "url": page })).collect::<Vec<_>>(),
        "published": hole.published.as_deref().and_then(time),
        "analysis": analysis(judged),
        "affects": [{ "ref": known, "versions": versions(hole) }],
        "properties": properties,
    })
}

fn versions(hole: &Weight) -> Vec<Value> {
    let affected = json!({ "version": hole.version, "status": "affected" });
    let fixed = hole.fixed.iter().map(|version| json!({ "version": version, "status": "unaffected" }));
    std::iter::once(affected).chain(fixed).collect()
}

/// The severity by which it was judged first, then what others say.
fn ratings(judged: &Judged, hole: &Weight) -> Vec<Value> {
    let own = json!({
        "source": { "name": "kiln" },
        "severity": severity(judged.finding.severity),
        "method": "other",
    });
    let scores = hole.scores.iter().map(|(vector, tenths)| {
        json!({
            "score": f64::from((*tenths).min(100)) / 10.0,
            "severity": Severity::of_tenths((*tenths).min(100)).map_or("none", |known| severity(Some(known))),
            "method": method(vector),
            "vector": vector,
        })
    });
    let urgency = hole.urgency.as_ref().map(|word| {
        json!({
            "severity": severity(word.parse().ok()),
            "method": "other",
            "justification": format!("the distribution's word for it is `{word}`"),
        })
    });
    std::iter::once(own).chain(scores).chain(urgency).collect()
}

fn severity(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "unknown",
        Some(Severity::Negligible) => "info",
        Some(severity) => severity.name(),
    }
}

/// Why a hole is accepted; nothing for the others, which nobody has analysed.
fn analysis(judged: &Judged) -> Value {
    let because = judged.because.iter().find(|because| because.reason.is_some());
    let Some(because) = because.filter(|_| judged.outcome == Outcome::Accepted) else { return Value::Null };
    let reason = because.reason.as_deref().unwrap_or_default();
    let until = because.until.map(|until| format!(" (accepted until {until})")).unwrap_or_default();
    let detail = format!("{reason}{until}");
    match because.status {
        Some(Status::NotAffected) => json!({
            "state": "not_affected",
            "justification": because.justification.map(Justification::cyclonedx),
            "detail": detail,
        }),
        Some(Status::Fixed) => json!({ "state": "resolved", "detail": detail }),
        _ => json!({ "state": "exploitable", "response": ["will_not_fix"], "detail": detail }),
    }
}

/// A day or a time as a time.
fn time(text: &str) -> Option<String> {
    let day = || Some(format!("{}T00:00:00Z", text.get(..10)?.parse::<jiff::civil::Date>().ok()?));
    text.parse::<Timestamp>().ok().map(|time| time.to_string()).or_else(day)
}

/// A UUID of the version for own rules (RFC 9562, section 5.8) of the first bytes of a digest.
pub(super) fn uuid(digest: &Digest) -> uuid::Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
