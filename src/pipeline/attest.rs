//! What is said about an image, signed: the image itself, its bills of materials, how it was built.
//!
//! Made once for an image, a build and a key: what was signed before is found again in
//! the store, and the key is not even opened.

use super::error::Error;
use super::identity::Identity;
use super::session::Session;
use crate::evidence::provenance::{Build, Provenance};
use crate::evidence::sbom::Graph;
use crate::evidence::sign::{self, Signed, Signer};
use crate::evidence::{Inventory, Referrer, Statement, Subject, predicate};
use crate::oci::{Descriptor, Digest, Digester};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;

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
pub(super) fn platform(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    inventory: impl FnOnce() -> Result<Inventory, Error>,
) -> Result<Attested, Error> {
    remembered(session, identity, subject, build, |signer| {
        let inventory = inventory()?;
        let graph = Graph::new(&inventory)?;
        let about = || vec![Subject::new(&subject.digest).named(&build.image)];
        let mut signed = vec![sign::sign(signer, &Statement::signature(&subject.digest))?];
        signed.push(sign::sign(signer, &Statement::new(about(), predicate::CYCLONEDX, graph.cyclonedx()))?);
        signed.push(sign::sign(signer, &Statement::new(about(), predicate::SPDX, graph.spdx()))?);
        signed.push(sign::sign(signer, &provenance(build, about()))?);
        let sboms = [("cyclonedx", digest_of(&graph.cyclonedx())?), ("spdx", digest_of(&graph.spdx())?)];
        let sboms = sboms.into_iter().map(|(format, digest)| (format.to_owned(), digest)).collect();
        keep(session, signed, subject, build.epoch, sboms)
    })
}

/// Signs an index of images and says how it was built.
pub(super) fn index(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
) -> Result<Attested, Error> {
    remembered(session, identity, subject, build, |signer| {
        let about = vec![Subject::new(&subject.digest).named(&build.image)];
        let signed = vec![
            sign::sign(signer, &Statement::signature(&subject.digest))?,
            sign::sign(signer, &provenance(build, about))?,
        ];
        keep(session, signed, subject, build.epoch, BTreeMap::new())
    })
}

fn remembered(
    session: &Session<'_>,
    identity: &Identity<'_>,
    subject: &Descriptor,
    build: &Build,
    make: impl FnOnce(&dyn Signer) -> Result<Attested, Error>,
) -> Result<Attested, Error> {
    let said =
        serde_json::to_vec(&provenance(build, vec![Subject::new(&subject.digest)])).map_err(sign::SignError::from)?;
    let key = Digest::of([identity.fingerprint().as_bytes().as_slice(), &said].concat());
    let known = session.store.record(RECORD, &key)?;
    let known = known.and_then(|bytes| serde_json::from_slice::<Attested>(&bytes).ok());
    let complete =
        |a: &Attested| a.referrers.iter().chain(&a.blobs).all(|d| session.store.size(&d.digest) == Some(d.size));
    if let Some(known) = known.filter(complete) {
        return Ok(known);
    }
    let attested = make(identity.open()?.as_ref())?;
    session.store.set_record(RECORD, &key, &serde_json::to_vec(&attested).map_err(sign::SignError::from)?)?;
    Ok(attested)
}

fn keep(
    session: &Session<'_>,
    signed: Vec<Signed>,
    subject: &Descriptor,
    epoch: i64,
    sboms: BTreeMap<String, Digest>,
) -> Result<Attested, Error> {
    let mut attested = Attested { referrers: Vec::new(), blobs: Vec::new(), sboms };
    for signed in signed {
        let referrer = Referrer::new(signed, subject, epoch);
        session.store.put(&referrer.manifest)?;
        for (digest, content) in &referrer.blobs {
            session.store.put(content)?;
            let blob = Descriptor::new("", *digest, content.len() as u64);
            if !attested.blobs.contains(&blob) {
                attested.blobs.push(blob);
            }
        }
        attested.referrers.push(referrer.descriptor);
    }
    Ok(attested)
}

fn provenance(build: &Build, about: Vec<Subject>) -> Statement<Provenance> {
    Statement::new(about, predicate::PROVENANCE, Provenance::of(build))
}

fn digest_of(document: &impl Serialize) -> Result<Digest, Error> {
    let mut out = std::io::BufWriter::new(Digester::new());
    serde_json::to_writer(&mut out, document).map_err(sign::SignError::from)?;
    let _ = out.flush();
    Ok(out.into_inner().map_err(|e| Error::NotThere(e.to_string()))?.finish())
}
