//! Lists of patterns, where the last match wins.

use super::BadPattern;
use super::automaton::{Dialect, Program};

/// A list of patterns; those that begin with `!` take a match back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    program: Program,
    exception: bool,
}

/// What a list says of one path; what it says of a folder is needed for all that is in it.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// Whether the path matches.
    pub(crate) matches: bool,
    each: Vec<bool>,
}

impl Patterns {
    /// Compiles a list; blanks around patterns and empty patterns do not count.
    pub(crate) fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, BadPattern> {
        let mut list = Vec::new();
        for pattern in patterns {
            let pattern = pattern.as_ref().trim();
            if pattern.is_empty() {
                continue;
            }
            let cleaned = clean(pattern);
            let (pattern, exception) = match cleaned.strip_prefix('!') {
                Some("") => return Err(BadPattern("!".to_owned())),
                Some(rest) => (rest, true),
                None => (cleaned.as_str(), false),
            };
            list.push(Pattern { program: Program::compile(pattern, Dialect::Moby)?, exception });
        }
        Ok(Patterns { patterns: list })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The verdict on the root, to begin with.
    pub(crate) fn root(&self) -> Verdict {
        Verdict { matches: false, each: vec![false; self.patterns.len()] }
    }

    /// The verdict on a path, from that on the folder which holds it.
    ///
    /// A pattern that matches a folder matches all that is in it. Which patterns are
    /// tried at all depends on what the ones before said, as in moby: one that could
    /// not change the outcome is passed over and then does not count for what is below.
    pub(crate) fn judge(&self, path: &[u8], folder: &Verdict) -> Verdict {
        let mut verdict = self.root();
        for (i, pattern) in self.patterns.iter().enumerate() {
            let hit = folder.each[i] || pattern.exception == verdict.matches && pattern.program.matches(path);
            verdict.each[i] = hit;
            if hit {
                verdict.matches = !pattern.exception;
            }
        }
        verdict
    }

    /// Whether a verdict can change on the way down: whether something below a folder
    /// that matches is taken back, or something below one that does not match is matched.
    ///
    /// Where no such pattern is left, the last one that matched the folder decides for
    /// all below it, as it did for the folder.
    pub(crate) fn can_change_below(&self, folder: &[u8], verdict: &Verdict) -> bool {
        self.patterns.iter().any(|p| p.exception == verdict.matches && p.program.can_match_below(folder))
    }

    /// The verdict on a path by itself, through all of its folders.
    pub(crate) fn judge_path(&self, path: &[u8]) -> Verdict {
        let mut verdict = self.root();
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i).chain([path.len()]);
        for end in ends {
            verdict = self.judge(&path[..end], &verdict);
        }
        verdict
    }
}

/// Go's `filepath.Clean`: no doubled slashes, no `.`, `..` taken back where something stands before it.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
