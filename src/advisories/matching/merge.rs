//! One hole is one finding: what several advisories tell of it is put together.

use super::{address, evaluate};
use crate::advisories::cve::{Cve, Scored};
use crate::advisories::ecosystem::is_distribution;
use crate::advisories::hole::{Advisory, Hole, State};
use crate::advisories::identity::Identity;
use crate::advisories::record::{Affected, Description, Stance};
use crate::advisories::version::Scheme;
use crate::rules::Severity;
use std::collections::{BTreeMap, BTreeSet};

/// Addresses of a hole.
const MAX_REFERENCES: usize = 12;

/// What one advisory tells of a package that is affected.
#[derive(Debug)]
pub struct Told {
    /// For each release that is meant: what is told, and the next versions without the hole.
    pub affected: Vec<(Affected, Vec<String>)>,
    /// What is told of the hole itself.
    pub description: Description,
}

/// The holes of a package, from all that is told of it; sorted by their names.
pub fn holes(identity: &Identity, told: Vec<Told>) -> Vec<Hole> {
    let mut groups = Groups::default();
    for (position, told) in told.iter().enumerate() {
        for names in names(identity.base, &told.description) {
            groups.add(&names, position);
        }
    }
    let mut holes: Vec<Hole> = groups
        .into_sets()
        .into_iter()
        .map(|(names, members)| {
            let members: Vec<&Told> = members.iter().filter_map(|position| told.get(*position)).collect();
            hole(identity, names, members)
        })
        .collect();
    holes.sort_by(|a, b| a.id.cmp(&b.id));
    holes
}

/// The names of each hole that an advisory is about. A distribution's bulletin is about every CVE that it names, and that
/// makes these no names of each other; any other advisory is about one hole, and its aliases are that hole's names.
fn names(base: &str, description: &Description) -> Vec<BTreeSet<String>> {
    let cves = description.cves();
    if is_distribution(base) && !cves.is_empty() {
        return cves.into_iter().map(|cve| BTreeSet::from([cve.to_owned()])).collect();
    }
    let aliases = description.aliases.iter().cloned();
    vec![aliases.chain([description.id.clone()]).collect()]
}

/// Sets of names that share one, and who has them.
#[derive(Default)]
struct Groups {
    sets: Vec<(BTreeSet<String>, BTreeSet<usize>)>,
    /// Each name's set; sets that were joined to another one are empty and no longer named.
    of_name: BTreeMap<String, usize>,
}

impl Groups {
    fn add(&mut self, names: &BTreeSet<String>, member: usize) {
        let mut joined: Vec<usize> = names.iter().filter_map(|name| self.of_name.get(name).copied()).collect();
        joined.sort_unstable();
        joined.dedup();
        // The largest takes the others in, so that no name moves often.
        joined.sort_by_key(|set| std::cmp::Reverse(self.sets.get(*set).map_or(0, |(names, _)| names.len())));
        let home = joined.first().copied().unwrap_or(self.sets.len());
        let (mut new, mut members) = (names.clone(), BTreeSet::from([member]));
        for set in joined.iter().skip(1) {
            if let Some((names, theirs)) = self.sets.get_mut(*set) {
                new.extend(std::mem::take(names));
                members.extend(std::mem::take(theirs));
            }
        }
        self.of_name.extend(new.iter().map(|name| (name.clone(), home)));
        match self.sets.get_mut(home) {
            // One by one: to append would go through all that is there each time.
            Some((names, theirs)) => {
                names.extend(new);
                theirs.extend(members);
            }
            None => self.sets.push((new, members)),
        }
    }

    fn into_sets(self) -> Vec<(BTreeSet<String>, BTreeSet<usize>)> {
        self.sets.into_iter().filter(|(names, _)| !names.is_empty()).collect()
    }
}

fn hole(identity: &Identity, mut names: BTreeSet<String>, mut told: Vec<&Told>) -> Hole {
    told.sort_by(|a, b| (&a.description.id, a.description.source).cmp(&(&b.description.id, b.description.source)));
    names.extend(told.iter().map(|told| told.description.id.clone()));
    let first = |prefix: &str| names.iter().find(|name| name.starts_with(prefix));
    let own = || told.first().map(|told| &told.description.id);
    let id = first("CVE-").or_else(|| first("GHSA-")).or_else(own).cloned().unwrap_or_default();
    names.remove(&id);

    let descriptions = || told.iter().map(|told| &told.description);
    let affected = || told.iter().flat_map(|told| &told.affected).map(|(affected, _)| affected);
    let vectors = affected().flat_map(|affected| &affected.vectors).chain(descriptions().flat_map(|d| &d.vectors));
    let words =
        descriptions().filter_map(|description| description.word.as_deref()).filter_map(|word| word.parse().ok());
    // Some distributions give their word for the whole bulletin.
    let word = || descriptions().find_map(|d| d.word.clone()).filter(|_| is_distribution(identity.base));
    let urgency = affected().find_map(|affected| affected.urgency.clone()).or_else(word);
    let mut hole = Hole {
        id,
        aliases: names.into_iter().collect(),
        advisories: advisories(identity, &told),
        summary: descriptions().map(|d| &d.summary).find(|s| !s.is_empty()).cloned().unwrap_or_default(),
        severity: words.max(),
        scores: scores(vectors.map(String::as_str)),
        urgency,
        state: state(identity, &told),
        // Where one tells of a hole, it is one.
        notice: descriptions()
            .all(|d| d.notice.is_some())
            .then(|| descriptions().find_map(|d| d.notice.clone()))
            .flatten(),
        weaknesses: sorted(descriptions().flat_map(|d| &d.weaknesses)),
        functions: sorted(affected().flat_map(|affected| &affected.functions)),
        kev: None,
        epss: None,
        published: descriptions().filter_map(|d| d.published.clone()).min(),
        modified: descriptions().filter_map(|d| d.modified.clone()).max(),
        references: references(descriptions()),
    };
    // Whoever publishes a package to do harm gets no score from anybody.
    if descriptions().any(|description| description.id.starts_with("MAL-")) {
        hole.severity = Some(Severity::Critical);
    }
    weigh(&mut hole);
    hole
}

