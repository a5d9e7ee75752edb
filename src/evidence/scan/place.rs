//! Where something is that is wrong.

use crate::evidence::inventory::{File, Inventory, Location, Owner, path_text};
use crate::oci::Digest;
use crate::tree::TreePath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place in an image, or in what it was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The absolute path, as text (see [`path_text`]); none where it is no file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// The way from there through archives, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub inside: Vec<String>,
    /// The line in that file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// What it is in place of a file: `variable PORT`, `label org.example.x`, `history 3`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
    /// Where that comes from.
    #[serde(default)]
    pub origin: Origin,
}

/// Where something in an image comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The layer that brought it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<Digest>,
    /// Who put it there, in words: `package bash 5.2.15-2`, `source app`, `base docker.io/library/debian:13`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    /// The stages that it was taken from, the one that the image took it from first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub stages: Vec<String>,
    /// What was asked for and brought it, each because of the one before: names of packages.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub because: Vec<String>,
    /// The line of the spec to change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spec: Option<SpecLine>,
}

/// A line of a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpecLine {
    /// The file, relative to the spec's folder.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
}

impl Place {
    /// A path.
    pub fn at(path: &TreePath) -> Self {
        Place { path: Some(path_text(path.as_bytes())), ..Place::default() }
    }

    /// Something that is no file.
    pub fn part(part: impl Into<String>) -> Self {
        Place { part: Some(part.into()), ..Place::default() }
    }

    /// Something that a line of a spec says.
    pub fn said(inventory: &Inventory, location: Option<Location>) -> Self {
        let spec = location.map(|location| line(inventory, location));
        Place { origin: Origin { spec, ..Origin::default() }, ..Place::default() }
    }
}

/// Says of all places that are paths where they come from.
pub fn locate<'p>(places: impl IntoIterator<Item = &'p mut Place>, inventory: &Inventory) {
    let mut wanted: BTreeMap<String, Vec<&mut Place>> = BTreeMap::new();
    for place in places {
        if let Some(path) = place.path.clone() {
            wanted.entry(path).or_default().push(place);
        }
    }
    if wanted.is_empty() {
        return;
    }
    for file in &inventory.files {
        for place in wanted.remove(&file.path).into_iter().flatten() {
            place.origin = of_file(inventory, file);
        }
    }
}

fn of_file(inventory: &Inventory, file: &File) -> Origin {
    let mut origin = of_owner(inventory, &file.owner);
    origin.layer = inventory.layers.get(file.layer).map(|layer| layer.digest);
    origin
}

/// Who put something into an image, and what line says so.
pub fn of_owner(inventory: &Inventory, owner: &Owner) -> Origin {
    let mut origin = Origin::default();
    let mut stage: Option<usize> = None;
    let mut owner = owner;
    let mut said: Option<Location> = None;
    while let Owner::Stage { stage: from, owner: inner, location } = owner {
        let Some(known) = inventory.stages.get(*from) else { break };
        origin.stages.push(known.name.clone());
        said = said.or(*location);
        (stage, owner) = (Some(*from), inner);
    }
    let known = stage.and_then(|stage| inventory.stages.get(stage));
    let (packages, bases, steps) = match known {
        Some(stage) => (&stage.packages, &stage.bases, &stage.steps),
        None => (&inventory.packages, &inventory.bases, &inventory.steps),
    };
    let told = match owner {
        Owner::Package(package) | Owner::Emulated { package } => packages.get(*package).map(|package| {
            said = said.or(package.location);
            format!("package {} {}", package.name, package.version)
        }),
        Owner::Source { source, location } => inventory.sources.get(*source).map(|source| {
            said = said.or(*location).or(source.location);
            format!("source {}", source.name)
        }),
        Owner::Spec(location) => {
            said = said.or(Some(*location));
            Some("the spec".to_owned())
        }
        Owner::Base(base) => bases.get(*base).map(|base| {
            said = said.or(base.location);
            format!("base {}", base.reference)
        }),
        Owner::Step(step) => steps.get(*step).map(|step| {
            said = said.or(step.location);
            format!("command {}", step.name)
        }),
        Owner::Stage { .. } => None,
    };
    origin.owner = told;
    origin.spec = said.map(|location| line(inventory, location));
    origin
}

pub(super) fn line(inventory: &Inventory, location: Location) -> SpecLine {
    let file = inventory.specs.get(location.spec).map(|spec| spec.path.clone()).unwrap_or_default();
    SpecLine { file, line: location.line }
}
