//! The commands of a build, as its evidence tells of them: from the graph, from the spec, and from how they ran.

use super::assemble::Made;
use super::error::Error;
use super::inventory::location;
use crate::compile::{CheckPlan, CommandPlan, Compiled, ResultsFile};
use crate::diagnostic::Sources;
use crate::evidence::test_result::{Checked, Form, Report};
use crate::evidence::{Material, Network, Step};
use crate::llb::{Graph, pb};
use crate::oci::Digest;
use crate::solve::{self, Solved};
use crate::store::Store;
use crate::tree::TreePath;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a command ran, as it is remembered with the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RanFact {
    pub vertex: Digest,
    /// Names its result, where kiln has that.
    pub key: Option<Digest>,
    /// The trees that it saw, in the order of its vertex's inputs, as far as they are known.
    pub inputs: Vec<Option<Digest>>,
    /// The trees that it left, in the order of its outputs, as far as they are known.
    pub outputs: Vec<Option<Digest>>,
    pub exit_code: i32,
    /// How long it took, where that is known.
    pub milliseconds: Option<u64>,
}

impl From<&solve::Ran> for RanFact {
    fn from(ran: &solve::Ran) -> Self {
        RanFact {
            vertex: ran.vertex,
            key: Some(ran.key),
            inputs: ran.inputs.iter().copied().map(Some).collect(),
            outputs: ran.outputs.iter().copied().map(Some).collect(),
            exit_code: ran.facts.exit_code,
            milliseconds: Some(ran.facts.milliseconds),
        }
    }
}

/// The results that a check left in a file, in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Results {
    vertex: Digest,
    sarif: bool,
    content: Digest,
}

impl Results {
    /// Whether the store has them.
    pub(super) fn are_there(&self, store: &Store) -> bool {
        store.has(&self.content)
    }
}

/// Finds what each check left; `left` is what was solved of [`Compiled::checked`], in its order.
///
/// # Errors
/// [`Error::NoResults`] where a check succeeded and did not leave the file that the spec names.
pub(super) fn results(compiled: &Compiled, left: &[Solved]) -> Result<Vec<Results>, Error> {
    let mut results = Vec::new();
    let checks = compiled.commands.iter().filter_map(|command| Some((command, command.check.as_ref()?)));
    let mut left = left;
    for (command, check) in checks {
        let (of_check, others) = left.split_at(check.outputs().count());
        left = others;
        for (file, solved) in check.results.iter().zip(&of_check[1..]) {
            let missing = || Error::NoResults { check: check.name.clone(), path: file.path.clone() };
            let found = TreePath::new(&file.within).map_err(|_| missing())?;
            let content = solved.tree.get(&found).and_then(|entry| entry.content()).ok_or_else(missing)?;
            results.push(Results { vertex: command.vertex, sarif: file.sarif, content: *content });
        }
    }
    Ok(results)
}

/// What checks left in these files, which came in the order of [`result_files`].
pub(super) fn results_of(compiled: &Compiled, contents: &[Digest]) -> Vec<Results> {
    let found = result_files(compiled).zip(contents);
    let found = found.map(|((command, _, file), content)| (command.vertex, file.sarif, *content));
    found.map(|(vertex, sarif, content)| Results { vertex, sarif, content }).collect()
}

/// The files that checks leave their results in.
pub(super) fn result_files(compiled: &Compiled) -> impl Iterator<Item = (&CommandPlan, &CheckPlan, &ResultsFile)> {
    let checks = compiled.commands.iter().filter_map(|command| Some((command, command.check.as_ref()?)));
    checks.flat_map(|(command, check)| check.results.iter().map(move |file| (command, check, file)))
}

/// The commands of a stage, or of the image itself, as evidence.
pub(super) fn steps(
    compiled: &Compiled,
    graph: &Graph,
    made: &Made,
    sources: &Sources,
    stage: Option<&str>,
) -> Result<Vec<Step>, Error> {
    let of_stage = compiled.commands.iter().filter(|command| command.stage.as_deref() == stage);
    of_stage.map(|command| step(command, graph, made, sources)).collect()
}

