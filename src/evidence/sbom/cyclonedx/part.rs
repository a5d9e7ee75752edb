//! Components of a CycloneDX document, and the files in them.

use super::super::graph::{Claimed, Component, Graph, Presence, What};
use super::super::purl::{deb_purl, deb_url, git_purl};
use super::super::{Contact, contact, web_address};
use super::formulation::task_name;
use super::found::{finders, found_part, shown};
use crate::evidence::inventory::{File, FileKind, Owner, Package, SourceKind};
use crate::oci::Digest;
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A component; what it has none of is left out.
#[derive(serde::Serialize, Default)]
pub(super) struct Part<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<Cow<'a, str>>,
    #[serde(rename = "mime-type", skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Organisation<'a>>,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) licenses: Option<[Terms<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) components: Option<Files<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(serde::Serialize)]
pub(super) struct Organisation<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) contact: Vec<Contact<'a>>,
}

#[derive(serde::Serialize)]
pub(super) struct Hash {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

/// On what terms something is given away.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Terms<'a> {
    Expression {
        expression: Cow<'a, str>,
        acknowledgement: &'static str,
    },
    /// What SPDX has no expression for.
    Named {
        license: NamedLicence<'a>,
    },
}

#[derive(serde::Serialize)]
pub(super) struct NamedLicence<'a> {
    pub(super) name: &'a str,
    pub(super) acknowledgement: &'static str,
}

impl<'a> Terms<'a> {
    pub(super) fn declared(expression: impl Into<Cow<'a, str>>) -> [Self; 1] {
        [Terms::Expression { expression: expression.into(), acknowledgement: "declared" }]
    }
}

#[derive(serde::Serialize)]
pub(super) struct Link {
    url: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(serde::Serialize)]
pub(super) struct Evidence<'a> {
    /// One object: the array that 1.6 allows as well is more than readers of 1.5, such as syft, can take.
    pub(super) identity: Identity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) occurrences: Vec<Occurrence<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    field: &'static str,
    confidence: f64,
    concluded_value: String,
    methods: Vec<Method>,
}

#[derive(serde::Serialize)]
pub(super) struct Method {
    pub(super) technique: &'static str,
    /// From 0 to 1.
    pub(super) confidence: f64,
    pub(super) value: String,
}

impl Identity {
    /// A package URL, as sure as the surest of the methods.
    pub(super) fn of(purl: String, methods: Vec<Method>) -> Self {
        let confidence = methods.iter().map(|method| method.confidence).fold(0.0, f64::max);
        Identity { field: "purl", confidence, concluded_value: purl, methods }
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Occurrence<'a> {
    pub(super) location: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_context: Option<String>,
}

#[derive(serde::Serialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) fn property(name: impl AsRef<str>, value: impl Into<String>) -> Property {
    Property { name: format!("kiln:{}", name.as_ref()), value: value.into() }
}

pub(super) fn sha256(digest: &Digest) -> Hash {
    Hash { alg: "SHA-256", content: digest.hex() }
}

pub(super) fn part<'a>(graph: &'a Graph<'_>, component: &'a Component<'_>) -> Part<'a> {
    let reference = Some(component.reference.as_str().into());
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
                SourceKind::Git(commit) => {
                    ("application", vec![Link { url: commit.uri.clone(), kind: "vcs", hashes: vec![] }])
                }
                SourceKind::Oci { .. } => ("container", vec![]),
            };
            let mut properties = Vec::new();
            let (mut version, mut purl) = (None, None);
            if let SourceKind::Git(commit) = &source.kind {
                (version, purl) = (Some(commit.id.as_str()), Some(git_purl(&source.name, commit)));
                properties.extend(commit.reference.as_ref().map(|reference| property("ref", reference)));
                properties.extend((!commit.subdir.is_empty()).then(|| property("subdir", &commit.subdir)));
            }
            if let SourceKind::Oci { reference } = &source.kind {
                properties.push(property("reference", reference));
            }
            if let Some(location) = &source.location {
                properties.push(property("declared", graph.line(location)));
            }
            Part { kind, name: &source.name, version, purl, links, properties, ..bare }
        }
        What::Base(base) => {
            let declared = base.location.iter().map(|location| property("declared", graph.line(location)));
            let properties = declared.chain(partial(graph, component)).collect();
            Part { kind: "container", name: &base.reference, properties, ..bare }
        }
        What::Claimed(claimed) => claimed_part(component, claimed, bare),
        What::Found(package) => found_part(component, package, bare),
        What::Spec(spec) => Part { kind: "file", name: &spec.path, ..bare },
        What::Stage(stage) => {
            let declared = stage.location.iter().map(|location| property("declared", graph.line(location)));
            let properties =
                std::iter::once(property("platform", stage.platform.to_string())).chain(declared).collect();
            Part { kind: "application", name: &stage.name, properties, ..bare }
        }
        What::Run => Part { kind: "application", name: "commands of the image", ..bare },
    }
}

