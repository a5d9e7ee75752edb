//! Verification of an image's evidence with a public key.
//!
//! Everything that is read here comes from whoever offers the image and is hostile until its
//! signature was found good. What counts is what the key signed: its predicate type and
//! its subject, never what a manifest or an annotation says about it. So a signed
//! bill of materials never passes for the signature of the image.

mod report;
mod sbom;
mod signed;
mod simple;
#[cfg(test)]
mod tests;
mod verdict;

pub use report::{Check, Outcome, Refused, Report, ids};
pub use signed::{Refusal, SignedStatement, check_signed};
pub use simple::{MAX_SIMPLE, SIMPLE_SIGNATURE, SIMPLE_SIGNING, check_simple};

use super::bundle::MAX_BUNDLE;
use super::provenance;
use super::referrer::PREDICATE_TYPE;
use super::sign::PublicKey;
use super::statement::{Statement, predicate};
use super::test_result::{TestResult, Verdict};
use crate::oci::{Descriptor, Digest, Manifest, media_type};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What is to be verified, and with what.
pub struct Request<'a> {
    /// The key that everything must be signed with.
    pub key: &'a PublicKey,
    /// The images and indexes.
    pub targets: Vec<Target>,
    /// The texts of the policy by which verdicts must be; none where no policy is asked for.
    pub policy: Option<&'a [Digest]>,
    /// Reads a blob of at most so many bytes. Its digest is checked here.
    pub blob: &'a dyn Fn(&Digest, u64) -> io::Result<Vec<u8>>,
}

/// An image or an index with what is attached to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it must have.
    pub kind: Kind,
    /// Everything that is said to refer to it.
    pub referrers: Vec<Descriptor>,
}

/// What a target is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// An index of images: needs a signature and provenance.
    Index,
    /// The image of one platform: needs bills of materials too.
    Image {
        /// Everything in its root but folders: the path by [`super::path_text`] → the digest by
        /// [`super::FileKind`]; none where nobody looked into the layers.
        files: Option<BTreeMap<String, Digest>>,
    },
}

/// More referrers than this are not looked at: an image has a handful.
const MAX_REFERRERS: usize = 1000;
/// No manifest with one layer is larger.
const MAX_MANIFEST: u64 = 1 << 20;

/// Checks signatures, provenance and bills of materials of every target.
pub fn verify(request: &Request<'_>) -> Report {
    let mut report = Report { verified: false, key: request.key.hint(), checks: Vec::new(), refused: Vec::new() };
    for target in &request.targets {
        check_target(request, target, &mut report);
    }
    report.add([]);
    report
}

/// The provenance about a target that the key of a request signed, of any build type; what does not count is left out.
/// Whoever marks its provenance as something else hides no more than whoever takes it away.
pub fn provenance_of(request: &Request<'_>, target: &Target) -> Vec<SignedStatement> {
    const KINDS: [&str; 2] = [predicate::PROVENANCE, predicate::PROVENANCE_0_2];
    let may_be =
        |row: &&Descriptor| row.annotations.get(PREDICATE_TYPE).is_none_or(|kind| KINDS.contains(&kind.as_str()));
    let rows = target.referrers.iter().take(MAX_REFERRERS).filter(may_be);
    let signed = rows.filter_map(|row| read_referrer(request, target, row).ok().flatten());
    signed.filter(|statement| KINDS.contains(&statement.predicate_type.as_str())).collect()
}

fn check_target(request: &Request<'_>, target: &Target, report: &mut Report) {
    let found = read_referrers(request, target, report);
    let image = target.digest;
    let of_type = |kind: &str| found.iter().filter(|statement| statement.predicate_type == kind).collect::<Vec<_>>();

    report.checks.push(Check::of(ids::SIGNATURE, image, present(&of_type(predicate::SIGNATURE), "signature")));
    let statements = of_type(predicate::PROVENANCE);
    report.checks.push(Check::of(ids::PROVENANCE, image, present(&statements, "provenance")));
    report.checks.push(if_any(ids::BUILD_TYPE, image, &statements, build_type));
    if let Kind::Image { files } = &target.kind {
        let forms: [(&str, &str, &str, SbomReader); 2] = [
            (predicate::CYCLONEDX, ids::CYCLONEDX, ids::CYCLONEDX_FILES, sbom::cyclonedx),
            (predicate::SPDX, ids::SPDX, ids::SPDX_FILES, sbom::spdx),
        ];
        for (kind, id, files_id, read) in forms {
            check_sbom(image, &of_type(kind), files.as_ref(), (id, files_id), read, report);
        }
    }
    check_results(target, &statements, &of_type(predicate::TEST_RESULT), report);
    report.checks.extend(verdict::checks(image, &of_type(predicate::VERDICT), request.policy));
    report.checks.extend(not_done(image, &found));
}

