//! The engine that is built in: it solves a graph on trees, without a daemon,
//! without root and, but for commands, without a file system of its own.
//!
//! A vertex runs when its inputs are there ([`schedule`]). Sources make trees: a folder
//! on disk ([`context`]), a download, an image out of the store ([`source`]). File
//! operations, merges and differences make trees of trees ([`file`], here), and commands
//! do in a [`sandbox`] ([`exec`]); what they did is remembered by what they did it to
//! ([`cache`]), and results are not read from the store before somebody looks at them
//! ([`value`]).
//!
//! Damaged or missing content in the store is no reason to fail: the store drops what
//! turns out to be damaged when it is read, and the graph is solved again, which then
//! finds the gap and fills it. Only where that does not help is it an error.

mod accounts;
mod cache;
mod context;
mod exec;
mod file;
pub(super) mod mask;
pub mod sandbox;
mod schedule;
mod source;
mod taken;
mod value;

pub use context::{ContextError, excluded, patterns_of};
pub use exec::{ExecError, PackError, Written, pack, unpack};
pub(in crate::solve) use exec::{Hearing, shown};
pub use file::FileError;
pub use mask::find_secret;
pub use source::http::HttpSourceError;
pub use source::image::ImageSourceError;
pub(super) use source::image::image_of;

use super::{Difference, Engine, Fetch, Outcome, Ran, Request, Solution, SolveError};
use crate::llb::{self, Graph, Output, Vertex, pb};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use crate::tree::flatten::FlattenError;
use crate::tree::materialise::MaterialiseError;
use crate::tree::tar::TarError;
use crate::tree::{Change, TreeError};
use mask::Masks;
use rayon::ThreadPool;
use rayon::prelude::*;
use sandbox::{Sandbox, SandboxError, Status};
use schedule::{Job, Stop};
use source::Kind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use taken::Taken;
use value::Value;

/// How often a graph is solved again after content was lost.
const ATTEMPTS: usize = 3;

/// The engine that is built in.
#[derive(Clone)]
pub struct Embedded {
    store: Store,
    fetch: Arc<dyn Fetch>,
    sandbox: Option<Arc<dyn Sandbox>>,
}

/// Why a vertex failed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A folder could not be read.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A download could not be had.
    #[error(transparent)]
    Http(#[from] HttpSourceError),
    /// An image could not be read.
    #[error(transparent)]
    Image(#[from] ImageSourceError),
    /// A file operation cannot be done.
    #[error(transparent)]
    File(#[from] FileError),
    /// Trees cannot be merged or compared.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A command has no result.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody wants the result any more.
    #[error("it was stopped")]
    Cancelled,
}

impl Problem {
    /// What the command wrote that failed, if it was a command.
    pub fn output(&self) -> Option<&Written> {
        match self {
            Problem::Exec(error) => error.written(),
            _ => None,
        }
    }

    /// The code with which the command ended, if it was one that ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Problem::Exec(error) => error.exit_code(),
            _ => None,
        }
    }

    /// Whether content was lost from the store, so that making it anew may help.
    fn is_lost_content(&self) -> bool {
        let tree = |error: &TreeError| match error {
            TreeError::Store(error) => error.is_lost_content(),
            TreeError::Malformed { .. } => true,
            _ => false,
        };
        let tar = |error: &TarError| match error {
            TarError::Store(error) => error.is_lost_content(),
            TarError::Tree(error) => tree(error),
            TarError::Read(error) => error.kind() == std::io::ErrorKind::InvalidData,
            _ => false,
        };
        match self {
            Problem::Context(ContextError::Store(error))
            | Problem::Http(HttpSourceError::Store(error))
            | Problem::Image(ImageSourceError::Store(error))
            | Problem::File(FileError::Store(error))
            | Problem::Exec(
                ExecError::Store(error)
                | ExecError::Account(FileError::Store(error))
                | ExecError::Seed(MaterialiseError::Content { source: error, .. })
                | ExecError::Sandbox { error: SandboxError::Store(error), .. },
            )
            | Problem::Store(error) => error.is_lost_content(),
            Problem::Context(ContextError::Tree(error))
            | Problem::Image(ImageSourceError::Tree(error))
            | Problem::File(FileError::Tree(error))
            | Problem::Exec(ExecError::Tree(error) | ExecError::Account(FileError::Tree(error)))
            | Problem::Tree(error) => tree(error),
            Problem::Image(ImageSourceError::Flatten(error)) => match error {
                FlattenError::Layer { source, .. } => tar(source),
                FlattenError::Tree(error) => tree(error),
                FlattenError::Store(error) => error.is_lost_content(),
                FlattenError::WrongDiffId { .. } | FlattenError::UnknownKind { .. } => false,
            },
            Problem::File(FileError::Archive { source, .. }) => tar(source),
            _ => false,
        }
    }
}

