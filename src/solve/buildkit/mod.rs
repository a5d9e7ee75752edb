//! Commands run by BuildKit daemons.
//!
//! kiln stays the one who solves: it reads sources, does file operations, names results by what they were made of, and keeps
//! them ([`embedded`](super::embedded)). A daemon is where commands run: a [`Sandbox`] that is far away. What a command
//! begins with is sent as a graph: an earlier command of this build on the same daemon, or trees, of which only what the
//! daemon lacks travels. What it changed comes back as layers, and becomes the same change that a sandbox of this machine
//! finds. So the same bytes come of it, and no key, and no credential of a registry, leaves this machine.

mod address;
mod agents;
mod archive;
mod change;
mod connect;
pub mod content;
mod graph;
mod secrets;
mod session;
mod solving;
mod trees;

pub use address::{Address, AddressError};

use super::embedded::mask::Sought;
use super::embedded::sandbox::agent::LentAgent;
use super::embedded::sandbox::{Ended, EnvValue, Limit, Listener, MountKind, Sandbox, SandboxError, Status, Step};
use crate::oci::Platform;
use crate::store::Store;
use crate::tree::{Change, Tree, TreePath};
use agents::Agents;
use archive::Archive;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use change::{After, Seen};
use graph::{Graph, Made, Told};
use secrets::Secrets;
use session::{Offers, Session};
use solving::{End, Form, Solved, Wanted};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tonic::transport::Channel;
use trees::Trees;

/// So many characters of what a daemon says are told.
const MOST_SAID: usize = 4000;

/// Runs commands in a BuildKit daemon.
pub struct BuildKit {
    address: Address,
    runtime: Handle,
    connection: OnceCell<Connection>,
}

/// A daemon that was reached.
struct Connection {
    channel: Channel,
    has_no_layers: AtomicBool,
    graph: Arc<Mutex<Graph>>,
    trees: Trees,
    /// In it the daemon asks for trees, as long as the build lasts.
    _session: Session,
}

impl BuildKit {
    /// A sandbox that is the daemon at `address`, which is connected with when the first command runs.
    pub fn new(address: Address, runtime: Handle) -> Self {
        BuildKit { address, runtime, connection: OnceCell::new() }
    }

    /// An error with what the daemon said, of which nothing can move a cursor.
    fn fail(&self, reason: impl ToString) -> SandboxError {
        let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
        let reason = reason.to_string().chars().take(MOST_SAID).map(visible).collect();
        SandboxError::Daemon { address: self.address.to_string(), reason }
    }

    async fn connected(&self, store: &Store) -> Result<&Connection, SandboxError> {
        let connect = async || {
            let channel = connect::connect(&self.address).await.map_err(|reason| self.fail(reason))?;
            let id = session::new_id();
            let graph = Arc::new(Mutex::new(Graph::new(Platform::host(), id.clone())));
            let trees = Trees::new(store.clone(), graph.clone());
            let offers =
                Offers { trees: trees.clone(), secrets: Secrets::default(), agents: Agents::default(), archive: None };
            let session = Session::begin(id, &mut ControlClient::new(channel.clone()), offers).await;
            let session = session.map_err(|status| self.fail(format!("it begins no session: {}", status.message())))?;
            Ok(Connection { channel, has_no_layers: AtomicBool::new(false), graph, trees, _session: session })
        };
        self.connection.get_or_try_init(connect).await
    }
}

