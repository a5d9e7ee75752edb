//! How the image was formed: what was only built with, the stages, their commands, and what commands saw and left.
//!
//! A command is a task. Trees are components that one task leaves and the next takes, named by their digests, so that
//! the tasks are a graph.

use super::super::graph::Graph;
use super::super::places::Room;
use super::super::uuid;
use super::part::{Part, Property, part, property, sha256};
use super::{Dependency, IMAGE};
use crate::evidence::inventory::SpecFile;
use crate::evidence::stage::{Material, Stage, Step};
use crate::oci::{Digest, media_type};
use std::collections::{BTreeMap, BTreeSet};

#[derive(serde::Serialize)]
pub(super) struct Formula<'a> {
    #[serde(rename = "bom-ref")]
    reference: &'static str,
    components: Vec<Part<'a>>,
    workflows: Vec<Workflow<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Workflow<'a> {
    #[serde(rename = "bom-ref")]
    reference: String,
    uid: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<Task<'a>>,
    task_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<Flow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Flow>,
    /// Which packages need which where the commands ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runtime_topology: Vec<Dependency<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    #[serde(rename = "bom-ref")]
    reference: String,
    uid: String,
    name: &'a str,
    task_types: [&'static str; 1],
    steps: [TaskStep; 1],
    inputs: Vec<Flow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Flow>,
    properties: Vec<Property>,
}

#[derive(serde::Serialize)]
struct TaskStep {
    commands: [Command; 1],
}

#[derive(serde::Serialize)]
struct Command {
    executed: String,
}

/// What goes into a task or comes out of it: a resource, or environment variables.
#[derive(serde::Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Flow {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    environment_vars: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(serde::Serialize)]
struct Reference {
    #[serde(rename = "ref")]
    reference: String,
}

pub(super) fn formula<'a>(graph: &'a Graph<'_>, serial: &uuid::Uuid) -> Formula<'a> {
    let inventory = graph.inventory;
    let files: Vec<_> = inventory.specs.iter().chain(&inventory.lock).collect();
    let build = Workflow {
        tasks: tasks(graph, None),
        inputs: files.iter().map(|file| Flow::resource(input_name(file))).collect(),
        outputs: vec![Flow { kind: Some("artifact"), ..Flow::resource(IMAGE) }],
        ..workflow("workflow".into(), serial.to_string(), "kiln build")
    };
    let stages = inventory.stages.iter().enumerate().map(|(i, stage)| of_stage(graph, i, stage));
    let tools = graph.tools().iter().map(|tool| Part { scope: Some("excluded"), ..part(graph, tool) });
    Formula {
        reference: "formula",
        components: files.iter().map(|file| input(file)).chain(tools).chain(trees(graph)).collect(),
        workflows: std::iter::once(build).chain(stages).collect(),
    }
}

fn workflow(reference: String, uid: String, name: &str) -> Workflow<'_> {
    Workflow {
        reference,
        uid,
        name,
        resource_references: vec![],
        tasks: vec![],
        task_types: ["build"],
        inputs: vec![],
        outputs: vec![],
        runtime_topology: vec![],
        properties: vec![],
    }
}

/// A file that says how to build.
fn input(file: &SpecFile) -> Part<'_> {
    let reference = Some(input_name(file).into());
    Part { kind: "file", reference, name: &file.path, hashes: vec![sha256(&file.digest)], ..Part::default() }
}

fn input_name(file: &SpecFile) -> String {
    format!("input:{}", file.path)
}

fn of_stage<'a>(graph: &'a Graph<'_>, position: usize, stage: &'a Stage) -> Workflow<'a> {
    let from = stage.from.iter().filter_map(|name| graph.named(name));
    let used: BTreeSet<&str> = graph.installed(position).chain(from).map(|used| used.reference.as_str()).collect();
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (a, b) in &stage.edges {
        let package = |i: usize| graph.at(("package", Some(position), i)).map(|component| component.reference.as_str());
        if let (Some(from), Some(to)) = (package(*a), package(*b)) {
            needs.entry(from).or_default().insert(to);
        }
    }
    let reference = format!("workflow:{}", stage.name);
    let needs =
        needs.into_iter().map(|(from, to)| Dependency { reference: from, depends_on: to.into_iter().collect() });
    let declared = stage.location.iter().map(|location| property("declared", graph.line(location)));
    Workflow {
        resource_references: used.into_iter().map(Reference::to).collect(),
        tasks: tasks(graph, Some(position)),
        runtime_topology: needs.collect(),
        properties: std::iter::once(property("platform", stage.platform.to_string())).chain(declared).collect(),
        ..workflow(reference.clone(), uid(graph, &reference), &stage.name)
    }
}