impl Embedded {
    /// An engine that keeps everything in `store`, downloads by `fetch` and runs no commands.
    pub fn new(store: Store, fetch: Arc<dyn Fetch>) -> Self {
        Embedded { store, fetch, sandbox: None }
    }

    /// The same with a sandbox to run commands in.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: Arc<dyn Sandbox>) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Shows a command's surroundings to a person: makes what the command takes, and runs `args` in its place at the
    /// terminal of whoever calls. Nothing of what that changes is kept, but in caches. `request.targets` does not matter.
    ///
    /// # Errors
    /// As [`solve`](Engine::solve), and [`SolveError::Unsupported`] for a vertex that is no command.
    pub fn enter(&self, request: &Request<'_>, vertex: &Digest, args: Vec<String>) -> Result<Status, SolveError> {
        let absent = SolveError::NoTarget { vertex: *vertex, index: 0 };
        let vertex = request.graph.vertex(vertex).ok_or(absent)?;
        check(vertex, request, self.sandbox.is_some())?;
        let plan = Plan::new(request, &vertex.inputs, &[], self.sandbox.is_some())?;
        Run::new(self, request, &pool(request.parallelism)?, &plan.taken).enter(&plan, vertex, args)
    }
}

/// Threads that help with large pieces of work.
fn pool(threads: usize) -> Result<ThreadPool, SolveError> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).thread_name(|i| format!("solve {i}"));
    builder.build().map_err(|e| SolveError::Threads(e.to_string()))
}

impl Engine for Embedded {
    fn solve(&self, request: &Request<'_>) -> Result<Solution, SolveError> {
        let plan = Plan::new(request, request.targets, request.in_part, self.sandbox.is_some())?;
        let pool = pool(request.parallelism)?;
        for _ in 1..ATTEMPTS {
            match Run::new(self, request, &pool, &plan.taken).all(&plan) {
                Err(SolveError::Failed { problem, .. }) if problem.is_lost_content() => {}
                other => return other,
            }
        }
        Run::new(self, request, &pool, &plan.taken).all(&plan)
    }
}

/// Which vertices run: those that the targets take.
struct Plan<'g> {
    vertices: Vec<&'g Vertex>,
    jobs: Vec<Job>,
    /// For each target, the job that makes it and which of its outputs it is.
    targets: Vec<(usize, usize)>,
    /// The same for what is wanted in part.
    in_part: Vec<(usize, usize)>,
    taken: Taken,
}

impl<'g> Plan<'g> {
    fn new(
        request: &Request<'g>,
        targets: &[Output],
        in_part: &[Output],
        has_sandbox: bool,
    ) -> Result<Self, SolveError> {
        let graph = request.graph;
        let wanted = wanted(graph, targets.iter().chain(in_part))?;
        let (mut vertices, mut jobs) = (Vec::new(), Vec::new());
        let number: HashMap<Digest, usize> =
            wanted.iter().enumerate().map(|(number, vertex)| (graph.vertices()[*vertex].digest, number)).collect();
        for vertex in wanted.iter().map(|i| &graph.vertices()[*i]) {
            check(vertex, request, has_sandbox)?;
            let inputs = vertex.inputs.iter().filter_map(|input| number.get(&input.vertex).copied()).collect();
            let waits = source::of(vertex).is_some_and(|s| matches!(Kind::of(&s.identifier), Some(Kind::Http(_))));
            jobs.push(Job { inputs, waits });
            vertices.push(vertex);
        }
        let place = |output: &Output| Some((*number.get(&output.vertex)?, output.index as usize));
        let places = |outputs: &[Output]| outputs.iter().filter_map(place).collect();
        let taken = Taken::of(&vertices, targets);
        Ok(Plan { vertices, jobs, targets: places(targets), in_part: places(in_part), taken })
    }
}

