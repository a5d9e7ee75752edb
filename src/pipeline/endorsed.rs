//! Whether a key signed an image of a registry, before the image is used.
//!
//! Signatures are looked for in both forms of cosign: bundles that refer to the image, and the older ones under a tag
//! that is made of its digest. What was found good is remembered by what was signed and the key, so that it is asked
//! for once: the content of an image never changes under its digest.

use super::error::Error;
use super::project::Project;
use super::session::Session;
use super::verifying::public_key;
use crate::evidence::PREDICATE_TYPE;
use crate::evidence::predicate;
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{MAX_SIMPLE, SIMPLE_SIGNATURE, SIMPLE_SIGNING, check_signed, check_simple};
use crate::oci::{Descriptor, Digest, Manifest, media_type};
use crate::registry::{RegistryError, Repository};
use crate::spec::{RegistryImage, Spanned};

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

/// Makes sure that the key in a file signed an image.
///
/// # Errors
/// [`Error::Unsigned`], with what was found in place of such a signature.
pub(super) fn require(
    session: &Session<'_>,
    project: &Project,
    repository: &Repository,
    candidates: &Candidates<'_>,
    key: &Spanned<String>,
) -> Result<Endorsement, Error> {
    let path = project.folder.join(&key.value);
    let key = public_key(&path)?;
    let hint = key.hint();
    let [pinned, manifest] = candidates.digests;
    let digests = if pinned == manifest { vec![pinned] } else { vec![pinned, manifest] };
    let place = |digest: &Digest| Digest::of(format!("{digest} {hint}"));
    for digest in &digests {
        if session.store.record(RECORD, &place(digest))?.is_some() {
            return Ok(Endorsement { key, hint, over: *digest });
        }
    }
    session.phase("verifying");
    let mut found = Vec::new();
    for digest in &digests {
        let search = Search { repository, key: &key, digest };
        if session.wait(search.run(&mut found))? {
            session.store.set_record(RECORD, &place(digest), digest.to_string().as_bytes())?;
            return Ok(Endorsement { key, hint, over: *digest });
        }
    }
    let reference = candidates.image.reference.to_string();
    Err(Error::Unsigned { reference, digest: pinned, key: path, found: told(&found) })
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
    key: &'a PublicKey,
    digest: &'a Digest,
}

impl Search<'_> {
    /// Whether the key signed it; what else was found is added to `found`.
    async fn run(&self, found: &mut Vec<String>) -> Result<bool, RegistryError> {
        let rows = self.repository.referrers(self.digest).await?;
        for row in rows.iter().filter(|row| may_be_signature(row)).take(MAX_SIGNATURES) {
            match self.bundle(row).await? {
                Ok(()) => return Ok(true),
                Err(reason) => found.push(format!("{}: {reason}", row.digest)),
            }
        }
        self.older(found).await
    }

    /// Checks a bundle that refers to the image.
    async fn bundle(&self, row: &Descriptor) -> Result<Result<(), String>, RegistryError> {
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
        Ok(match check_signed(&bundle, self.key) {
            Err(refusal) => Err(refusal.to_string()),
            Ok(said) if said.predicate_type != predicate::SIGNATURE => {
                let kind: String = said.predicate_type.chars().take(120).flat_map(char::escape_debug).collect();
                Err(format!("it is a statement of the type {kind}, not a signature"))
            }
            Ok(said) if !said.is_about(self.digest) => Err("it is about another image".into()),
            Ok(_) => Ok(()),
        })
    }

    /// Looks for signatures in the form that cosign wrote before version 3.
    async fn older(&self, found: &mut Vec<String>) -> Result<bool, RegistryError> {
        let tag = format!("sha256-{}.sig", self.digest.hex());
        let Some(document) = self.repository.by_tag(&tag).await? else { return Ok(false) };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&document.bytes) else {
            found.push(format!("{tag}: no manifest that can be read"));
            return Ok(false);
        };
        let layers = manifest.layers.iter().filter(|layer| layer.media_type == SIMPLE_SIGNING);
        for layer in layers.take(MAX_SIGNATURES) {
            let Some(signature) = layer.annotations.get(SIMPLE_SIGNATURE) else { continue };
            if layer.size > MAX_SIMPLE {
                found.push(format!("{tag}: a signature of {} bytes, which is too large", layer.size));
                continue;
            }
            let payload = self.repository.read_blob(layer, MAX_SIMPLE).await?;
            match check_simple(&payload, signature, self.key, self.digest) {
                Ok(()) => return Ok(true),
                Err(refusal) => found.push(format!("{tag}: {refusal}")),
            }
        }
        Ok(false)
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
