//! SPDX 2.3 in JSON, written as a stream.
//!
//! What was only built with stands among the packages, as SPDX has no other place for it; relationships say what it is,
//! and its package URL is not where scanners look up what is in an image.

mod element;
mod relationships;

use super::graph::{Graph, What};
use crate::evidence::inventory::{File, FileKind, Owner};
use crate::evidence::time::rfc3339;
use crate::oci::{Digest, hex};
use element::{Checksum, element, image, sha1_of, sha256};
use relationships::Relationships;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use std::collections::BTreeMap;

/// An SPDX document about an image.
pub struct Spdx<'a>(pub(super) &'a Graph<'a>);

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";

impl Serialize for Spdx<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = self.0;
        let image = &graph.inventory.image;
        let namespace = format!("urn:uuid:{}", super::uuid("spdx", &image.digest));
        let mut document = serializer.serialize_struct("document", 10)?;
        document.serialize_field("spdxVersion", "SPDX-2.3")?;
        document.serialize_field("dataLicense", "CC0-1.0")?;
        document.serialize_field("SPDXID", DOCUMENT)?;
        document.serialize_field("name", &image.name)?;
        document.serialize_field("documentNamespace", &namespace)?;
        document.serialize_field("creationInfo", &creation(graph))?;
        document.serialize_field("packages", &Packages(graph))?;
        document.serialize_field("files", &Files(graph))?;
        document.serialize_field("relationships", &Relationships(graph))?;
        let texts = licence_texts(graph);
        if !texts.is_empty() {
            document.serialize_field("hasExtractedLicensingInfos", &texts)?;
        }
        document.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    created: String,
    creators: Vec<String>,
    license_list_version: &'static str,
}

fn creation(graph: &Graph<'_>) -> Creation {
    let mut creators = vec![format!("Tool: kiln-{}", graph.inventory.kiln_version)];
    creators.extend(graph.inventory.image.supplier.as_ref().map(|name| format!("Organization: {name}")));
    // The list's version is `major.minor` in SPDX documents.
    let list = spdx::identifiers::VERSION;
    let license_list_version = list.rsplit_once('.').map_or(list, |(short, _)| short);
    Creation { created: rfc3339(graph.inventory.epoch), creators, license_list_version }
}

struct Packages<'a>(&'a Graph<'a>);

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = std::iter::once_with(|| image(self.0));
        let components = self.0.components().iter().chain(self.0.tools());
        serializer.collect_seq(image.chain(components.map(|component| element(self.0, component))))
    }
}

/// Names a file by its path, so that the names of others stay when one comes or goes.
fn file_id(file: &File) -> String {
    format!("SPDXRef-File-{}", hex(&Digest::of(&file.path).as_bytes()[..12]))
}

struct Files<'a>(&'a Graph<'a>);

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct FileElement {
    file_name: String,
    #[serde(rename = "SPDXID")]
    id: String,
    checksums: [Checksum; 2],
    comment: String,
}

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let files = self.0.components().iter().flat_map(|component| &component.files);
        serializer.collect_seq(files.map(|file| FileElement {
            file_name: format!(".{}", file.path),
            id: file_id(file),
            checksums: [Checksum { algorithm: "SHA1", checksum_value: hex(&sha1_of(file)) }, sha256(&file.sha256)],
            comment: remark(self.0, file),
        }))
    }
}

fn remark(graph: &Graph<'_>, file: &File) -> String {
    let mut remark = format!("layer {}", file.layer);
    match &file.kind {
        FileKind::Regular => {}
        FileKind::Symlink { target } => {
            remark.push_str(&format!("; symbolic link to {target}, checksums of the link's text"));
        }
        FileKind::Special => remark.push_str("; special file without content"),
    }
    if let Some(reason) = graph.unread.get(&file.path) {
        remark.push_str(&format!("; what packages it tells of is not known: {reason}"));
    }
    let (way, owner) = graph.way(file);
    for (stage, line) in way {
        remark.push_str(&format!("; from the stage {}", graph.inventory.stages[stage].name));
        line.iter().for_each(|line| remark.push_str(&format!(", {}", graph.line(line))));
    }
    match owner {
        Owner::Emulated { .. } => remark.push_str("; made in place of the package's maintainer script"),
        Owner::Spec(location) | Owner::Source { location: Some(location), .. } => {
            remark.push_str(&format!("; {}", graph.line(location)));
        }
        _ => {}
    }
    if let Some((room, step)) = graph.maker(file) {
        remark.push_str(&format!("; made by the command {}: {}", step + 1, graph.steps(room)[step].line()));
    }
    remark
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicence {
    license_id: String,
    extracted_text: String,
    name: String,
}

/// The texts of licences that are not on SPDX's list; where packages give one name to several texts, all of them.
fn licence_texts(graph: &Graph<'_>) -> Vec<ExtractedLicence> {
    let mut texts: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for component in graph.components().iter().chain(graph.tools()) {
        if let What::Package(package) = component.what {
            for (id, text) in &package.licence.texts {
                let texts = texts.entry(id).or_default();
                if !texts.iter().any(|(_, known)| known == text) {
                    texts.push((&package.name, text));
                }
            }
        }
    }
    let one = |(id, texts): (&str, Vec<(&str, &str)>)| {
        let extracted_text = match texts.as_slice() {
            [(_, text)] => (*text).to_owned(),
            several => {
                let each = several.iter().map(|(package, text)| format!("In the package {package}:\n{text}"));
                each.collect::<Vec<_>>().join("\n\n")
            }
        };
        let name = id.trim_start_matches("LicenseRef-").trim_start_matches("debian-").to_owned();
        ExtractedLicence { license_id: id.into(), extracted_text, name }
    };
    texts.into_iter().map(one).collect()
}