/// How bad a hole is: the distribution's word, else the newest CVSS that has a score, else what stands there.
fn weigh(hole: &mut Hole) {
    let own = hole.urgency.as_deref().and_then(|urgency| urgency.parse().ok());
    let newest = hole.scores.first().map(|first| first.method);
    let scored =
        || hole.scores.iter().filter(|score| Some(score.method) == newest).filter_map(|score| score.severity).max();
    if let Some(severity) = own.or_else(scored) {
        hole.severity = Some(severity);
    }
}

/// Adds to a hole what is known of its CVEs.
pub fn enrich(hole: &mut Hole, known: &BTreeMap<&str, Cve>) {
    let known: Vec<&Cve> = hole.cves().iter().filter_map(|cve| known.get(cve)).collect();
    let kev = known.iter().filter_map(|cve| cve.exploited.as_ref()).min_by(|a, b| a.added.cmp(&b.added)).cloned();
    let epss = known.iter().filter_map(|cve| cve.likelihood).max_by_key(|likelihood| likelihood.score);
    let vectors = scores(known.iter().flat_map(|cve| &cve.vectors).map(String::as_str));
    (hole.kev, hole.epss) = (kev, epss);
    if hole.scores.is_empty() && !vectors.is_empty() {
        hole.scores = vectors;
        weigh(hole);
    }
}

impl Hole {
    /// The CVEs among its names.
    pub(super) fn cves(&self) -> Vec<&str> {
        let names = std::iter::once(&self.id).chain(&self.aliases);
        names.map(String::as_str).filter(|name| name.starts_with("CVE-")).collect()
    }
}

/// Scores by vectors, the newest version of CVSS first, and of one version the highest.
fn scores<'v>(vectors: impl Iterator<Item = &'v str>) -> Vec<Scored> {
    let vectors: BTreeSet<&str> = vectors.collect();
    let mut scores: Vec<Scored> = vectors.into_iter().filter_map(Scored::of).collect();
    scores.sort_by(|a, b| (b.method, b.tenths).cmp(&(a.method, a.tenths)).then_with(|| a.vector.cmp(&b.vector)));
    scores
}

fn advisories(identity: &Identity, told: &[&Told]) -> Vec<Advisory> {
    let of = |told: &&Told| {
        let description = &told.description;
        let release = told.affected.first().map_or("", |(affected, _)| affected.release.as_str());
        Advisory {
            id: description.id.clone(),
            ecosystem: if release.is_empty() {
                identity.base.to_owned()
            } else {
                format!("{}:{release}", identity.base)
            },
            url: address::page(description.source, &description.id),
            published: description.published.clone(),
            modified: description.modified.clone(),
        }
    };
    let mut advisories: Vec<Advisory> = told.iter().map(of).collect();
    advisories.sort();
    advisories.dedup();
    advisories
}

fn state(identity: &Identity, told: &[&Told]) -> State {
    let all = || told.iter().flat_map(|told| &told.affected);
    let mut fixed: Vec<String> = all().flat_map(|(_, fixed)| fixed).cloned().collect();
    if !fixed.is_empty() {
        evaluate::in_order(Scheme::of(identity.base), &mut fixed);
        return State::Affected { fixed };
    }
    let firmest = all().map(|(affected, _)| affected).max_by_key(|affected| affected.stance);
    let note = firmest.and_then(|affected| affected.note.clone());
    match firmest.map(|affected| affected.stance).unwrap_or_default() {
        Stance::Open | Stance::NotAffected => State::Affected { fixed },
        Stance::Deferred => State::Deferred { note },
        Stance::WontFix => State::WontFix { note },
        Stance::EndOfLife => State::EndOfLife,
    }
}

fn references<'d>(descriptions: impl Iterator<Item = &'d Description>) -> Vec<String> {
    let mut references: Vec<String> = vec![];
    for reference in descriptions.flat_map(|description| &description.references) {
        if references.len() < MAX_REFERENCES && !references.contains(reference) {
            references.push(reference.clone());
        }
    }
    references
}

fn sorted<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