type SbomReader = fn(&[u8]) -> Result<sbom::Listed, String>;

/// The statements about the target that the key signed; all others are reported as refused.
fn read_referrers(request: &Request<'_>, target: &Target, report: &mut Report) -> Vec<SignedStatement> {
    let mut found = Vec::new();
    let mut others = 0;
    for referrer in target.referrers.iter().take(MAX_REFERRERS) {
        match read_referrer(request, target, referrer) {
            Ok(Some(statement)) => found.push(statement),
            Ok(None) => others += 1,
            Err(reason) => {
                report.refused.push(Refused { subject: target.digest, referrer: referrer.digest, reason });
            }
        }
    }
    others += target.referrers.len().saturating_sub(MAX_REFERRERS);
    if others > 0 {
        let check = Check::new(ids::OTHER, target.digest, Outcome::NotDone);
        report.checks.push(check.with(format!("{others} that are no sigstore bundles, or too many to look at")));
    }
    found
}

fn read_referrer(
    request: &Request<'_>,
    target: &Target,
    referrer: &Descriptor,
) -> Result<Option<SignedStatement>, String> {
    let manifest = read(request, &referrer.digest, referrer.size, MAX_MANIFEST)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|error| format!("its manifest cannot be read: {error}"))?;
    if manifest.artifact_type.as_deref() != Some(media_type::SIGSTORE_BUNDLE) {
        return Ok(None);
    }
    if manifest.subject.map(|subject| subject.digest) != Some(target.digest) {
        return Err("its manifest refers to another image".into());
    }
    let [layer] = manifest.layers.as_slice() else {
        return Err(format!("its manifest has {} layers, not one", manifest.layers.len()));
    };
    let bundle = read(request, &layer.digest, layer.size, MAX_BUNDLE)?;
    let statement = check_signed(&bundle, request.key).map_err(|refusal| refusal.to_string())?;
    if !statement.is_about(&target.digest) {
        return Err(Refusal::Subject(statement.subjects()).to_string());
    }
    Ok(Some(statement))
}

/// A blob of exactly the size and digest that were announced.
fn read(request: &Request<'_>, digest: &Digest, size: u64, limit: u64) -> Result<Vec<u8>, String> {
    if size > limit {
        return Err(format!("{digest} has {size} bytes, more than the limit of {limit}"));
    }
    let content = (request.blob)(digest, size).map_err(|error| format!("{digest} cannot be read: {error}"))?;
    if content.len() as u64 != size || Digest::of(&content) != *digest {
        return Err(format!("{digest} has another content than its name says"));
    }
    Ok(content)
}

fn present(statements: &[&SignedStatement], what: &str) -> Result<String, String> {
    match statements {
        [] => Err(format!("there is no {what} of this key for this image")),
        _ => Ok(String::new()),
    }
}

/// The check on each statement, or "not done" where there is none: that there is none is a failure of another check.
fn if_any(
    id: &'static str,
    image: Digest,
    statements: &[&SignedStatement],
    check: impl Fn(&SignedStatement) -> Result<String, String>,
) -> Check {
    match statements.iter().map(|statement| check(statement)).collect::<Result<Vec<_>, _>>() {
        Ok(details) => match details.into_iter().next() {
            Some(detail) => Check::of(id, image, Ok(detail)),
            None => Check::new(id, image, Outcome::NotDone).with("there is none"),
        },
        Err(reason) => Check::of(id, image, Err(reason)),
    }
}

fn build_type(statement: &SignedStatement) -> Result<String, String> {
    let read = provenance::read(&statement.payload)?;
    Ok(format!("{}, SLSA build level {}", read.run_details.builder.id, read.run_details.builder.level))
}

