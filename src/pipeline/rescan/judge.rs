//! The verdict of today on what bills of materials tell.

use super::super::error::Error;
use super::super::judging::{self, Bench, Found};
use super::super::project::SPEC_FILE;
use super::super::report::VerdictReport;
use super::super::verifying::{self, Attached};
use super::drift::{Drift, drift, text};
use super::gather::Gathered;
use super::report::{RescannedImage, Standing};
use super::target::Target;
use super::told::Told;
use crate::evidence::scan::{self, Component, Detail, Finding};
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{self, Kind, Request};
use crate::oci::{Descriptor, Digest, Platform};
use crate::policy::{Proofs, Reached};
use crate::store::Store;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io;

/// The findings of packages, by their package URLs.
pub(super) type Findings = BTreeMap<String, Vec<Finding>>;

/// As many packages are looked up at once: what one look-up may take of a database is bounded.
const AT_ONCE: usize = 20_000;

/// Looks up all packages of all images, each once, in so many shares or more.
pub(super) fn findings<'t>(
    bench: &Bench,
    told: impl Iterator<Item = &'t Told>,
    shares: usize,
) -> Result<Findings, Error> {
    let packages: BTreeMap<&String, &Component> = told.flat_map(|told| &told.packages).collect();
    let packages: Vec<Component> = packages.into_values().cloned().collect();
    let Some(database) = &bench.database else { return Ok(Findings::new()) };
    let share = packages.len().div_ceil(shares.max(1)).clamp(1, AT_ONCE);
    let found = packages.par_chunks(share).map(|share| scan::holes(share, database, bench.day));
    let mut findings = Findings::new();
    for finding in found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        if let Detail::Hole(hole) = &finding.detail {
            findings.entry(hole.package.clone()).or_default().push(finding);
        }
    }
    Ok(findings)
}

/// Judges an image by what is told of it; also the verdict, where there is one.
pub(super) fn judge(
    bench: &Bench,
    target: &Target,
    told: &Result<Told, String>,
    findings: &Findings,
    proofs: &Proofs,
) -> (RescannedImage, Option<VerdictReport>) {
    let image = blank(target);
    let told = match told {
        Ok(told) => told,
        Err(problem) => {
            return (RescannedImage { standing: Standing::Unreadable, problem: Some(text(problem)), ..image }, None);
        }
    };
    let image = RescannedImage {
        bills: told.bills.clone(),
        packages: told.listed,
        last: told.last.as_ref().map(|(last, _)| last.clone()),
        passed_then: told.verdicts.first().map(|verdict| verdict.passed()),
        ..image
    };
    if told.bills.is_empty() {
        let (standing, problem) = match told.problems.first() {
            Some(problem) => (Standing::Unreadable, text(problem)),
            None => (Standing::Unjudged, "no bill of materials that counts is attached to it".to_owned()),
        };
        return (RescannedImage { standing, problem: Some(problem), ..image }, None);
    }
    let found = told.packages.keys().filter_map(|package| findings.get(package)).flatten().cloned();
    let age = bench.database.as_ref().and_then(|database| scan::age(database, bench.day));
    let found = Found { findings: found.chain(age).collect(), components: told.packages.values().cloned().collect() };
    let judgement = bench.judge(found, &image.repository, proofs, Vec::new());
    let before = told.last.as_ref().map(|(_, holes)| holes.as_slice()).unwrap_or_default();
    let Drift { holes, gone, findings } = drift(&judgement.verdict, before);
    let standing = if judgement.verdict.passed { Standing::Passed } else { Standing::Denied };
    let verdict = VerdictReport {
        image: image.repository.clone(),
        platform: target.platform.clone().unwrap_or_else(Platform::host),
        digest: image.digest,
        spec: SPEC_FILE.to_owned(),
        level: proofs.provenance.map(|reached| bench.told_level(reached)).filter(|level| *level > 0),
        attestations: Vec::new(),
        signatures: Vec::new(),
        judgement,
    };
    let problem = told.problems.first().map(|problem| text(problem));
    (RescannedImage { standing, problem, holes, gone, findings, ..image }, Some(verdict))
}

fn blank(target: &Target) -> RescannedImage {
    RescannedImage {
        repository: target.repository.reference().to_string(),
        digest: target.manifest.digest,
        tags: target.tags.iter().cloned().collect(),
        platform: target.platform.clone(),
        standing: Standing::Unjudged,
        problem: None,
        bills: Vec::new(),
        packages: 0,
        last: None,
        passed_then: None,
        holes: Vec::new(),
        gone: Vec::new(),
        findings: Vec::new(),
        attached: Vec::new(),
        not_attached: None,
    }
}

/// What is attached to an image, as it was gathered.
struct Kept<'a> {
    store: &'a Store,
    image: Digest,
    referrers: &'a [Descriptor],
}

impl Attached for Kept<'_> {
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(if *subject == self.image { self.referrers.to_vec() } else { Vec::new() })
    }

    fn read_manifest(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        self.read_blob(digest, size)
    }

    fn read_blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        Ok(self.store.read(digest, size)?)
    }
}

/// What keys vouch for, of all that is attached to an image; and by whom policies trust it was built.
pub(super) fn proofs(
    bench: &Bench,
    store: &Store,
    image: &Digest,
    gathered: &Gathered,
    keys: &[PublicKey],
) -> Result<Proofs, Error> {
    let kept = Kept { store, image: *image, referrers: &gathered.referrers };
    let blob = |digest: &Digest, size: u64| store.read(digest, size).map_err(io::Error::other);
    let trusted: Vec<PublicKey> = keys.iter().chain(&bench.trust.keys).cloned().collect();
    let told = verifying::told(&[*image], &kept, &trusted)?;
    let mut all = Proofs::default();
    for key in keys {
        let kind = Kind::Image { files: None };
        let target = verify::Target { digest: *image, kind, referrers: gathered.referrers.clone() };
        let report = verify::verify(&Request { key, targets: vec![target], policy: None, blob: &blob });
        let Proofs { signature, sbom, checks, .. } = judging::proofs(&report, image);
        all.signature |= signature;
        all.sbom |= sbom;
        all.provenance = better(all.provenance, bench.trust.reached(&told, &key.hint()));
        all.checks.extend(checks);
    }
    Ok(all)
}

/// Of each the higher level.
fn better(one: Option<Reached>, other: Option<Reached>) -> Option<Reached> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Reached { level: one.level.max(other.level), above: one.above.max(other.above) })
        }
        (one, other) => one.or(other),
    }
}