/// That only some files of a component are in the image, and from which stages.
fn partial(graph: &Graph<'_>, component: &Component<'_>) -> Option<Property> {
    if component.presence != Presence::Partial {
        return None;
    }
    let stages = component.files.iter().filter_map(|file| graph.way(file).0.first().copied());
    let stages: BTreeSet<&str> = stages.map(|(stage, _)| graph.inventory.stages[stage].name.as_str()).collect();
    let stages = stages.into_iter().collect::<Vec<_>>().join(", ");
    Some(property("partial", format!("only the files listed here, from the stage {stages}")))
}

/// A package that nobody but the base's own document speaks of.
fn claimed_part<'a>(
    component: &Component<'a>,
    Claimed { base, claims, package }: Claimed<'a>,
    bare: Part<'a>,
) -> Part<'a> {
    let mut properties = vec![
        property("claimed-for", format!("{}@{}", base.reference, base.digest)),
        property("claimed-by", claims.document.to_string()),
        property("claimed-by:form", &claims.form),
        property("claimed-by:signed", claims.signed.to_string()),
    ];
    properties.extend(finders(component));
    Part {
        kind: "library",
        name: &package.name,
        version: package.version.as_deref(),
        purl: package.purl.clone(),
        evidence: package.purl.as_ref().and_then(|purl| shown(component, purl)),
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
    properties.extend(partial(graph, component));
    let method = |technique, value: String| Method { technique, confidence: 1.0, value };
    Part {
        kind: "library",
        supplier: Some(Organisation {
            name: &package.supplier,
            contact: package.maintainer.as_deref().map(contact).into_iter().collect(),
        }),
        name: &package.name,
        version: Some(&package.version),
        description: package.summary.as_deref(),
        licenses: package.licence.expression.as_deref().map(Terms::declared),
        purl: Some(deb_purl(package)),
        links,
        evidence: Some(Evidence {
            identity: Identity::of(
                deb_purl(package),
                vec![
                    method("hash-comparison", package.sha256.to_string()),
                    method("manifest-analysis", index.map_or("lock".into(), |index| index.suite.clone())),
                ],
            ),
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
    let told = paths.filter(|path| tells(path));
    told.map(|path| Occurrence { location: path.into(), additional_context: None }).collect()
}

/// The files of a component.
pub(super) struct Files<'a> {
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
    properties.extend(graph.unread.get(&file.path).map(|reason| property("not-catalogued", *reason)));
    let (way, owner) = graph.way(file);
    for (stage, line) in way {
        properties.push(property("stage", &graph.inventory.stages[stage].name));
        properties.extend(line.iter().map(|line| property("made-by", graph.line(line))));
    }
    match owner {
        Owner::Emulated { .. } => properties.push(property("made-by", "emulated maintainer script")),
        Owner::Spec(location) | Owner::Source { location: Some(location), .. } => {
            properties.push(property("made-by", graph.line(location)));
        }
        _ => {}
    }
    if let Some((room, position)) = graph.maker(file) {
        let line = graph.steps(room)[position].location;
        properties.extend(line.iter().map(|line| property("made-by", graph.line(line))));
        properties.push(property("step", task_name(graph, room, position)));
    }
    Part { kind: "file", name: &file.path, hashes: vec![sha256(&file.sha256)], properties, ..Part::default() }
}
