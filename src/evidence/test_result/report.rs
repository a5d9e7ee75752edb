//! What a check wrote about its tests: their names and how they went.
//!
//! Whatever ran in the check wrote it, so it is hostile: sizes, depths and counts are bounded, and names are cleaned.

use super::{Counts, junit, sarif};
use crate::oci::Digest;
use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};

/// The largest report.
pub const MAX_REPORT: u64 = 64 << 20;

/// More names than this are not listed of one kind.
const MAX_NAMES: usize = 200_000;
/// Nor more bytes of names than this.
const MAX_NAMES_SIZE: usize = 16 << 20;
/// Longer names are cut.
const MAX_NAME: usize = 512;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JUnit's XML, as most runners of tests write it.
    Junit,
    /// SARIF 2.1.0, as analysers write it.
    Sarif,
}

impl Form {
    /// Its name in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Form::Junit => "junit",
            Form::Sarif => "sarif",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Junit => "application/xml",
            Form::Sarif => "application/sarif+json",
        }
    }
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its form.
    pub form: Form,
    /// The digest of its bytes.
    pub digest: Digest,
    tests: Tests,
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Its bytes cannot be had.
    #[error("the report cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is too large.
    #[error("the report is larger than {} MiB; write one with names and results, without the output of tests", MAX_REPORT >> 20)]
    TooLarge,
    /// It is not what it should be.
    #[error("the report is no {form} that can be read: {reason}")]
    Malformed {
        /// The form that it should have.
        form: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Report {
    /// Reads a report as a stream; `digest` is that of all its bytes.
    pub fn read(form: Form, digest: Digest, content: impl Read) -> Result<Self, ReportError> {
        let mut bounded = content.take(MAX_REPORT + 1);
        let mut failed = None;
        let tests = {
            let watched = Watched { inner: &mut bounded, failed: &mut failed };
            match form {
                Form::Junit => junit::read(BufReader::new(watched)),
                Form::Sarif => sarif::read(BufReader::new(watched)),
            }
        };
        match (failed, tests) {
            (Some(error), _) => Err(ReportError::Read(error)),
            _ if bounded.limit() == 0 => Err(ReportError::TooLarge),
            (None, Ok(tests)) => Ok(Report { form, digest, tests }),
            (None, Err(reason)) => Err(ReportError::Malformed { form: form.name(), reason }),
        }
    }

    /// How many tests there were.
    pub fn counts(&self) -> Counts {
        self.tests.counts
    }

    /// Whether it says anything but that tests passed: of tests, at least one must have run.
    pub(super) fn complains(&self) -> bool {
        let Counts { passed, warned, failed, .. } = self.tests.counts;
        warned + failed > 0 || self.form == Form::Junit && passed == 0
    }

    /// The names of the tests that passed, that warned and that failed; each name once, by its worst result.
    pub(super) fn names(&self) -> [Vec<String>; 3] {
        let [passed, warned, failed] = &self.tests.names;
        let list = |names: &Names, worse: &[&Names]| {
            let fine = names.set.iter().filter(|name| !worse.iter().any(|worse| worse.set.contains(*name)));
            fine.cloned().collect()
        };
        [list(passed, &[warned, failed]), list(warned, &[failed]), list(failed, &[])]
    }
}

/// Keeps the error of a reader, which parsers put into words of their own.
struct Watched<'a, R> {
    inner: &'a mut R,
    failed: &'a mut Option<io::Error>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let kind = error.kind();
            *self.failed = Some(error);
            kind.into()
        })
    }
}

/// How a test went, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Passed,
    Skipped,
    Warned,
    Failed,
}

/// The tests of a report: all are counted, and as many are named as there is room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tests {
    counts: Counts,
    /// Those that passed, that warned, that failed.
    names: [Names; 3],
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    set: BTreeSet<String>,
    size: usize,
}

impl Tests {
    /// Adds as many tests of one name as there are.
    pub(super) fn add(&mut self, name: &str, outcome: Outcome, count: u64) {
        let Counts { passed, warned, failed, skipped, unlisted } = &mut self.counts;
        let [names_passed, names_warned, names_failed] = &mut self.names;
        let (counter, names) = match outcome {
            Outcome::Passed => (passed, names_passed),
            Outcome::Warned => (warned, names_warned),
            Outcome::Failed => (failed, names_failed),
            Outcome::Skipped => {
                *skipped += count;
                return;
            }
        };
        *counter += count;
        if !names.add(clean(name)) {
            *unlisted += count;
        }
    }
}

impl Names {
    /// Says whether the name is there now.
    fn add(&mut self, name: String) -> bool {
        let full = self.set.len() >= MAX_NAMES || self.size + name.len() > MAX_NAMES_SIZE;
        if full {
            return self.set.contains(&name);
        }
        let size = name.len();
        if self.set.insert(name) {
            self.size += size;
        }
        true
    }
}

/// A name in one line, of bounded length, that steers no terminal.
fn clean(name: &str) -> String {
    let mut clean = String::new();
    for c in name.trim().chars() {
        if clean.len() + c.len_utf8() > MAX_NAME {
            clean.push('…');
            break;
        }
        clean.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    if clean.is_empty() { "(unnamed)".into() } else { clean }
}
