//! From feeds to a database.

use super::facts::{Facts, FeedFacts, Layer};
use super::part::PartWriter;
use super::spill::{Place, Spill, Spilled};
use super::{ARTIFACT, CVES, DatabaseError};
use crate::advisories::cve::{Cve, Method};
use crate::advisories::ecosystem::is_distribution;
use crate::advisories::feed::{self, Feed, FeedError, MAX_CVES, Skipped, Told, rfc3339};
use crate::advisories::record::{Record, Source, Stance};
use crate::oci::{Descriptor, Digest, Manifest, media_type, to_json};
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// A database that was compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The manifest's digest, which is the database's.
    pub digest: Digest,
    /// The manifest, as a row of an index would name it.
    pub descriptor: Descriptor,
    /// What it was compiled from.
    pub facts: Facts,
    /// The bytes of all parts.
    pub size: u64,
    /// Documents that were passed over: the first of each feed. How many there are is in the facts.
    pub skipped: Vec<Skipped>,
}

/// Why no database was compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A feed is not taken.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The store could not keep it.
    #[error("cannot keep the database of advisories: {0}")]
    Store(#[from] StoreError),
    /// No feed names a time, and none was given.
    #[error("no feed says how old it is; give the date of the database")]
    NoDate,
    /// The date that was given is none.
    #[error("`{0}` is no date after 1990 of the form 2026-01-31T00:00:00Z")]
    BadDate(String),
    /// What was compiled cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Compiles feeds into a database in the store.
///
/// The order of feeds and of what is in them, and the number of threads, make no difference to the bytes. The database's
/// date is `date`, else the newest time that a feed names.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(store: &Store, feeds: &[Feed], date: Option<&str>) -> Result<Compiled, CompileError> {
    let given = match date {
        Some(text) => Some(feed::seconds(text).ok_or_else(|| CompileError::BadDate(text.to_owned()))?),
        None => None,
    };
    let mut heap = Heap { spill: Spill::new(store)?, cves: BTreeMap::new() };
    let (mut facts, mut newest, mut skipped) = (vec![], None, vec![]);
    for feed in feeds {
        let account = feed::read(feed, &mut |told| heap.take(told))?;
        newest = newest.max(account.date);
        facts.push(FeedFacts {
            form: account.form.name().to_owned(),
            name: feed.name.clone(),
            digest: account.digest,
            date: account.date.and_then(rfc3339),
            count: account.count,
            skipped: account.skipped,
        });
        skipped.extend(account.examples);
    }
    facts.sort_unstable();
    let date = given.or(newest).and_then(rfc3339).ok_or(CompileError::NoDate)?;

    let Heap { spill, cves } = heap;
    let (parts, spilled) = spill.finish().map_err(StoreError::from)?;
    let mut layers = BTreeMap::new();
    for (title, places) in parts {
        let layer = part(store, &places, &spilled)?;
        layers.insert(title, layer);
    }
    layers.insert(CVES.to_owned(), of_cves(store, &cves)?);
    let records = layers.iter().map(|(title, layer)| (title.clone(), layer.records)).collect();
    publish(store, layers, Facts { date, feeds: facts, records }, skipped)
}

/// Writes the manifest.
fn publish(
    store: &Store,
    layers: BTreeMap<String, Layer>,
    facts: Facts,
    skipped: Vec<Skipped>,
) -> Result<Compiled, CompileError> {
    let config = Descriptor::of(media_type::EMPTY, b"{}");
    store.put(b"{}")?;
    let size = layers.values().map(|layer| layer.size).sum();
    let mut manifest = Manifest::image(config, layers.iter().map(|(title, layer)| layer.row(title)).collect());
    manifest.artifact_type = Some(ARTIFACT.into());
    manifest.annotations = facts.annotations();
    let bytes = to_json(&manifest);
    let digest = store.put(&bytes)?;
    let mut descriptor = Descriptor::of(media_type::MANIFEST, &bytes);
    descriptor.artifact_type = manifest.artifact_type;
    // What cannot be opened would be found out too late: such as a manifest that is too large.
    super::Database::open(store, &digest)?;
    Ok(Compiled { digest, descriptor, facts, size, skipped })
}

/// All that feeds told, before it is written.
struct Heap {
    spill: Spill,
    cves: BTreeMap<String, Known>,
}

