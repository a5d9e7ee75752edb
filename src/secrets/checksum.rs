//! Checksums and structures that tokens carry, so that no text has their form by accident.

use super::set::Set;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Crc;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Tokens of GitHub and npm: four characters, some random ones, and the CRC-32 of these in six digits of base 62.
pub(super) fn crc_base62(token: &[u8]) -> bool {
    let Some((body, sum)) = token.get(4..).and_then(|rest| rest.split_last_chunk::<6>()) else { return false };
    *sum == digits::<6>(crc32(body), BASE62)
}

/// GitLab's routable tokens: the CRC-32 of all that stands before in seven digits of base 36, and before these the length of
/// the payload in two.
pub(super) fn crc_base36(token: &[u8]) -> bool {
    let Some((body, sum)) = token.split_last_chunk::<7>() else { return false };
    *sum == digits::<7>(crc32(body), BASE36)
}

/// PyPI's tokens: a macaroon of version 2, whose first field is the place that it is for.
pub(super) fn macaroon(token: &[u8]) -> bool {
    let Some(encoded) = token.strip_prefix(b"pypi-") else { return false };
    // The version, the kind of the field and its length: then the name of a host.
    let start = encoded.get(..24).and_then(|start| URL_SAFE_NO_PAD.decode(start).ok());
    start.is_some_and(|start| {
        start.get(3..).is_some_and(|host| host.starts_with(b"pypi.org") || host.starts_with(b"test.pypi.org"))
    })
}

/// Access key ids of AWS: those of old begin with `I` or `J`; others carry the number of the account, which has 12 digits.
pub(super) fn aws_key_id(id: &[u8]) -> bool {
    let Some(body) = id.get(4..) else { return false };
    let account = base32_prefix(body).map(|bits| (bits & 0x7fff_ffff_ff80) >> 7);
    matches!(body.first(), Some(b'I' | b'J')) || account.is_some_and(|account| account <= 999_999_999_999)
}

/// The first 48 bits of ten digits of base 32.
fn base32_prefix(text: &[u8]) -> Option<u64> {
    let value = text.get(..10)?.iter().try_fold(0u64, |bits, b| {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        Some(bits << 5 | u64::from(digit))
    })?;
    Some(value >> 2)
}

/// Secret keys of age: bech32 (BIP 173) in upper case.
pub(super) fn bech32(token: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let token = token.to_ascii_lowercase();
    let Some(split) = token.iter().rposition(|b| *b == b'1') else { return false };
    let (name, data) = (&token[..split], &token[split + 1..]);
    let value = |b: &u8| ALPHABET.iter().position(|a| a == b).and_then(|v| u8::try_from(v).ok());
    let Some(data) = data.iter().map(value).collect::<Option<Vec<u8>>>() else { return false };
    let high = name.iter().map(|b| b >> 5);
    let low = name.iter().map(|b| b & 31);
    bech32_polymod(high.chain([0]).chain(low).chain(data)) == 1
}

/// The remainder that the specification of bech32 calls polymod.
pub(super) fn bech32_polymod(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1u32, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATOR.iter().enumerate().filter(|(i, _)| top >> i & 1 == 1).fold(next, |sum, (_, g)| sum ^ g)
    })
}

/// The first part of Discord's tokens: the number of a user in base64.
pub(super) fn discord(token: &[u8]) -> bool {
    let first = token.split(|b| *b == b'.').next().unwrap_or_default();
    URL_SAFE_NO_PAD.decode(first).is_ok_and(|id| (17..=20).contains(&id.len()) && Set::DIGITS.has_all(&id))
}

/// Tokens of Grafana and Sentry: base64 of a JSON object behind a prefix that ends with `_`.
pub(super) fn json_payload(token: &[u8]) -> bool {
    let Some(at) = token.iter().position(|b| *b == b'_') else { return false };
    let body = &token[at + 1..];
    body.get(..16).and_then(|start| STANDARD.decode(start).ok()).is_some_and(|json| json.starts_with(b"{\""))
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

fn digits<const N: usize>(mut number: u32, alphabet: &[u8]) -> [u8; N] {
    let mut text = [alphabet[0]; N];
    let base = alphabet.len() as u32;
    for digit in text.iter_mut().rev() {
        *digit = alphabet[(number % base) as usize];
        number /= base;
    }
    text
}

#[cfg(test)]
pub(super) fn crc_digits(of: &[u8], base: usize) -> String {
    let (six, seven) = (digits::<6>(crc32(of), BASE62), digits::<7>(crc32(of), BASE36));
    String::from_utf8(if base == 62 { six.to_vec() } else { seven.to_vec() }).unwrap()
}
