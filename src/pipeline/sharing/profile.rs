//! The file in which Amazon's tools keep access keys, one profile beside the other.

use super::super::error::Error;
use super::super::read_bounded;
use super::fields::usage;
use super::sigv4::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use std::io;
use std::path::Path;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The key of a profile; none where there is no file. Without a name it is the one called `default`, which may be missing.
///
/// # Errors
/// Where the file cannot be read, and where the profile that was named has no key: those that would have to be asked of a
/// program or of a service are not known here.
pub(super) fn read(file: Option<&Path>, name: &Option<String>) -> Result<Option<Credentials>, Error> {
    let Some(path) = file else { return Ok(None) };
    let bytes = match read_bounded(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && name.is_none() => return Ok(None),
        Err(source) => return Err(Error::Unreadable { what: "the access keys", path: path.to_owned(), source }),
    };
    let text = SecretString::from(String::from_utf8_lossy(&bytes).into_owned());
    let found = key_of(text.expose_secret(), name.as_deref().unwrap_or("default"));
    match (found, name) {
        (None, Some(name)) => Err(usage(format!(
            "the profile `{name}` in {} has no access key: AWS_PROFILE must name one with `aws_access_key_id` and \
             `aws_secret_access_key`",
            path.display()
        ))),
        (found, _) => Ok(found),
    }
}

fn key_of(text: &str, profile: &str) -> Option<Credentials> {
    let (mut inside, mut id, mut secret, mut session) = (false, None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside = name.0.trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| inside && !line.starts_with(['#', ';'])) else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "aws_access_key_id" => id = Some(value.to_owned()),
            "aws_secret_access_key" => secret = Some(SecretString::from(value)),
            "aws_session_token" => session = Some(SecretString::from(value)),
            _ => {}
        }
    }
    Some(Credentials { id: id?, secret: secret?, session })
}

#[cfg(test)]
mod tests;
