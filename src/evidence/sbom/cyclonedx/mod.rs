//! CycloneDX 1.6, written as a stream.
//!
//! Files are components inside of the component that owns them, so that nothing has to say twice who the owner is.
//! What the standard has no field for is a property below `kiln:`. What was only built with stands in the formulation, so
//! that nobody takes it for a part of the image.

mod formulation;
mod found;
mod part;

use super::Contact;
use super::graph::{Component, Graph, Presence};
use super::purl::oci_purl;
use crate::evidence::time::rfc3339;
use formulation::formula;
use part::{Organisation, Part, part, property, sha256};
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
            reference: Some(IMAGE.into()),
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
        serializer.collect_seq(self.0.components().iter().map(|component| part(self.0, component)))
    }
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
        let components = self.0.components();
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

/// What is known in full, and what is not: of what was taken from a stage's packages all but a few files is missing,
/// and nobody knows the inside of a user's own files, of foreign bases, and of packages of which no more than a file tells.
/// Where a file cannot be read, packages of the image may be missing.
fn compositions<'a>(graph: &'a Graph<'_>) -> Vec<Composition<'a>> {
    let aggregate = |component: &Component<'_>| match (component.what.is_complete(), component.presence) {
        (true, Presence::Partial) => "incomplete",
        (true, _) => "complete",
        (false, _) => "unknown",
    };
    let composition = |wanted: &'static str| {
        let components = graph.components().iter().filter(|component| aggregate(component) == wanted);
        let of_image = if graph.unread.is_empty() { "complete" } else { "incomplete" };
        let image = (wanted == of_image).then_some(IMAGE);
        let names: Vec<&str> = image.into_iter().chain(components.map(|c| c.reference.as_str())).collect();
        Composition { aggregate: wanted, assemblies: names.clone(), dependencies: names }
    };
    let all = ["complete", "incomplete", "unknown"].map(composition).into_iter();
    all.filter(|composition| !composition.assemblies.is_empty()).collect()
}
