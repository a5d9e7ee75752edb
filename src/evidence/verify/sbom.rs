//! Bills of materials, read back: which image they are about, and which files they list.

use crate::evidence::statement::Statement;
use crate::oci::Digest;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a bill of materials says about an image, as far as it is checked.
pub(super) struct Listed {
    /// The digests of what it describes.
    pub(super) describes: Vec<String>,
    /// Path → SHA-256 in hexadecimal digits.
    pub(super) files: BTreeMap<String, String>,
}

/// Compares a list of files with what an image holds; in words where they differ.
pub(super) fn compare(listed: &BTreeMap<String, String>, image: &BTreeMap<String, Digest>) -> Result<String, String> {
    const SHOWN: usize = 5;
    let missing = image.keys().filter(|path| !listed.contains_key(*path)).map(|path| format!("{path} is not listed"));
    let extra =
        listed.keys().filter(|path| !image.contains_key(*path)).map(|path| format!("{path} is not in the image"));
    let other = image.iter().filter_map(|(path, digest)| {
        let says = listed.get(path)?;
        (*says != digest.hex()).then(|| format!("{path} has another content"))
    });
    let differences: Vec<String> = missing.chain(extra).chain(other).collect();
    if differences.is_empty() {
        return Ok(format!("{} files", image.len()));
    }
    let more = differences.len().saturating_sub(SHOWN);
    let mut text = differences[..differences.len().min(SHOWN)].join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more differences"));
    }
    Err(text)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CycloneDx {
    bom_format: String,
    spec_version: String,
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Component,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

impl Component {
    fn sha256(&self) -> Option<&str> {
        self.hashes.iter().find(|hash| hash.alg == "SHA-256").map(|hash| hash.content.as_str())
    }
}

/// Reads a statement with a CycloneDX predicate; files are the components inside of other components.
pub(super) fn cyclonedx(payload: &[u8]) -> Result<Listed, String> {
    let statement: Statement<CycloneDx> = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let document = statement.predicate;
    if document.bom_format != "CycloneDX" || document.spec_version != "1.6" {
        return Err(format!("it is {} {}, not CycloneDX 1.6", document.bom_format, document.spec_version));
    }
    let mut files = BTreeMap::new();
    for component in &document.components {
        for file in component.components.iter().filter(|inner| inner.kind == "file") {
            let digest = file.sha256().ok_or_else(|| format!("{} has no SHA-256 digest", file.name))?;
            add(&mut files, file.name.clone(), digest.to_owned())?;
        }
    }
    let describes = document.metadata.component.sha256().map(Into::into).into_iter().collect();
    Ok(Listed { describes, files })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx {
    spdx_version: String,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(default)]
    checksums: Vec<Checksum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_name: String,
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(default)]
    checksums: Vec<Checksum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    relationship_type: String,
    related_spdx_element: String,
}

fn sha256(checksums: &[Checksum]) -> Option<&str> {
    checksums.iter().find(|sum| sum.algorithm == "SHA256").map(|sum| sum.checksum_value.as_str())
}

/// Reads a statement with an SPDX predicate.
pub(super) fn spdx(payload: &[u8]) -> Result<Listed, String> {
    let statement: Statement<Spdx> = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let document = statement.predicate;
    if document.spdx_version != "SPDX-2.3" {
        return Err(format!("it is {}, not SPDX-2.3", document.spdx_version));
    }
    let targets = |kind: &'static str| -> BTreeSet<&str> {
        let rows = document.relationships.iter().filter(move |row| row.relationship_type == kind);
        rows.map(|row| row.related_spdx_element.as_str()).collect()
    };
    let (described, owned) = (targets("DESCRIBES"), targets("CONTAINS"));
    let described = document.packages.iter().filter(|package| described.contains(package.id.as_str()));
    let describes = described.filter_map(|package| sha256(&package.checksums).map(Into::into)).collect();
    let mut files = BTreeMap::new();
    for file in &document.files {
        let path = file.file_name.strip_prefix('.').unwrap_or(&file.file_name);
        let digest = sha256(&file.checksums).ok_or_else(|| format!("{path} has no SHA-256 digest"))?;
        if !owned.contains(file.id.as_str()) {
            return Err(format!("{path} has no owner"));
        }
        add(&mut files, path.to_owned(), digest.to_owned())?;
    }
    Ok(Listed { describes, files })
}

fn add(files: &mut BTreeMap<String, String>, path: String, digest: String) -> Result<(), String> {
    match files.insert(path.clone(), digest) {
        None => Ok(()),
        Some(_) => Err(format!("{path} is listed twice")),
    }
}
