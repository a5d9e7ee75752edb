//! Files of credentials: Docker's `config.json` and containers' `auth.json`.

use super::{CredentialError, CredentialFile, Secret, key};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Base64 as it is written by hand: with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a file says, with the keys of [`key`].
#[derive(Default)]
pub(super) struct AuthFile {
    auths: BTreeMap<String, Auth>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

enum Auth {
    Secret(Secret),
    Malformed,
}

/// What a file has for a repository.
pub(super) enum Entry<'a> {
    /// Credentials.
    Secret(&'a Secret),
    /// Something that cannot be read.
    Malformed,
    /// A program knows them; if it does not, these are they.
    Helper { name: &'a str, or_else: Option<&'a Secret> },
}

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "null_as_default")]
    auths: BTreeMap<String, Option<Written>>,
    #[serde(default, rename = "credHelpers", deserialize_with = "null_as_default")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "hidden")]
    auth: Option<SecretString>,
    #[serde(default, deserialize_with = "hidden")]
    username: Option<SecretString>,
    #[serde(default, deserialize_with = "hidden")]
    password: Option<SecretString>,
    #[serde(default, rename = "identitytoken", deserialize_with = "hidden")]
    identity: Option<SecretString>,
    #[serde(default, rename = "registrytoken", deserialize_with = "hidden")]
    registry: Option<SecretString>,
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A text that is secret; an empty one counts as none.
pub(in crate::registry) fn hidden<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// Where JSON is wrong, without what stands there.
pub(super) fn fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "something unexpected",
        _ => "no JSON",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

impl AuthFile {
    /// Reads a file; one that is not there is empty unless it is required.
    pub fn read(place: &CredentialFile) -> Result<Self, CredentialError> {
        let failed = |reason: String| CredentialError::File { path: place.path.clone(), reason };
        match crate::registry::local::read(&place.path) {
            Ok(content) => Self::parse(&content).map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !place.required => Ok(Self::default()),
            Err(error) => Err(failed(format!("cannot be read: {error}"))),
        }
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(content).map_err(|e| format!("has {}", fault(&e)))?;
        let mut auths = BTreeMap::new();
        for (name, written) in document.auths {
            if let Some(auth) = written.and_then(Written::auth) {
                // Where a registry has two names in a file, the first in the order of the alphabet counts.
                auths.entry(key(&name)).or_insert(auth);
            }
        }
        let helpers = document.helpers.into_iter().map(|(name, helper)| (key(&name), helper)).collect();
        Ok(AuthFile { auths, helpers, store: document.store.filter(|name| !name.is_empty()) })
    }

    /// What this file has for a repository: the longest name that fits counts.
    pub fn entry(&self, registry: &str, repository: &str) -> Option<Entry<'_>> {
        let whole = format!("{registry}/{repository}");
        let ends = whole.match_indices('/').map(|(at, _)| at).chain([whole.len()]);
        let mut names: Vec<&str> = ends.map(|end| &whole[..end]).collect();
        names.reverse();
        let auth = names.iter().find_map(|name| self.auths.get(*name));
        let helper = self.helpers.get(registry).filter(|name| !name.is_empty()).or(self.store.as_ref());
        match (helper, auth) {
            (Some(name), Some(Auth::Secret(secret))) => Some(Entry::Helper { name, or_else: Some(secret) }),
            (Some(name), _) => Some(Entry::Helper { name, or_else: None }),
            (None, Some(Auth::Secret(secret))) => Some(Entry::Secret(secret)),
            (None, Some(Auth::Malformed)) => Some(Entry::Malformed),
            (None, None) => None,
        }
    }
}

impl Written {
    fn auth(self) -> Option<Auth> {
        let pair = match &self.auth {
            Some(auth) => match decode(auth) {
                Some(pair) => Some(pair),
                None => return Some(Auth::Malformed),
            },
            None => self.username.zip(self.password),
        };
        let secret = match (self.registry, self.identity, pair) {
            (Some(token), _, _) => Secret::Registry(token),
            (None, Some(token), pair) => Secret::Identity { user: pair.map(|(user, _)| user), token },
            (None, None, Some((user, password))) => Secret::Password { user, password },
            (None, None, None) => return None,
        };
        Some(Auth::Secret(secret))
    }
}

/// User and password of an `auth`: `user:password` in base64.
fn decode(auth: &SecretString) -> Option<(SecretString, SecretString)> {
    let decoded = Zeroizing::new(BASE64.decode(auth.expose_secret().trim()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    // Docker's own writers have left zeros behind.
    Some((user.into(), password.trim_end_matches('\0').into()))
}
