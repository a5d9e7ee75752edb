//! Known holes of an image's packages.

use super::component::Component;
use super::finding::{Detail, Finding, Weight};
use super::place::Place;
use crate::advisories::database::{Database, DatabaseError};
use crate::advisories::hole::{Hole, State};
use crate::rules::{Rule, Severity};
use jiff::civil::Date;

/// The holes of packages, and the notices about them.
pub fn holes(components: &[Component], database: &Database, day: Date) -> Result<Vec<Finding>, DatabaseError> {
    let purls: Vec<&str> = components.iter().map(|component| component.purl.as_str()).collect();
    let hits = database.find(&purls)?;
    let finding = |hit: crate::advisories::hole::Hit| {
        let component = components.get(hit.package)?;
        let rule = Rule::named(if hit.hole.notice.is_some() { "unmaintained" } else { "vulnerability" })?;
        Some(finding(rule, component, hit.hole, day))
    };
    Ok(hits.into_iter().filter_map(finding).collect())
}

fn finding(rule: &'static Rule, component: &Component, hole: Hole, day: Date) -> Finding {
    let Component { name, version, .. } = component;
    let title = match (&hole.notice, hole.summary.is_empty()) {
        (Some(notice), _) => format!("{name} {version} is {notice}: {}", hole.summary),
        (None, true) => format!("{name} {version} has {}", hole.id),
        (None, false) => format!("{name} {version} has {}: {}", hole.id, hole.summary),
    };
    let severity = if hole.notice.is_some() { Some(hole.severity.unwrap_or(rule.severity)) } else { hole.severity };
    let remedy = remedy(component, &hole);
    let detail = Detail::Hole(Box::new(weight(component, hole, day)));
    Finding { remedy, ..Finding::new(rule, severity, title, detail, component.places.clone()) }
}

fn remedy(component: &Component, hole: &Hole) -> String {
    let name = &component.name;
    match (&hole.state, hole.state.fixed()) {
        (_, [nearest, ..]) => format!("take {name} {nearest} or newer"),
        (State::EndOfLife, _) => format!("{name} is not repaired in this release any more: take a newer release"),
        (State::WontFix { .. }, _) => {
            format!("{name} will not be repaired in this release: leave it out, or accept the hole with a reason")
        }
        _ => format!("there is no repaired {name} yet: leave it out, or accept the hole with a reason and a date"),
    }
}

fn weight(component: &Component, hole: Hole, day: Date) -> Weight {
    let published = hole.published.clone();
    let state = match &hole.state {
        State::Affected { .. } => None,
        State::Deferred { note } => Some(said("deferred", note.as_deref())),
        State::WontFix { note } => Some(said("will not be fixed", note.as_deref())),
        State::EndOfLife => Some("end of life".to_owned()),
    };
    Weight {
        package: component.purl.clone(),
        name: component.name.clone(),
        version: component.version.clone(),
        fixed: hole.state.fixed().to_vec(),
        state,
        id: hole.id,
        aliases: hole.aliases,
        summary: hole.summary,
        scores: hole.scores.into_iter().map(|scored| (scored.vector, scored.tenths)).collect(),
        urgency: hole.urgency,
        weaknesses: hole.weaknesses,
        exploited: hole.kev.as_ref().map(|kev| kev.added.clone()),
        ransomware: hole.kev.is_some_and(|kev| kev.ransomware),
        epss: hole.epss.map(|likelihood| likelihood.score),
        days: published.as_deref().and_then(|published| days_since(published, day)),
        published,
        references: hole.advisories.iter().map(|advisory| advisory.url.clone()).chain(hole.references).collect(),
    }
}

fn said(word: &str, note: Option<&str>) -> String {
    note.map_or_else(|| word.to_owned(), |note| format!("{word} ({note})"))
}

/// How old the database is, which a policy may find too old.
pub fn age(database: &Database, day: Date) -> Option<Finding> {
    let rule = Rule::named("old-database")?;
    let date = &database.facts().date;
    let days = days_since(date, day)?;
    let title = format!("the newest advisory that is known is {days} days old");
    let place = Place::part(format!("database of {}", date.get(..10).unwrap_or(date)));
    Some(Finding::new(rule, Some(Severity::Medium), title, Detail::Database { days }, vec![place]))
}

/// The days from a day, or a time that begins with one, to another.
fn days_since(from: &str, day: Date) -> Option<i64> {
    let from: Date = from.get(..10)?.parse().ok()?;
    Some(i64::from(day.since(from).ok()?.get_days()))
}
