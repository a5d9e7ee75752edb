//! CycloneDX 1.6, written as a stream.
//!
//! Files are components inside of the component that owns them, so that nothing has to say twice who the owner is.
//! What the standard has no field for is a property below `kiln:`.

use super::graph::{Claimed, Component, Graph, What};
use super::purl::{deb_url, oci_purl};
use super::{Contact, contact, web_address};
use crate::evidence::inventory::{File, FileKind, Owner, Package, SourceKind, SpecFile};
use crate::evidence::time::rfc3339;
use crate::oci::Digest;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// A CycloneDX document about an image.
pub struct CycloneDx<'a>(pub(super) &'a Graph<'a>);

const IMAGE: &str = "image";

impl Serialize for CycloneDx<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = self.0;
        let serial = super::uuid("cyclonedx", &graph.inventory.image.digest);
        let mut document = serializer.serialize_struct("bom", 9)?;
        document.serialize_field("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")?;
        document.serialize_field("bomFormat", "CycloneDX")?;
        document.serialize_field("specVersion", "1.6")?;
        document.serialize_field("serialNumber", &format!("urn:uuid:{serial}"))?;
        document.serialize_field("version", &1)?;
        document.serialize_field("metadata", &metadata(graph))?;
        document.serialize_field("components", &Components(graph))?;
        document.serialize_field("dependencies", &Dependencies(graph))?;
        document.serialize_field("compositions", &compositions(graph))?;
        document.serialize_field("formulation", &[formula(graph, &serial)])?;
        document.end()
    }
}

#[derive(serde::Serialize)]
struct Metadata<'a> {
    timestamp: String,
    lifecycles: [Lifecycle; 1],
    tools: Tools<'a>,
    authors: [Contact<'a>; 1],
    component: Part<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Organisation<'a>>,
}

#[derive(serde::Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(serde::Serialize)]
struct Tools<'a> {
    components: [Part<'a>; 1],
}

/// A component; what it has none of is left out.
#[derive(serde::Serialize, Default)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Organisation<'a>>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licenses: Option<[Expression<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Files<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(serde::Serialize)]
struct Organisation<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<Contact<'a>>,
}

#[derive(serde::Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(serde::Serialize)]
struct Expression<'a> {
    expression: &'a str,
    acknowledgement: &'static str,
}

#[derive(serde::Serialize)]
struct Link {
    url: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(serde::Serialize)]
struct Evidence<'a> {
    /// One object: the array that 1.6 allows as well is more than readers of 1.5, such as syft, can take.
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    field: &'static str,
    confidence: u8,
    concluded_value: &'a str,
    methods: [Method; 2],
}

#[derive(serde::Serialize)]
struct Method {
    technique: &'static str,
    confidence: u8,
    value: String,
}

#[derive(serde::Serialize)]
struct Occurrence<'a> {
    location: &'a str,
}

#[derive(serde::Serialize)]
struct Property {
    name: String,
    value: String,
}

fn property(name: impl AsRef<str>, value: impl Into<String>) -> Property {
    Property { name: format!("kiln:{}", name.as_ref()), value: value.into() }
}

fn sha256(digest: &Digest) -> Hash {
    Hash { alg: "SHA-256", content: digest.hex() }
}

fn metadata<'a>(graph: &'a Graph<'_>) -> Metadata<'a> {
    let inventory = graph.inventory;
    let image = &inventory.image;
    let supplier = |name: &'a String| Organisation { name, contact: Vec::new() };
    let mut properties = vec![property("platform", image.platform.to_string())];
    for (i, layer) in inventory.layers.iter().enumerate() {
        properties.push(property(format!("layer:{i}"), layer.digest.to_string()));
        properties.push(property(format!("layer:{i}:diff-id"), layer.diff_id.to_string()));
    }
    Metadata {
        timestamp: rfc3339(inventory.epoch),
        lifecycles: [Lifecycle { phase: "build" }],
        tools: Tools {
            components: [Part {
                kind: "application",
                name: "kiln",
                version: Some(&inventory.kiln_version),
                ..Part::default()
            }],
        },
        authors: [Contact { name: image.supplier.as_deref().unwrap_or("kiln"), email: None }],
        component: Part {
            kind: "container",
            reference: Some(IMAGE),
            supplier: image.supplier.as_ref().map(supplier),
            name: &image.name,
            version: image.version.as_deref(),
            hashes: vec![sha256(&image.digest)],
            purl: Some(oci_purl(image)),
            properties,
            ..Part::default()
        },
        supplier: image.supplier.as_ref().map(supplier),
    }
}

