//! Credentials: where they may be, in which order, and for whom.
//!
//! Nothing is read before a registry asks. What is secret is a type that cannot be printed from the moment that it is
//! decoded, and no error repeats what a file or a helper said in confidence.

mod file;
mod helper;

pub(super) use file::hidden;

use file::{AuthFile, Entry};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Docker Hub, as references name it.
pub(super) const DOCKER_HUB: &str = "docker.io";
/// Under this name Docker keeps the credentials for its hub.
const DOCKER_HUB_SERVER: &str = "https://index.docker.io/v1/";

/// Where credentials may be.
#[derive(Debug, Clone, Default)]
pub struct CredentialPlaces {
    /// Those of the environment. They come first, for their registry alone.
    pub given: Option<Given>,
    /// Files in the form of Docker's `config.json` or of containers' `auth.json`; the first that knows a registry counts.
    pub files: Vec<CredentialFile>,
    /// The folders where `docker-credential-NAME` may stand; relative ones are passed over.
    pub programs: Vec<PathBuf>,
}

/// A file with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is an error that there is none.
    pub required: bool,
}

/// Credentials for one registry that were given in so many words.
#[derive(Debug, Clone)]
pub struct Given {
    /// The registry: `host[:port]`.
    pub registry: String,
    /// What opens it.
    pub secret: Secret,
}

/// What opens a registry. Nothing of it can be printed.
#[derive(Debug, Clone)]
pub enum Secret {
    /// A user with a password.
    Password {
        /// The name.
        user: SecretString,
        /// The password.
        password: SecretString,
    },
    /// What a token server gives tokens for.
    Identity {
        /// The user's name, for token servers that know no other way than passwords.
        user: Option<SecretString>,
        /// The token.
        token: SecretString,
    },
    /// What is sent to the registry as it is.
    Registry(SecretString),
    /// Either of the two: a token server is asked first, and where it refuses it, it is sent as it is.
    Token(SecretString),
}

/// A secret and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub secret: Secret,
    pub place: Place,
}

/// A place of credentials, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Environment,
    File(PathBuf),
    Helper { program: String, file: PathBuf },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Environment => f.write_str("the environment (KILN_REGISTRY)"),
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Helper { program, file } => write!(f, "{program}, which {} names", file.display()),
        }
    }
}

/// Why credentials cannot be had although they are set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CredentialError {
    #[error("{} {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("{program}, which {} names, {reason}", file.display())]
    Helper { program: String, file: PathBuf, reason: String },
}

/// What a helper said for a server.
type Heard = Result<Option<Secret>, String>;

/// All credentials, found when they are needed.
pub(super) struct Keyring {
    places: CredentialPlaces,
    files: Vec<OnceLock<Result<AuthFile, CredentialError>>>,
    /// By program and server. Locked while a helper runs: two at once would ask a user twice.
    heard: tokio::sync::Mutex<BTreeMap<(String, String), Heard>>,
}

impl Keyring {
    pub fn new(places: CredentialPlaces) -> Arc<Self> {
        let files = places.files.iter().map(|_| OnceLock::new()).collect();
        Arc::new(Keyring { places, files, heard: tokio::sync::Mutex::default() })
    }

    /// The credentials for a repository of a registry (`host[:port]`); none where no place has any.
    pub async fn find(&self, registry: &str, repository: &str) -> Result<Option<Found>, CredentialError> {
        let registry = key(registry);
        if let Some(given) = self.places.given.as_ref().filter(|given| key(&given.registry) == registry) {
            return Ok(Some(Found { secret: given.secret.clone(), place: Place::Environment }));
        }
        for (place, read) in self.places.files.iter().zip(&self.files) {
            let file = read.get_or_init(|| AuthFile::read(place)).as_ref().map_err(Clone::clone)?;
            match file.entry(&registry, repository) {
                Some(Entry::Secret(secret)) => {
                    let place = Place::File(place.path.clone());
                    return Ok(Some(Found { secret: secret.clone(), place }));
                }
                Some(Entry::Malformed) => {
                    let reason = format!("has a malformed `auth` for {registry}");
                    return Err(CredentialError::File { path: place.path.clone(), reason });
                }
                Some(Entry::Helper { name, or_else }) => {
                    let program = format!("{}{name}", helper::PREFIX);
                    let heard = self.ask(name, &registry).await;
                    let heard = heard.map_err(|reason| CredentialError::Helper {
                        program: program.clone(),
                        file: place.path.clone(),
                        reason,
                    })?;
                    if let Some(secret) = heard {
                        return Ok(Some(Found { secret, place: Place::Helper { program, file: place.path.clone() } }));
                    }
                    if let Some(secret) = or_else {
                        let place = Place::File(place.path.clone());
                        return Ok(Some(Found { secret: secret.clone(), place }));
                    }
                }
                None => {}
            }
        }
        Ok(None)
    }

    async fn ask(&self, name: &str, registry: &str) -> Heard {
        let server = if registry == DOCKER_HUB { DOCKER_HUB_SERVER } else { registry };
        let mut heard = self.heard.lock().await;
        let known = (name.to_owned(), server.to_owned());
        if let Some(answer) = heard.get(&known) {
            return answer.clone();
        }
        let answer = helper::ask(&self.places.programs, name, server, helper::PATIENCE).await;
        heard.insert(known, answer.clone());
        answer
    }
}

/// A registry with the beginning of a repository's path, as files name it: without scheme, version and slash at the
/// end, and Docker Hub under one name.
fn key(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let text = text.trim_end_matches('/');
    let text = text.strip_suffix("/v1").or_else(|| text.strip_suffix("/v2")).unwrap_or(text);
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let host = match host.to_ascii_lowercase() {
        host if ["index.docker.io", "registry-1.docker.io"].contains(&host.as_str()) => DOCKER_HUB.to_owned(),
        host => host,
    };
    match path {
        Some(path) => format!("{host}/{path}"),
        None => host,
    }
}

#[cfg(test)]
mod tests;