/// What a task is called: the name of whose it is, and its position there, counted from 1.
pub(super) fn task_name(graph: &Graph<'_>, room: Room, position: usize) -> String {
    let whose = room.map_or("image", |stage| &graph.inventory.stages[stage].name);
    let kind = if room.is_some() { "stage" } else { "run" };
    format!("task:{kind}:{whose}:{}", position + 1)
}

fn tasks<'a>(graph: &'a Graph<'_>, room: Room) -> Vec<Task<'a>> {
    let steps = graph.steps(room).iter().enumerate();
    steps.map(|(position, step)| task(graph, task_name(graph, room, position), step)).collect()
}

fn task<'a>(graph: &'a Graph<'_>, reference: String, step: &'a Step) -> Task<'a> {
    let variable = |variable: &String| {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        Property { name: name.into(), value: value.into() }
    };
    let environment = Flow { environment_vars: step.environment.iter().map(variable).collect(), ..Flow::default() };
    let environment = (!step.environment.is_empty()).then_some(environment);
    let mut properties = vec![
        property("user", &step.user),
        property("workdir", &step.workdir),
        property("network", step.network.name()),
    ];
    properties.extend(step.secrets.iter().map(|name| property("secret", name)));
    properties.extend(step.agents.iter().map(|name| property("ssh-agent", name)));
    properties.extend(step.caches.iter().map(|name| property("cache", name)));
    properties.extend(step.check.iter().map(|name| property("check", name)));
    properties.extend(step.location.iter().map(|location| property("declared", graph.line(location))));
    Task {
        uid: uid(graph, &reference),
        reference,
        name: &step.name,
        task_types: [if step.check.is_some() { "test" } else { "build" }],
        steps: [TaskStep { commands: [Command { executed: step.line() }] }],
        inputs: environment.into_iter().chain(step.inputs.iter().map(|input| flow(graph, input))).collect(),
        outputs: step.outputs.iter().map(|output| Flow { kind: Some("artifact"), ..flow(graph, output) }).collect(),
        properties,
    }
}

fn flow(graph: &Graph<'_>, material: &Material) -> Flow {
    let from = material.from.iter().filter_map(|name| graph.named(name));
    let from = from.map(|component| property("from", &component.reference));
    Flow {
        properties: std::iter::once(property("path", &material.path)).chain(from).collect(),
        ..Flow::resource(tree_name(&material.digest))
    }
}

/// The trees that commands saw and left, each once.
fn trees<'a>(graph: &Graph<'_>) -> impl Iterator<Item = Part<'a>> {
    let stages = graph.inventory.stages.iter().flat_map(|stage| &stage.steps);
    let materials = graph.inventory.steps.iter().chain(stages).flat_map(|step| step.inputs.iter().chain(&step.outputs));
    let digests: BTreeSet<Digest> = materials.map(|material| material.digest).collect();
    digests.into_iter().map(|digest| Part {
        kind: "data",
        reference: Some(tree_name(&digest).into()),
        media_type: Some(media_type::TREE),
        name: "tree",
        scope: Some("excluded"),
        hashes: vec![sha256(&digest)],
        ..Part::default()
    })
}

fn tree_name(tree: &Digest) -> String {
    format!("tree:{tree}")
}

/// The same for the same part of the same image.
fn uid(graph: &Graph<'_>, reference: &str) -> String {
    uuid(reference, &graph.inventory.image.digest).to_string()
}

impl Flow {
    fn resource(reference: impl Into<String>) -> Self {
        Flow { resource: Some(Reference::to(reference)), ..Flow::default() }
    }
}

impl Reference {
    fn to(reference: impl Into<String>) -> Self {
        Reference { reference: reference.into() }
    }
}
