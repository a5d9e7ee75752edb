//! The sandbox of this machine: its kernel's namespaces, and nothing that must be installed.

use super::agent::LentAgent;
use super::cgroup::Groups;
use super::helper::Last;
use super::ids::Ids;
use super::job::{ChangeJob, Failure, Job, LayerJob, MountJob, MountKindJob, Owners, Reply, StepJob, TreeJob, Value};
use super::layers::Layers;
use super::pump::{Pump, Sink};
use super::scratch::{Remover, Scratch};
use super::terminal::Terminal;
use super::workers::Workers;
use super::{Ended, EnvValue, Limit, Listener, MountKind, Sandbox, SandboxError, Status, Step, Stream};
use crate::llb::exec::Network;
use crate::store::Store;
use crate::tree::{Change, Tree, TreePath};
use secrecy::SecretSlice;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Runs steps in namespaces, with files as overlays of layers that stand in the store.
#[derive(Debug)]
pub struct Native {
    workers: Workers,
    /// The kernel mounts overlays here, as far as is known.
    overlays: AtomicBool,
    /// What steps of killed processes left behind was looked for.
    tidied: OnceLock<()>,
}

impl Native {
    /// A sandbox whose helper processes are `program`: kiln itself, or any other that calls
    /// [`helper`](super::helper_process) before it does anything else.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Native { workers: Workers::new(program.into()), overlays: AtomicBool::new(true), tidied: OnceLock::new() }
    }

    /// The same without overlays: each step gets a copy of its trees. So it also is where the kernel mounts none.
    #[must_use]
    pub fn without_overlays(self) -> Self {
        self.overlays.store(false, Ordering::Relaxed);
        self
    }
}

impl Sandbox for Native {
    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        match self.attempt(step, store, listener)? {
            Attempt::Ended(ended) => Ok(ended),
            Attempt::NoOverlay => {
                self.overlays.store(false, Ordering::Relaxed);
                match self.attempt(step, store, listener)? {
                    Attempt::Ended(ended) => Ok(ended),
                    Attempt::NoOverlay => Err(SandboxError::Lost("it wants overlays where there are none".to_owned())),
                }
            }
        }
    }

    fn prepare(&self, store: &Store) {
        self.workers.prepare(store);
    }

    fn has_one_id(&self) -> bool {
        self.workers.ids().owners() == Owners::Single
    }
}

/// What became of a step.
enum Attempt {
    Ended(Ended),
    /// It did not begin: the kernel mounts no overlay there.
    NoOverlay,
}