impl Sandbox for BuildKit {
    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        if step.interactive {
            return Err(self.fail("it shows no shells: leave out `--engine`"));
        }
        let end = step.limits.time.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let is_late = || end.is_some_and(|end| Instant::now() >= end);
        let is_over = || is_late() || listener.is_cancelled();
        let connection = self.runtime.block_on(self.connected(store))?;
        let made = connection.graph().add(step);
        let mut changes: Vec<Option<Change>> = step.mounts.iter().map(|_| None).collect();
        let ended = |status, changes| Ok(Ended { status, changes, warnings: warnings(step) });
        if made.results.iter().all(Option::is_none) {
            return Err(self.fail("a command that may change nothing leaves nothing that could be asked for"));
        }
        let mut began = None;
        for (number, mount) in step.mounts.iter().enumerate() {
            let (Some(told), MountKind::Tree { tree, .. }) = (made.results[number], &mount.kind) else { continue };
            // The command runs with the first; what else it left is there then.
            let place = Place::new(store)?;
            let solved = self.solve(connection, step, &made, told, &place, listener, &is_over)?;
            match solved.end {
                End::Done => {}
                End::Exited(code) => return ended(Status::Exited(code), changes),
                End::Stopped if is_late() => return ended(Status::Exceeded(Limit::Time), changes),
                End::Stopped => return ended(Status::Cancelled, changes),
                End::Failed(reason) => return Err(self.fail(too_old(&reason).unwrap_or(reason))),
            }
            let first = solved.began.or(began).ok_or_else(|| self.fail("it does not say when the command began"))?;
            let first = *began.get_or_insert(first.min(made.began.unwrap_or(i64::MAX)));
            look_for_secrets(step, number, &mut place.open()?)?;
            let lower = Tree::load(store, &tree.tree).map_err(|e| SandboxError::Tree(e.to_string()))?;
            let change = Seen { lower: &lower, began: first, store };
            let stubs = stubs(step, number);
            let after = match connection.form() {
                Form::Layers => change.layers(place.open()?, &stubs),
                Form::Whole => change.whole(place.open()?, &stubs),
            };
            let After { tree: after, taken } = after.map_err(|reason| self.fail(reason))?;
            connection.graph().learn(after.digest(), told.after, &taken, first);
            changes[number] = Some(Change::between(&lower, &after));
        }
        ended(Status::Exited(0), changes)
    }
}

impl BuildKit {
    /// Solves what shows one of the trees that a command left, in the form that the daemon knows.
    #[expect(clippy::too_many_arguments, reason = "all of it is one request")]
    fn solve(
        &self,
        connection: &Connection,
        step: &Step,
        made: &Made,
        told: Told,
        place: &Place,
        listener: &dyn Listener,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Solved, SandboxError> {
        let (_lent, agents) = lend(&made.agents, &place.folder)?;
        loop {
            let form = connection.form();
            let output = if form == Form::Layers { told.change } else { told.after };
            let definition = connection.graph().definition(output).map_err(|e| self.fail(e))?;
            let archive = place.file.try_clone().map_err(|e| self.fail(e))?;
            let (secrets, agents) = (made.secrets.clone(), agents.clone());
            // Old daemons ask for trees in the session of the request, whatever the graph says.
            let trees = connection.trees.clone();
            let offers = Offers { trees, secrets, agents, archive: Some(Archive::new(archive)) };
            let wanted = Wanted { definition, form, network: step.network, command: &step.name };
            let solved = self.runtime.block_on(solving::solve(&connection.channel, wanted, offers, listener, is_over));
            let solved = solved.map_err(|status| self.fail(format!("the connection broke: {}", status.message())))?;
            match &solved.end {
                End::Failed(reason) if form == Form::Layers && NO_LAYERS.iter().any(|no| reason.contains(no)) => {
                    connection.has_no_layers.store(true, Ordering::Relaxed);
                }
                _ => return Ok(solved),
            }
        }
    }
}

/// What a daemon says that cannot send what was changed as layers: Docker with its old store of images, and BuildKit before
/// 0.10. Nothing has run then.
const NO_LAYERS: [&str; 2] = ["exporter \"oci\" could not be found", "unknown API capability diffop"];

/// What lies behind the refusal of a graph that an old daemon cannot solve.
fn too_old(reason: &str) -> Option<String> {
    const MEANINGS: [(&str, &str); 4] = [
        ("exec.secretenv", "secrets in variables"),
        ("exec.mount.ssh", "agents of ssh"),
        ("exec.mount.tmpfs.size", "the size of a tmpfs"),
        ("exec.validexitcode", "exit codes that mean success"),
    ];
    let (_, capability) = reason.rsplit_once("unknown API capability ")?;
    let meaning = MEANINGS.iter().find(|(name, _)| *name == capability).map(|(_, meaning)| format!(", {meaning}"));
    let meaning = meaning.unwrap_or_default();
    Some(format!("it is too old for this command: it does not know `{capability}`{meaning}; use a newer BuildKit"))
}

/// What daemons make in a file system to mount their own files at, and leave behind.
const STUBS: [&str; 8] = ["dev", "dev/console", "dev/pts", "dev/shm", "etc/hosts", "etc/resolv.conf", "proc", "sys"];

/// Where a daemon may have made something empty in a tree so that it could mount something there.
fn stubs(step: &Step, number: usize) -> BTreeSet<TreePath> {
    let Ok(root) = TreePath::from_user(&step.mounts[number].target) else { return BTreeSet::new() };
    let own = STUBS.iter().filter_map(|path| TreePath::new(path).ok());
    let mounted = step.mounts.iter().filter_map(|mount| TreePath::from_user(&mount.target).ok());
    let inside = own.chain(mounted).filter_map(|path| path.relative_to(&root));
    inside.flat_map(|path| path.ancestors().chain([path.clone()]).collect::<Vec<_>>()).collect()
}

impl Connection {
    fn form(&self) -> Form {
        if self.has_no_layers.load(Ordering::Relaxed) { Form::Whole } else { Form::Layers }
    }

