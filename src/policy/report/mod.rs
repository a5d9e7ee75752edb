//! Reports of a verdict, in the forms that people and programs read. The forms are told in `specs/verdict.md`.
//!
//! A report is made of a verdict and of what is known of the image beside it. Texts of others are made harmless and
//! short once, before any form is written (`tidy.rs`); each form then escapes as its language needs it.

mod advisory;
mod cyclonedx;
mod gitlab;
mod group;
mod html;
mod json;
mod junit;
mod markdown;
mod open_vex;
mod order;
mod sarif;
mod sparse;
mod summary;
mod text;
mod tidy;
mod vulns;

pub use group::{Change, Group, groups};
pub use open_vex::OpenVex;
pub use summary::{Counted, Document, Summary, Verifier};
pub use tidy::line;
pub use vulns::{Graded, Scanner, ScannerDatabase, Times, Vulnerabilities, Vulnerability};

use super::verdict::Verdict;
use crate::evidence::scan::Component;
use crate::oci::{Digest, Platform};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::str::FromStr;
use tidy::Tidy;

/// All that a report tells.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// kiln's version.
    pub version: &'a str,
    /// The judgement.
    pub verdict: &'a Verdict,
    /// The image's name, without a digest: `registry.example.com/acme/hello`.
    pub name: &'a str,
    /// Its digest.
    pub digest: Digest,
    /// Its platform.
    pub platform: &'a Platform,
    /// The spec, relative to the root of the sources: where a finding is shown that no line of a spec brought.
    pub spec: &'a str,
    /// The packages in the image.
    pub components: &'a [Component],
    /// What takes room in the image.
    pub shares: &'a [Share],
    /// Its layers, lowest first.
    pub layers: &'a [Layer],
    /// The database of advisories; none where nobody asked for holes.
    pub database: Option<&'a Database>,
    /// The claims that are attached to it.
    pub attestations: &'a [Attestation],
    /// Its signatures.
    pub signatures: &'a [Signature],
    /// When the scan began and ended, for GitLab, which wants to know; elsewhere the day of the verdict is all that is
    /// told.
    pub times: Option<(Timestamp, Timestamp)>,
}

/// Something that takes room in an image: a package, or what somebody else put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What it is: a package's name, `source app`, `command make`.
    pub name: String,
    /// The package's URL, where it is one.
    pub purl: Option<String>,
    /// Bytes in files.
    pub size: u64,
}

/// A layer of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Its digest in the registry.
    pub digest: Digest,
    /// Bytes there.
    pub size: u64,
    /// What it holds, in a few words.
    pub about: String,
}

/// The database of advisories by which holes were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Where it comes from: a reference without a digest.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// When it was made.
    pub updated: Timestamp,
    /// What it is made of, each with the number of its advisories.
    pub feeds: Vec<(String, u64)>,
}

/// A claim that is attached to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The type of its predicate.
    pub predicate: String,
    /// The digest of the bundle or the manifest that holds it.
    pub digest: Digest,
    /// Where it is, where it has an address.
    pub uri: Option<String>,
    /// Whether the key by which the image was verified signed it; none where nobody looked.
    pub verified: Option<bool>,
}

/// A signature of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed: the identity of a certificate, or the fingerprint of a key.
    pub by: String,
    /// The digest of the bundle or the manifest that holds it.
    pub digest: Digest,
    /// Whether it is one of the key by which the image was verified; none where nobody looked.
    pub verified: Option<bool>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Plain text for a terminal, within 100 columns.
    Text,
    /// kiln's own JSON: everything.
    Json,
    /// SARIF 2.1.0: what code hosts show beside the lines of the spec.
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities.
    CycloneDx,
    /// JUnit's XML.
    JUnit,
    /// GitLab's report of container scanning: holes alone.
    GitLab,
    /// Markdown for the page of a job.
    Markdown,
    /// One HTML page that needs nothing else.
    Html,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 8] =
        [Form::Text, Form::Json, Form::Sarif, Form::CycloneDx, Form::JUnit, Form::GitLab, Form::Markdown, Form::Html];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Json => "json",
            Form::Sarif => "sarif",
            Form::CycloneDx => "cyclonedx",
            Form::JUnit => "junit",
            Form::GitLab => "gitlab",
            Form::Markdown => "markdown",
            Form::Html => "html",
        }
    }
}

impl FromStr for Form {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Form::ALL.into_iter().find(|form| form.name() == text).ok_or(())
    }
}

impl Report<'_> {
    /// Writes the report, with a line's end after it.
    ///
    /// # Errors
    /// Where `to` cannot be written.
    pub fn write(&self, form: Form, to: &mut dyn Write) -> io::Result<()> {
        let tidy = Tidy::new(self);
        match form {
            Form::Text => to.write_all(text::page(&tidy).as_bytes()),
            Form::Json => json::write(&tidy, to),
            Form::Sarif => sarif::write(&tidy, to),
            Form::CycloneDx => cyclonedx::write(&tidy, to),
            Form::JUnit => junit::write(&tidy, to),
            Form::GitLab => gitlab::write(&tidy, to),
            Form::Markdown => to.write_all(markdown::page(&tidy).as_bytes()),
            Form::Html => to.write_all(html::page(&tidy).as_bytes()),
        }
    }
}

/// The report as plain text, within 100 columns.
pub fn text(report: &Report<'_>) -> String {
    text::page(&Tidy::new(report))
}

#[cfg(test)]
mod tests;
