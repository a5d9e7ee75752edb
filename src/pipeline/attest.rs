//! What is said about an image, signed: the image itself, its bills of materials, how it was built and checked.
//!
//! Made once for an image, a build and a key: what was signed before is found again in
//! the store, and the key is not even opened.

use super::error::Error;
use super::identity::Identity;
use super::judging::Claim;
use super::report::VerdictReport;
use super::session::Session;
use crate::catalog;
use crate::evidence::provenance::{Build, Provenance};
use crate::evidence::sbom::Graph;
use crate::evidence::sign::{self, Signer};
use crate::evidence::test_result::{Checked, TestResult};
use crate::evidence::{Inventory, PREDICATE_TYPE, Referrer, Statement, Subject, predicate};
use crate::oci::{Descriptor, Digest};
use crate::policy::report;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The signed statements about one manifest or index, all in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attested {
    /// The manifests that carry them, as rows for a list of referrers.
    pub referrers: Vec<Descriptor>,
    /// The blobs that these manifests name.
    pub blobs: Vec<Descriptor>,
    /// The bills of materials by format: digests of the documents.
    pub sboms: BTreeMap<String, Digest>,
    /// The key that signed, as bundles name it.
    pub key: String,
}

/// The kind of record that signed statements are.
const RECORD: &str = "attested";

/// What is to be said of a verdict, where there is one: it tells what else is attached, so that is signed before it.
pub(super) type Judged<'j> = &'j dyn Fn(&Attested) -> Vec<Claim>;

/// Their form, to be raised whenever the same image would be told in another way.
const FORM: u32 = 2;

/// Says and signs everything about the image of one platform.
///
/// `inventory` is asked for only where it was not said and signed before.
pub(super) fn platform<'i>(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    checked: &[Checked],
    judged: Judged<'_>,
    inventory: impl FnOnce() -> Result<&'i Inventory, Error>,
) -> Result<Attested, Error> {
    let key = of_build(subject, build, checked, judged)?;
    remembered(session, identity, subject, build.epoch, &key, |speaker| {
        let inventory = inventory()?;
        let graph = Graph::new(inventory)?;
        session.phase("signing");
        let about = || vec![Subject::new(&subject.digest).named(&build.image)];
        let documents = || {
            rayon::join(
                || speaker.say_large(&Statement::new(about(), predicate::CYCLONEDX, graph.cyclonedx()), graph.size()),
                || speaker.say_large(&Statement::new(about(), predicate::SPDX, graph.spdx()), graph.size()),
            )
        };
        let others = || {
            let signature = speaker.say(&Statement::signature(&subject.digest))?;
            let provenance = speaker.say(&provenance(build, about()))?;
            let checks = checked.iter().map(|check| speaker.say(&check.statement(about())));
            Ok::<_, Error>((signature, provenance, checks.collect::<Result<Vec<_>, _>>()?))
        };
        let ((cyclonedx, spdx), others) = rayon::join(documents, others);
        let (cyclonedx, spdx, (signature, provenance, checks)) = (cyclonedx?, spdx?, others?);
        let sboms = [("cyclonedx", cyclonedx.predicate), ("spdx", spdx.predicate)];
        let said = [signature, cyclonedx, spdx, provenance].into_iter().chain(checks);
        let evidence = Attested::of(speaker, said, sboms.map(|(format, digest)| (format.to_owned(), digest)).into());
        speaker.conclude(evidence, judged)
    })
}

/// Signs an index of images and says how it was built.
pub(super) fn index(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    judged: Judged<'_>,
) -> Result<Attested, Error> {
    let key = of_build(subject, build, &[], judged)?;
    remembered(session, identity, subject, build.epoch, &key, |speaker| {
        session.phase("signing");
        let about = vec![Subject::new(&subject.digest).named(&build.image)];
        let said = [speaker.say(&Statement::signature(&subject.digest))?, speaker.say(&provenance(build, about))?];
        speaker.conclude(Attested::of(speaker, said, BTreeMap::new()), judged)
    })
}

/// Signs claims about a manifest with a signer that is open; the bundles name `epoch` as their time.
pub(super) fn claims(
    store: &Store,
    signer: &dyn Signer,
    subject: &Descriptor,
    claims: &[Claim],
    epoch: i64,
) -> Result<Attested, Error> {
    let speaker = Speaker { store, signer, subject, epoch };
    let said = claims.iter().map(|claim| speaker.say(claim)).collect::<Result<Vec<_>, _>>()?;
    Ok(Attested::of(&speaker, said, BTreeMap::new()))
}

/// All that decides what is said of a build, its checks and its verdict.
fn of_build(subject: &Descriptor, build: &Build, checked: &[Checked], judged: Judged<'_>) -> Result<Vec<u8>, Error> {
    let results: Vec<_> = checked.iter().map(TestResult::of).collect();
    // What else is attached follows from all of this and the key.
    let judged = judged(&Attested::default());
    let said = serde_json::to_vec(&(provenance(build, vec![Subject::new(&subject.digest)]), results, judged));
    Ok(said.map_err(sign::SignError::from)?)
}

