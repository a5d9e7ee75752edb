//! What the bill of materials of somebody else's image says: its packages, to be handed on as their claim.
//!
//! Any tool may have written the document, so little is asked of it, and all that is taken from it is bounded.

use super::statement::{STATEMENT, STATEMENT_0_1, Statement, Subject, predicate};
use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What somebody says of an image that others stand on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The document: the digest of the bundle or the statement.
    pub document: Digest,
    /// Its form: a predicate type.
    pub form: String,
    /// Whether it was signed by the key that the spec asks for, on its own or as a part of the index that was.
    pub signed: bool,
    /// The packages, sorted; each identity once.
    pub packages: Vec<ClaimedPackage>,
}

/// A package that somebody says is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its package URL.
    pub purl: Option<String>,
}

impl ClaimedPackage {
    /// What tells it from others: the package URL, or else name and version.
    pub fn identity(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        self.purl.clone().unwrap_or_else(|| format!("{}@{version}", self.name))
    }
}

/// More packages than this are in no image.
const MAX_PACKAGES: usize = 100_000;

/// Longer texts are no names.
const MAX_TEXT: usize = 1024;

/// The kinds of statements that tell what a base is made of, or of its holes.
pub const OF_USE: [&str; 4] = [predicate::CYCLONEDX, predicate::SPDX, predicate::PROVENANCE, predicate::OPENVEX];

/// The predicate type of a statement about an image; none where it is about others, or of none of the types that are `of_use`.
pub fn form<'f>(statement: &[u8], images: &[Digest], of_use: &[&'f str]) -> Option<&'f str> {
    let statement: Head = serde_json::from_slice(statement).ok()?;
    let about = statement.subject.iter().any(|subject| images.iter().any(|image| subject.is(image)));
    let is_statement = [STATEMENT, STATEMENT_0_1].contains(&statement.kind.as_str());
    // Predicates of SLSA 0.2 and of older SPDX have other names, and other fields.
    of_use.iter().copied().find(|form| is_statement && about && *form == statement.predicate_type)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

/// The packages in a statement of one of the forms of bills of materials.
///
/// # Errors
/// In words, where it cannot be read.
pub fn packages(statement: &[u8], form: &str) -> Result<Vec<ClaimedPackage>, String> {
    let text = |error: serde_json::Error| error.to_string();
    let mut packages = Vec::new();
    if form == predicate::CYCLONEDX {
        let document: Statement<CycloneDx> = serde_json::from_slice(statement).map_err(text)?;
        document.predicate.components.into_iter().for_each(|component| component.add_to(&mut packages));
    } else {
        let document: Statement<Spdx> = serde_json::from_slice(statement).map_err(text)?;
        packages.extend(document.predicate.in_the_image().filter_map(Package::claimed));
    }
    bounded(packages)
}

/// The packages in a document that is a bill of materials, CycloneDX or SPDX in JSON; none where it is something else.
///
/// # Errors
/// In words, where it is one and cannot be read.
pub fn packages_of_document(document: &[u8]) -> Result<Option<Vec<ClaimedPackage>>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Mark {
        #[serde(default)]
        bom_format: Option<String>,
        #[serde(default)]
        spdx_version: Option<String>,
    }
    let text = |error: serde_json::Error| error.to_string();
    let Ok(mark) = serde_json::from_slice::<Mark>(document) else { return Ok(None) };
    let mut packages = Vec::new();
    match (mark.bom_format.as_deref(), mark.spdx_version.as_deref()) {
        (Some("CycloneDX"), _) => {
            let document: CycloneDx = serde_json::from_slice(document).map_err(text)?;
            document.components.into_iter().for_each(|component| component.add_to(&mut packages));
        }
        (_, Some(version)) if version.starts_with("SPDX-2") => {
            let document: Spdx = serde_json::from_slice(document).map_err(text)?;
            packages.extend(document.in_the_image().filter_map(Package::claimed));
        }
        _ => return Ok(None),
    }
    bounded(packages).map(Some)
}

/// Sorted, each once.
fn bounded(mut packages: Vec<ClaimedPackage>) -> Result<Vec<ClaimedPackage>, String> {
    if packages.len() > MAX_PACKAGES {
        return Err(format!("it names more than {MAX_PACKAGES} packages"));
    }
    packages.sort();
    let mut known = BTreeSet::new();
    packages.retain(|package| known.insert(package.identity()));
    Ok(packages)
}

#[derive(Deserialize)]
struct CycloneDx {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

impl Component {
    fn add_to(self, packages: &mut Vec<ClaimedPackage>) {
        let is_package = matches!(self.kind.as_str(), "library" | "framework" | "application");
        if is_package && (self.purl.is_some() || self.version.is_some()) {
            packages.extend(claimed(self.name, self.version, self.purl));
        }
        self.components.into_iter().for_each(|inner| inner.add_to(packages));
    }
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Relationship {
    spdx_element_id: String,
    relationship_type: String,
    related_spdx_element: String,
}

/// What of a thing is no part of it, as long as nothing contains it.
const ONLY_USED: [&str; 6] =
    ["BUILD_TOOL_OF", "BUILD_DEPENDENCY_OF", "DEV_TOOL_OF", "DEV_DEPENDENCY_OF", "TEST_TOOL_OF", "TEST_DEPENDENCY_OF"];

impl Spdx {
    /// The packages without those that the image was only built, developed or tested with.
    fn in_the_image(self) -> impl Iterator<Item = Package> {
        let (mut used, mut contained) = (BTreeSet::new(), BTreeSet::new());
        for row in self.relationships {
            match row.relationship_type.as_str() {
                "CONTAINS" => contained.insert(row.related_spdx_element),
                kind if ONLY_USED.contains(&kind) => used.insert(row.spdx_element_id),
                _ => false,
            };
        }
        self.packages.into_iter().filter(move |package| !used.contains(&package.id) || contained.contains(&package.id))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    name: String,
    #[serde(default)]
    version_info: Option<String>,
    #[serde(default)]
    primary_package_purpose: Option<String>,
    #[serde(default)]
    external_refs: Vec<ExternalRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

impl Package {
    fn claimed(self) -> Option<ClaimedPackage> {
        let purl = self.external_refs.into_iter().find(|link| link.reference_type == "purl");
        let purpose = self.primary_package_purpose.as_deref();
        if matches!(purpose, Some("CONTAINER" | "FILE" | "SOURCE" | "OPERATING-SYSTEM")) {
            return None;
        }
        let purl = purl.map(|link| link.reference_locator);
        (purl.is_some() || purpose.is_some() && self.version_info.is_some())
            .then(|| claimed(self.name, self.version_info, purl))
            .flatten()
    }
}

/// A package in clean words; none for images, which are what is described and no part of it.
fn claimed(name: String, version: Option<String>, purl: Option<String>) -> Option<ClaimedPackage> {
    let clean = |text: &String| !text.is_empty() && text.len() <= MAX_TEXT && !text.contains(char::is_control);
    let purl = purl.filter(|purl| clean(purl) && purl.starts_with("pkg:") && !purl.contains(char::is_whitespace));
    let is_image = purl.as_ref().is_some_and(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"));
    (clean(&name) && !is_image).then(|| ClaimedPackage { name, version: version.filter(clean), purl })
}

#[cfg(test)]
mod tests;