struct Components<'a>(&'a Graph<'a>);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.components.iter().map(|component| part(self.0, component)))
    }
}

fn part<'a>(graph: &'a Graph<'_>, component: &'a Component<'_>) -> Part<'a> {
    let reference = Some(component.reference.as_str());
    let hashes = component.what.digest().iter().map(sha256).collect();
    let components = (!component.files.is_empty()).then_some(Files { graph, component });
    let bare = Part { reference, hashes, components, ..Part::default() };
    match component.what {
        What::System { id, version } => Part { kind: "operating-system", name: id, version, ..bare },
        What::Package(package) => package_part(graph, component, package, bare),
        What::Source(source) => {
            let (kind, links) = match &source.kind {
                SourceKind::Context => ("application", vec![]),
                SourceKind::Http { url } => (
                    "file",
                    vec![Link { url: url.clone(), kind: "distribution", hashes: vec![sha256(&source.digest)] }],
                ),
                SourceKind::Oci { .. } => ("container", vec![]),
            };
            let mut properties = Vec::new();
            if let SourceKind::Oci { reference } = &source.kind {
                properties.push(property("reference", reference));
            }
            if let Some(location) = &source.location {
                properties.push(property("declared", graph.line(location)));
            }
            Part { kind, name: &source.name, links, properties, ..bare }
        }
        What::Base(base) => {
            let properties = base.location.iter().map(|location| property("declared", graph.line(location))).collect();
            Part { kind: "container", name: &base.reference, properties, ..bare }
        }
        What::Claimed(claimed) => claimed_part(claimed, bare),
        What::Spec(spec) => Part { kind: "file", name: &spec.path, ..bare },
    }
}

/// A package that nobody but the base's own document speaks of.
fn claimed_part<'a>(Claimed { base, claims, package }: Claimed<'a>, bare: Part<'a>) -> Part<'a> {
    let properties = vec![
        property("claimed-for", format!("{}@{}", base.reference, base.digest)),
        property("claimed-by", claims.document.to_string()),
        property("claimed-by:form", &claims.form),
        property("claimed-by:signed", claims.signed.to_string()),
    ];
    Part {
        kind: "library",
        name: &package.name,
        version: package.version.as_deref(),
        purl: package.purl.clone(),
        properties,
        ..bare
    }
}

fn package_part<'a>(
    graph: &'a Graph<'_>,
    component: &'a Component<'_>,
    package: &'a Package,
    bare: Part<'a>,
) -> Part<'a> {
    let index = package.index.map(|index| &graph.inventory.indexes[index]);
    let mut links = Vec::new();
    if let Some(url) = deb_url(package, &graph.inventory.indexes) {
        links.push(Link { url, kind: "distribution", hashes: vec![sha256(&package.sha256)] });
    }
    if let Some(url) = package.homepage.as_deref().and_then(web_address) {
        links.push(Link { url, kind: "website", hashes: vec![] });
    }
    let mut properties = vec![
        property("source", &package.source),
        property("source-version", &package.source_version),
        property("file", &package.path),
        property("file-size", package.size.to_string()),
        property("requested", package.requested.to_string()),
        property("essential", package.essential.to_string()),
    ];
    if package.licence.guessed {
        properties.push(property("licence", "from phrases in a copyright file that is not machine-readable"));
    }
    properties.extend(package.section.as_ref().map(|section| property("section", section)));
    if let Some(index) = index {
        properties.push(property("index:suite", &index.suite));
        properties.push(property("index:digest", index.digest.to_string()));
        properties.push(property("index:date", &index.date));
        properties.extend(index.keys.iter().map(|key| property("index:key", key)));
    }
    let method = |technique, value: String| Method { technique, confidence: 1, value };
    Part {
        kind: "library",
        supplier: Some(Organisation {
            name: &package.supplier,
            contact: package.maintainer.as_deref().map(contact).into_iter().collect(),
        }),
        name: &package.name,
        version: Some(&package.version),
        description: package.summary.as_deref(),
        licenses: package
            .licence
            .expression
            .as_deref()
            .map(|expression| [Expression { expression, acknowledgement: "declared" }]),
        purl: Some(component.reference.clone()),
        links,
        evidence: Some(Evidence {
            identity: Identity {
                field: "purl",
                confidence: 1,
                concluded_value: &component.reference,
                methods: [
                    method("hash-comparison", package.sha256.to_string()),
                    method("manifest-analysis", index.map_or("lock".into(), |index| index.suite.clone())),
                ],
            },
            occurrences: occurrences(component),
        }),
        properties,
        ..bare
    }
}

