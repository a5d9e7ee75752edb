//! Sets of certificates that are trusted to sign a package source.

use super::certificate::{self, Fault};
use crate::oci::Digest;
use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::packet::Signature;
use pgp::types::KeyDetails;

/// Keyrings are small; what is larger is something else.
const LIMIT: usize = 4 << 20;

/// Certificates that may vouch for a package source.
#[derive(Clone)]
pub struct Keyring {
    certificates: Vec<SignedPublicKey>,
}

/// Why a file is no keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It has no certificate that could be read.
    #[error("the keyring holds no OpenPGP public key that kiln can read{}", reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    NoKeys {
        /// What the last part that could not be read is about.
        reason: Option<String>,
    },
    /// It is too large.
    #[error("the keyring has more than {LIMIT} bytes")]
    TooLarge,
}

/// Who signed: hexadecimal fingerprints, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signer {
    /// The key that made the signature, often a subkey.
    pub key: String,
    /// The primary key of its certificate.
    pub primary: String,
}

impl Keyring {
    /// The keys of Debian's archives, of those that were valid when this kiln was made.
    pub fn debian() -> Self {
        let files = [
            include_str!("../keys/bookworm-archive.asc"),
            include_str!("../keys/bookworm-security.asc"),
            include_str!("../keys/bookworm-stable.asc"),
            include_str!("../keys/trixie-archive.asc"),
            include_str!("../keys/trixie-security.asc"),
            include_str!("../keys/trixie-stable.asc"),
        ];
        Self::parse(files.concat().as_bytes()).expect("the built-in keys are tested")
    }

    /// Reads certificates: binary, or any number of armored blocks with any text around them.
    ///
    /// Certificates of unknown kinds are passed over, so that a keyring may hold keys that only newer programs know.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.len() > LIMIT {
            return Err(KeyringError::TooLarge);
        }
        let (mut certificates, mut reason) = (Vec::new(), None);
        let mut take = |result: pgp::errors::Result<SignedPublicKey>| match result {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => reason = Some(error.to_string()),
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                for block in blocks(text) {
                    match SignedPublicKey::from_armor_many(block.as_bytes()) {
                        Ok((all, _)) => all.for_each(&mut take),
                        Err(error) => take(Err(error)),
                    }
                }
            }
            Err(_) => match SignedPublicKey::from_bytes_many(bytes) {
                Ok(all) => all.for_each(take),
                Err(error) => take(Err(error)),
            },
        }
        if certificates.is_empty() { Err(KeyringError::NoKeys { reason }) } else { Ok(Keyring { certificates }) }
    }

    /// The fingerprints of the primary keys, sorted.
    pub fn fingerprints(&self) -> Vec<String> {
        let mut all: Vec<_> = self.certificates.iter().map(|c| fingerprint(&c.primary_key)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// What names this set of keys.
    pub fn digest(&self) -> Digest {
        Digest::of(self.fingerprints().join("\n"))
    }

    /// Checks one signature over `text` against the key that it names; the error says why it does not count.
    pub(super) fn check(&self, signature: &Signature, text: &[u8], now: i64) -> Result<Signer, String> {
        if !certificate::is_hash_good(signature.hash_alg()) {
            let hash = signature.hash_alg().map_or("an unknown hash".into(), |hash| hash.to_string());
            return Err(format!("a signature uses {hash}, which is broken or unknown"));
        }
        let mut problem = format!("a signature is by {}, which the keyring does not hold", issuer(signature));
        for owner in &self.certificates {
            let primary = fingerprint(&owner.primary_key);
            if is_by(signature, &owner.primary_key) {
                let verified = signature.verify(&owner.primary_key, text).is_ok();
                let judged = certificate::judge_primary(owner, now);
                match conclude(verified, judged, signature, &primary, now) {
                    Ok(()) => return Ok(Signer { key: primary.clone(), primary }),
                    Err(reason) => problem = reason,
                }
            }
            for subkey in &owner.public_subkeys {
                if is_by(signature, &subkey.key) {
                    let key = fingerprint(&subkey.key);
                    let verified = signature.verify(&subkey.key, text).is_ok();
                    let judged = certificate::judge_subkey(owner, subkey, now);
                    match conclude(verified, judged, signature, &key, now) {
                        Ok(()) => return Ok(Signer { key, primary }),
                        Err(reason) => problem = reason,
                    }
                }
            }
        }
        Err(problem)
    }
}

fn conclude(
    verified: bool,
    judged: Result<(), Fault>,
    signature: &Signature,
    key: &str,
    now: i64,
) -> Result<(), String> {
    if !verified {
        return Err(format!("the signature by {key} does not match the text"));
    }
    judged.map_err(|fault| format!("the signature by {key} does not count: {fault}"))?;
    if !certificate::is_current(signature, now) {
        return Err(format!(
            "the signature by {key} does not count at this time: it lies in the future or has run out"
        ));
    }
    Ok(())
}

/// Whether a signature says that it is by this key. One that names nobody is by nobody.
fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().into_iter().any(|id| *id == key.legacy_key_id());
    }
    fingerprints.into_iter().any(|named| *named == key.fingerprint())
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|named| hex(named.as_bytes()));
    let id = || signature.issuer_key_id().first().map(|id| hex(id.as_ref()));
    fingerprint.or_else(id).unwrap_or_else(|| "an unnamed key".into())
}

fn fingerprint(key: &impl KeyDetails) -> String {
    hex(key.fingerprint().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The armored blocks of public keys in a text.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(BEGIN)?;
        let length = rest[start..].find(END)? + END.len();
        let block = &rest[start..start + length];
        rest = &rest[start + length..];
        Some(block)
    })
}