/// What is known of a CVE, and for each version of CVSS the vector with the advisory that gave it.
#[derive(Default)]
struct Known {
    cve: Cve,
    vectors: BTreeMap<Method, (u8, String, String)>,
}

impl Heap {
    fn take(&mut self, told: Told) -> io::Result<()> {
        match told {
            Told::Advisory { base, .. } if base == CVES => Ok(()),
            Told::Advisory { base, name, record } => {
                if !is_distribution(&base) && !record.affected.is_empty() {
                    self.take_vectors(&record)?;
                }
                self.spill.add(base, name, &record)
            }
            Told::Exploited(cve, exploited) => {
                let known = &mut self.known(&cve)?.cve.exploited;
                // Of two catalogues the one counts that has known it longer, whichever is read first.
                if known.as_ref().is_none_or(|known| (&exploited.added, &exploited.due) < (&known.added, &known.due)) {
                    *known = Some(exploited);
                }
                Ok(())
            }
            Told::Likely(cve, likelihood) => {
                let known = &mut self.known(&cve)?.cve.likelihood;
                let worse = |known: &crate::advisories::cve::Likelihood| {
                    (likelihood.score, likelihood.percentile) > (known.score, known.percentile)
                };
                if known.as_ref().is_none_or(worse) {
                    *known = Some(likelihood);
                }
                Ok(())
            }
        }
    }

    /// Remembers the vectors of an advisory that is about one CVE, for those who tell of it without a score.
    fn take_vectors(&mut self, record: &Record) -> io::Result<()> {
        let description = &record.description;
        let &[cve] = description.cves().as_slice() else { return Ok(()) };
        let rank = match description.id.as_str() {
            id if id.starts_with("CVE-") => 0,
            id if id.starts_with("GHSA-") => 1,
            _ => 2,
        };
        for vector in &description.vectors {
            let new = (rank, description.id.clone(), vector.clone());
            let known = &mut self.known(cve)?.vectors;
            known.entry(Method::of(vector)).and_modify(|old| *old = new.clone().min(old.clone())).or_insert(new);
        }
        Ok(())
    }

    fn known(&mut self, cve: &str) -> io::Result<&mut Known> {
        if self.cves.len() >= MAX_CVES && !self.cves.contains_key(cve) {
            return Err(io::Error::other(format!("a database knows at most {MAX_CVES} CVEs")));
        }
        Ok(self.cves.entry(cve.to_owned()).or_default())
    }
}

fn of_cves(store: &Store, cves: &BTreeMap<String, Known>) -> Result<Layer, StoreError> {
    let mut part = PartWriter::new(store)?;
    for (name, known) in cves {
        let vectors = known.vectors.values().map(|(_, _, vector)| vector.clone()).collect();
        part.add(name, &Cve { vectors, ..known.cve.clone() }.to_bytes())?;
    }
    part.finish()
}

/// Writes the records of an ecosystem.
fn part(store: &Store, places: &[Place], spilled: &Spilled) -> Result<Layer, StoreError> {
    let mut part = PartWriter::new(store)?;
    for package in places.chunk_by(|a, b| a.name == b.name) {
        // What the tracker tells stands first.
        let mut told = BTreeSet::new();
        for place in package {
            let bytes = spilled.read(place)?;
            if !Record::affects(&bytes) {
                continue;
            }
            if place.source == Source::Osv && told.is_empty() {
                part.add(&place.name, &bytes)?;
                continue;
            }
            let mut record = Record::from_bytes(&bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            let cves: Vec<String> = record.description.cves().into_iter().map(str::to_owned).collect();
            match place.source {
                Source::DebianTracker => {
                    let pairs = |cve: &String| {
                        let cve = cve.clone();
                        record.affected.iter().map(move |affected| (affected.release.clone(), cve.clone()))
                    };
                    told.extend(cves.iter().flat_map(pairs));
                    record.affected.retain(|affected| affected.stance != Stance::NotAffected);
                }
                Source::Osv => record.affected.retain(|affected| {
                    let known = |cve: &String| told.contains(&(affected.release.clone(), cve.clone()));
                    cves.is_empty() || !cves.iter().all(known)
                }),
            }
            if !record.affected.is_empty() {
                part.add(&place.name, &record.to_bytes())?;
            }
        }
    }
    part.finish()
}
