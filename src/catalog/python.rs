//! Installed Python distributions (core metadata, PEP 566 and 639).

use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use super::paragraph::{Paragraph, Paragraphs};
use std::io::Read;

/// The distribution of a `METADATA`, `PKG-INFO` or `.egg-info`: what stands before the first empty line.
pub(super) fn package(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let wanted =
        &["Name", "Version", "License-Expression", "License", "Classifier", "Author", "Author-Email", "Maintainer"];
    let mut paragraphs = Paragraphs::new(content, wanted, "metadata of a Python distribution");
    let Some(metadata) = paragraphs.next()? else { return Ok(Vec::new()) };
    let (Some(name), Some(version)) = (metadata.get("Name"), metadata.get("Version")) else { return Ok(Vec::new()) };
    let found = Found {
        licence: licence(&metadata),
        supplier: ["Author", "Maintainer", "Author-Email"].iter().find_map(|field| said(&metadata, field)),
        ..Found::new(Kind::Python, Cataloguer::PythonMetadata, name, version)
    };
    Ok(vec![found])
}

/// The expression, else what the author wrote, else what the classifiers say.
fn licence(metadata: &Paragraph) -> Option<String> {
    let classified = || {
        let names = metadata.all("Classifier").filter_map(|c| c.strip_prefix("License ::")?.rsplit("::").next());
        names.map(str::trim).find(|name| *name != "OSI Approved").map(str::to_owned)
    };
    said(metadata, "License-Expression").or_else(|| said(metadata, "License")).or_else(classified)
}

/// A value that says something: setuptools writes `UNKNOWN` for what was not said.
fn said(metadata: &Paragraph, field: &str) -> Option<String> {
    metadata.get(field).filter(|value| !value.is_empty() && *value != "UNKNOWN").map(str::to_owned)
}
