//! What others say of holes in products (Vulnerability Exploitability eXchange): OpenVEX 0.2 and CycloneDX.

mod cyclonedx;
mod open_vex;
mod product;
#[cfg(test)]
mod tests;

use super::scan::Weight;
use crate::oci::Digest;
use crate::rules::Justification;
use jiff::Timestamp;
use jiff::civil::Date;
pub use open_vex::UNTIL;
use product::Product;
use serde::{Deserialize, Serialize};

/// What somebody says of holes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// When it was written; none where it does not say.
    pub written: Option<Timestamp>,
    /// What it says, oldest first.
    pub statements: Vec<Statement>,
}

/// What a document says of one hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The hole's names.
    names: Vec<String>,
    /// What it is about; all that has the hole where nothing is named.
    products: Vec<Product>,
    /// Whether the products have it.
    pub status: Status,
    /// Why not, of a few reasons.
    pub justification: Option<Justification>,
    /// Why not, or what to do, in the document's words.
    pub why: Option<String>,
    /// The last day on which it counts, where it says so in the way that kiln does (`specs/verdict.md`).
    pub until: Option<Date>,
}

/// Whether a product has a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not.
    NotAffected,
    /// Not any more.
    Fixed,
    /// It does.
    Affected,
    /// Somebody is finding out.
    UnderInvestigation,
}

/// An image as statements name it.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Its name, without tag and digest.
    pub name: &'a str,
    /// Its digests, by which it is known whatever it is called; none where it is called as it was made.
    pub digests: &'a [Digest],
}

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It is something else.
    #[error("it is neither OpenVEX nor CycloneDX, in JSON")]
    Unknown,
    /// It breaks the rules of its form.
    #[error("it cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is larger than any that somebody wrote.
    #[error("it has more than {0} statements")]
    TooMany(usize),
}

/// Each statement is held against each hole.
const MAX_STATEMENTS: usize = 10_000;

/// Longer words of others are cut, in characters.
const MAX_WHY: usize = 1_000;

/// Reads a document.
///
/// # Errors
/// See [`VexError`]. A statement of a status that the form does not know is an error too: nobody should think that it counts.
pub fn read(document: &[u8]) -> Result<Document, VexError> {
    #[derive(Deserialize)]
    struct Mark {
        #[serde(rename = "@context", default)]
        context: Option<serde_json::Value>,
        #[serde(default)]
        timestamp: Option<String>,
        #[serde(rename = "bomFormat", default)]
        bom_format: Option<String>,
        #[serde(default)]
        metadata: Metadata,
    }
    #[derive(Deserialize, Default)]
    struct Metadata {
        #[serde(default)]
        timestamp: Option<String>,
    }
    let mark: Mark = serde_json::from_slice(document)?;
    let written = mark.timestamp.or(mark.metadata.timestamp).and_then(|text| text.parse().ok());
    let context = mark.context.as_ref().and_then(serde_json::Value::as_str);
    let statements = match (context, mark.bom_format.as_deref()) {
        (Some(context), _) if context.starts_with("https://openvex.dev/ns") => open_vex::read(document)?,
        (_, Some("CycloneDX")) => cyclonedx::read(document)?,
        _ => return Err(VexError::Unknown),
    };
    match statements.len() > MAX_STATEMENTS {
        true => Err(VexError::TooMany(MAX_STATEMENTS)),
        false => Ok(Document { written, statements }),
    }
}

impl Statement {
    /// Whether it is about a hole of a package in an image, by any of the hole's names.
    pub fn is_about(&self, hole: &Weight, image: &Image<'_>) -> bool {
        let named = self.names.iter().any(|name| *name == hole.id || hole.aliases.contains(name));
        named && (self.products.is_empty() || self.products.iter().any(|product| product.has(&hole.package, image)))
    }

    /// Whether it says that the hole does not matter, on this day.
    pub fn waives(&self, day: Date) -> bool {
        matches!(self.status, Status::NotAffected | Status::Fixed) && self.until.is_none_or(|until| until >= day)
    }
}

impl Status {
    /// OpenVEX's word.
    pub fn name(self) -> &'static str {
        match self {
            Status::NotAffected => "not_affected",
            Status::Fixed => "fixed",
            Status::Affected => "affected",
            Status::UnderInvestigation => "under_investigation",
        }
    }
}

/// The first of these texts that says something, cut.
fn why<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Option<String> {
    let said = texts.into_iter().flatten().map(str::trim).find(|text| !text.is_empty())?;
    Some(said.chars().filter(|c| !c.is_control()).take(MAX_WHY).collect())
}
