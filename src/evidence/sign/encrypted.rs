//! cosign's encrypted key file: scrypt, then NaCl's secretbox, in JSON, in PEM.

use super::KeyError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What is written.
pub(super) const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What old files say.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// The cost that cosign writes.
const N: u32 = 65536;
/// The costs that are read: others would let a file decide how much memory it takes to open it.
const READABLE_N: [u32; 3] = [32768, 65536, 131072];

pub(super) fn is_label(label: &str) -> bool {
    [LABEL, OLD_LABEL].contains(&label)
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
struct Params {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// What makes two files of one key and one passphrase different.
pub(super) struct Randomness {
    pub(super) salt: [u8; 32],
    pub(super) nonce: [u8; 24],
}

/// Encrypts a private key; gives the content of the PEM file.
pub(super) fn seal(plain: &[u8], passphrase: &SecretString, random: &Randomness) -> Vec<u8> {
    let params = Params { n: N, r: 8, p: 1 };
    let cipher = cipher(passphrase, &random.salt, params);
    let ciphertext = cipher
        .encrypt(Nonce::from_slice(&random.nonce), plain)
        .expect("a key is far shorter than what the cipher can take");
    let envelope = Envelope {
        kdf: Kdf { name: "scrypt".into(), params, salt: STANDARD.encode(random.salt) },
        cipher: Cipher { name: "nacl/secretbox".into(), nonce: STANDARD.encode(random.nonce) },
        ciphertext: STANDARD.encode(ciphertext),
    };
    serde_json::to_vec(&envelope).expect("strings and numbers have JSON")
}

/// Decrypts the content of a PEM file.
pub(super) fn open(content: &[u8], passphrase: &SecretString) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let malformed = |error: &dyn std::fmt::Display| KeyError::Malformed(error.to_string());
    let envelope: Envelope = serde_json::from_slice(content).map_err(|error| malformed(&error))?;
    let Params { n, r, p } = envelope.kdf.params;
    if envelope.kdf.name != "scrypt" || !READABLE_N.contains(&n) || r != 8 || p != 1 {
        let name: String = envelope.kdf.name.chars().take(40).collect();
        return Err(KeyError::Parameters(format!("{name} N={n} r={r} p={p}")));
    }
    if envelope.cipher.name != "nacl/secretbox" {
        return Err(KeyError::Parameters(envelope.cipher.name.chars().take(40).collect()));
    }
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| malformed(&error));
    let salt = decode(&envelope.kdf.salt)?;
    let nonce: [u8; 24] =
        decode(&envelope.cipher.nonce)?.try_into().map_err(|_| malformed(&"a nonce must have 24 bytes"))?;
    let cipher = cipher(passphrase, &salt, envelope.kdf.params);
    let plain = cipher.decrypt(Nonce::from_slice(&nonce), decode(&envelope.ciphertext)?.as_slice());
    plain.map(Zeroizing::new).map_err(|_| KeyError::Passphrase)
}

fn cipher(passphrase: &SecretString, salt: &[u8], params: Params) -> XSalsa20Poly1305 {
    let log_n = u8::try_from(params.n.ilog2()).expect("a logarithm of 32 bits fits into 8");
    let params = scrypt::Params::new(log_n, params.r, params.p, 32).expect("the parameters were checked");
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.expose_secret().as_bytes(), salt, &params, key.as_mut())
        .expect("32 bytes are an allowed length");
    XSalsa20Poly1305::new(Key::from_slice(key.as_ref()))
}
