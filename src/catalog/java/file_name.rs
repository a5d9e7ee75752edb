//! Names of archives: `commons-lang3-3.12.0.jar`.

/// The name of an archive, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileName {
    /// All but the end: `commons-lang3-3.12.0`.
    pub(super) stem: String,
    /// What stands before the version: `commons-lang3`.
    pub(super) name: Option<String>,
    /// The version, if there is one.
    pub(super) version: Option<String>,
}

/// The longest name that a file can have, in bytes; names inside of archives can be longer.
const LONGEST: usize = 255;

impl FileName {
    /// Takes a name apart: the version is the first part behind a `-` that begins with a digit, or with `r`, `rc` or
    /// `build` and a digit; where there is none, the first behind a `_` or `.` that begins with a digit.
    pub(super) fn parse(file: &str) -> Self {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        if stem.len() > LONGEST || !stem.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return FileName { stem: stem.to_owned(), name: None, version: None };
        }
        let after_dash = |(at, _): (usize, &str)| stem.get(at + 1..).is_some_and(is_version).then_some(at);
        let after_other = |(at, _): (usize, &str)| stem.get(at + 1..)?.starts_with(is_digit).then_some(at);
        let split = stem
            .match_indices('-')
            .find_map(after_dash)
            .or_else(|| stem.match_indices(['_', '.']).find_map(after_other));
        let (name, version) = match split.and_then(|at| Some((stem.get(..at)?, stem.get(at + 1..)?))) {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (stem, None),
        };
        FileName { stem: stem.to_owned(), name: Some(name.to_owned()), version }
    }
}

fn is_version(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = ["build", "rc", "r", ""].iter().find_map(|start| lower.strip_prefix(start));
    rest.is_some_and(|rest| rest.starts_with(is_digit))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
