//! GitLab's report of container scanning, version 15 of the schema: holes alone. Secrets and settings have reports of
//! other kinds there, with other places.

use super::advisory::{advisory, link, weakness};
use super::cyclonedx::uuid;
use super::group::hole;
use super::sparse::sparse;
use super::tidy::{Tidy, line};
use crate::evidence::scan::Weight;
use crate::oci::Digest;
use crate::policy::{Judged, Outcome};
use crate::rules::Severity;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Any 15.x is read; this one has all that is written here.
const SCHEMA: &str = "15.0.7";
/// The schema allows no longer names of holes.
const NAME: usize = 255;

pub(super) fn write(tidy: &Tidy<'_>, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, &document(tidy))?;
    to.write_all(b"\n")
}

fn document(tidy: &Tidy<'_>) -> Value {
    let holes = tidy.findings().filter_map(|(judged, id)| Some((judged, id, hole(&judged.finding)?)));
    // GitLab knows acceptances as dismissals of its own, and would open what is told here again.
    let holes = holes.filter(|(judged, ..)| judged.outcome != Outcome::Accepted);
    let holes: Vec<Value> = holes.map(|(judged, id, hole)| sparse(vulnerability(tidy, judged, &id, hole))).collect();
    let tool = json!({
        "id": "kiln",
        "name": "kiln",
        "version": tidy.report.version,
        "vendor": { "name": "kiln" },
    });
    let (start, end) = match tidy.report.times {
        Some((start, end)) => (time(start), time(end)),
        None => (format!("{}T00:00:00", tidy.verdict.day), format!("{}T00:00:00", tidy.verdict.day)),
    };
    json!({
        "version": SCHEMA,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "start_time": start,
            "end_time": end,
            "status": "success",
            "type": "container_scanning",
        },
        "vulnerabilities": holes,
    })
}

/// The schema's times are in UTC and do not say so.
fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn vulnerability(tidy: &Tidy<'_>, judged: &Judged, id: &Digest, hole: &Weight) -> Value {
    let finding = &judged.finding;
    let links = hole.references.iter().filter_map(|page| link(page)).map(|url| json!({ "url": url }));
    json!({
        "id": uuid(id).to_string(),
        "name": line(&format!("{} in {}", hole.id, hole.name), NAME),
        "description": if hole.summary.is_empty() { &finding.title } else { &hole.summary },
        "severity": severity(finding.severity),
        "solution": finding.remedy,
        "identifiers": identifiers(hole),
        "links": links.collect::<Vec<_>>(),
        "location": {
            "dependency": { "package": { "name": hole.name }, "version": hole.version },
            "operating_system": system(&hole.package),
            "image": format!("{}@{}", tidy.name, tidy.report.digest),
        },
    })
}

fn severity(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "Unknown",
        Some(Severity::Negligible) => "Info",
        Some(Severity::Low) => "Low",
        Some(Severity::Medium) => "Medium",
        Some(Severity::High) => "High",
        Some(Severity::Critical) => "Critical",
    }
}

/// The hole's name first: GitLab takes the first one for its identity.
fn identifiers(hole: &Weight) -> Vec<Value> {
    let named = |id: &String| {
        let advisory = advisory(id);
        json!({ "type": advisory.kind, "name": id, "value": id, "url": advisory.page })
    };
    let weak = hole.weaknesses.iter().filter_map(|name| weakness(name)).map(|number| {
        json!({
            "type": "cwe",
            "name": format!("CWE-{number}"),
            "value": number.to_string(),
            "url": format!("https://cwe.mitre.org/data/definitions/{number}.html"),
        })
    });
    std::iter::once(&hole.id).chain(&hole.aliases).map(named).chain(weak).collect()
}

/// The distribution of a package URL as GitLab writes it, `debian:13`; for what is of no distribution the ecosystem.
fn system(purl: &str) -> String {
    let kind = purl.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let qualifiers = purl.split_once('?').map_or("", |(_, rest)| rest.split('#').next().unwrap_or_default());
    let distro = qualifiers.split('&').find_map(|pair| pair.strip_prefix("distro="));
    match distro.map(|distro| distro.split_once('-').unwrap_or((distro, ""))) {
        Some((name, "")) => name.to_owned(),
        Some((name, version)) => format!("{name}:{version}"),
        None if kind.is_empty() => "unknown".to_owned(),
        None => kind.to_owned(),
    }
}
