//! Patterns for paths, in the two languages that a build graph has.
//!
//! - [`Wildcard`]: the patterns of sources and of paths to remove, Go's
//!   `filepath.Match`: `*`, `?` and `[…]`, none of which but the last matches a slash.
//! - [`Patterns`]: the include and exclude lists of contexts and copies and the
//!   lines of `.dockerignore`, as moby's `patternmatcher` has them: `**` as well,
//!   `!` for exceptions, a match of a folder is one of all in it, the last match wins.
//!
//! # How a pattern is matched
//!
//! A pattern is compiled to a list of [`Step`]s, and a text is run through it as
//! through the automaton that it is: after each character, the set of steps that may
//! come next is known. So the cost is the product of both lengths at most, whatever
//! the pattern; with backtracking, `*a*a*a*a*a*b` takes years. The set is also what
//! tells whether *anything* below a folder can match: run the folder's path and a
//! slash, and see whether a step is left. That is how excluded folders are not
//! entered, and neither are those that an exception under them cannot be in.
//!
//! Paths are bytes; what is no UTF-8 counts as U+FFFD, as in Go.

mod automaton;
mod list;

pub(crate) use list::{Patterns, Verdict, clean};

use automaton::{Dialect, Program};

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern: a `[`, a `\\` or a `!` has nothing to go with it")]
pub struct BadPattern(String);

/// A pattern whose wildcards stay within one part of a path.
#[derive(Debug, Clone)]
pub(crate) struct Wildcard(Program);

impl Wildcard {
    /// Compiles a pattern.
    pub(crate) fn new(pattern: &str) -> Result<Self, BadPattern> {
        Program::compile(pattern, Dialect::Go).map(Wildcard)
    }

    /// Whether a text has wildcards at all.
    pub(crate) fn is_in(text: &str) -> bool {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '*' | '?' | '[' => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether the whole path matches.
    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        self.0.matches(path)
    }
}

#[cfg(test)]
mod tests;
