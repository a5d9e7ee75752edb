//! Keys that are no text: DER, PKCS #12, key stores of Java, PGP.

use super::leak::{Hit, Source};
use super::pem;
use memchr::memmem;

/// `pkcs8ShroudedKeyBag` and `keyBag` (RFC 7292, appendix D), without the last number.
const KEY_BAGS: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";
/// The object identifiers of algorithms of keys and of encryption by passwords begin so: ISO, X9.62, Edwards curves.
const ALGORITHMS: [&[u8]; 3] =
    [b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01", b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", b"\x06\x03\x2b\x65"];
/// No store of Java has more entries.
const MAX_ENTRIES: usize = 10_000;

/// The key or keys that a whole file is.
pub(super) fn search(file: &[u8]) -> Option<Hit> {
    let rule = match file {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => has_java_key(file).then_some("key-store"),
        [0x30, ..] => der(file),
        // KeePass.
        [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5, ..] => Some("key-store"),
        _ => is_pgp(file).then_some("pgp-private-key"),
    }?;
    Hit::new(Source::Form, rule, 0..file.len())
}

/// What a DER sequence that fills the file is.
fn der(file: &[u8]) -> Option<&'static str> {
    let inner = pem::der_sequence(file)?;
    if pem::der_size(file) != Some(file.len()) {
        return None;
    }
    let begins_algorithm = |text: &[u8]| {
        pem::der_sequence(text).is_some_and(|inner| ALGORITHMS.iter().any(|algorithm| inner.starts_with(algorithm)))
    };
    match inner {
        // PKCS #12; a store of certificates alone has no bag for a key.
        [2, 1, 3, ..] => memmem::find_iter(inner, KEY_BAGS)
            .any(|at| matches!(inner.get(at + KEY_BAGS.len()), Some(1 | 2)))
            .then_some("key-store"),
        // PKCS #8, PKCS #1 (the version, and then the large number that the key is for) and SEC 1.
        [2, 1, 0 | 1, rest @ ..] if begins_algorithm(rest) => Some("private-key"),
        [2, 1, 0, 2, size, ..] if *size > 0x40 => Some("private-key"),
        [2, 1, 1, 4, 0x1c..=0x42, ..] => Some("private-key"),
        // An encrypted one: the algorithm by which, and then the bytes.
        [0x30, ..]
            if inner.get(2..).is_some_and(|oid| oid.starts_with(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05")) =>
        {
            Some("private-key-encrypted")
        }
        _ => None,
    }
}

/// Whether a store of Java (JKS or JCEKS) has an entry that is a key: certificates stand before and behind.
fn has_java_key(file: &[u8]) -> bool {
    let number =
        |at: usize| file.get(at..at + 4).and_then(|n| n.try_into().ok()).map(u32::from_be_bytes).map(|n| n as usize);
    let text = |at: usize| file.get(at..at + 2).map(|n| at + 2 + usize::from(u16::from_be_bytes([n[0], n[1]])));
    // A certificate: its kind where the version is 2, and its bytes.
    let certificate = |at: usize| text(at).and_then(|at| Some(at + 4 + number(at)?));
    let mut at = 12;
    for _ in 0..number(8).unwrap_or(0).min(MAX_ENTRIES) {
        match number(at) {
            Some(1 | 3) => return true,
            Some(2) => match text(at + 4).and_then(|alias| certificate(alias + 8)) {
                Some(next) => at = next,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// A secret key of PGP, or one of GnuPG's own files.
fn is_pgp(file: &[u8]) -> bool {
    // The packet's length has one to five bytes, then the version comes, and four bytes of time before the algorithm.
    let packet =
        pem::is_pgp_secret_key(file) && file.get(1..7).is_some_and(|start| start.iter().any(|b| matches!(b, 3..=6)));
    packet
        || [&b"(11:private-key"[..], b"(21:protected-private-key", b"Key: (private-key", b"Key: (protected-private-key"]
            .iter()
            .any(|start| file.starts_with(start))
}