/// The positions of all vertices that the targets take, inputs first.
fn wanted<'o>(graph: &Graph, targets: impl Iterator<Item = &'o Output>) -> Result<BTreeSet<usize>, SolveError> {
    let mut wanted = BTreeSet::new();
    let mut todo = Vec::new();
    for target in targets {
        let vertex = graph.position(&target.vertex).filter(|i| target.index < graph.vertices()[*i].outputs());
        todo.push(vertex.ok_or(SolveError::NoTarget { vertex: target.vertex, index: target.index })?);
    }
    while let Some(vertex) = todo.pop() {
        if wanted.insert(vertex) {
            todo.extend(graph.vertices()[vertex].inputs.iter().filter_map(|input| graph.position(&input.vertex)));
        }
    }
    Ok(wanted)
}

/// The first command whose root begins with what a vertex makes, or may begin with it.
fn first_command_on<'g>(graph: &'g Graph, vertex: &Vertex) -> Option<&'g Vertex> {
    let mut made_on = BTreeSet::from([vertex.digest]);
    // What takes something stands behind it.
    for taker in graph.vertices() {
        let below: Vec<i64> = match &taker.op {
            pb::op::Op::Exec(exec) => {
                exec.mounts.iter().filter(|mount| mount.dest == "/").map(|mount| mount.input).collect()
            }
            pb::op::Op::File(file) => file.actions.first().map(|action| action.input).into_iter().collect(),
            pb::op::Op::Merge(merge) => merge.inputs.iter().map(|input| input.input).collect(),
            _ => Vec::new(),
        };
        let mut below = below.into_iter().filter_map(|index| taker.inputs.get(usize::try_from(index).ok()?));
        if below.any(|input| made_on.contains(&input.vertex)) {
            if matches!(taker.op, pb::op::Op::Exec(_)) {
                return Some(taker);
            }
            made_on.insert(taker.digest);
        }
    }
    None
}

/// Whether this engine can run a vertex at all; said before any work begins.
fn check(vertex: &Vertex, request: &Request<'_>, has_sandbox: bool) -> Result<(), SolveError> {
    let what = match &vertex.op {
        pb::op::Op::Source(source) if request.brought.contains_key(&source.identifier) => return Ok(()),
        pb::op::Op::Source(source) if Kind::of(&source.identifier).is_none() => {
            let scheme = source.identifier.split("://").next().unwrap_or_default();
            format!("this version reads no `{scheme}` sources: it reads local, http, https and oci-layout")
        }
        pb::op::Op::Exec(_) if !has_sandbox => {
            "it is a command, and this engine was given no sandbox to run commands in".to_owned()
        }
        pb::op::Op::Exec(exec) => match exec::refusal(exec) {
            Some(what) => what,
            None => return Ok(()),
        },
        pb::op::Op::Build(_) => "this version runs no build operations".to_owned(),
        _ => return Ok(()),
    };
    Err(SolveError::Unsupported { vertex: vertex.digest, name: vertex.name(), what })
}

fn failed(vertex: &Vertex, problem: Problem) -> SolveError {
    SolveError::Failed { vertex: vertex.digest, name: vertex.name(), problem: Box::new(problem) }
}

fn not_entered(vertex: &Vertex) -> SolveError {
    let what = format!("it is a {} operation, and only a command can be entered", vertex.kind());
    SolveError::Unsupported { vertex: vertex.digest, name: vertex.name(), what }
}

/// One run of an engine.
struct Run<'a> {
    engine: &'a Embedded,
    request: &'a Request<'a>,
    pool: &'a ThreadPool,
    taken: &'a Taken,
    /// Set with the first failure: what else runs then is of no use.
    failed: AtomicBool,
    /// It was said that commands have one id.
    one_id_is_told: AtomicBool,
    masks: OnceLock<Masks>,
    told: Mutex<Told>,
}

/// What is told of commands beside their results.
#[derive(Default)]
struct Told {
    ran: BTreeMap<usize, Ran>,
    differences: Vec<Difference>,
}

impl<'a> Run<'a> {
    fn new(engine: &'a Embedded, request: &'a Request<'a>, pool: &'a ThreadPool, taken: &'a Taken) -> Self {
        let (failed, one_id_is_told) = (AtomicBool::new(false), AtomicBool::new(false));
        Run { engine, request, pool, taken, failed, one_id_is_told, masks: OnceLock::new(), told: Mutex::default() }
    }

