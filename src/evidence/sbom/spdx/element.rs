//! Packages of an SPDX document: the image, what is in it, and what it was built with.

use super::super::found::Shown;
use super::super::graph::{Claimed, Component, Graph, Presence, What};
use super::super::purl::{deb_purl, deb_url, git_purl, oci_purl};
use super::super::{Contact, contact, web_address};
use super::IMAGE;
use crate::catalog::{self, Kind};
use crate::evidence::inventory::{File, GitCommit, Package, SourceKind};
use crate::evidence::licence;
use crate::evidence::stage::{Material, Step};
use crate::evidence::time::rfc3339;
use crate::oci::{Digest, hex};
use std::borrow::Cow;

const NOASSERTION: &str = "NOASSERTION";
const GUESSED: &str = "from phrases in a copyright file that is not machine-readable; there may be more";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Element {
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
    license_comments: Option<Cow<'static, str>>,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
    primary_package_purpose: &'static str,
}

/// What a command was and did.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotation_date: String,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(serde::Serialize)]
struct VerificationCode {
    #[serde(rename = "packageVerificationCodeValue")]
    value: String,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: &'static str,
    pub(super) checksum_value: String,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

pub(super) fn sha256(digest: &Digest) -> Checksum {
    Checksum { algorithm: "SHA256", checksum_value: digest.hex() }
}

/// A package URL, where scanners look it up; of what is not in the image, where none takes it for a part of it.
fn purl_ref(purl: String, presence: Presence) -> ExternalRef {
    let (reference_category, reference_type) = match presence {
        Presence::Whole | Presence::Partial => ("PACKAGE-MANAGER", "purl"),
        Presence::Absent => ("OTHER", "build-purl"),
    };
    ExternalRef { reference_category, reference_type, reference_locator: purl }
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
        annotations: vec![],
        primary_package_purpose: purpose,
    }
}

pub(super) fn image(graph: &Graph<'_>) -> Element {
    let image = &graph.inventory.image;
    let layers = graph.inventory.layers.iter().enumerate();
    let layers: Vec<_> = layers.map(|(i, layer)| format!("layer {i}: {}", layer.digest)).collect();
    Element {
        version_info: image.version.clone().or_else(|| Some(image.digest.to_string())),
        supplier: image.supplier.as_ref().map(|name| format!("Organization: {name}")),
        checksums: vec![sha256(&image.digest)],
        comment: Some(format!("{}; {}", image.platform, layers.join("; "))),
        external_refs: vec![purl_ref(oci_purl(image), Presence::Whole)],
        annotations: annotations(graph, &graph.inventory.steps),
        ..bare(IMAGE.into(), &image.name, "CONTAINER")
    }
}

pub(super) fn element(graph: &Graph<'_>, component: &Component<'_>) -> Element {
    let id = component_id(component);
    let mut element = match component.what {
        What::System { id: name, version } => {
            Element { version_info: version.map(Into::into), ..bare(id, name, "OPERATING-SYSTEM") }
        }
        What::Package(package) => package_element(graph, package, id, component.presence),
        What::Source(source) => {
            let (purpose, download_location) = match &source.kind {
                SourceKind::Context => ("SOURCE", NOASSERTION.to_owned()),
                SourceKind::Http { url } => ("FILE", web_address(url).unwrap_or(NOASSERTION.into())),
                SourceKind::Git(commit) => ("APPLICATION", download_of(commit)),
                SourceKind::Oci { .. } => ("CONTAINER", NOASSERTION.to_owned()),
            };
            let (mut version_info, mut external_refs) = (None, Vec::new());
            if let SourceKind::Git(commit) = &source.kind {
                version_info = Some(commit.id.clone());
                external_refs.push(purl_ref(git_purl(&source.name, commit), component.presence));
            }
            Element { download_location, version_info, external_refs, ..bare(id, &source.name, purpose) }
        }
        What::Base(base) => bare(id, &base.reference, "CONTAINER"),
        What::Claimed(claimed) => claimed_element(claimed, id, component.presence),
        What::Found(package) => found_element(component, package, id),
        What::Spec(spec) => bare(id, &spec.path, "FILE"),
        What::Stage(stage) => Element {
            comment: Some(format!("what was built in a stage, for {}", stage.platform)),
            annotations: annotations(graph, &stage.steps),
            ..bare(id, &stage.name, "APPLICATION")
        },
        What::Run => bare(id, "commands of the image", "APPLICATION"),
    };
    if component.presence == Presence::Partial {
        let only = "only the files that it contains here were taken, out of a stage".to_owned();
        element.comment = Some(element.comment.map_or_else(|| only.clone(), |comment| format!("{only}; {comment}")));
    }
    element.checksums = component.what.digest().iter().map(sha256).collect();
    element.package_verification_code = verification_code(component);
    element.files_analyzed = element.package_verification_code.is_some();
    element
}

/// Where a commit can be had, in SPDX's form.
fn download_of(commit: &GitCommit) -> String {
    let subdir = if commit.subdir.is_empty() { String::new() } else { format!("#{}", commit.subdir) };
    format!("git+{}@{}{subdir}", commit.uri, commit.id)
}

