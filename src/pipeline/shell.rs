//! A shell in a stage, as its commands see it.

use super::error::Error;
use super::failure::Failure;
use super::inputs::prepare;
use super::listening::Listener;
use super::locking::{self, LockMode};
use super::project::Project;
use super::session::Session;
use super::target::stage;
use crate::compile::Compiled;
use crate::diagnostic::Sources;
use crate::llb::Output;
use crate::oci::{Digest, Platform};
use crate::plan::Refresh;
use crate::solve::embedded::sandbox::Status;
use crate::solve::{Engine, Request};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which stage is entered, and how.
#[derive(Debug, Clone)]
pub struct ShellOptions {
    /// The spec: a file, or a folder with a `kiln.kdl`.
    pub spec: PathBuf,
    /// The values that `--arg` sets.
    pub args: BTreeMap<String, String>,
    /// How the lock may be used.
    pub lock: LockMode,
    /// The stage.
    pub stage: String,
    /// What it is built for; none for the first platform that the spec wants it for.
    pub platform: Option<Platform>,
    /// What runs there; the stage's own shell for nothing.
    pub command: Vec<String>,
}

/// Where a stage is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    vertex: Digest,
    /// What failed there, if anything did; else the stage is finished.
    pub failed: Option<String>,
}

/// Builds a stage as far as that goes: a command that fails is where it is entered, else its end.
pub fn entrance(session: &Session<'_>, options: &ShellOptions) -> Result<Entrance, Error> {
    let stage = Entered::prepare(session, options)?;
    let graph = stage.compiled.graph.graph()?;
    let last = stage.compiled.commands.last().ok_or_else(|| Error::Mistake("no shell was compiled".into()))?;
    let of_shell = graph.vertex(&last.vertex).map(|vertex| vertex.inputs.clone()).unwrap_or_default();
    let targets: Vec<Output> = of_shell.into_iter().chain(stage.compiled.checked()).collect();
    session.phase("solving");
    let listener = Listener::new(session);
    let request = Request { contexts: &stage.contexts, ..session.request(&graph, &targets, &listener) };
    match session.engine()?.solve(&request) {
        Ok(_) => Ok(Entrance { vertex: last.vertex, failed: None }),
        Err(error) => {
            let own = |vertex: &Digest| {
                let mut commands = stage.compiled.commands.iter();
                commands.any(|c| c.vertex == *vertex && c.stage.as_deref() == Some(options.stage.as_str()))
            };
            match error.vertex().filter(|vertex| own(vertex) && error.output().is_some()) {
                Some(vertex) => Ok(Entrance { vertex, failed: Some(error.to_string()) }),
                None => Err(stage.failure(error)),
            }
        }
    }
}

/// Opens the shell at the caller's terminal; the code with which it ended.
pub fn enter(session: &Session<'_>, options: &ShellOptions, entrance: &Entrance) -> Result<i32, Error> {
    let stage = Entered::prepare(session, options)?;
    let graph = stage.compiled.graph.graph()?;
    let listener = Listener::new(session);
    let request = Request { contexts: &stage.contexts, ..session.request(&graph, &[], &listener) };
    let entered = session.engine()?.enter(&request, &entrance.vertex, stage.command.clone());
    match entered.map_err(|error| stage.failure(error))? {
        Status::Exited(code) => Ok(code),
        Status::Signalled(signal) => Ok(128 + signal),
        Status::Exceeded(_) | Status::Cancelled => Ok(130),
    }
}

/// A stage with a shell behind its commands.
struct Entered {
    compiled: Compiled,
    sources: Sources,
    contexts: BTreeMap<String, PathBuf>,
    command: Vec<String>,
}

impl Entered {
    fn prepare(session: &Session<'_>, options: &ShellOptions) -> Result<Self, Error> {
        session.phase("reading the spec");
        let project = Project::load(&options.spec, &options.args)?;
        super::given::check(session, &project)?;
        let mut sources = project.sources.clone();
        let buildable = locking::buildable(&project, &mut sources)?;
        let locked = locking::ensure(session, &project, &buildable, options.lock, &Refresh::Nothing)?;
        let (leveled, platform) = stage(&project, &buildable, &options.stage, options.platform.as_ref())?;
        let prepared = prepare(session, &project, &buildable, leveled, platform, &locked.lock)?;
        let shell = leveled.image.surroundings.shell.as_ref().and_then(|shell| shell.value.first());
        let shell = shell.cloned().unwrap_or_else(|| "/bin/sh".into());
        let command = if options.command.is_empty() { vec![shell] } else { options.command.clone() };
        let compiled = prepared.compile_with_shell(leveled, platform, &sources, &command)?;
        Ok(Entered { compiled, sources, contexts: super::assemble::folders(&project), command })
    }

    fn failure(&self, error: crate::solve::SolveError) -> Error {
        let spans = error.vertex().map(|vertex| self.compiled.graph.spans(&vertex).to_vec()).unwrap_or_default();
        let command = error.vertex().and_then(|vertex| self.compiled.command(&vertex));
        Error::Solve(Box::new(Failure::of(error, command, &spans, &self.sources)))
    }
}
