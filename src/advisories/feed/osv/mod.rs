//! Advisories in OSV's form (OSV schema 1.7).

mod schema;

use super::document::{self, Documents, line};
use super::limits::{
    MAX_ADDRESS, MAX_AFFECTED, MAX_COMPARISONS, MAX_DOCUMENT, MAX_EVENTS, MAX_FUNCTIONS, MAX_ID, MAX_NAME, MAX_NAMES,
    MAX_RECORD, MAX_REFERENCES, MAX_TOLD, MAX_VECTOR, MAX_VERSION, MAX_VERSIONS, MAX_WEAKNESSES,
};
use super::{Intake, Stop, Told, date};
use crate::advisories::cve::Scored;
use crate::advisories::ecosystem::{normal_name, split};
use crate::advisories::matching::covers;
use crate::advisories::record::{Affected, Description, Event, Range, Record, Source, Stance};
use crate::advisories::version::Scheme;
use schema::{Advisory, Inside};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// What an advisory tells.
pub struct Parsed {
    /// About each package; one that was withdrawn affects nothing.
    pub told: Vec<Told>,
    /// The newest time that it names.
    pub date: Option<i64>,
}

/// Reads one advisory or an array of them.
pub fn read(content: impl Read, intake: &mut Intake<'_>) -> Result<(), Stop> {
    let mut content = BufReader::new(content);
    let first = loop {
        let blank = content.fill_buf().map_err(Stop::of)?.iter().take_while(|b| b.is_ascii_whitespace()).count();
        content.consume(blank);
        match content.fill_buf().map_err(Stop::of)?.first() {
            Some(byte) if byte.is_ascii_whitespace() => {}
            first => break first.copied(),
        }
    };
    if first == Some(b'[') {
        return document::read(content, &mut Array(intake));
    }
    let mut bytes = vec![];
    content.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(Stop::of)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(Stop::Malformed("the advisory is too large".into()));
    }
    let parsed = parse(&bytes).map_err(Stop::Malformed)?;
    accept(parsed, intake)
}

struct Array<'a, 't>(&'a mut Intake<'t>);

impl Documents for Array<'_, '_> {
    fn element(&mut self, document: &RawValue) -> Result<(), Stop> {
        match parse(document.get().as_bytes()) {
            Ok(parsed) => accept(parsed, self.0),
            Err(reason) => {
                let name = format!("advisory {}", self.0.count + self.0.skipped + 1);
                self.0.skip(&name, &reason);
                Ok(())
            }
        }
    }

    fn member(&mut self, _: Option<&str>, _: &str, _: &RawValue) -> Result<(), Stop> {
        Ok(())
    }

    fn is_list(&self, _: &str) -> bool {
        false
    }

    fn is_map(&self) -> bool {
        false
    }
}

/// Hands on what an advisory tells.
pub fn accept(parsed: Parsed, intake: &mut Intake<'_>) -> Result<(), Stop> {
    intake.read();
    intake.date(parsed.date);
    parsed.told.into_iter().try_for_each(|told| intake.take(told))
}

/// Reads an advisory from its bytes; the error says what is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let advisory: Advisory = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let (modified, published) = (date::seconds(&advisory.modified), date::seconds(&advisory.published));
    let date = modified.max(published);
    let (mut told, mut size) = (vec![], 0);
    for ((base, name), (mut affected, notice, word)) in packages(&advisory)? {
        let mut description = describe(&advisory, modified, published)?;
        description.notice = notice;
        description.word = description.word.or(word);
        // It still takes the place of what it was, which another feed may have.
        if !advisory.withdrawn.is_empty() {
            affected.clear();
        }
        let record = Record { affected, description };
        let own = record.to_bytes().len();
        size += own;
        if own > MAX_RECORD || size > MAX_TOLD {
            return Err(format!("what it tells of `{}` is too much", line(&name)));
        }
        told.push(Told::Advisory { base, name, record: Box::new(record) });
    }
    Ok(Parsed { told, date })
}

type Packages = BTreeMap<(String, String), (Vec<Affected>, Option<String>, Option<String>)>;

