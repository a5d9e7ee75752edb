//! JSON Web Tokens (RFC 7519), signed ones (RFC 7515).

use super::leak::{Hit, Source};
use super::plausible;
use super::set::Set;
use super::tokens::ends_with_escape;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// What their headers, JSON objects in base64, begin with.
pub(super) const BEGIN: &str = "eyJ";

/// The most characters of header and payload: what is longer is kept elsewhere than in a header of HTTP.
const MAX_PART: usize = 6 << 10;
/// HMAC with SHA-256 has the shortest signatures, of 43 characters.
const MIN_SIGNATURE: usize = 43;
/// RSA with 8192 bits has the longest.
const MAX_SIGNATURE: usize = 1400;

/// The token that begins at `at`, where [`BEGIN`] stands.
pub(super) fn at(text: &[u8], at: usize) -> Option<Hit> {
    let before = &text[..at];
    let free = before.last().is_none_or(|b| !Set::NAME.has(*b) && *b != b'.') || ends_with_escape(before);
    if !free {
        return None;
    }
    let (header, rest) = part(&text[at..])?;
    let (payload, rest) = part(rest)?;
    let signature = &rest[..Set::NAME.leading(rest, MAX_SIGNATURE + 1)];
    if !(MIN_SIGNATURE..=MAX_SIGNATURE).contains(&signature.len()) || !plausible::random(signature) {
        return None;
    }
    if !is_signed(&json(header)?) || is_an_example(&json(payload)?) {
        return None;
    }
    let end = at + header.len() + payload.len() + signature.len() + 2;
    let hit = Hit::new(Source::Form, "json-web-token", at..end)?;
    Some(Hit { known: BEGIN.len(), ..hit })
}

/// What stands before the next dot, and what behind it.
fn part(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = Set::NAME.leading(text, MAX_PART);
    let (part, rest) = text.split_at(length);
    Some((part, rest.strip_prefix(b".")?)).filter(|(part, _)| !part.is_empty())
}

fn json(part: &[u8]) -> Option<Value> {
    let text = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(part).ok()?);
    serde_json::from_slice(&text).ok().filter(Value::is_object)
}

fn is_signed(header: &Value) -> bool {
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    ["HS", "RS", "ES", "PS", "Ed"].iter().any(|family| algorithm.starts_with(family))
}

/// Whether it is for nobody: none of the claims that a server would judge by (section 4.1), the subject of every
/// introduction, or a host that RFC 2606 keeps for examples.
fn is_an_example(payload: &Value) -> bool {
    const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let is = |claim: &str, words: &[&str]| {
        payload.get(claim).and_then(Value::as_str).is_some_and(|said| words.iter().any(|word| said.contains(word)))
    };
    REGISTERED.iter().all(|claim| payload.get(claim).is_none())
        || is("sub", &["1234567890", "example"])
        || is("name", &["John Doe", "Jane Doe"])
        || is("iss", &["example.com", "example.org", "example.net"])
}
