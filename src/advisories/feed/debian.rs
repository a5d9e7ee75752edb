//! All that Debian's security tracker knows: source packages with their holes and what becomes of these in each release.

use super::document::{self, Documents, line, nullable};
use super::limits::{MAX_AFFECTED, MAX_ID, MAX_NAME, MAX_RECORD, MAX_VECTOR, MAX_VERSION};
use super::{Intake, Stop, Told};
use crate::advisories::ecosystem::debian_release;
use crate::advisories::record::{Affected, Description, Event, Range, Record, Source, Stance};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::Read;

/// Reads the whole of it.
pub fn read(content: impl Read, intake: &mut Intake<'_>) -> Result<(), Stop> {
    document::read(content, &mut Tracker(intake))
}

#[derive(Deserialize)]
struct Hole {
    #[serde(default, deserialize_with = "nullable")]
    description: String,
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: String,
    #[serde(default, deserialize_with = "nullable")]
    urgency: String,
    #[serde(default, deserialize_with = "nullable")]
    fixed_version: String,
    #[serde(default, deserialize_with = "nullable")]
    nodsa: String,
    #[serde(default, deserialize_with = "nullable")]
    nodsa_reason: String,
}

struct Tracker<'a, 't>(&'a mut Intake<'t>);

impl Documents for Tracker<'_, '_> {
    fn element(&mut self, _: &RawValue) -> Result<(), Stop> {
        Err(Stop::Malformed("it is an array".into()))
    }

    fn member(&mut self, package: Option<&str>, id: &str, document: &RawValue) -> Result<(), Stop> {
        let package = package.unwrap_or_default();
        match record(package, id, document) {
            Ok(record) => {
                self.0.read();
                let Some(record) = record else { return Ok(()) };
                self.0.take(Told::Advisory {
                    base: "Debian".into(),
                    name: package.to_owned(),
                    record: Box::new(record),
                })
            }
            Err(reason) => {
                self.0.skip(&format!("{package} {id}"), &reason);
                Ok(())
            }
        }
    }

    fn is_list(&self, _: &str) -> bool {
        false
    }

    fn is_map(&self) -> bool {
        true
    }
}

/// What is told of one hole of one package; nothing where no release that is known is spoken of.
fn record(package: &str, id: &str, document: &RawValue) -> Result<Option<Record>, String> {
    let is_name =
        |text: &str, limit| !text.is_empty() && text.len() <= limit && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_name(package, MAX_NAME) || !is_name(id, MAX_ID) {
        return Err("it has no proper name".into());
    }
    let hole: Hole = serde_json::from_str(document.get()).map_err(|e| e.to_string())?;
    if hole.releases.len() > MAX_AFFECTED {
        return Err(format!("it has more than {MAX_AFFECTED} releases"));
    }
    let mut affected = vec![];
    for (codename, release) in &hole.releases {
        if let Some(number) = debian_release(codename) {
            affected.extend(in_release(number, release)?);
        }
    }
    if affected.is_empty() {
        return Ok(None);
    }
    affected.sort_by(|a, b| a.release.cmp(&b.release));
    let description = Description {
        source: Source::DebianTracker,
        id: id.to_owned(),
        aliases: vec![],
        upstream: vec![],
        published: None,
        modified: None,
        summary: line(&hole.description),
        vectors: vec![],
        word: None,
        notice: None,
        weaknesses: vec![],
        references: vec![],
    };
    let record = Record { affected, description };
    let fits = record.to_bytes().len() <= MAX_RECORD;
    fits.then_some(Some(record)).ok_or_else(|| "it is too much".into())
}

/// What becomes of the hole in one release; nothing where the tracker does not know yet.
fn in_release(number: &str, release: &Release) -> Result<Option<Affected>, String> {
    let fixed = release.fixed_version.trim();
    if fixed.len() > MAX_VERSION || !fixed.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("a version is too long, or has signs that no version has".into());
    }
    let mut affected = Affected { release: number.to_owned(), ..Affected::default() };
    let urgency = release.urgency.trim().trim_end_matches('*');
    affected.urgency = (!urgency.is_empty()).then(|| line(urgency)).filter(|word| word.len() <= MAX_VECTOR);
    let mut events = vec![Event::Introduced("0".into())];
    match release.status.as_str() {
        "undetermined" => return Ok(None),
        // The package has the hole in no version of this release.
        "resolved" if fixed == "0" => {
            affected.stance = Stance::NotAffected;
            return Ok(Some(affected));
        }
        "resolved" if fixed.is_empty() => return Err("it is resolved, and in no version".into()),
        "resolved" => events.push(Event::Fixed(fixed.to_owned())),
        "open" => {
            affected.stance = match release.nodsa_reason.as_str() {
                _ if urgency == "end-of-life" => Stance::EndOfLife,
                "ignored" => Stance::WontFix,
                "postponed" => Stance::Deferred,
                _ if !release.nodsa.is_empty() => Stance::Deferred,
                _ => Stance::Open,
            };
            let note = line(&release.nodsa);
            affected.note = (!note.is_empty()).then_some(note);
        }
        other => return Err(format!("its status is `{}`, which is none", line(other))),
    }
    affected.ranges = vec![Range { events }];
    Ok(Some(affected))
}
