//! What was found.

use super::rule::Rule;
use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// More secrets than this are not told of one content: whoever keeps so many in a file knows.
pub const MAX_LEAKS: usize = 200;

/// The most bytes of a secret that are ever shown.
const MAX_SHOWN: usize = 4;

/// A secret, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// What it is.
    pub rule: &'static Rule,
    /// The way to it inside of archives, outermost first; empty where it stands in the content itself. What a compressed file
    /// holds has no name of its own and adds nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// The line that it begins in, from 1; none in contents that are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The byte of the line that it begins at, from 1; none in contents that are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The byte of the content that it begins at, from 0; of UTF-16, the byte of the same text in UTF-8.
    pub offset: u64,
    /// The secret, masked: of its beginning what all secrets of the kind begin with, at most four characters.
    pub shown: String,
    /// The digest of the secret's bytes, for lists of exceptions: the same wherever the secret stands.
    pub digest: Digest,
}

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// The secrets, in the order in which they stand; at most [`MAX_LEAKS`].
    pub found: Vec<Leak>,
    /// Whether there are more.
    #[serde(default)]
    pub more: bool,
    /// Why something was not searched.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gaps: BTreeSet<Gap>,
}

/// Why a part of a content was not searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// Archives are nested deeper than is looked into.
    Depth,
    /// Archives have more members than are looked at.
    Members,
    /// Archives unpack to more bytes than are looked at.
    Size,
    /// An archive is damaged, or of a kind that cannot be read from its beginning.
    Damaged,
    /// An archive or a member of it is encrypted.
    Encrypted,
}

impl Gap {
    /// Why, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Gap::Depth => "archives are nested deeper than is looked into",
            Gap::Members => "an archive has more members than are looked at",
            Gap::Size => "an archive unpacks to more than is looked at",
            Gap::Damaged => "an archive is damaged, or of a kind that cannot be read from its beginning",
            Gap::Encrypted => "an archive or a member of it is encrypted",
        }
    }
}

/// Where a secret stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: &'static Rule,
    pub(super) range: Range<usize>,
    /// How many of its first bytes are no secret.
    pub(super) known: usize,
    pub(super) source: Source,
}

/// What found a secret; of two that found the same, the later one of these knows better what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The name of a setting.
    Name,
    /// The kind of file.
    Place,
    /// The secret's own form.
    Form,
}

impl Hit {
    /// A hit by a rule of this name; none where there is no such rule.
    pub(super) fn new(source: Source, rule: &str, range: Range<usize>) -> Option<Hit> {
        Some(Hit { rule: Rule::named(rule)?, range, known: 0, source })
    }
}

/// A secret as it is shown.
pub(super) fn masked(secret: &[u8], known: usize) -> String {
    let start = secret.get(..known.min(MAX_SHOWN)).unwrap_or_default();
    let start: String = start.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect();
    start + "…"
}