/// The files by which others recognise a package in the image.
fn occurrences<'a>(component: &'a Component<'_>) -> Vec<Occurrence<'a>> {
    let tells = |path: &str| {
        path.starts_with("/var/lib/dpkg/status.d/")
            || (path.starts_with("/usr/share/doc/") && path.ends_with("/copyright"))
    };
    let paths = component.files.iter().map(|file| file.path.as_str());
    paths.filter(|path| tells(path)).map(|location| Occurrence { location }).collect()
}

/// The files of a component.
struct Files<'a> {
    graph: &'a Graph<'a>,
    component: &'a Component<'a>,
}

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.component.files.iter().map(|file| file_part(self.graph, file)))
    }
}

fn file_part<'a>(graph: &Graph<'_>, file: &'a File) -> Part<'a> {
    let mut properties = vec![property("layer", file.layer.to_string())];
    match &file.kind {
        FileKind::Regular => {}
        FileKind::Symlink { target } => properties.push(property("link", target)),
        FileKind::Special => properties.push(property("special", "true")),
    }
    match &file.owner {
        Owner::Emulated { .. } => properties.push(property("made-by", "emulated maintainer script")),
        Owner::Spec(location) | Owner::Source { location: Some(location), .. } => {
            properties.push(property("made-by", graph.line(location)));
        }
        Owner::Package(_) | Owner::Source { location: None, .. } | Owner::Base(_) => {}
    }
    Part { kind: "file", name: &file.path, hashes: vec![sha256(&file.sha256)], properties, ..Part::default() }
}

struct Dependencies<'a>(&'a Graph<'a>);

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    depends_on: Vec<&'a str>,
}

impl Serialize for Dependencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let components = &self.0.components;
        let names = |places: &[usize]| places.iter().map(|i| components[*i].reference.as_str()).collect();
        let image = Dependency { reference: IMAGE, depends_on: names(&self.0.roots) };
        let others = components
            .iter()
            .map(|component| Dependency { reference: &component.reference, depends_on: names(&component.depends) });
        serializer.collect_seq(std::iter::once(image).chain(others))
    }
}

#[derive(serde::Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    assemblies: Vec<&'a str>,
    dependencies: Vec<&'a str>,
}

/// What is known in full, and what is not: the inside of a user's own files and of foreign bases.
fn compositions<'a>(graph: &'a Graph<'_>) -> Vec<Composition<'a>> {
    let names = |complete: bool| {
        let components = graph.components.iter().filter(move |component| component.what.is_complete() == complete);
        components.map(|component| component.reference.as_str())
    };
    let known: Vec<&str> = std::iter::once(IMAGE).chain(names(true)).collect();
    let unknown: Vec<&str> = names(false).collect();
    let mut compositions = vec![Composition { aggregate: "complete", assemblies: known.clone(), dependencies: known }];
    if !unknown.is_empty() {
        compositions.push(Composition { aggregate: "unknown", assemblies: unknown.clone(), dependencies: unknown });
    }
    compositions
}

#[derive(serde::Serialize)]
struct Formula<'a> {
    #[serde(rename = "bom-ref")]
    reference: &'static str,
    components: Vec<InputPart<'a>>,
    workflows: [Workflow; 1],
}

/// A file that says how to build.
#[derive(serde::Serialize)]
struct InputPart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: &'a str,
    hashes: [Hash; 1],
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow {
    #[serde(rename = "bom-ref")]
    reference: &'static str,
    uid: String,
    name: &'static str,
    task_types: [&'static str; 1],
    inputs: Vec<Resource>,
    outputs: [Resource; 1],
}

#[derive(serde::Serialize)]
struct Resource {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    resource: Reference,
}

#[derive(serde::Serialize)]
struct Reference {
    #[serde(rename = "ref")]
    reference: String,
}

fn formula<'a>(graph: &'a Graph<'_>, serial: &uuid::Uuid) -> Formula<'a> {
    let inventory = graph.inventory;
    let input = |file: &'a SpecFile| InputPart {
        kind: "file",
        reference: format!("input:{}", file.path),
        name: &file.path,
        hashes: [sha256(&file.digest)],
    };
    let components: Vec<_> = inventory.specs.iter().chain(&inventory.lock).map(input).collect();
    let resource = |kind, reference: String| Resource { kind, resource: Reference { reference } };
    Formula {
        reference: "formula",
        workflows: [Workflow {
            reference: "workflow",
            uid: serial.to_string(),
            name: "kiln build",
            task_types: ["build"],
            inputs: components.iter().map(|input| resource(None, input.reference.clone())).collect(),
            outputs: [resource(Some("artifact"), IMAGE.into())],
        }],
        components,
    }
}
