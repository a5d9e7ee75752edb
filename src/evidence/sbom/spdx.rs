//! SPDX 2.3 in JSON, written as a stream.

use super::graph::{Claimed, Component, Graph, What};
use super::purl::{deb_url, oci_purl};
use super::web_address;
use crate::evidence::inventory::{File, FileKind, Owner, Package, SourceKind};
use crate::evidence::time::rfc3339;
use crate::oci::Digest;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use std::collections::BTreeMap;

/// An SPDX document about an image.
pub struct Spdx<'a>(pub(super) &'a Graph<'a>);

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const NOASSERTION: &str = "NOASSERTION";
const GUESSED: &str = "from phrases in a copyright file that is not machine-readable; there may be more";

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

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Element {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<String>,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_comments: Option<&'static str>,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    primary_package_purpose: &'static str,
}

#[derive(serde::Serialize)]
struct VerificationCode {
    #[serde(rename = "packageVerificationCodeValue")]
    value: String,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

fn sha256(digest: &Digest) -> Checksum {
    Checksum { algorithm: "SHA256", checksum_value: digest.hex() }
}

fn purl_ref(purl: String) -> ExternalRef {
    ExternalRef { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: purl }
}

struct Packages<'a>(&'a Graph<'a>);

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = std::iter::once_with(|| image(self.0));
        serializer.collect_seq(image.chain(self.0.components.iter().map(|component| element(self.0, component))))
    }
}

fn bare(id: String, name: &str, purpose: &'static str) -> Element {
    Element {
        id,
        name: name.into(),
        version_info: None,
        package_file_name: None,
        supplier: None,
        download_location: NOASSERTION.into(),
        files_analyzed: false,
        package_verification_code: None,
        checksums: vec![],
        homepage: None,
        source_info: None,
        license_concluded: NOASSERTION,
        license_declared: NOASSERTION.into(),
        license_comments: None,
        copyright_text: NOASSERTION,
        summary: None,
        comment: None,
        external_refs: vec![],
        primary_package_purpose: purpose,
    }
}

fn image(graph: &Graph<'_>) -> Element {
    let image = &graph.inventory.image;
    let layers = graph.inventory.layers.iter().enumerate();
    let layers: Vec<_> = layers.map(|(i, layer)| format!("layer {i}: {}", layer.digest)).collect();
    Element {
        version_info: image.version.clone().or_else(|| Some(image.digest.to_string())),
        supplier: image.supplier.as_ref().map(|name| format!("Organization: {name}")),
        checksums: vec![sha256(&image.digest)],
        comment: Some(format!("{}; {}", image.platform, layers.join("; "))),
        external_refs: vec![purl_ref(oci_purl(image))],
        ..bare(IMAGE.into(), &image.name, "CONTAINER")
    }
}

fn element(graph: &Graph<'_>, component: &Component<'_>) -> Element {
    let id = component_id(component);
    let mut element = match component.what {
        What::System { id: name, version } => {
            Element { version_info: version.map(Into::into), ..bare(id, name, "OPERATING-SYSTEM") }
        }
        What::Package(package) => package_element(graph, component, package, id),
        What::Source(source) => {
            let (purpose, download_location) = match &source.kind {
                SourceKind::Context => ("SOURCE", NOASSERTION.to_owned()),
                SourceKind::Http { url } => ("FILE", web_address(url).unwrap_or(NOASSERTION.into())),
                SourceKind::Oci { .. } => ("CONTAINER", NOASSERTION.to_owned()),
            };
            Element { download_location, ..bare(id, &source.name, purpose) }
        }
        What::Base(base) => bare(id, &base.reference, "CONTAINER"),
        What::Claimed(claimed) => claimed_element(claimed, id),
        What::Spec(spec) => bare(id, &spec.path, "FILE"),
    };
    element.checksums = component.what.digest().iter().map(sha256).collect();
    element.package_verification_code = verification_code(component);
    element.files_analyzed = element.package_verification_code.is_some();
    element
}

/// A package that nobody but the base's own document speaks of.
fn claimed_element(Claimed { base, claims, package }: Claimed<'_>, id: String) -> Element {
    let signed = if claims.signed { "signed by the key that the spec asks for" } else { "not verified by anybody" };
    Element {
        version_info: package.version.clone(),
        comment: Some(format!(
            "in {}@{}, by the word of a document that came with it: {}, {signed}",
            base.reference, base.digest, claims.document
        )),
        external_refs: package.purl.clone().map(purl_ref).into_iter().collect(),
        ..bare(id, &package.name, "LIBRARY")
    }
}