/// Every result of a check that the key signed for the image must be no failure, and each check that the provenance of
/// an image tells of must have one: whoever takes a result away hides nothing.
fn check_results(target: &Target, provenance: &[&SignedStatement], results: &[&SignedStatement], report: &mut Report) {
    let mut wanted = BTreeSet::new();
    if let Kind::Image { .. } = target.kind {
        let told = provenance.iter().filter_map(|statement| provenance::read(&statement.payload).ok());
        let steps = told.flat_map(|told| told.run_details.steps);
        wanted.extend(steps.filter_map(|step| Some((step.stage, step.check?))));
    }
    let check = |result| Check::of(ids::TEST_RESULT, target.digest, result);
    for statement in results {
        let read: Result<Statement<TestResult>, _> = serde_json::from_slice(&statement.payload);
        report.checks.push(match read {
            Ok(Statement { predicate, .. }) => {
                if let Some(ran) = &predicate.check {
                    wanted.remove(&(ran.stage.clone(), ran.name.clone()));
                }
                check(judged(&predicate))
            }
            Err(error) => check(Err(format!("it cannot be read: {error}"))),
        });
    }
    let missing =
        wanted.iter().map(|(_, name)| format!("the provenance tells of {}, whose result is not there", shown(name)));
    report.checks.extend(missing.map(|reason| check(Err(reason))));
}

/// What a result says. That the command was content although tests failed is told, and is no failure here: a policy may
/// make it one.
fn judged(result: &TestResult) -> Result<String, String> {
    let name = result.check.as_ref().map_or("a check without a name".to_owned(), |check| shown(&check.name));
    let lists = [&result.passed_tests, &result.warned_tests, &result.failed_tests];
    let [passed, warned, failed] = match result.check.as_ref().and_then(|check| check.counts) {
        Some(counts) => [counts.passed, counts.warned, counts.failed],
        None => lists.map(|list| list.len() as u64),
    };
    let counts = format!("{passed} tests passed, {warned} warned, {failed} failed");
    match result.result {
        Verdict::Passed => Ok(format!("{name}: {counts}")),
        Verdict::Warned => Ok(format!("{name}, with warnings: {counts}")),
        Verdict::Failed => Err(format!("{name}: {counts}")),
    }
}

/// A name of others in a line.
fn shown(name: &str) -> String {
    name.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Every bill of materials that the key signed for the image must hold, not just one of them.
fn check_sbom(
    image: Digest,
    statements: &[&SignedStatement],
    files: Option<&BTreeMap<String, Digest>>,
    (id, files_id): (&'static str, &'static str),
    read: SbomReader,
    report: &mut Report,
) {
    let about = present(statements, "bill of materials").and_then(|_| {
        let lists = statements.iter().map(|statement| read(&statement.payload)).collect::<Result<Vec<_>, _>>()?;
        let about = |list: &sbom::Listed| list.describes.as_slice() == [image.hex()];
        match lists.iter().all(about) {
            true => Ok(lists),
            false => Err("it describes another image than the one that it is attached to".to_owned()),
        }
    });
    match about {
        Ok(lists) => {
            report.checks.push(Check::of(id, image, Ok(String::new())));
            report.checks.push(match files {
                Some(files) => {
                    let compared = lists.iter().map(|list| sbom::compare(&list.files, files));
                    let compared = compared.collect::<Result<Vec<_>, _>>();
                    Check::of(files_id, image, compared.map(|details| details.into_iter().next().unwrap_or_default()))
                }
                None => Check::new(files_id, image, Outcome::NotDone).with("the layers were not looked into"),
            });
        }
        Err(reason) => {
            report.checks.push(Check::of(id, image, Err(reason)));
            report.checks.push(Check::new(files_id, image, Outcome::NotDone).with("there is none to compare"));
        }
    }
}

/// What a key alone cannot tell.
fn not_done(image: Digest, found: &[SignedStatement]) -> Vec<Check> {
    let entries: usize = found.iter().map(|statement| statement.log_entries).sum();
    let timestamps: usize = found.iter().map(|statement| statement.timestamps).sum();
    let check = |id, detail: String| Check::new(id, image, Outcome::NotDone).with(detail);
    vec![
        check(ids::LOG, format!("verification with a key does not ask for one; the bundles carry {entries} entries")),
        check(ids::TIME, format!("a key does not tell when it was used; the bundles carry {timestamps} timestamps")),
        check(ids::REBUILD, "the provenance is what the signer says; nobody built again".into()),
    ]
}
