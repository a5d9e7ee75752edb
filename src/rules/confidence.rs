//! How sure it is that something is a secret.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How sure it is that something is a secret, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The place and the look of it speak for a secret.
    Possible,
    /// It has the form of a secret, and hardly anything else has.
    Likely,
    /// It carries a mark, a structure or a checksum of its own.
    Certain,
}

impl Confidence {
    /// All of them, weakest first.
    pub const ALL: [Confidence; 3] = [Confidence::Possible, Confidence::Likely, Confidence::Certain];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
