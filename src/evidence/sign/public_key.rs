//! Public keys: ECDSA over P-256, in PEM.

use super::KeyError;
use crate::oci::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::der::pem;
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding, ObjectIdentifier, SubjectPublicKeyInfoRef};

/// A key that signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a PEM file of a `PUBLIC KEY`.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let (label, der) = pem::decode_vec(text).map_err(|_| KeyError::NotPem)?;
        if label != "PUBLIC KEY" {
            return Err(KeyError::Label {
                found: label.into(),
                wanted: "public key (`PUBLIC KEY`, in the file NAME.pub of `kiln key generate`)",
            });
        }
        let malformed = |error: p256::pkcs8::spki::Error| KeyError::Malformed(error.to_string());
        let info = SubjectPublicKeyInfoRef::try_from(der.as_slice())
            .map_err(|error| KeyError::Malformed(error.to_string()))?;
        check_kind(info.algorithm.oid, info.algorithm.parameters_oid().ok())?;
        VerifyingKey::from_public_key_der(&der).map(PublicKey).map_err(malformed)
    }

    /// The PEM file of the key.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a key of P-256 has an encoding")
    }

    /// What bundles carry to tell keys apart: base64 of the SHA-256 of the key in DER.
    pub fn hint(&self) -> String {
        let der = self.0.to_public_key_der().expect("a key of P-256 has an encoding");
        STANDARD.encode(Digest::of(der.as_bytes()).as_bytes())
    }

    /// Whether `signature` (ASN.1 DER) is one of this key over `digest`.
    pub fn verifies(&self, digest: &Digest, signature: &[u8]) -> bool {
        let signature = Signature::from_der(signature);
        signature.is_ok_and(|signature| self.0.verify_prehash(digest.as_bytes(), &signature).is_ok())
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        PublicKey(key)
    }
}

/// Refuses all algorithms but ECDSA on P-256, by a name that people know.
pub(super) fn check_kind(algorithm: ObjectIdentifier, curve: Option<ObjectIdentifier>) -> Result<(), KeyError> {
    const EC: &str = "1.2.840.10045.2.1";
    const P256: &str = "1.2.840.10045.3.1.7";
    let algorithm = algorithm.to_string();
    let curve = curve.map(|curve| curve.to_string());
    let kind = match (algorithm.as_str(), curve.as_deref()) {
        (EC, Some(P256)) => return Ok(()),
        (EC, Some("1.3.132.0.33")) => "ECDSA P-224".into(),
        (EC, Some("1.3.132.0.34")) => "ECDSA P-384".into(),
        (EC, Some("1.3.132.0.35")) => "ECDSA P-521".into(),
        (EC, Some("1.3.132.0.10")) => "ECDSA secp256k1".into(),
        (EC, Some(curve)) => format!("ECDSA with the curve {curve}"),
        ("1.2.840.113549.1.1.1", _) => "RSA".into(),
        ("1.3.101.112", _) => "Ed25519".into(),
        (other, _) => other.to_owned(),
    };
    Err(KeyError::Kind(kind))
}