/// What is affected, by package: the releases, what kind of notice it is, and a word of how bad.
fn packages(advisory: &Advisory) -> Result<Packages, String> {
    let events: usize = advisory.affected.iter().flat_map(|a| &a.ranges).map(|r| r.events.len()).sum();
    let versions: usize = advisory.affected.iter().map(|a| a.versions.len()).sum();
    for (count, limit, what) in [
        (advisory.affected.len(), MAX_AFFECTED, "packages"),
        (events, MAX_EVENTS, "events"),
        (versions, MAX_VERSIONS, "versions"),
    ] {
        if count > limit {
            return Err(format!("it has {count} {what}, more than the {limit} that are read"));
        }
    }
    let mut packages = Packages::new();
    let mut comparisons = 0;
    for told in &advisory.affected {
        let (ecosystem, name) = (told.package.ecosystem.as_str(), told.package.name.as_str());
        // What is about commits only names no package.
        if ecosystem.is_empty() && name.is_empty() {
            continue;
        }
        check_token("an ecosystem", ecosystem, MAX_NAME, true)?;
        check_token("a package's name", name, MAX_NAME, true)?;
        let (base, release) = split(ecosystem);
        let mut affected = Affected { release: release.to_owned(), ..Affected::default() };
        affected.ranges = ranges(told)?;
        affected.versions = told.versions.clone();
        affected.versions.iter().try_for_each(|version| check_token("a version", version, MAX_VERSION, true))?;
        drop_covered(Scheme::of(ecosystem), &mut affected, &mut comparisons);
        let inside = Inside::of(told.ecosystem_specific);
        let database = Inside::of(told.database_specific);
        affected.vectors = vectors(&told.severity);
        affected.urgency = [inside.urgency.clone(), word_of(&told.severity)].into_iter().flatten().find(|w| is_word(w));
        affected.stance = match affected.urgency.as_deref() {
            Some("end-of-life") => Stance::EndOfLife,
            _ => Stance::Open,
        };
        affected.functions = inside.functions();
        let functions_fit = affected.functions.iter().map(String::len).sum::<usize>() <= MAX_FUNCTIONS * MAX_VECTOR;
        if affected.functions.len() > MAX_FUNCTIONS || !functions_fit {
            affected.functions.clear();
        }
        if affected.ranges.is_empty() && affected.versions.is_empty() {
            continue;
        }
        let key = (base.to_owned(), normal_name(base, name));
        let package = packages.entry(key).or_default();
        package.0.push(affected);
        package.1 = package.1.take().or_else(|| database.informational.clone().filter(|word| is_word(word)));
        package.2 = package.2.take().or_else(|| inside.severity.or(database.severity).filter(|word| is_word(word)));
    }
    // Sources list packages and releases in any order.
    packages.values_mut().for_each(|package| package.0.sort_by(|a, b| a.release.cmp(&b.release)));
    Ok(packages)
}

fn ranges(told: &schema::Affected<'_>) -> Result<Vec<Range>, String> {
    let mut ranges = vec![];
    for range in told.ranges.iter().filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM")) {
        let mut events = vec![];
        for event in &range.events {
            let told = [
                event.introduced.clone().map(Event::Introduced),
                event.fixed.clone().map(Event::Fixed),
                event.last_affected.clone().map(Event::LastAffected),
                event.limit.clone().map(Event::Limit),
            ];
            for event in told.into_iter().flatten() {
                let (Event::Introduced(version)
                | Event::Fixed(version)
                | Event::LastAffected(version)
                | Event::Limit(version)) = &event;
                check_token("a version", version, MAX_VERSION, true)?;
                events.push(event);
            }
        }
        if !events.is_empty() {
            ranges.push(Range { events });
        }
    }
    Ok(ranges)
}

/// Exporters list every version that was ever released inside of the ranges: nothing is lost without these.
fn drop_covered(scheme: Scheme, affected: &mut Affected, comparisons: &mut usize) {
    affected.versions.sort_unstable();
    affected.versions.dedup();
    let events: usize = affected.ranges.iter().map(|range| range.events.len()).sum();
    *comparisons = comparisons.saturating_add(events.saturating_mul(affected.versions.len()));
    if *comparisons <= MAX_COMPARISONS {
        let mut versions = std::mem::take(&mut affected.versions);
        versions.retain(|version| !covers(scheme, &affected.ranges, version));
        affected.versions = versions;
    }
}