fn package_element(graph: &Graph<'_>, component: &Component<'_>, package: &Package, id: String) -> Element {
    Element {
        version_info: Some(package.version.clone()),
        package_file_name: package.path.rsplit('/').next().map(Into::into),
        supplier: Some(format!("Organization: {}", package.supplier)),
        download_location: deb_url(package, &graph.inventory.indexes).unwrap_or(NOASSERTION.into()),
        homepage: package.homepage.as_deref().and_then(web_address),
        source_info: Some(format!("built from the source package {} {}", package.source, package.source_version)),
        license_declared: package.licence.expression.clone().unwrap_or(NOASSERTION.into()),
        license_comments: package.licence.guessed.then_some(GUESSED),
        summary: package.summary.clone(),
        comment: package.maintainer.as_ref().map(|maintainer| format!("maintained by {maintainer}")),
        external_refs: vec![purl_ref(component.reference.clone())],
        ..bare(id, &package.name, "LIBRARY")
    }
}

/// SPDX 2.3 §7.9: the SHA-1 of all files' SHA-1s in hexadecimal digits, sorted and joined.
fn verification_code(component: &Component<'_>) -> Option<VerificationCode> {
    use sha1::Digest as _;
    if component.files.is_empty() {
        return None;
    }
    let mut digests: Vec<String> = component.files.iter().map(|file| hex(&sha1_of(file))).collect();
    digests.sort_unstable();
    let mut all = sha1::Sha1::new();
    digests.iter().for_each(|digest| all.update(digest));
    Some(VerificationCode { value: hex(&all.finalize()) })
}

fn sha1_of(file: &File) -> [u8; 20] {
    file.sha1.expect("a graph has only files with SHA-1")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn component_id(component: &Component<'_>) -> String {
    let (kind, name) = match component.what {
        What::System { id, .. } => ("System", id),
        What::Package(package) => ("Package", package.name.as_str()),
        What::Source(source) => ("Source", source.name.as_str()),
        What::Base(base) => ("Base", base.reference.as_str()),
        What::Claimed(claimed) => ("Claimed", claimed.package.name.as_str()),
        What::Spec(spec) => ("Spec", spec.path.as_str()),
    };
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().take(60).map(allowed).collect();
    format!("SPDXRef-{kind}-{name}-{}", &Digest::of(&component.reference).hex()[..12])
}

/// Names a file by its path, so that the names of others stay when one comes or goes.
fn file_id(file: &File) -> String {
    format!("SPDXRef-File-{}", &Digest::of(&file.path).hex()[..24])
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
        let files = self.0.components.iter().flat_map(|component| &component.files);
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
    match &file.owner {
        Owner::Emulated { .. } => remark.push_str("; made in place of the package's maintainer script"),
        Owner::Spec(location) | Owner::Source { location: Some(location), .. } => {
            remark.push_str(&format!("; {}", graph.line(location)));
        }
        Owner::Package(_) | Owner::Source { location: None, .. } | Owner::Base(_) => {}
    }
    remark
}

struct Relationships<'a>(&'a Graph<'a>);

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    spdx_element_id: &'a str,
    relationship_type: &'static str,
    related_spdx_element: &'a str,
}

impl Serialize for Relationships<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let components = &self.0.components;
        let ids: Vec<String> = components.iter().map(component_id).collect();
        let mut rows = serializer.serialize_seq(None)?;
        let mut row = |from: &str, kind: &'static str, to: &str| {
            rows.serialize_element(&Relationship {
                spdx_element_id: from,
                relationship_type: kind,
                related_spdx_element: to,
            })
        };
        row(DOCUMENT, "DESCRIBES", IMAGE)?;
        ids.iter().try_for_each(|id| row(IMAGE, "CONTAINS", id))?;
        self.0.roots.iter().try_for_each(|root| row(IMAGE, "DEPENDS_ON", &ids[*root]))?;
        for (component, id) in components.iter().zip(&ids) {
            component.depends.iter().try_for_each(|to| row(id, "DEPENDS_ON", &ids[*to]))?;
            component.files.iter().try_for_each(|file| row(id, "CONTAINS", &file_id(file)))?;
        }
        rows.end()
    }
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
    for component in &graph.components {
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