/// The results of all checks, as evidence.
pub(super) fn checked(
    compiled: &Compiled,
    graph: &Graph,
    made: &Made,
    sources: &Sources,
    store: &Store,
) -> Result<Vec<Checked>, Error> {
    let checks = compiled.commands.iter().filter(|command| command.check.is_some());
    checks
        .map(|command| {
            let ran = ran(command, made)?;
            let results = made.facts.results.iter().find(|results| results.vertex == command.vertex);
            let report = results.map(|results| {
                let form = if results.sarif { Form::Sarif } else { Form::Junit };
                let reader = store.reader(&results.content)?;
                let read = Report::read(form, results.content, reader);
                read.map_err(|error| Error::BadResults { check: command.name.clone(), error })
            });
            Ok(Checked {
                stage: command.stage.clone(),
                step: step(command, graph, made, sources)?,
                specs: super::inventory::spec_files(sources),
                exit: Some(ran.exit_code),
                duration: ran.milliseconds.map(Duration::from_millis),
                report: report.transpose()?,
            })
        })
        .collect()
}

fn ran<'a>(command: &CommandPlan, made: &'a Made) -> Result<&'a RanFact, Error> {
    let found = made.facts.ran.iter().find(|ran| ran.vertex == command.vertex);
    found.ok_or_else(|| Error::Mistake(format!("nothing is known of how `{}` ran", command.name)))
}

fn step(command: &CommandPlan, graph: &Graph, made: &Made, sources: &Sources) -> Result<Step, Error> {
    let lost = || Error::Mistake(format!("`{}` is not in the graph", command.name));
    let vertex = graph.vertex(&command.vertex).ok_or_else(lost)?;
    let pb::op::Op::Exec(exec) = &vertex.op else { return Err(lost()) };
    let (meta, ran) = (exec.meta.clone().unwrap_or_default(), ran(command, made)?);
    let kind = |kind: pb::MountType| exec.mounts.iter().filter(move |mount| mount.mount_type() == kind);
    let in_files = kind(pb::MountType::Secret).filter_map(|mount| Some(mount.secret_opt.as_ref()?.id.clone()));
    let in_variables = exec.secretenv.iter().map(|secret| secret.id.clone());
    let mut secrets: Vec<String> = in_files.chain(in_variables).collect();
    secrets.sort();
    secrets.dedup();
    let user = if meta.user.is_empty() { "0:0".to_owned() } else { meta.user };
    Ok(Step {
        name: command.name.clone(),
        command: meta.args,
        environment: meta.env,
        user,
        workdir: meta.cwd,
        network: if exec.network() == pb::NetMode::Host { Network::Host } else { Network::None },
        secrets,
        agents: kind(pb::MountType::Ssh).filter_map(|mount| Some(mount.ssh_opt.as_ref()?.id.clone())).collect(),
        caches: kind(pb::MountType::Cache).filter_map(|mount| Some(mount.cache_opt.as_ref()?.id.clone())).collect(),
        check: command.check.as_ref().map(|check| check.name.clone()),
        inputs: materials(command, exec, |mount| *ran.inputs.get(usize::try_from(mount.input).ok()?)?),
        outputs: match &command.check {
            Some(_) => Vec::new(),
            None => materials(command, exec, |mount| *ran.outputs.get(usize::try_from(mount.output).ok()?)?),
        },
        location: Some(location(sources, command.span)),
    })
}

fn materials(command: &CommandPlan, exec: &pb::ExecOp, digest: impl Fn(&pb::Mount) -> Option<Digest>) -> Vec<Material> {
    let bound = exec.mounts.iter().filter(|mount| mount.mount_type() == pb::MountType::Bind);
    let of = |mount: &pb::Mount| {
        let from = match mount.dest.as_str() {
            "/" => command.from.clone(),
            path => command.mounted.get(path).cloned().into_iter().collect(),
        };
        Some(Material { path: mount.dest.clone(), digest: digest(mount)?, from })
    };
    bound.filter_map(of).collect()
}