/// What was signed before is found again by the key that signed and by what decides what is said.
fn remembered(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    epoch: i64,
    said: &[u8],
    make: impl FnOnce(&Speaker<'_>) -> Result<Attested, Error>,
) -> Result<Attested, Error> {
    // What a newer catalogue finds is to be told anew.
    let versions = [FORM.to_le_bytes(), catalog::VERSION.to_le_bytes()].concat();
    let key = Digest::of([identity.fingerprint().as_bytes().as_slice(), &versions, said].concat());
    let known = session.store.record(RECORD, &key)?;
    let known = known.and_then(|bytes| serde_json::from_slice::<Attested>(&bytes).ok());
    let complete =
        |a: &Attested| a.referrers.iter().chain(&a.blobs).all(|d| session.store.size(&d.digest) == Some(d.size));
    if let Some(known) = known.filter(complete) {
        return Ok(known);
    }
    let signer = identity.open()?;
    let attested = make(&Speaker { store: &session.store, signer: signer.as_ref(), subject, epoch })?;
    session.store.set_record(RECORD, &key, &serde_json::to_vec(&attested).map_err(sign::SignError::from)?)?;
    Ok(attested)
}

/// A signed statement in the store.
struct Said {
    /// The digest of its predicate's bytes.
    predicate: Digest,
    referrer: Descriptor,
    blobs: Vec<Descriptor>,
}

impl Attested {
    fn of(speaker: &Speaker<'_>, said: impl IntoIterator<Item = Said>, sboms: BTreeMap<String, Digest>) -> Self {
        let key = speaker.signer.public_key().hint();
        let mut attested = Attested { referrers: Vec::new(), blobs: Vec::new(), sboms, key };
        for said in said {
            attested.add([said.referrer], said.blobs);
        }
        attested
    }

    fn add(&mut self, referrers: impl IntoIterator<Item = Descriptor>, blobs: Vec<Descriptor>) {
        self.referrers.extend(referrers);
        let new: Vec<_> = blobs.into_iter().filter(|blob| !self.blobs.contains(blob)).collect();
        self.blobs.extend(new);
    }

    /// A verdict with what it tells of this: the claims, but for those that are made of it, and the signatures.
    pub(super) fn told_in(&self, verdict: VerdictReport) -> VerdictReport {
        const OF_VERDICTS: [&str; 2] = [report::Vulnerabilities::TYPE, report::Summary::TYPE];
        let (mut attestations, mut signatures) = (Vec::new(), Vec::new());
        for row in &self.referrers {
            let predicate = row.annotations.get(PREDICATE_TYPE).cloned().unwrap_or_default();
            let digest = row.digest;
            if predicate == predicate::SIGNATURE {
                signatures.push(report::Signature { by: self.key.clone(), digest, verified: None });
            } else if !OF_VERDICTS.contains(&predicate.as_str()) {
                attestations.push(report::Attestation { predicate, digest, uri: None, verified: None });
            }
        }
        VerdictReport { attestations, signatures, ..verdict }
    }
}

/// Whoever makes statements about one manifest or index: signs each and stores it at once.
struct Speaker<'a> {
    store: &'a Store,
    signer: &'a dyn Signer,
    subject: &'a Descriptor,
    epoch: i64,
}

impl Speaker<'_> {
    /// Says what is to be said of the verdict, after all else.
    fn conclude(&self, mut evidence: Attested, judged: Judged<'_>) -> Result<Attested, Error> {
        for claim in judged(&evidence) {
            let said = self.say(&claim)?;
            evidence.add([said.referrer], said.blobs);
        }
        Ok(evidence)
    }

    fn say<P: Serialize>(&self, statement: &Statement<P>) -> Result<Said, Error> {
        self.say_large(statement, 0)
    }

    /// Signs and stores a statement of about `size` bytes.
    fn say_large<P: Serialize>(&self, statement: &Statement<P>, size: usize) -> Result<Said, Error> {
        let signed = sign::sign_large(self.signer, statement, size)?;
        let predicate = signed.predicate;
        let referrer = Referrer::new(signed, self.subject, self.epoch);
        self.store.put_as(&referrer.descriptor.digest, &referrer.manifest)?;
        let mut blobs = Vec::new();
        for (digest, content) in &referrer.blobs {
            self.store.put_as(digest, content)?;
            blobs.push(Descriptor::new("", *digest, content.len() as u64));
        }
        Ok(Said { predicate, referrer: referrer.descriptor, blobs })
    }
}

fn provenance(build: &Build, about: Vec<Subject>) -> Statement<Provenance> {
    Statement::new(about, predicate::PROVENANCE, Provenance::of(build))
}