    fn graph(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's agents behind sockets of kiln's own, in a folder, by which they do no more than sign.
fn lend(agents: &Agents, folder: &Path) -> Result<(Vec<LentAgent>, Agents), SandboxError> {
    let mut lent = (Vec::new(), Agents::default());
    for (id, agent) in &agents.0 {
        let failed =
            |source| SandboxError::Io { action: format!("reach the ssh agent at {}", agent.display()), source };
        lent.0.push(LentAgent::new(agent, folder, id).map_err(failed)?);
        lent.1.0.insert(id.clone(), folder.join(id));
    }
    Ok(lent)
}

/// Refuses what a step left in one of its mounts where a secret of it is in there: nothing of that was kept yet.
fn look_for_secrets(step: &Step, number: usize, left: &mut File) -> Result<(), SandboxError> {
    let in_env = step.env.iter().filter_map(|(name, value)| match value {
        EnvValue::Secret(secret) => Some((format!("${name}"), secret)),
        EnvValue::Plain(_) => None,
    });
    let in_files = step.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Secret { content, .. } => Some((mount.target.clone(), content)),
        _ => None,
    });
    let (names, secrets): (Vec<String>, Vec<_>) = in_env.chain(in_files).map(|(name, s)| (name, s.clone())).unzip();
    if secrets.is_empty() {
        return Ok(());
    }
    let found = Sought::new(&secrets).copy(left, &mut std::io::sink());
    let found = found.map_err(|source| SandboxError::Io { action: "look for secrets".to_owned(), source })?;
    match found.and_then(|secret| names.get(secret)) {
        Some(secret) => Err(SandboxError::Leaked { secret: secret.clone(), path: step.mounts[number].target.clone() }),
        None => Ok(()),
    }
}

/// What a daemon cannot bound.
fn warnings(step: &Step) -> Vec<String> {
    let limits = &step.limits;
    let asked = [("cpu", limits.cpu), ("memory", limits.memory), ("pids", limits.pids), ("disk", limits.disk)];
    let asked = asked.into_iter().filter(|(_, limit)| limit.is_some());
    asked.map(|(name, _)| format!("BuildKit knows no limit of `{name}` for a command: it is not applied")).collect()
}

/// A file of the store for what a daemon sends; removed when this is dropped.
struct Place {
    folder: PathBuf,
    file: File,
}

impl Place {
    fn new(store: &Store) -> Result<Self, SandboxError> {
        let folder = store.scratch_folder()?;
        let path = folder.join("archive");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|source| SandboxError::Io { action: format!("make {}", path.display()), source })?;
        Ok(Place { folder, file })
    }

    /// What it holds, from its beginning.
    fn open(&self) -> Result<File, SandboxError> {
        let failed = |source| SandboxError::Io { action: "read what the daemon sent".to_owned(), source };
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(file)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed goes with the store's other unfinished files.
        let _ = crate::store::remove_folder(&self.folder);
    }
}
