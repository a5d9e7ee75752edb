//! Whom kiln trusts and who it says to be, beside what the system says.

use super::HttpError;
use super::client::causes;
use secrecy::{ExposeSecret as _, SecretSlice};
use std::fmt;
use zeroize::Zeroizing;

/// A certificate of kiln's own with its key. It cannot be printed.
#[derive(Clone)]
pub struct Identity(std::sync::Arc<SecretSlice<u8>>);

impl Identity {
    /// A certificate, with those that lead to its authority behind it, and its key without passphrase; both in PEM.
    ///
    /// # Errors
    /// Where one of them is missing or malformed. Whether they fit together is seen when a client is made.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, HttpError> {
        let mut both = Zeroizing::new(Vec::with_capacity(certificates.len() + key.len() + 1));
        both.extend_from_slice(certificates);
        both.push(b'\n');
        both.extend_from_slice(key);
        let identity = Identity(std::sync::Arc::new(SecretSlice::from(both.to_vec())));
        identity.for_wire()?;
        Ok(identity)
    }

    pub(super) fn for_wire(&self) -> Result<reqwest::Identity, HttpError> {
        // What the parser says is not repeated: it has seen the key.
        reqwest::Identity::from_pem(self.0.expose_secret()).map_err(|_| {
            HttpError::Setup("a client certificate needs a certificate and a key without passphrase, in PEM".into())
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(***)")
    }
}

/// The certificates of a bundle.
pub(super) fn roots(bundle: &[u8]) -> Result<Vec<reqwest::Certificate>, HttpError> {
    let malformed = |e: reqwest::Error| HttpError::Setup(format!("malformed certificates: {}", causes(&e)));
    let found = reqwest::Certificate::from_pem_bundle(bundle).map_err(malformed)?;
    match found.is_empty() {
        true => Err(HttpError::Setup("there is no certificate in PEM".into())),
        false => Ok(found),
    }
}

/// Looks whether a bundle can be one of [`Settings::roots`](super::Settings::roots).
pub fn check_roots(bundle: &[u8]) -> Result<(), HttpError> {
    // A certificate is read when a client is made: here one that trusts nobody else.
    let client = reqwest::Client::builder().tls_certs_only(roots(bundle)?).no_proxy().build();
    client.map(drop).map_err(|e| HttpError::Setup(format!("malformed certificates: {}", causes(&e))))
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
