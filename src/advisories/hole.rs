//! What is found: holes of packages.

pub use super::cve::{Exploited, Likelihood, Method, Scored};
use crate::rules::Severity;

/// A hole of one of the packages that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The package, as a position in what was asked.
    pub package: usize,
    /// The hole.
    pub hole: Hole,
}

/// A hole of a package, with all that is told of it under whatever name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The name to call it by: a CVE where it has one, else GitHub's name, else that of an advisory.
    pub id: String,
    /// All other names, sorted.
    pub aliases: Vec<String>,
    /// The advisories that tell of it, sorted.
    pub advisories: Vec<Advisory>,
    /// A line about it; may be empty.
    pub summary: String,
    /// How bad it is: by the distribution's own word, else by the newest CVSS, else by a database's word.
    pub severity: Option<Severity>,
    /// Its scores, the newest version of CVSS first.
    pub scores: Vec<Scored>,
    /// The distribution's own word, as it writes it.
    pub urgency: Option<String>,
    /// What there is against it.
    pub state: State,
    /// It is no hole but a notice of this kind: `unmaintained`, `unsound`, `notice`.
    pub notice: Option<String>,
    /// CWE identifiers, sorted.
    pub weaknesses: Vec<String>,
    /// Functions that have the hole, with their paths, where that is told; sorted.
    pub functions: Vec<String>,
    /// Whether it is known to be used by attackers.
    pub kev: Option<Exploited>,
    /// How likely it is used.
    pub epss: Option<Likelihood>,
    /// When it was first told of; RFC 3339.
    pub published: Option<String>,
    /// When what is told was last changed.
    pub modified: Option<String>,
    /// Addresses.
    pub references: Vec<String>,
}

/// An advisory that tells of a hole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advisory {
    /// Its own name.
    pub id: String,
    /// The ecosystem that it is for, with the release: `Debian:13`.
    pub ecosystem: String,
    /// Where people read it.
    pub url: String,
    /// When it was published; RFC 3339.
    pub published: Option<String>,
    /// When it was last changed.
    pub modified: Option<String>,
}

/// What there is against a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The package has it.
    Affected {
        /// The next versions without it, lowest first; empty where there is none yet.
        fixed: Vec<String>,
    },
    /// There is no version without it, and the distribution will repair it with something else, later.
    Deferred {
        /// Why, in the distribution's words.
        note: Option<String>,
    },
    /// The distribution will not repair it in this release.
    WontFix {
        /// Why, in the distribution's words.
        note: Option<String>,
    },
    /// The distribution no longer cares for the release or the package.
    EndOfLife,
}

impl State {
    /// The versions that have it no longer.
    pub fn fixed(&self) -> &[String] {
        match self {
            State::Affected { fixed } => fixed,
            State::Deferred { .. } | State::WontFix { .. } | State::EndOfLife => &[],
        }
    }
}
