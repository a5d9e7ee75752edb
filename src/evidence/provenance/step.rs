//! Commands in the provenance: an extension field, as SLSA allows them.

use super::build::{Build, BuiltStage};
use super::document::{Resource, plain};
use crate::evidence::stage::{Material, Network, Step};
use crate::oci::media_type;
use serde::{Deserialize, Serialize};

/// A command that ran, with what it saw and left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRun {
    /// The stage in which it ran; none for the image itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<String>,
    /// What it ran for, `linux/amd64`.
    pub platform: String,
    /// How people call it.
    pub name: String,
    /// What the spec calls it, where it is a check.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub check: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What was put into its environment, `NAME=value`.
    pub environment: Vec<String>,
    /// Who ran it, by number.
    pub user: String,
    /// Where it started.
    pub workdir: String,
    /// What it reached over the network: `none` or `host`.
    pub network: String,
    /// The names of its secrets.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub secrets: Vec<String>,
    /// The names of the ssh agents that it could ask.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ssh_agents: Vec<String>,
    /// The names of the folders that it shared with other builds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub caches: Vec<String>,
    /// The trees that it saw, by the places where it saw them.
    pub inputs: Vec<Resource>,
    /// The trees that it left.
    pub outputs: Vec<Resource>,
}

/// The commands of a build, each once.
pub(super) fn step_runs(build: &Build) -> Vec<StepRun> {
    let mut runs: Vec<StepRun> = Vec::new();
    for (stage, step) in steps(build) {
        let run = step_run(stage, step);
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    runs
}

/// The commands that could reach the network.
pub(super) fn network_steps(build: &Build) -> Vec<String> {
    let mut names: Vec<String> = steps(build)
        .filter(|(_, step)| step.network == Network::Host)
        .map(|(stage, step)| format!("{}: {}", stage.name.as_deref().unwrap_or("image"), step.name))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn steps(build: &Build) -> impl Iterator<Item = (&BuiltStage, &Step)> {
    build.stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)))
}

fn step_run(stage: &BuiltStage, step: &Step) -> StepRun {
    StepRun {
        stage: stage.name.clone(),
        platform: stage.platform.to_string(),
        name: step.name.clone(),
        check: step.check.clone(),
        command: step.command.clone(),
        environment: step.environment.clone(),
        user: step.user.clone(),
        workdir: step.workdir.clone(),
        network: step.network.name().into(),
        secrets: step.secrets.clone(),
        ssh_agents: step.agents.clone(),
        caches: step.caches.clone(),
        inputs: step.inputs.iter().map(material).collect(),
        outputs: step.outputs.iter().map(material).collect(),
    }
}

/// A tree, named by its place.
pub(in crate::evidence) fn material(material: &Material) -> Resource {
    let from = (!material.from.is_empty()).then(|| ("from".to_owned(), material.from.join(" ")));
    Resource {
        media_type: Some(media_type::TREE.into()),
        annotations: from.into_iter().collect(),
        ..plain(&material.path, &material.digest)
    }
}
