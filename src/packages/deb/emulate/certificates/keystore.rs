//! Java's own form of a store of certificates (JKS), which every Java reads.

use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
const TRUSTED: u32 = 2;

/// The password that the store of trusted certificates has everywhere; it protects nothing.
const PASSWORD: &str = "changeit";

/// What Java mixes into the checksum.
const SALT: &[u8] = b"Mighty Aphrodite";

/// A store of trusted certificates by name; `time` in seconds is when they were added.
pub(super) fn encode(entries: &BTreeMap<String, Vec<u8>>, time: i64) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(MAGIC.to_be_bytes());
    out.extend(VERSION.to_be_bytes());
    out.extend((entries.len() as u32).to_be_bytes());
    for (name, certificate) in entries {
        out.extend(TRUSTED.to_be_bytes());
        put_text(&mut out, name);
        out.extend(time.saturating_mul(1000).to_be_bytes());
        put_text(&mut out, "X.509");
        out.extend((certificate.len() as u32).to_be_bytes());
        out.extend(certificate);
    }
    let mut checksum = Sha1::new();
    for unit in PASSWORD.encode_utf16() {
        checksum.update(unit.to_be_bytes());
    }
    checksum.update(SALT);
    checksum.update(&out);
    out.extend(checksum.finalize());
    out
}

/// Java's own UTF-8: that of names without characters beyond 16 bits and without NUL, which file names of ours are.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes: Vec<u8> =
        text.chars().filter(|c| *c != '\0' && u32::from(*c) <= 0xffff).collect::<String>().into_bytes();
    let length = bytes.len().min(usize::from(u16::MAX));
    out.extend((length as u16).to_be_bytes());
    out.extend(&bytes[..length]);
}