fn describe(advisory: &Advisory, modified: Option<i64>, published: Option<i64>) -> Result<Description, String> {
    check_token("its name", &advisory.id, MAX_ID, false)?;
    let specific = Inside::of(advisory.database_specific);
    let names = |names: &[String]| {
        let mut names = names.to_vec();
        if names.len() > MAX_NAMES {
            return Err(format!("it has more than {MAX_NAMES} other names"));
        }
        names.iter().try_for_each(|name| check_token("another name", name, MAX_ID, false))?;
        names.retain(|name| *name != advisory.id);
        names.sort_unstable();
        names.dedup();
        Ok(names)
    };
    let mut weaknesses = specific.cwe_ids;
    weaknesses.retain(|id| id.len() <= MAX_ID && id.strip_prefix("CWE-").is_some_and(is_number));
    weaknesses.sort_unstable();
    weaknesses.dedup();
    weaknesses.truncate(MAX_WEAKNESSES);
    Ok(Description {
        source: Source::Osv,
        id: advisory.id.clone(),
        aliases: names(&advisory.aliases)?,
        upstream: names(&advisory.upstream)?,
        published: published.and_then(date::rfc3339),
        modified: modified.and_then(date::rfc3339),
        summary: summary(advisory),
        vectors: vectors(&advisory.severity),
        // A distribution may give its word for all packages at once.
        word: specific.severity.or_else(|| word_of(&advisory.severity)).filter(|word| is_word(word)),
        notice: None,
        weaknesses,
        references: references(&advisory.references),
    })
}

/// The summary, else the first paragraph of the details.
fn summary(advisory: &Advisory) -> String {
    if !advisory.summary.trim().is_empty() {
        return line(&advisory.summary);
    }
    let details = advisory.details.trim();
    let paragraphs = details.split("\n\n").map(|paragraph| paragraph.trim_start_matches(['#', ' ', '\n']));
    paragraphs.map(line).find(|paragraph| !paragraph.is_empty()).unwrap_or_default()
}

fn vectors(severities: &[schema::Severity]) -> Vec<String> {
    let scores = severities.iter().filter(|severity| severity.kind.starts_with("CVSS_"));
    let mut vectors: Vec<String> = scores.map(|severity| severity.score.clone()).collect();
    vectors.retain(|vector| vector.len() <= MAX_VECTOR && Scored::of(vector).is_some());
    vectors.sort_unstable();
    vectors.dedup();
    vectors.truncate(MAX_REFERENCES);
    vectors
}

/// A severity that is a word, as Ubuntu writes them.
fn word_of(severities: &[schema::Severity]) -> Option<String> {
    severities.iter().find(|severity| !severity.kind.starts_with("CVSS_")).map(|severity| severity.score.clone())
}

/// The addresses that tell most: what the advisory is, how it was fixed, then the rest.
fn references(all: &[schema::Reference]) -> Vec<String> {
    let rank = |kind: &str| match kind {
        "ADVISORY" => 0,
        "FIX" => 1,
        "WEB" | "REPORT" | "ARTICLE" => 2,
        "PACKAGE" => 4,
        _ => 3,
    };
    let mut ranked: Vec<(u8, &str)> = all.iter().map(|r| (rank(&r.kind), r.url.as_str())).collect();
    ranked.retain(|(_, url)| {
        let web = url.starts_with("https://") || url.starts_with("http://");
        web && url.len() <= MAX_ADDRESS && url.chars().all(|c| c.is_ascii_graphic())
    });
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut references: Vec<String> = vec![];
    for (_, url) in ranked {
        if references.len() < MAX_REFERENCES && !references.iter().any(|known| known == url) {
            references.push(url.to_owned());
        }
    }
    references
}

/// Whether a text is one that reports can show and files can hold: not empty, not long, nothing invisible.
fn check_token(what: &str, text: &str, limit: usize, spaces: bool) -> Result<(), String> {
    let fits = !text.is_empty() && text.len() <= limit;
    if fits && text.chars().all(|c| !c.is_control() && (spaces || !c.is_whitespace())) {
        return Ok(());
    }
    Err(format!("{what} is empty, too long, or has signs that no name has: `{}`", line(text)))
}

fn is_word(word: &str) -> bool {
    check_token("a word", word, MAX_VECTOR, true).is_ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
