//! Which holes packages have.

mod address;
mod evaluate;
mod merge;

pub use evaluate::covers;

use super::cve::Cve;
use super::database::{CVES, Database, DatabaseError, Part};
use super::ecosystem::same_release;
use super::hole::{Hit, Hole};
use super::identity::Identity;
use super::record::{Description, read_affected};
use super::version::Scheme;
use super::wire::{Malformed, Reader};
use merge::Told;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// See [`Database::find`].
pub fn find(database: &Database, purls: &[&str]) -> Result<Vec<Hit>, DatabaseError> {
    let mut packages: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
    for (package, purl) in purls.iter().enumerate() {
        if let Some(identity) = Identity::of(purl) {
            packages.entry(identity).or_default().push(package);
        }
    }
    let identities: Vec<&Identity> = packages.keys().collect();
    let mut told: Vec<Vec<Told>> = identities.iter().map(|_| vec![]).collect();
    // Identities are sorted by ecosystem.
    let mut start = 0;
    for group in identities.chunk_by(|a, b| a.base == b.base) {
        let end = start + group.len();
        if let (Some(base), Some(told)) = (group.first().map(|identity| identity.base), told.get_mut(start..end))
            && let Some(part) = database.part(base)?
        {
            tell(&part, group, told).map_err(|source| database.damaged(base, source))?;
        }
        start = end;
    }
    let mut found: Vec<Vec<Hole>> =
        identities.par_iter().zip(told).map(|(identity, told)| merge::holes(identity, told)).collect();
    enrich(database, &mut found)?;

    let mut hits = vec![];
    for (holes, packages) in found.into_iter().zip(packages.values()) {
        for &package in packages {
            hits.extend(holes.iter().map(|hole| Hit { package, hole: hole.clone() }));
        }
    }
    hits.sort_by(|a, b| (a.package, &a.hole.id).cmp(&(b.package, &b.hole.id)));
    Ok(hits)
}

/// Finds what is told of packages of one ecosystem.
fn tell(part: &Part, group: &[&Identity], told: &mut [Vec<Told>]) -> Result<(), super::database::PartError> {
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, identity) in group.iter().enumerate() {
        for name in &identity.names {
            names.entry(name).or_default().push(position);
        }
    }
    let keys: Vec<&str> = names.keys().copied().collect();
    let askers: Vec<&Vec<usize>> = names.values().collect();
    let found = part.look_up(&keys, |key, record| {
        let askers = askers.get(key).map_or(&[][..], |askers| askers.as_slice());
        let found: Result<Vec<_>, Malformed> = askers
            .iter()
            .filter_map(|position| group.get(*position).map(|identity| (*position, *identity)))
            .map(|(position, identity)| Ok(judge(identity, record)?.map(|told| (position, told))))
            .collect();
        Ok(Some(found?))
    })?;
    for (position, one) in found.into_iter().flatten().flatten() {
        if let Some(told) = told.get_mut(position) {
            told.push(one);
        }
    }
    Ok(())
}

/// What a record tells of a package, if the package's version is affected.
fn judge(identity: &Identity, record: &[u8]) -> Result<Option<Told>, Malformed> {
    let mut reader = Reader::new(record);
    let wanted = |release: &str| same_release(identity.base, &identity.release, release);
    let releases = read_affected(&mut reader, wanted)?;
    let scheme = Scheme::of(identity.base);
    let judged = releases.into_iter().filter_map(|affected| {
        let fixed = evaluate::fixed_of_affected(scheme, &affected, &identity.version)?;
        Some((affected, fixed))
    });
    let affected: Vec<_> = judged.collect();
    if affected.is_empty() {
        return Ok(None);
    }
    Ok(Some(Told { affected, description: Description::read(&mut reader)? }))
}

/// Adds what is known of CVEs.
fn enrich(database: &Database, found: &mut [Vec<Hole>]) -> Result<(), DatabaseError> {
    let names: BTreeSet<String> = found.iter().flatten().flat_map(|hole| hole.cves()).map(str::to_owned).collect();
    let Some(part) = database.part(CVES)?.filter(|_| !names.is_empty()) else { return Ok(()) };
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let known = part.look_up(&keys, |key, bytes| Ok(Some((key, Cve::from_bytes(bytes)?))));
    let known = known.map_err(|source| database.damaged(CVES, source))?;
    let known: BTreeMap<&str, Cve> = known.into_iter().filter_map(|(key, cve)| Some((*keys.get(key)?, cve))).collect();
    found.par_iter_mut().flatten().for_each(|hole| merge::enrich(hole, &known));
    Ok(())
}

#[cfg(test)]
mod tests;
