//! Who signs: a key that was configured, or the one that kiln keeps for this machine's user.

use super::error::Error;
use super::project::Project;
use crate::evidence::sign::{self, KeyError, LocalKey, PublicKey, Signer};
use crate::oci::Digest;
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// The largest file that can be a key.
const MAX_KEY: u64 = 64 << 10;

/// How signing is set up outside of the spec; filled by the command line.
pub struct KeySettings<'a> {
    /// A private key that takes the place of the spec's.
    pub key: Option<PathBuf>,
    /// The folder of the user's own keys.
    pub keys: PathBuf,
    /// The continuous integration service that runs this build, if one does: no key is made there.
    pub ci: Option<String>,
    /// Asks for the passphrase of a key file.
    pub passphrase: &'a dyn Fn(&Path) -> Result<Option<SecretString>, String>,
}

/// A private key that was found and is not opened before something must be signed.
pub(super) struct Identity<'a> {
    /// The private key's file.
    pub path: PathBuf,
    /// The public key's file, where it lies beside the private one.
    pub public_path: Option<PathBuf>,
    /// Whether it is the key that kiln keeps for the user.
    pub local: bool,
    /// Whether it was made just now.
    pub created: bool,
    content: Vec<u8>,
    settings: &'a KeySettings<'a>,
}

impl<'a> Identity<'a> {
    /// The key of `--key`, else the spec's, else the user's own, which is made if it is missing.
    ///
    /// # Errors
    /// Where a configured key cannot be read, and where nothing is configured in continuous integration.
    pub(super) fn find(project: &Project, settings: &'a KeySettings<'a>) -> Result<Self, Error> {
        let of_spec = project.spec.sign.as_ref().map(|sign| project.folder.join(&sign.key.value));
        Self::configured_or_own(settings.key.clone().or(of_spec), settings)
    }

    /// The same where there is no spec.
    pub(super) fn without_spec(settings: &'a KeySettings<'a>) -> Result<Self, Error> {
        Self::configured_or_own(settings.key.clone(), settings)
    }

    fn configured_or_own(configured: Option<PathBuf>, settings: &'a KeySettings<'a>) -> Result<Self, Error> {
        if let Some(path) = configured {
            return Self::read(path, false, false, settings);
        }
        if let Some(service) = &settings.ci {
            return Err(Error::NoKeyInCi { service: service.clone() });
        }
        let path = settings.keys.join("local.key");
        let created = match sign::generate_local(&path, &settings.keys.join("local.pub")) {
            Ok(()) => true,
            Err(KeyError::Exists(_)) => false,
            Err(error) => return Err(Error::Key { path, error }),
        };
        Self::read(path, true, created, settings)
    }

    fn read(path: PathBuf, local: bool, created: bool, settings: &'a KeySettings<'a>) -> Result<Self, Error> {
        let content = super::read_bounded(&path, MAX_KEY).map_err(|source| Error::Unreadable {
            what: "the signing key",
            path: path.clone(),
            source,
        })?;
        let public = path.with_extension("pub");
        Ok(Identity { public_path: public.exists().then_some(public), path, local, created, content, settings })
    }

    /// Tells keys apart without opening them: the digest of the file.
    pub(super) fn fingerprint(&self) -> Digest {
        Digest::of(&self.content)
    }

    /// The key that others verify with; where it does not lie beside the private one, that one is opened for it.
    pub(super) fn public_key(&self) -> Result<PublicKey, Error> {
        match &self.public_path {
            Some(path) => super::verifying::public_key(path),
            None => Ok(self.open()?.public_key().clone()),
        }
    }

    /// Opens the key.
    pub(super) fn open(&self) -> Result<Box<dyn Signer>, Error> {
        let wrong = |error| Error::Key { path: self.path.clone(), error };
        let passphrase = match sign::needs_passphrase(&self.content) {
            true => (self.settings.passphrase)(&self.path)
                .map_err(|reason| Error::Passphrase { path: self.path.clone(), reason })?,
            false => None,
        };
        Ok(Box::new(LocalKey::from_pem(&self.content, passphrase.as_ref()).map_err(wrong)?))
    }
}

/// Makes a key pair in cosign's encrypted form at `output`, with the endings `.key` and `.pub`.
pub fn generate_key(output: &Path, passphrase: &SecretString) -> Result<(PathBuf, PathBuf), Error> {
    let with = |ending: &str| {
        let mut name = output.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (private, public) = (with(".key"), with(".pub"));
    let pair = sign::generate(passphrase);
    sign::write_key_pair(&pair, &private, &public).map_err(|error| Error::Key { path: private.clone(), error })?;
    Ok((private, public))
}
