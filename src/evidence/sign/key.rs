//! Private keys from PEM files.

use super::encrypted;
use super::public_key::{PublicKey, check_kind};
use super::{KeyError, SignError, Signer};
use crate::oci::Digest;
use p256::SecretKey;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::der::pem;
use p256::pkcs8::{DecodePrivateKey as _, PrivateKeyInfo};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// A private key in this process's memory.
pub struct LocalKey {
    key: SigningKey,
    public: PublicKey,
}

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKey").field("public", &self.public.hint()).finish_non_exhaustive()
    }
}

/// Whether a PEM file is a private key that is encrypted.
pub fn needs_passphrase(text: &[u8]) -> bool {
    pem::decode_label(text).is_ok_and(encrypted::is_label)
}

impl LocalKey {
    /// Reads a PEM file: PKCS#8 (`PRIVATE KEY`), SEC1 (`EC PRIVATE KEY`) or cosign's encrypted form.
    ///
    /// The passphrase is used only where the file is encrypted; an empty one counts as one.
    pub fn from_pem(text: &[u8], passphrase: Option<&SecretString>) -> Result<Self, KeyError> {
        let (label, content) = pem::decode_vec(text).map_err(|_| KeyError::NotPem)?;
        let content = Zeroizing::new(content);
        match label {
            "PRIVATE KEY" => Self::from_pkcs8(&content),
            "EC PRIVATE KEY" => {
                let key = SecretKey::from_sec1_der(&content);
                key.map(Self::from).map_err(|_| KeyError::Malformed("not SEC1 of a key of P-256".into()))
            }
            label if encrypted::is_label(label) => {
                let passphrase = passphrase.ok_or(KeyError::NoPassphrase)?;
                Self::from_pkcs8(&encrypted::open(&content, passphrase)?)
            }
            other => Err(KeyError::Label {
                found: other.into(),
                wanted: "private key (`PRIVATE KEY`, `EC PRIVATE KEY` or `ENCRYPTED SIGSTORE PRIVATE KEY`)",
            }),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |error: p256::pkcs8::Error| KeyError::Malformed(error.to_string());
        let info = PrivateKeyInfo::try_from(der).map_err(malformed)?;
        check_kind(info.algorithm.oid, info.algorithm.parameters_oid().ok())?;
        SecretKey::from_pkcs8_der(der).map(Self::from).map_err(malformed)
    }
}

impl From<SecretKey> for LocalKey {
    fn from(key: SecretKey) -> Self {
        let key = SigningKey::from(key);
        let public = PublicKey::from(*key.verifying_key());
        LocalKey { key, public }
    }
}

impl Signer for LocalKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Deterministic (RFC 6979): the same statement gets the same signature.
    fn sign(&self, digest: &Digest) -> Result<Vec<u8>, SignError> {
        let signature: Signature =
            self.key.sign_prehash(digest.as_bytes()).map_err(|error| SignError::Signer(error.to_string()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}
