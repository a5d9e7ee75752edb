//! What is said about an image, signed: the image itself, its bills of materials, how it was built and checked.
//!
//! Made once for an image, a build and a key: what was signed before is found again in
//! the store, and the key is not even opened.

use super::error::Error;
use super::identity::Identity;
use super::judging::Claim;
use super::session::Session;
use crate::evidence::provenance::{Build, Provenance};
use crate::evidence::sbom::Graph;
use crate::evidence::sign::{self, Signer};
use crate::evidence::test_result::{Checked, TestResult};
use crate::evidence::{Inventory, Referrer, Statement, Subject, predicate};
use crate::oci::{Descriptor, Digest};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The signed statements about one manifest or index, all in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attested {
    /// The manifests that carry them, as rows for a list of referrers.
    pub referrers: Vec<Descriptor>,
    /// The blobs that these manifests name.
    pub blobs: Vec<Descriptor>,
    /// The bills of materials by format: digests of the documents.
    pub sboms: BTreeMap<String, Digest>,
}

/// The kind of record that signed statements are; to be raised with their form.
const RECORD: &str = "attested";

/// Says and signs everything about the image of one platform.
///
/// `inventory` is asked for only where it was not said and signed before.
pub(super) fn platform<'i>(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    checked: &[Checked],
    judged: &[Claim],
    inventory: impl FnOnce() -> Result<&'i Inventory, Error>,
) -> Result<Attested, Error> {
    remembered(session, identity, subject, build, checked, judged, |speaker| {
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
            let judged = judged.iter().map(|claim| speaker.say(claim));
            Ok::<_, Error>((signature, provenance, checks.chain(judged).collect::<Result<Vec<_>, _>>()?))
        };
        let ((cyclonedx, spdx), others) = rayon::join(documents, others);
        let (cyclonedx, spdx, (signature, provenance, checks)) = (cyclonedx?, spdx?, others?);
        let sboms = [("cyclonedx", cyclonedx.predicate), ("spdx", spdx.predicate)];
        let said = [signature, cyclonedx, spdx, provenance].into_iter().chain(checks);
        Ok(Attested::of(said, sboms.map(|(format, digest)| (format.to_owned(), digest)).into()))
    })
}

/// Signs an index of images and says how it was built.
pub(super) fn index(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
) -> Result<Attested, Error> {
    remembered(session, identity, subject, build, &[], &[], |speaker| {
        session.phase("signing");
        let about = vec![Subject::new(&subject.digest).named(&build.image)];
        let said = [speaker.say(&Statement::signature(&subject.digest))?, speaker.say(&provenance(build, about))?];
        Ok(Attested::of(said, BTreeMap::new()))
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
    Ok(Attested::of(said, BTreeMap::new()))
}

fn remembered(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    checked: &[Checked],
    judged: &[Claim],
    make: impl FnOnce(&Speaker<'_>) -> Result<Attested, Error>,
) -> Result<Attested, Error> {
    let results: Vec<_> = checked.iter().map(TestResult::of).collect();
    let said = serde_json::to_vec(&(provenance(build, vec![Subject::new(&subject.digest)]), results, judged));
    let said = said.map_err(sign::SignError::from)?;
    let key = Digest::of([identity.fingerprint().as_bytes().as_slice(), &said].concat());
    let known = session.store.record(RECORD, &key)?;
    let known = known.and_then(|bytes| serde_json::from_slice::<Attested>(&bytes).ok());
    let complete =
        |a: &Attested| a.referrers.iter().chain(&a.blobs).all(|d| session.store.size(&d.digest) == Some(d.size));
    if let Some(known) = known.filter(complete) {
        return Ok(known);
    }
    let signer = identity.open()?;
    let attested = make(&Speaker { store: &session.store, signer: signer.as_ref(), subject, epoch: build.epoch })?;
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
    fn of(said: impl IntoIterator<Item = Said>, sboms: BTreeMap<String, Digest>) -> Self {
        let mut attested = Attested { referrers: Vec::new(), blobs: Vec::new(), sboms };
        for said in said {
            attested.referrers.push(said.referrer);
            let new: Vec<_> = said.blobs.into_iter().filter(|blob| !attested.blobs.contains(blob)).collect();
            attested.blobs.extend(new);
        }
        attested
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
