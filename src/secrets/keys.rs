//! Keys of AWS and Azure, which have no mark at their beginning: what stands beside them tells.

use super::leak::{Hit, Source};
use super::plausible;
use super::set::Set;
use std::ops::Range;

/// What the secret key of AWS stands behind, as settings and variables write it.
pub(super) const AWS_NAMES: [&str; 2] = ["secret_access_key", "SECRET_ACCESS_KEY"];
/// What account keys of Azure stand behind: `AccountKey=`, `SharedAccessKey=`.
pub(super) const AZURE_KEY: &str = "Key=";
/// What stands in the middle of Azure's client secrets.
pub(super) const AZURE_SECRET: [&str; 2] = ["7Q~", "8Q~"];

/// The secret key of an access key id stands this near.
const NEAR: usize = 300;
/// The characters of AWS's secret keys.
const AWS_LENGTH: usize = 40;
/// Azure's emulator has one key, which everybody knows.
const EMULATOR: &[u8] = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6";

/// The secret key behind one of its names at `at`.
pub(super) fn aws_named(text: &[u8], at: usize) -> Option<Hit> {
    let behind = &text[at + AWS_NAMES[0].len()..];
    let gap = behind.iter().take(12).take_while(|b| b" \t\"'`:=>,\\".contains(b)).count();
    let start = at + AWS_NAMES[0].len() + gap;
    let is_key = gap > 0 && is_aws_secret(text, start);
    is_key.then(|| Hit::new(Source::Form, "aws-secret-key", start..start + AWS_LENGTH))?
}

/// The secret key that stands near the access key id at `id`.
pub(super) fn aws_near(text: &[u8], id: &Range<usize>) -> Option<Hit> {
    let last = (id.end + NEAR).min(text.len());
    let mut at = id.start.saturating_sub(NEAR);
    // Behind the id first: that is where it mostly stands.
    let behind = runs(text, id.end, last).find(|start| is_aws_secret(text, *start));
    let start = behind.or_else(|| {
        at += usize::from(at > 0);
        runs(text, at, id.start).find(|start| is_aws_secret(text, *start))
    })?;
    Hit::new(Source::Form, "aws-secret-key", start..start + AWS_LENGTH)
}

/// Where stretches of base64 begin.
fn runs(text: &[u8], from: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
    let belongs = |at: usize| text.get(at).is_some_and(|b| is_aws(*b));
    (from..to).filter(move |at| belongs(*at) && (*at == 0 || !belongs(*at - 1)))
}

fn is_aws(byte: u8) -> bool {
    Set::BASE64.has(byte) && byte != b'='
}

/// Whether a secret key stands at `start`: 40 characters of base64, of all kinds, and neither a path nor a digest.
fn is_aws_secret(text: &[u8], start: usize) -> bool {
    let length = text[start..].iter().take(AWS_LENGTH + 1).take_while(|b| is_aws(**b)).count();
    let value = &text[start..start + length];
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    length == AWS_LENGTH
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && value.iter().filter(|b| **b == b'/').count() <= 5
        && plausible::random(value)
}

/// The account key behind the [`AZURE_KEY`] at `at`.
pub(super) fn azure_account(text: &[u8], at: usize) -> Option<Hit> {
    let before = &text[..at];
    if !before.ends_with(b"Account") && !before.ends_with(b"SharedAccess") {
        return None;
    }
    let start = at + AZURE_KEY.len();
    let length = Set::BASE64.leading(&text[start..], 90);
    let value = &text[start..start + length];
    // 64 bytes for storage and Cosmos DB, 32 for Service Bus, Event Hubs and IoT Hub.
    let padded = (length == 88 && value.ends_with(b"==")) || (length == 44 && value.ends_with(b"="));
    let sound = padded && !value.starts_with(EMULATOR) && plausible::random(value);
    sound.then(|| Hit::new(Source::Form, "azure-storage-key", start..start + length))?
}

/// The client secret in which one of [`AZURE_SECRET`] stands at `at`: three characters before it, 31 to 34 behind.
pub(super) fn azure_client(text: &[u8], at: usize) -> Option<Hit> {
    let start = at.checked_sub(3)?;
    let free = start == 0 || !Set::UNRESERVED.has(text[start - 1]) || super::tokens::ends_with_escape(&text[..start]);
    let behind = Set::UNRESERVED.leading(&text[at + 3..], 35);
    let range = start..at + 3 + behind;
    let sound = free
        && Set::UNRESERVED.has_all(&text[start..at])
        && (31..=34).contains(&behind)
        // Names of settings have letters alone; of a thousand secrets one has.
        && text[at + 3..range.end].iter().any(|b| !b.is_ascii_alphabetic() && *b != b'_')
        && plausible::random(&text[range.clone()]);
    sound.then(|| Hit::new(Source::Form, "azure-client-secret", range))?
}
