//! Whether a version is affected (OSV schema, "Evaluation").

use crate::advisories::record::{Affected, Event, Range};
use crate::advisories::version::Scheme;
use std::cmp::Ordering;

/// Whether any of the ranges holds the version.
pub fn covers(scheme: Scheme, ranges: &[Range], version: &str) -> bool {
    ranges.iter().any(|range| holds(scheme, range, version))
}

/// Whether a version is affected: then the next versions that are not, lowest first.
pub fn fixed_of_affected(scheme: Scheme, affected: &Affected, version: &str) -> Option<Vec<String>> {
    let holding: Vec<&Range> = affected.ranges.iter().filter(|range| holds(scheme, range, version)).collect();
    let listed = || {
        affected.versions.iter().any(|one| one == version || compare(scheme, one, version).is_some_and(Ordering::is_eq))
    };
    let mut fixed: Vec<String> = match holding.is_empty() {
        false => {
            holding.into_iter().filter_map(|range| next_fixed(scheme, range, version)).map(str::to_owned).collect()
        }
        true if listed() => {
            affected.ranges.iter().filter_map(|range| next_fixed(scheme, range, version)).map(str::to_owned).collect()
        }
        true => return None,
    };
    in_order(scheme, &mut fixed);
    Some(fixed)
}

/// So many versions are put in order; nobody reads more.
const MAX_ORDERED: usize = 200;

/// Sorts versions, each once: by their scheme, or too many as texts.
pub fn in_order(scheme: Scheme, versions: &mut Vec<String>) {
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > MAX_ORDERED {
        return;
    }
    // Insertion, because foreign versions need not be in any total order, and there are few.
    for end in 1..versions.len() {
        let mut at = end;
        while let Some([before, after]) = at.checked_sub(1).and_then(|start| versions.get(start..=at))
            && compare(scheme, before, after) == Some(Ordering::Greater)
        {
            versions.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// The standing of a version after all events before it. The schema walks through sorted events; the last that applies
/// decides, which is the greatest that applies, and of equal ones the last. So nothing has to be sorted.
///
/// An event whose version cannot be compared with the one that is asked for decides nothing: a hole whose repair nobody can
/// read is told of rather than lost.
fn holds(scheme: Scheme, range: &Range, version: &str) -> bool {
    let mut last: Option<(Place<'_>, bool)> = None;
    for event in &range.events {
        let (place, starts) = match event {
            Event::Introduced(place) => (Place::of(place), true),
            Event::Fixed(place) | Event::LastAffected(place) => (Place::At(place), false),
            Event::Limit(_) => continue,
        };
        let applies = match (event, place.compare(scheme, Place::At(version))) {
            (Event::LastAffected(_), Some(order)) => order.is_lt(),
            (_, Some(order)) => order.is_le(),
            (_, None) => false,
        };
        let goes_on = |(known, _): (Place<'_>, bool)| place.compare(scheme, known).is_none_or(Ordering::is_ge);
        if applies && last.is_none_or(goes_on) {
            last = Some((place, starts));
        }
    }
    last.is_some_and(|(_, starts)| starts) && is_before_limits(scheme, range, version)
}

/// Without limits there is none; of several one is enough.
fn is_before_limits(scheme: Scheme, range: &Range, version: &str) -> bool {
    let mut limits = range.events.iter().filter_map(|event| match event {
        Event::Limit(limit) => Some(limit.as_str()),
        _ => None,
    });
    let is_before = |limit: &str| limit == "*" || compare(scheme, version, limit).is_none_or(Ordering::is_lt);
    match limits.next() {
        None => true,
        Some(first) => is_before(first) || limits.any(is_before),
    }
}

fn next_fixed<'r>(scheme: Scheme, range: &'r Range, version: &str) -> Option<&'r str> {
    let mut next: Option<&str> = None;
    for event in &range.events {
        if let Event::Fixed(fixed) = event
            && compare(scheme, fixed, version) == Some(Ordering::Greater)
            && next.is_none_or(|next| compare(scheme, fixed, next) == Some(Ordering::Less))
        {
            next = Some(fixed);
        }
    }
    next
}

/// A place on the line of versions.
#[derive(Clone, Copy)]
enum Place<'v> {
    /// Before all versions.
    Start,
    At(&'v str),
}

impl<'v> Place<'v> {
    fn of(introduced: &'v str) -> Self {
        if introduced == "0" { Place::Start } else { Place::At(introduced) }
    }

    fn compare(self, scheme: Scheme, other: Place<'_>) -> Option<Ordering> {
        match (self, other) {
            (Place::Start, Place::Start) => Some(Ordering::Equal),
            (Place::Start, Place::At(_)) => Some(Ordering::Less),
            (Place::At(_), Place::Start) => Some(Ordering::Greater),
            (Place::At(a), Place::At(b)) => compare(scheme, a, b),
        }
    }
}

fn compare(scheme: Scheme, a: &str, b: &str) -> Option<Ordering> {
    scheme.compare(a, b)
}