impl Native {
    fn attempt(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Attempt, SandboxError> {
        self.workers.prepare(store);
        let ids = self.workers.ids();
        let remover = Remover { workers: &self.workers, store };
        self.tidied.get_or_init(|| store.clear_leftovers(|folder| remover.remove(folder).is_ok()));
        // The control groups go last, after all processes, and the folder of the step before them.
        let groups = Groups::new(&step.limits);
        let (mut warnings, uncounted) = groups.unbounded();
        let mut scratch = Scratch::new(remover)?;
        let _agents = agents(step, &scratch)?;
        let (mut job, secrets) = job(step, &scratch, ids)?;
        job.processes = step.limits.pids.filter(|_| uncounted);
        job.waits = groups.are_any();
        self.lay(step, &mut job, store, ids, listener)?;
        let mut terminal = step.interactive.then(Terminal::borrow);
        job.terminal = terminal.as_ref().is_some_and(Terminal::is_terminal);
        let (pumps, files) = pumps(step.interactive, job.terminal)?;
        let trees: Vec<_> = job.mounts.iter().map(|mount| mount.tree().and_then(|tree| tree.layers.clone())).collect();
        let end = step.limits.time.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut stopped = Status::Cancelled;
        let is_over = || {
            if end.is_some_and(|end| Instant::now() >= end) {
                stopped = Status::Exceeded(Limit::Time);
                return true;
            }
            listener.is_cancelled()
        };
        let add = |pid| {
            let failed = |source| SandboxError::Io { action: "bound the step by control groups".to_owned(), source };
            groups.add(pid).map_err(failed)
        };
        let job = Job::Step(Box::new(job));
        let last = self.workers.give(store, &job, &secrets, files, |helper| {
            let started: Option<&dyn Fn(u32) -> _> = if groups.are_any() { Some(&add) } else { None };
            helper.attend(pumps, listener, started, terminal.as_mut(), is_over)
        });
        if matches!(last, Ok(Last::Reply(Reply::Ended(_)))) {
            scratch.leave_to_worker();
        }
        if groups.is_out_of_processes() {
            warnings.push("it wanted more processes than it may have".to_owned());
        }
        let none = || step.mounts.iter().map(|_| None).collect();
        let ended = |status, changes| Ok(Attempt::Ended(Ended { status, changes, is_part: false, warnings }));
        // Also where what ended was one of kiln's own processes.
        if groups.is_out_of_memory() {
            return ended(Status::Exceeded(Limit::Memory), none());
        }
        match last? {
            Last::Stopped => ended(stopped, none()),
            Last::Reply(Reply::Ended(end)) => ended(end.status, changes(end.changes, &trees, store, ids)?),
            Last::Reply(Reply::Failed(Failure::NoOverlay { .. })) => Ok(Attempt::NoOverlay),
            Last::Reply(Reply::Failed(failure)) => Err(failure.into()),
            Last::Reply(other) => Err(SandboxError::Lost(format!("it said {other:?}"))),
        }
    }

    /// Says in `job` which layers its trees are made of; those that are missing are made.
    fn lay(
        &self,
        step: &Step,
        job: &mut StepJob,
        store: &Store,
        ids: &Ids,
        listener: &dyn Listener,
    ) -> Result<(), SandboxError> {
        if !self.overlays.load(Ordering::Relaxed) {
            return Ok(());
        }
        let layers = Layers::new(store, ids);
        for (mount, job) in step.mounts.iter().zip(&mut job.mounts) {
            if let (MountKind::Tree { tree, .. }, MountKindJob::Tree(job)) = (&mount.kind, &mut job.kind) {
                let make = |job: &LayerJob| self.make_layer(job, store, listener);
                job.layers = Some(layers.of(tree, &|| listener.is_cancelled(), make)?);
                job.folder = layers.folder().to_owned();
            }
        }
        Ok(())
    }

    fn make_layer(&self, job: &LayerJob, store: &Store, listener: &dyn Listener) -> Result<bool, SandboxError> {
        let scratch = Scratch::new(Remover { workers: &self.workers, store })?;
        let job = Job::Layer(LayerJob { scratch: scratch.name(), ..job.clone() });
        let last = self.workers.give(store, &job, &[], Vec::new(), |helper| {
            helper.attend(Vec::new(), listener, None, None, || listener.is_cancelled())
        });
        match last? {
            Last::Reply(Reply::Layer { is_over_base }) => Ok(is_over_base),
            Last::Reply(Reply::Failed(failure)) => Err(failure.into()),
            Last::Reply(other) => Err(SandboxError::Lost(format!("it said {other:?}"))),
            Last::Stopped => Err(SandboxError::Lost("cancelled".to_owned())),
        }
    }
}

/// The agents that a step sees, each by its own socket in the step's folder.
fn agents(step: &Step, scratch: &Scratch<'_>) -> Result<Vec<LentAgent>, SandboxError> {
    let agents = step.mounts.iter().enumerate().filter_map(|(number, mount)| match &mount.kind {
        MountKind::Agent { path, .. } => Some((number, path)),
        _ => None,
    });
    let lend = |(number, path): (usize, &PathBuf)| {
        let failed = |source| SandboxError::Io { action: format!("reach the ssh agent at {}", path.display()), source };
        LentAgent::new(path, scratch.path(), &agent_name(number)).map_err(failed)
    };
    agents.map(lend).collect()
}

/// The name of the socket for the mount of this number.
fn agent_name(number: usize) -> String {
    format!("agent-{number}")
}

/// What a step changed, out of the store; what it left on disk is remembered as the layer that it has become.
fn changes(
    told: Vec<Option<ChangeJob>>,
    layers: &[Option<Vec<String>>],
    store: &Store,
    ids: &Ids,
) -> Result<Vec<Option<Change>>, SandboxError> {
    let wrong = |error: String| SandboxError::Tree(error);
    let paths = |list: Vec<Vec<u8>>| {
        list.into_iter().map(|path| TreePath::new(path).map_err(|e| wrong(e.to_string()))).collect::<Result<_, _>>()
    };
    let known = Layers::new(store, ids);
    let changes = told.into_iter().zip(layers).map(|(told, layers)| {
        let Some(told) = told else { return Ok(None) };
        if let (Some(name), Some(below)) = (told.kept, layers) {
            known.remember(&told.tree, &below.iter().cloned().chain([name]).collect::<Vec<_>>())?;
        }
        let entries = Tree::load(store, &told.entries).map_err(|e| wrong(e.to_string()))?;
        Ok(Some(Change { entries, removed: paths(told.removed)?, opaque: paths(told.opaque)? }))
    });
    changes.collect()
}

/// The step for the worker, and the secrets in it.
fn job<'s>(
    step: &'s Step,
    scratch: &Scratch<'_>,
    ids: &Ids,
) -> Result<(StepJob, Vec<&'s SecretSlice<u8>>), SandboxError> {
    let mut secrets = Vec::new();
    let mut keep = |secret| {
        secrets.push(secret);
        secrets.len() - 1
    };
    let env = step.env.iter().map(|(name, value)| {
        let value = match value {
            EnvValue::Plain(value) => Value::Plain(value.clone()),
            EnvValue::Secret(secret) => Value::Secret(keep(secret)),
        };
        (name.clone(), value)
    });
    let env = env.collect();
    let mounts = step.mounts.iter().enumerate().map(|(number, mount)| {
        let kind = match &mount.kind {
            MountKind::Tree { tree, selector, writable, .. } => MountKindJob::Tree(TreeJob {
                tree: tree.tree,
                layers: None,
                selector: selector.as_bytes().to_vec(),
                writable: *writable,
                folder: String::new(),
            }),
            MountKind::Folder { path } => {
                std::fs::create_dir_all(path)
                    .map_err(|source| SandboxError::Io { action: format!("make {}", path.display()), source })?;
                MountKindJob::Folder { path: path.clone() }
            }
            MountKind::Tmpfs { size } => MountKindJob::Tmpfs { size: *size },
            MountKind::Secret { content, owner, mode } => {
                MountKindJob::Secret { number: keep(content), owner: *owner, mode: *mode }
            }
            MountKind::Agent { owner, mode, .. } => {
                MountKindJob::Agent { name: agent_name(number), owner: *owner, mode: *mode }
            }
        };
        Ok(MountJob { target: mount.target.clone(), kind })
    });
    let mounts = mounts.collect::<Result<_, SandboxError>>()?;
    let job = StepJob {
        args: step.args.clone(),
        env,
        cwd: step.cwd.clone(),
        user: step.user.clone(),
        hostname: step.hostname.clone(),
        hosts: step.hosts.clone(),
        host_network: step.network == Network::Host,
        mounts,
        scratch: scratch.name(),
        owners: ids.owners(),
        secrets: secrets.len(),
        terminal: false,
        forget: step.interactive,
        disk: step.limits.disk,
        processes: None,
        waits: false,
    };
    Ok((job, secrets))
}

/// The ways of bytes from and to a step, and the ends of them that it gets: what it writes, and what it reads where somebody
/// talks to it. One that makes a terminal of its own gets none.
fn pumps(is_interactive: bool, has_terminal: bool) -> Result<(Vec<Pump>, Vec<OwnedFd>), SandboxError> {
    if has_terminal {
        return Ok((Vec::new(), Vec::new()));
    }
    let failed = |source| SandboxError::Io { action: "make a pipe".to_owned(), source };
    let (mut pumps, mut ends) = (Vec::new(), Vec::new());
    for stream in [Stream::Out, Stream::Err] {
        let (from, end) = std::io::pipe().map_err(failed)?;
        pumps.push(Pump::out_of_step(OwnedFd::from(from).into(), Sink::Listener(stream)));
        ends.push(end.into());
    }
    if is_interactive {
        let (pump, end) = Terminal::input_pipe()?;
        pumps.push(pump);
        ends.push(end);
    }
    Ok((pumps, ends))
}
