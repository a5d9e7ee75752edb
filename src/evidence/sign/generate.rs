//! New key pairs, and files for them.

use super::encrypted::{self, Randomness};
use super::{KeyError, LocalKey, Signer as _};
use p256::SecretKey;
use p256::elliptic_curve::rand_core::{OsRng, RngCore as _};
use p256::pkcs8::der::pem;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use secrecy::SecretString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A new key pair as the contents of two files.
pub struct KeyPair {
    /// The private key in cosign's encrypted form.
    pub private_pem: Zeroizing<String>,
    /// The public key.
    pub public_pem: String,
}

/// Makes a key pair from the system's randomness; an empty passphrase protects nothing but is allowed, as in cosign.
pub fn generate(passphrase: &SecretString) -> KeyPair {
    let key = SecretKey::random(&mut OsRng);
    let mut random = Randomness { salt: [0; 32], nonce: [0; 24] };
    OsRng.fill_bytes(&mut random.salt);
    OsRng.fill_bytes(&mut random.nonce);
    encode(key, passphrase, &random)
}

/// Makes the key that kiln keeps for a machine's user, as PKCS#8 without encryption: like a key of ssh it is protected
/// by its file's mode (0600) alone, so that builds run unattended.
///
/// # Errors
/// [`KeyError::Exists`] where there is one already, which stays.
pub fn generate_local(private: &Path, public: &Path) -> Result<(), KeyError> {
    if private.exists() {
        return Err(KeyError::Exists(private.into()));
    }
    let key = SecretKey::random(&mut OsRng);
    let private_pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key of P-256 has an encoding");
    let public_pem = LocalKey::from(key).public_key().to_pem();
    write_key_pair(&KeyPair { private_pem, public_pem }, private, public)
}

fn encode(key: SecretKey, passphrase: &SecretString, random: &Randomness) -> KeyPair {
    let plain = key.to_pkcs8_der().expect("a key of P-256 has an encoding");
    let sealed = encrypted::seal(plain.as_bytes(), passphrase, random);
    let private_pem = pem::encode_string(encrypted::LABEL, LineEnding::LF, &sealed).expect("the label is a legal one");
    let public_pem = LocalKey::from(key).public_key().to_pem();
    KeyPair { private_pem: Zeroizing::new(private_pem), public_pem }
}

/// Writes a key pair: the private file for the owner's eyes only (mode 0600), neither over an existing one.
///
/// Missing folders are made (mode 0700). Each file appears whole or not at all.
pub fn write_key_pair(pair: &KeyPair, private: &Path, public: &Path) -> Result<(), KeyError> {
    write_new(private, pair.private_pem.as_bytes(), 0o600)?;
    write_new(public, pair.public_pem.as_bytes(), 0o644).inspect_err(|_| {
        // A private key without its public one would look like a finished pair. Should this fail
        // too, then the error that is reported names the folder in which it lies.
        let _ = fs::remove_file(private);
    })
}

/// Writes beside the final place, then links there, which fails where something is already.
fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.into()),
        _ => KeyError::Write { path: path.into(), error },
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let beside = Beside::new(folder, mode).map_err(failed)?;
    beside.fill(content).and_then(|()| fs::hard_link(&beside.path, path)).map_err(failed)?;
    drop(beside);
    // The entry itself must survive a crash; not every file system can promise it.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file that is gone when this is dropped.
struct Beside {
    file: fs::File,
    path: PathBuf,
}

impl Beside {
    fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        let path = folder.join(format!(".kiln-key-{:016x}", OsRng.next_u64()));
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        Ok(Beside { file, path })
    }

    fn fill(&self, content: &[u8]) -> io::Result<()> {
        (&self.file).write_all(content)?;
        self.file.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
