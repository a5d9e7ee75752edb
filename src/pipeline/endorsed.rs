//! Whether the keys that are asked for signed an image of a registry, before the image is used.
//!
//! Signatures are looked for in both forms of cosign: bundles that refer to the image, and the older ones under a tag
//! that is made of its digest. What was found good is remembered by what was signed and the key, so that it is asked
//! for once: the content of an image never changes under its digest.

use super::error::Error;
use super::session::Session;
use super::signers::Demand;
use super::verifying::public_key;
use crate::evidence::PREDICATE_TYPE;
use crate::evidence::predicate;
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{MAX_SIMPLE, SIMPLE_SIGNATURE, SIMPLE_SIGNING, check_signed, check_simple};
use crate::oci::{Descriptor, Digest, Manifest, media_type};
use crate::registry::{RegistryError, Repository};
use crate::spec::RegistryImage;

/// The kind of record that found signatures are.
pub(super) const RECORD: &str = "endorsed";

/// As many signatures are looked at.
const MAX_SIGNATURES: usize = 100;

/// A bundle with a signature is far smaller.
const MAX_BUNDLE: u64 = 1 << 20;

/// What a signature may be about: that of an index counts for all its images.
pub(super) struct Candidates<'a> {
    /// The image.
    pub image: &'a RegistryImage,
    /// What the lock pins, and the manifest that is used; may be the same.
    pub digests: [Digest; 2],
}

/// A key that signed an image.
pub(super) struct Endorsement {
    /// The key.
    pub key: PublicKey,
    /// Its name in bundles.
    pub hint: String,
    /// What it signed: the manifest, or the index that holds it.
    pub over: Digest,
}

/// Makes sure that one of the keys that are asked for signed an image.
///
/// # Errors
/// [`Error::Unsigned`], with what was found in place of such a signature.
pub(super) fn require(
    session: &Session<'_>,
    repository: &Repository,
    candidates: &Candidates<'_>,
    demand: &Demand,
) -> Result<Endorsement, Error> {
    let keys = demand.keys.iter().map(|path| public_key(path)).collect::<Result<Vec<_>, _>>()?;
    let [pinned, manifest] = candidates.digests;
    let digests = if pinned == manifest { vec![pinned] } else { vec![pinned, manifest] };
    let place = |digest: &Digest, hint: &str| Digest::of(format!("{digest} {hint}"));
    let endorsement = |key: &PublicKey, over: Digest| Endorsement { key: key.clone(), hint: key.hint(), over };
    for (digest, key) in digests.iter().flat_map(|digest| keys.iter().map(move |key| (digest, key))) {
        if session.store.record(RECORD, &place(digest, &key.hint()))?.is_some() {
            return Ok(endorsement(key, *digest));
        }
    }
    session.phase("verifying");
    let mut found = Vec::new();
    for digest in &digests {
        let search = Search { repository, keys: &keys, digest };
        if let Some(key) = session.wait(search.run(&mut found))? {
            session.store.set_record(RECORD, &place(digest, &key.hint()), digest.to_string().as_bytes())?;
            return Ok(endorsement(key, *digest));
        }
    }
    let (reference, found) = (candidates.image.reference.to_string(), told(&found));
    Err(Error::Unsigned { reference, digest: pinned, keys: demand.keys.clone(), at: demand.at.clone(), found })
}

/// What was found that is no signature of the key, in words.
fn told(found: &[String]) -> String {
    const SHOWN: usize = 5;
    if found.is_empty() {
        return "nothing is attached to it".into();
    }
    let mut lines: Vec<String> = found.iter().take(SHOWN).map(|line| format!("\n  {line}")).collect();
    if found.len() > SHOWN {
        lines.push(format!("\n  and {} more", found.len() - SHOWN));
    }
    format!("there is:{}", lines.concat())
}

/// The search for a signature of one manifest or index.
struct Search<'a> {
    repository: &'a Repository,
    keys: &'a [PublicKey],
    digest: &'a Digest,
}

