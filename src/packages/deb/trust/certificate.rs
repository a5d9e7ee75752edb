//! Whether a key of a certificate may sign, at a given time.

use jiff::Timestamp;
use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, PublicParams, Tag};

/// How far another clock may run ahead of ours, in seconds.
pub(super) const CLOCK_SKEW: i64 = 3600;
/// RSA keys with a shorter modulus can be broken.
const RSA_BITS: u16 = 2048;

/// Why a key's signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it has been revoked")]
    Revoked,
    #[error("it expired on {0}")]
    Expired(String),
    #[error("it is not meant for signing")]
    NotForSigning,
    #[error("it is too weak ({0})")]
    Weak(String),
    #[error("nothing valid binds it to its owner")]
    Unbound,
    #[error("it was made after the current time")]
    NotYet,
}

/// Judges the primary key of a certificate as a signer.
pub(super) fn judge_primary(certificate: &SignedPublicKey, now: i64) -> Result<(), Fault> {
    let binding = judge_owner(certificate, now)?;
    strong(certificate.primary_key.public_params())?;
    match flags(binding) {
        Some(false) => Err(Fault::NotForSigning),
        // Old keys say nothing about their use and may be used for everything.
        Some(true) | None => Ok(()),
    }
}

/// Judges a subkey as a signer; its primary key must be in order too.
pub(super) fn judge_subkey(certificate: &SignedPublicKey, subkey: &SignedPublicSubKey, now: i64) -> Result<(), Fault> {
    judge_owner(certificate, now)?;
    let bound = |signature: &&Signature| signature.verify_subkey_binding(&certificate.primary_key, &subkey.key).is_ok();
    let mut ours = subkey.signatures.iter().filter(bound);
    if ours.clone().any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation)) {
        return Err(Fault::Revoked);
    }
    let binding = newest(ours.by_ref().filter(|s| s.typ() == Some(SignatureType::SubkeyBinding)), now);
    let binding = binding.ok_or(Fault::Unbound)?;
    in_time(subkey.key.created_at().as_secs(), binding, now)?;
    strong(subkey.key.public_params())?;
    if flags(binding) != Some(true) {
        return Err(Fault::NotForSigning);
    }
    // The subkey must have agreed, else anyone could adopt somebody else's signing key.
    let back = binding.embedded_signature().filter(|back| is_hash_good(back.hash_alg()));
    match back.map(|back| back.verify_primary_key_binding(&subkey.key, &certificate.primary_key)) {
        Some(Ok(())) => Ok(()),
        _ => Err(Fault::Unbound),
    }
}

/// Whether a signature by this hash is worth anything.
pub(super) fn is_hash_good(hash: Option<HashAlgorithm>) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(hash, Some(Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512))
}

/// The newest self-signature of a certificate that is neither revoked nor expired.
fn judge_owner(certificate: &SignedPublicKey, now: i64) -> Result<&Signature, Fault> {
    let key = &certificate.primary_key;
    let details = &certificate.details;
    // A revocation counts whatever hash it uses: it can only make us refuse more.
    if details.revocation_signatures.iter().any(|signature| signature.verify_key(key).is_ok()) {
        return Err(Fault::Revoked);
    }
    let direct = details
        .direct_signatures
        .iter()
        .filter(|signature| signature.typ() == Some(SignatureType::Key) && signature.verify_key(key).is_ok());
    let of_users = details.users.iter().flat_map(|user| {
        let valid = |signature: &&Signature| signature.verify_certification(key, Tag::UserId, &user.id).is_ok();
        let revoked = |s: &Signature| s.typ() == Some(SignatureType::CertRevocation);
        let withdrawn = user.signatures.iter().any(|s| revoked(s) && valid(&s));
        user.signatures.iter().filter(move |s| !withdrawn && !revoked(s) && valid(s))
    });
    let binding = newest(direct.chain(of_users), now).ok_or(Fault::Unbound)?;
    in_time(key.created_at().as_secs(), binding, now)?;
    Ok(binding)
}

/// The newest signature that counts at the given time.
fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>, now: i64) -> Option<&'a Signature> {
    let counts = |signature: &&Signature| is_hash_good(signature.hash_alg()) && is_current(signature, now);
    signatures.filter(counts).max_by_key(|signature| signature.created().map(|time| time.as_secs()))
}

/// Whether a signature was made before the given time and has not run out.
pub(super) fn is_current(signature: &Signature, now: i64) -> bool {
    let Some(created) = signature.created().map(|time| i64::from(time.as_secs())) else { return false };
    let lasts = signature.signature_expiration_time().map_or(0, |time| i64::from(time.as_secs()));
    created <= now + CLOCK_SKEW && (lasts == 0 || now < created + lasts)
}

fn in_time(created: u32, binding: &Signature, now: i64) -> Result<(), Fault> {
    let created = i64::from(created);
    if created > now + CLOCK_SKEW {
        return Err(Fault::NotYet);
    }
    let lasts = binding.key_expiration_time().map_or(0, |time| i64::from(time.as_secs()));
    if lasts != 0 && now >= created + lasts {
        return Err(Fault::Expired(day(created + lasts)));
    }
    Ok(())
}

/// Whether the owner lets a key sign; nothing where they did not say.
fn flags(binding: &Signature) -> Option<bool> {
    use pgp::packet::SubpacketData;
    let said = binding.config()?.hashed_subpackets().any(|packet| matches!(packet.data, SubpacketData::KeyFlags(_)));
    said.then(|| binding.key_flags().sign())
}

fn strong(params: &PublicParams) -> Result<(), Fault> {
    match params {
        PublicParams::RSA(rsa) => {
            // The modulus comes first, as a number that is preceded by its length in bits.
            let bytes = rsa.to_bytes().map_err(|_| Fault::Weak("unreadable RSA".into()))?;
            let bits = bytes.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
            if bits < RSA_BITS { Err(Fault::Weak(format!("RSA with {bits} bits"))) } else { Ok(()) }
        }
        PublicParams::ECDSA(_) | PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) | PublicParams::Ed448(_) => {
            Ok(())
        }
        PublicParams::DSA(_) => Err(Fault::Weak("DSA".into())),
        _ => Err(Fault::Weak("an algorithm that kiln does not know for signing".into())),
    }
}

pub(super) fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| "a distant day".into(), |time| time.strftime("%Y-%m-%d").to_string())
}
