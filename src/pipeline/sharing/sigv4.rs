//! Signature version 4, with which Amazon's services know who sends a request.

use crate::oci::{Digest, hex};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All that stands in a path or a query as it is: letters, digits and these.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same in a path, whose parts stay apart.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Who sends requests.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub id: String,
    pub secret: SecretString,
    /// For those that end after a while.
    pub session: Option<SecretString>,
}

/// A request, as far as it is signed.
pub(super) struct Signable<'a> {
    pub method: &'a str,
    /// Encoded, as it is sent.
    pub path: &'a str,
    /// Names and values, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// By names in lower case.
    pub headers: BTreeMap<&'a str, &'a str>,
    /// The digest of the body in hexadecimal.
    pub payload: &'a str,
}

/// For which service and when a signature holds.
pub(super) struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
    pub at: Timestamp,
}

/// A path as both sides write it.
pub(super) fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, RESERVED_IN_PATH).to_string()
}

/// A time as the header `x-amz-date` has it.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The value of the header `Authorization`.
pub(super) fn authorization(request: &Signable<'_>, scope: &Scope<'_>, credentials: &Credentials) -> String {
    let (stamp, names) = (stamp(scope.at), names(request));
    let where_and_when = format!("{}/{}/{}/aws4_request", &stamp[..8], scope.region, scope.service);
    let said = format!("AWS4-HMAC-SHA256\n{stamp}\n{where_and_when}\n{}", Digest::of(canonical(request)).hex());
    let key = [&stamp[..8], scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{}", credentials.secret.expose_secret()).into_bytes(), |key, word| hmac(&key, word));
    let signature = hex(&hmac(&key, &said));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{where_and_when},SignedHeaders={names},Signature={signature}",
        credentials.id
    )
}

/// The request as a text that does not depend on how it travels.
fn canonical(request: &Signable<'_>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    query.sort();
    let mut text = format!("{}\n{}\n{}\n", request.method, request.path, query.join("&"));
    for (name, value) in &request.headers {
        // Writing to a string never fails.
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let _ = write!(text, "\n{}\n{}", names(request), request.payload);
    text
}

fn names(request: &Signable<'_>) -> String {
    request.headers.keys().copied().collect::<Vec<_>>().join(";")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests;