    /// The outputs of all vertices.
    fn values(&self, plan: &Plan<'_>) -> Result<Vec<Arc<Vec<Value>>>, SolveError> {
        let done = schedule::run(&plan.jobs, self.request.parallelism, |i, inputs: &[Arc<Vec<Value>>]| {
            self.vertex(plan.vertices[i], inputs).map(Arc::new).map_err(|problem| match problem {
                Problem::Cancelled => Stop::Cancelled,
                problem => {
                    self.failed.store(true, Ordering::Relaxed);
                    Stop::Failed(problem)
                }
            })
        });
        done.map_err(|stop| match stop {
            _ if (self.request.cancelled)() => SolveError::Cancelled,
            Stop::Cancelled => SolveError::Cancelled,
            Stop::Failed((i, problem)) => failed(plan.vertices[i], problem),
        })
    }

    fn all(self, plan: &Plan<'_>) -> Result<Solution, SolveError> {
        let done = self.values(plan)?;
        let solved = |(job, output): &(usize, usize)| {
            done[*job][*output].solved(&self.engine.store).map_err(|e| failed(plan.vertices[*job], e.into()))
        };
        let solve = |places: &[(usize, usize)]| {
            self.pool.install(|| places.par_iter().map(solved).collect::<Result<Vec<_>, SolveError>>())
        };
        let (results, in_part) = (solve(&plan.targets)?, solve(&plan.in_part)?);
        let Told { ran, mut differences } = self.told.into_inner().unwrap_or_else(PoisonError::into_inner);
        differences.sort_by_key(|difference| self.request.graph.position(&difference.vertex));
        Ok(Solution { results, in_part, ran: ran.into_values().collect(), unreproducible: differences })
    }

    /// Runs something else in the place of the command that `vertex` is.
    fn enter(&self, plan: &Plan<'_>, vertex: &Vertex, args: Vec<String>) -> Result<Status, SolveError> {
        let pb::op::Op::Exec(exec) = &vertex.op else { return Err(not_entered(vertex)) };
        let done = self.values(plan)?;
        let inputs: Vec<Value> = plan.targets.iter().map(|(job, output)| done[*job][*output].clone()).collect();
        exec::enter(self, vertex, exec, &inputs, args).map_err(|problem| match problem {
            Problem::Cancelled => SolveError::Cancelled,
            problem => failed(vertex, problem),
        })
    }

    /// Whether work that takes long should end now.
    fn is_stopped(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || (self.request.cancelled)()
    }

    /// The secrets that nobody may see.
    fn masks(&self) -> &Masks {
        self.masks.get_or_init(|| Masks::of(self.request.secrets))
    }