impl<'a> Search<'a> {
    /// The key that signed it; what else was found is added to `found`.
    async fn run(&self, found: &mut Vec<String>) -> Result<Option<&'a PublicKey>, RegistryError> {
        let rows = self.repository.referrers(self.digest).await?;
        for row in rows.iter().filter(|row| may_be_signature(row)).take(MAX_SIGNATURES) {
            match self.bundle(row).await? {
                Ok(key) => return Ok(Some(key)),
                Err(reason) => found.push(format!("{}: {reason}", row.digest)),
            }
        }
        self.older(found).await
    }

    /// Checks a bundle that refers to the image.
    async fn bundle(&self, row: &Descriptor) -> Result<Result<&'a PublicKey, String>, RegistryError> {
        let Some(document) = self.repository.by_digest(&row.digest).await? else {
            return Ok(Err("it is listed and not there".into()));
        };
        let layer = match only_layer(&document.bytes, self.digest) {
            Ok(layer) => layer,
            Err(reason) => return Ok(Err(reason)),
        };
        if layer.size > MAX_BUNDLE {
            return Ok(Err(format!("it has {} bytes, too many for a signature", layer.size)));
        }
        let bundle = self.repository.read_blob(&layer, MAX_BUNDLE).await?;
        Ok(self.any(|key| match check_signed(&bundle, key) {
            Err(refusal) => Err(refusal.to_string()),
            Ok(said) if said.predicate_type != predicate::SIGNATURE => {
                let kind: String = said.predicate_type.chars().take(120).flat_map(char::escape_debug).collect();
                Err(format!("it is a statement of the type {kind}, not a signature"))
            }
            Ok(said) if !said.is_about(self.digest) => Err("it is about another image".into()),
            Ok(_) => Ok(()),
        }))
    }

    /// The first key by which something is good; if there is none, why it is not, by each of them.
    fn any(&self, check: impl Fn(&PublicKey) -> Result<(), String>) -> Result<&'a PublicKey, String> {
        let mut reasons: Vec<String> = Vec::new();
        for key in self.keys {
            match check(key) {
                Ok(()) => return Ok(key),
                Err(reason) if reasons.contains(&reason) => {}
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    /// Looks for signatures in the form that cosign wrote before version 3.
    async fn older(&self, found: &mut Vec<String>) -> Result<Option<&'a PublicKey>, RegistryError> {
        let tag = format!("sha256-{}.sig", self.digest.hex());
        let Some(document) = self.repository.by_tag(&tag).await? else { return Ok(None) };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&document.bytes) else {
            found.push(format!("{tag}: no manifest that can be read"));
            return Ok(None);
        };
        let layers = manifest.layers.iter().filter(|layer| layer.media_type == SIMPLE_SIGNING);
        for layer in layers.take(MAX_SIGNATURES) {
            let Some(signature) = layer.annotations.get(SIMPLE_SIGNATURE) else { continue };
            if layer.size > MAX_SIMPLE {
                found.push(format!("{tag}: a signature of {} bytes, which is too large", layer.size));
                continue;
            }
            let payload = self.repository.read_blob(layer, MAX_SIMPLE).await?;
            match self.any(|key| check_simple(&payload, signature, key, self.digest).map_err(|e| e.to_string())) {
                Ok(key) => return Ok(Some(key)),
                Err(reason) => found.push(format!("{tag}: {reason}")),
            }
        }
        Ok(None)
    }
}

/// Whether a row of a list of referrers may name a signature; most lists say which claim a bundle makes.
fn may_be_signature(row: &Descriptor) -> bool {
    let is_bundle = row.artifact_type.as_deref().is_none_or(|kind| kind == media_type::SIGSTORE_BUNDLE);
    is_bundle && row.annotations.get(PREDICATE_TYPE).is_none_or(|kind| kind == predicate::SIGNATURE)
}

/// The bundle of a manifest that refers to `subject`.
fn only_layer(manifest: &[u8], subject: &Digest) -> Result<Descriptor, String> {
    let manifest: Manifest =
        serde_json::from_slice(manifest).map_err(|error| format!("its manifest cannot be read: {error}"))?;
    if manifest.artifact_type.as_deref() != Some(media_type::SIGSTORE_BUNDLE) {
        return Err("it is no sigstore bundle".into());
    }
    if manifest.subject.is_none_or(|of| of.digest != *subject) {
        return Err("its manifest refers to another image".into());
    }
    match <[Descriptor; 1]>::try_from(manifest.layers) {
        Ok([layer]) => Ok(layer),
        Err(layers) => Err(format!("its manifest has {} layers, not one", layers.len())),
    }
}
