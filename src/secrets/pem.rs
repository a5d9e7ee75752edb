//! Private keys in text: PEM (RFC 7468), OpenSSH, PGP (RFC 9580, section 6), PuTTY; also where JSON, programs and settings
//! write them with `\n`, quotes or in base64.

use super::leak::{Hit, Source};
use super::plausible;
use super::set::Set;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

/// What keys begin with.
pub(super) const BEGIN: &str = "-----BEGIN ";
/// The same in base64, whose last characters depend on what follows.
pub(super) const BEGIN_BASE64: &str = "LS0tLS1CRUdJTi";
/// What PuTTY's keys begin with.
pub(super) const PUTTY: &str = "PuTTY-User-Key-File-";

const DASHES: &[u8] = b"-----";
/// No label is longer: `SSH2 ENCRYPTED PRIVATE KEY`.
const MAX_LABEL: usize = 40;
/// The smallest key, of Ed25519 in PKCS #8, has 64 characters of base64.
const MIN_BODY: usize = 60;
/// So much of a key tells what it is.
const MAX_BODY: usize = 1 << 10;
/// What stands before the number of lines that PuTTY's private key has.
const PUTTY_PRIVATE: &[u8] = b"Private-Lines: ";
/// The shortest of these lines, of Ed25519, has 48 characters of base64.
const MIN_PUTTY_LINE: usize = 48;
/// PuTTY's headers and its public key stand before the private one.
const MAX_PUTTY: usize = 8 << 10;

/// The key that begins at `at`, where [`BEGIN`] stands.
pub(super) fn at(text: &[u8], at: usize) -> Option<Hit> {
    let label_at = at + BEGIN.len();
    let label_length = memmem::find(text.get(label_at..)?.get(..MAX_LABEL + DASHES.len())?, DASHES)?;
    let label = &text[label_at..label_at + label_length];
    memmem::find(label, b"PRIVATE KEY")?;
    let body_at = label_at + label_length + DASHES.len();
    let rest = &text[body_at..];
    let closed = memmem::find(rest, DASHES);
    let body_length = closed.unwrap_or(rest.len());
    let body = Body::read(&rest[..body_length]);
    let end = match rest[body_length..].starts_with(b"-----END ") {
        true => body_at + body_length + b"-----END ".len() + label_length + DASHES.len(),
        false => body_at + body_length,
    };
    let rule = match body.judged(label, closed)? {
        Kind::Encrypted => "private-key-encrypted",
        Kind::Pgp => "pgp-private-key",
        Kind::Plain if is_in_service_account(&text[..at]) => "google-service-account-key",
        Kind::Plain => "private-key",
    };
    Hit::new(Source::Form, rule, at..end.min(text.len()))
}

/// The key whose base64 begins at `at`, where [`BEGIN_BASE64`] stands.
pub(super) fn in_base64(text: &[u8], at: usize) -> Option<Hit> {
    let encoded = &text[at..];
    let encoded = &encoded[..Set::BASE64.leading(encoded, encoded.len())];
    let whole = encoded.len().min(4 * MAX_BODY) / 4 * 4;
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(&encoded[..whole]).ok()?);
    let hit = self::at(&decoded, 0)?;
    Hit::new(Source::Form, hit.rule.id, at..at + encoded.len())
}

/// PuTTY's key that begins at `at`, where [`PUTTY`] stands.
pub(super) fn putty(text: &[u8], at: usize) -> Option<Hit> {
    let key = &text[at..];
    let key = &key[..key.len().min(MAX_PUTTY)];
    // A program that reads such files has the words, but no number and no line behind them.
    let (version, header) = key.get(PUTTY.len()..)?.split_first_chunk::<2>()?;
    (version[0].is_ascii_digit() && version[1] == b':').then_some(())?;
    let private = memmem::find(header, PUTTY_PRIVATE)?;
    is_putty_body(&header[private + PUTTY_PRIVATE.len()..]).then_some(())?;
    let end = memmem::find(&header[private..], b"Private-MAC").map_or(private, |mac| private + mac);
    let encrypted = memmem::find(&header[..private], b"Encryption: none").is_none();
    let rule = if encrypted { "private-key-encrypted" } else { "putty-private-key" };
    Hit::new(Source::Form, rule, at..at + PUTTY.len() + 2 + end)
}

/// Whether a number of lines stands here, and behind it the first of them. Programs that write such files have the words
/// alone.
fn is_putty_body(text: &[u8]) -> bool {
    let (count, length) = line(text);
    let body = line(text.get(length..).unwrap_or_default().trim_ascii_start()).0;
    !count.is_empty() && Set::DIGITS.has_all(count) && body.len() >= MIN_PUTTY_LINE && Set::BASE64.has_all(body)
}