    fn tell(&self, ran: Ran) {
        let position = self.request.graph.position(&ran.vertex).unwrap_or(usize::MAX);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).ran.insert(position, ran);
    }

    fn tell_differences(&self, differences: Vec<Difference>) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).differences.extend(differences);
    }

    fn vertex(&self, vertex: &Vertex, inputs: &[Arc<Vec<Value>>]) -> Result<Vec<Value>, Problem> {
        if self.is_stopped() {
            return Err(Problem::Cancelled);
        }
        if let Some(read) = self.request.read.get(&vertex.digest) {
            return Ok(vec![Value::known(read)]);
        }
        self.request.progress.started(vertex);
        let inputs = vertex.inputs.iter().zip(inputs).map(|(input, values)| values[input.index as usize].clone());
        let result = match &vertex.op {
            pb::op::Op::Source(source) => self.source(vertex, source),
            pb::op::Op::Exec(exec) => exec::run(self, vertex, exec, &inputs.collect::<Vec<_>>()),
            op => self.operation(vertex, op, &inputs.collect::<Vec<_>>()),
        };
        let outcome = match &result {
            Ok((_, true)) => Outcome::Cached,
            Ok((_, false)) => Outcome::Done,
            Err(_) => Outcome::Failed,
        };
        self.request.progress.finished(vertex, outcome);
        result.map(|(values, _)| values)
    }

    /// The tree of a source, and whether it was all there.
    fn source(&self, vertex: &Vertex, source: &pb::SourceOp) -> Result<(Vec<Value>, bool), Problem> {
        let store = &self.engine.store;
        let image = |reference: &str| {
            let unpacking = |manifest: &Digest| self.foresee(vertex, manifest);
            self.pool.install(|| source::image::read(reference, &source.attrs, vertex, store, &unpacking))
        };
        if let Some(manifest) = self.request.brought.get(&source.identifier) {
            let (value, was_there) = image(&format!("{}@{manifest}", source.identifier))?;
            return Ok((vec![value], was_there));
        }
        let (value, was_there) = match Kind::of(&source.identifier) {
            Some(Kind::Local(name)) => {
                let folder = self.request.contexts.get(name).ok_or_else(|| ContextError::Unknown(name.to_owned()))?;
                let (tree, read) = self.pool.install(|| context::read(folder, &source.attrs, store))?;
                self.request.progress.context(vertex, read);
                (Value::store(tree.into(), Vec::new(), store)?, read.read == 0)
            }
            Some(Kind::Http(url)) => {
                let (tree, was_there) = source::http::read(url, &source.attrs, store, &*self.engine.fetch)?;
                (Value::store(tree.into(), Vec::new(), store)?, was_there)
            }
            Some(Kind::OciLayout(reference)) => image(reference)?,
            None => (Value::store(Change::default(), Vec::new(), store)?, false),
        };
        Ok((vec![value], was_there))
    }

    /// Tells the sandbox of an image with which a command begins: it may take as long there as here to unpack it.
    fn foresee(&self, vertex: &Vertex, manifest: &Digest) {
        let command = first_command_on(self.request.graph, vertex);
        if let (Some(sandbox), Some(command)) = (&self.engine.sandbox, command) {
            sandbox.foresee(manifest, &llb::platform(command.platform.as_ref()), &self.engine.store);
        }
    }

    /// The trees of an operation, and whether they were found.
    fn operation(&self, vertex: &Vertex, op: &pb::op::Op, inputs: &[Value]) -> Result<(Vec<Value>, bool), Problem> {
        let store = &self.engine.store;
        let key = cache::key(vertex, inputs);
        if !vertex.ignore_cache
            && let Some(values) = self.pool.install(|| cache::find(store, &key, vertex))?
        {
            return Ok((values, true));
        }
        // What most of the result comes from.
        let mut base = None;
        let changes = match op {
            pb::op::Op::File(file) => {
                base = file.actions.first().and_then(|action| inputs.get(usize::try_from(action.input).ok()?));
                let inputs = inputs.iter().map(|input| input.input(store)).collect::<Result<Vec<_>, _>>()?;
                file::run(file, inputs, store)?
            }
            pb::op::Op::Merge(merge) => {
                base = self.largest(inputs)?;
                vec![self.merge(merge, inputs)?]
            }
            pb::op::Op::Diff(diff) => vec![self.diff(diff, inputs)?],
            pb::op::Op::Source(_) | pb::op::Op::Exec(_) | pb::op::Op::Build(_) => Vec::new(),
        };
        let history = base.map(Value::lineage).unwrap_or_default();
        let store_one = |change| Value::store(change, history.clone(), store);
        let values = changes.into_iter().map(store_one).collect::<Result<Vec<_>, _>>()?;
        cache::remember(store, &key, &values)?;
        Ok((values, false))
    }

    /// The input whose tree has most entries; the first of equals.
    fn largest<'v>(&self, inputs: &'v [Value]) -> Result<Option<&'v Value>, TreeError> {
        let sizes = inputs.iter().map(|input| Ok((input.tree(&self.engine.store)?.len(), input)));
        let sizes = sizes.collect::<Result<Vec<_>, TreeError>>()?;
        Ok(sizes.into_iter().rev().max_by_key(|(size, _)| *size).map(|(_, input)| input))
    }

    /// Trees laid over one another, with what each takes away from those below.
    fn merge(&self, merge: &pb::MergeOp, inputs: &[Value]) -> Result<Change, Problem> {
        let mut whole = Change::default();
        for input in merge.inputs.iter().filter_map(|input| inputs.get(usize::try_from(input.input).ok()?)) {
            let change = input.change(&self.engine.store)?;
            whole = if whole.is_empty() { change } else { whole.then(&change)? };
        }
        Ok(whole)
    }

    /// What the upper tree changed in the lower.
    fn diff(&self, diff: &pb::DiffOp, inputs: &[Value]) -> Result<Change, Problem> {
        let tree = |index: Option<i64>| {
            let input = index.and_then(|index| inputs.get(usize::try_from(index).ok()?));
            input.map_or_else(|| Ok(Arc::default()), |input| input.tree(&self.engine.store))
        };
        let lower = tree(diff.lower.map(|lower| lower.input))?;
        let upper = tree(diff.upper.map(|upper| upper.input))?;
        Ok(Change::between(&lower, &upper))
    }
}

#[cfg(test)]
mod tests;