/// A package that nobody but the base's own document speaks of.
fn claimed_element(Claimed { base, claims, package }: Claimed<'_>, id: String, presence: Presence) -> Element {
    let signed = if claims.signed { "signed by the key that the spec asks for" } else { "not verified by anybody" };
    Element {
        version_info: package.version.clone(),
        comment: Some(format!(
            "in {}@{}, by the word of a document that came with it: {}, {signed}",
            base.reference, base.digest, claims.document
        )),
        external_refs: package.purl.clone().map(|purl| purl_ref(purl, presence)).into_iter().collect(),
        ..bare(id, &package.name, "LIBRARY")
    }
}

/// A package that nobody speaks of but files of the image.
fn found_element(component: &Component<'_>, package: &catalog::Package, id: String) -> Element {
    const SHOWN: usize = 10;
    let expression = package.licence.as_deref().and_then(licence::from_words);
    let unknown = package.licence.as_ref().filter(|_| expression.is_none());
    let told = |shown: &Shown<'_>| format!("{} by {}", shown.location(), shown.place.by.name());
    let mut places: Vec<String> = component.shown.iter().take(SHOWN).map(told).collect();
    if component.shown.len() > SHOWN {
        places.push(format!("and {} more places", component.shown.len() - SHOWN));
    }
    let purpose = if package.kind == Kind::Binary { "APPLICATION" } else { "LIBRARY" };
    Element {
        version_info: (!package.version.is_empty()).then(|| package.version.clone()),
        supplier: Some(package.supplier.as_deref().map_or_else(|| NOASSERTION.to_owned(), supplier)),
        license_declared: expression.unwrap_or(NOASSERTION.into()),
        license_comments: unknown.map(|words| format!("in the package's own words: {words}").into()),
        comment: Some(format!("found in {}", places.join(", "))),
        external_refs: vec![purl_ref(package.purl.clone(), component.presence)],
        ..bare(id, &package.name, purpose)
    }
}

/// Who made a package, in its own words: with an address it is somebody.
fn supplier(words: &str) -> String {
    match contact(words) {
        Contact { name, email: Some(email) } if !name.is_empty() => format!("Person: {name} ({email})"),
        Contact { name, .. } => format!("Organization: {name}"),
    }
}

fn package_element(graph: &Graph<'_>, package: &Package, id: String, presence: Presence) -> Element {
    Element {
        version_info: Some(package.version.clone()),
        package_file_name: package.path.rsplit('/').next().map(Into::into),
        supplier: Some(format!("Organization: {}", package.supplier)),
        download_location: deb_url(package, &graph.inventory.indexes).unwrap_or(NOASSERTION.into()),
        homepage: package.homepage.as_deref().and_then(web_address),
        source_info: Some(format!("built from the source package {} {}", package.source, package.source_version)),
        license_declared: package.licence.expression.clone().unwrap_or(NOASSERTION.into()),
        license_comments: package.licence.guessed.then_some(GUESSED.into()),
        summary: package.summary.clone(),
        comment: package.maintainer.as_ref().map(|maintainer| format!("maintained by {maintainer}")),
        external_refs: vec![purl_ref(deb_purl(package), presence)],
        ..bare(id, &package.name, "LIBRARY")
    }
}

fn annotations(graph: &Graph<'_>, steps: &[Step]) -> Vec<Annotation> {
    let one = |step| Annotation {
        annotation_date: rfc3339(graph.inventory.epoch),
        annotation_type: "OTHER",
        annotator: format!("Tool: kiln-{}", graph.inventory.kiln_version),
        comment: told(step),
    };
    steps.iter().map(one).collect()
}

/// A command in words.
fn told(step: &Step) -> String {
    let what = match &step.check {
        Some(check) => format!("check {check}"),
        None => "command".to_owned(),
    };
    let mut text =
        format!("{what}: {}; user {}, in {}, network {}", step.line(), step.user, step.workdir, step.network.name());
    let lists = [
        ("environment", &step.environment),
        ("secrets", &step.secrets),
        ("ssh agents", &step.agents),
        ("caches", &step.caches),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        text.push_str(&format!("; {name} {}", list.join(", ")));
    }
    for (name, list) in [("saw", &step.inputs), ("left", &step.outputs)] {
        let material = |material: &Material| format!("; {name} {} {}", material.path, material.digest);
        text.extend(list.iter().map(material));
    }
    text
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

pub(super) fn sha1_of(file: &File) -> [u8; 20] {
    file.sha1.expect("a graph has only files with SHA-1")
}

pub(super) fn component_id(component: &Component<'_>) -> String {
    let (kind, name) = match component.what {
        What::System { id, .. } => ("System", id),
        What::Package(package) => ("Package", package.name.as_str()),
        What::Source(source) => ("Source", source.name.as_str()),
        What::Base(base) => ("Base", base.reference.as_str()),
        What::Claimed(claimed) => ("Claimed", claimed.package.name.as_str()),
        What::Found(package) => ("Found", package.name.as_str()),
        What::Spec(spec) => ("Spec", spec.path.as_str()),
        What::Stage(stage) => ("Stage", stage.name.as_str()),
        What::Run => ("Run", "image"),
    };
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().take(60).map(allowed).collect();
    format!("SPDXRef-{kind}-{name}-{}", &Digest::of(&component.reference).hex()[..12])
}