enum Kind {
    Plain,
    Encrypted,
    Pgp,
}

/// What stands between the two lines of dashes.
#[derive(Default)]
struct Body {
    /// The first characters of the base64.
    base64: zeroize::Zeroizing<Vec<u8>>,
    /// Whether a header says that it is encrypted (RFC 1421, section 4.6.1.1).
    encrypted: bool,
}

impl Body {
    fn read(text: &[u8]) -> Body {
        let mut body = Body::default();
        let mut at = 0;
        while at < text.len() && body.base64.len() < MAX_BODY {
            let (line, length) = line(&text[at..]);
            at += length;
            if line.contains(&b':') {
                body.encrypted |= memmem::find(line, b"ENCRYPTED").is_some();
                continue;
            }
            let start = line.iter().position(|b| !b" \t\"'`#*>|,\0".contains(b)).unwrap_or(line.len());
            let line = &line[start..];
            let length = Set::BASE64.leading(line, line.len());
            // The checksum of PGP's armour stands on a line of its own.
            if line[length..].iter().any(u8::is_ascii_alphanumeric) || line.starts_with(b"=") && length < 6 {
                break;
            }
            body.base64.extend_from_slice(&line[..length]);
        }
        body
    }

    /// What kind of key it is; none where it is only the picture of one. `room` is the length of its text, where that
    /// has an end.
    fn judged(&self, label: &[u8], room: Option<usize>) -> Option<Kind> {
        let base64 = &self.base64[..self.base64.len().min(MAX_BODY)];
        if base64.len() < MIN_BODY || plausible::entropy(base64) < 4.0 {
            return None;
        }
        if self.encrypted {
            return Some(Kind::Encrypted);
        }
        let start = zeroize::Zeroizing::new(STANDARD.decode(base64.get(..MIN_BODY)?).ok()?);
        if label.starts_with(b"PGP") {
            return is_pgp_secret_key(&start).then_some(Kind::Pgp);
        }
        if let Some(openssh) = start.strip_prefix(b"openssh-key-v1\0") {
            return Some(if openssh.starts_with(b"\0\0\0\x04none") { Kind::Plain } else { Kind::Encrypted });
        }
        let inner = der_sequence(&start)?;
        // A key of which introductions show the first line.
        let size = der_size(&start)?;
        if room.is_some_and(|room| room < size) {
            return None;
        }
        match label.starts_with(b"ENCRYPTED") {
            true => Some(Kind::Encrypted),
            // The version comes first: 0 in PKCS #1 and #8, 1 in SEC 1 and in PKCS #8 with a public key.
            false => matches!(inner, [2, 1, 0 | 1, ..]).then_some(Kind::Plain),
        }
    }
}

/// The first line, and how many bytes it takes with its end: a line feed, or what programs and JSON write for it.
fn line(text: &[u8]) -> (&[u8], usize) {
    let end = text.iter().position(|b| matches!(b, b'\n' | b'\r' | b'\\')).unwrap_or(text.len());
    let escape = usize::from(text.get(end) == Some(&b'\\') && text.get(end + 1).is_some_and(|b| b"nrt".contains(b)));
    (&text[..end], end + 1 + escape)
}

/// Whether a packet (RFC 9580, section 4.2) is a secret key.
pub(super) fn is_pgp_secret_key(packet: &[u8]) -> bool {
    match packet {
        [first, ..] if first & 0xc0 == 0x80 => first >> 2 & 15 == 5,
        [first, ..] => *first == 0xc5,
        [] => false,
    }
}

/// How many bytes a DER sequence has, with its header.
pub(super) fn der_size(der: &[u8]) -> Option<usize> {
    let inner = der_sequence(der)?;
    let header = der.len() - inner.len();
    let length = match header {
        2 => usize::from(der[1]),
        _ => der[2..header].iter().fold(0, |length, b| length << 8 | usize::from(*b)),
    };
    Some(header + length)
}

/// What is in a DER sequence of which only the beginning may be there.
pub(super) fn der_sequence(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x30, short, inner @ ..] if *short < 0x80 => Some(inner),
        [0x30, 0x81, _, inner @ ..] | [0x30, 0x82, _, _, inner @ ..] | [0x30, 0x83, _, _, _, inner @ ..] => Some(inner),
        _ => None,
    }
}

/// Whether a key is the value that the JSON of Google's service accounts has it in.
fn is_in_service_account(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(24)..];
    memmem::find(near, b"private_key\"").is_some()
}
