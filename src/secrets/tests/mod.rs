//! Tests of the search as a whole; secrets are made by [`fixtures`](super::fixtures).

mod archives;
mod corpus;
mod hostile;
mod keys;
mod places;
mod quiet;
mod streams;

use super::{Leak, Leaks, Place, place, search};
use crate::oci::Digest;
use crate::tree::TreePath;

/// What is found in a content at a path.
fn found(path: &str, content: impl AsRef<[u8]>) -> Vec<Leak> {
    let leaks = leaks(path, content);
    assert!(!leaks.more && leaks.gaps.is_empty(), "{leaks:?}");
    leaks.found
}

fn leaks(path: &str, content: impl AsRef<[u8]>) -> Leaks {
    search(place(&TreePath::new(path).unwrap()), content.as_ref()).unwrap()
}

/// That one secret is found, this one, by this rule.
#[track_caller]
fn one(path: &str, content: impl AsRef<[u8]>, rule: &str, secret: impl AsRef<[u8]>) -> Leak {
    let content = content.as_ref();
    let leaks = found(path, content);
    let shown = String::from_utf8_lossy(&content[..content.len().min(2000)]);
    let rules: Vec<&str> = leaks.iter().map(|leak| leak.rule.id).collect();
    assert_eq!(rules, [rule], "in {path}: {shown}");
    assert_eq!(leaks[0].digest, Digest::of(secret), "another part of {shown}");
    leaks[0].clone()
}

/// That nothing is found.
#[track_caller]
fn none(path: &str, content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    let leaks = found(path, content);
    assert!(leaks.is_empty(), "in {path}: {leaks:?}: {}", String::from_utf8_lossy(&content[..content.len().min(2000)]));
}
