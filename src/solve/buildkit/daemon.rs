//! One daemon, and one command in it.

use super::address::Address;
use super::agents::{self, Agents};
use super::archive::{Archive, Place};
use super::capability;
use super::change::{Seen, stubs};
use super::connect;
use super::graph::{Graph, Made, Told};
use super::images::Images;
use super::secrets::{Secrets, look_for_secrets};
use super::session::{self, Door, Offers, Session};
use super::solving::{self, End, Form, Solved, Wanted};
use super::tls::Tls;
use super::trees::Trees;
use crate::llb::{self, exec::Limits};
use crate::oci::{Digest, Platform};
use crate::solve::embedded::sandbox::{Ended, Limit, Listener, MountKind, SandboxError, Status, Step};
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreePath};
use bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tonic::transport::Channel;

/// So many characters of what a daemon says are told.
const MOST_SAID: usize = 4000;

/// A daemon, as the user names it.
#[derive(Debug, Clone)]
pub struct DaemonAt {
    /// Where it is.
    pub address: Address,
    /// How its port is reached; without TLS for none.
    pub tls: Option<Tls>,
}

/// A daemon, which is connected with when it is first needed.
pub(super) struct Daemon {
    at: DaemonAt,
    runtime: Handle,
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

/// How a daemon is spoken to.
pub(super) struct Line {
    pub(super) channel: Channel,
    pub(super) door: Door,
}

/// A daemon that was reached.
pub(super) struct Connection {
    line: Line,
    /// What it runs commands for, its own platform first; nothing where it does not say.
    platforms: Vec<Platform>,
    has_no_layers: AtomicBool,
    reads_no_images: AtomicBool,
    images: Images,
    graph: Arc<Mutex<Graph>>,
    trees: Trees,
    /// In it the daemon asks for trees, as long as the connection lasts.
    session: Session,
}

/// Why a daemon has not run a command.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It cannot be reached.
    Unreachable(String),
    /// It was there, and is gone.
    Gone(String),
    /// It is there, and cannot do it.
    Failed(String),
    /// It is not to blame.
    Own(SandboxError),
}

impl From<SandboxError> for Trouble {
    fn from(error: SandboxError) -> Self {
        Trouble::Own(error)
    }
}

/// How well a daemon suits a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suits {
    /// It is the daemon's own.
    Natively,
    /// It runs commands for that one too.
    Emulated,
    /// It does not.
    No,
}

impl Daemon {
    pub(super) fn new(at: DaemonAt, runtime: Handle) -> Self {
        Daemon { at, runtime, connection: tokio::sync::Mutex::default() }
    }

    pub(super) fn address(&self) -> String {
        self.at.address.to_string()
    }

    /// The connection, which is made where there is none.
    pub(super) async fn connected(&self, store: &Store) -> Result<Arc<Connection>, Trouble> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.session.is_over()) {
            return Ok(connection.clone());
        }
        let line = self.line().await?;
        let id = session::new_id();
        let images = Images::new(store.clone());
        let graph = Arc::new(Mutex::new(Graph::new(id.clone())));
        let folders = graph.clone();
        let trees = Trees::new(store.clone(), move |name| locked(&folders).folder(name));
        let offers = Offers {
            trees: trees.clone(),
            contents: images.contents(),
            secrets: Secrets::default(),
            agents: Agents::default(),
            archive: None,
            credentials: None,
        };
        let session = Session::begin(id, &line.door, offers).await;
        let session = session.map_err(|why| Trouble::Unreachable(visible(format!("it begins no session: {why}"))))?;
        let connection = Arc::new(Connection {
            platforms: platforms(&line.channel).await,
            line,
            has_no_layers: AtomicBool::new(false),
            reads_no_images: AtomicBool::new(false),
            images,
            graph,
            trees,
            session,
        });
        Ok(kept.insert(connection).clone())
    }

    /// Connects anew.
    async fn line(&self) -> Result<Line, Trouble> {
        let channel = connect::connect(&self.at.address, self.at.tls.as_ref()).await;
        let channel = channel.map_err(|reason| Trouble::Unreachable(visible(reason)))?;
        let door = match &self.at.address {
            Address::Docker { host, .. } => {
                let address = host.as_deref().cloned().unwrap_or_else(connect::usual_docker);
                Door::Docker(Box::new(DaemonAt { address, tls: self.at.tls.clone() }))
            }
            _ => Door::Call(channel.clone()),
        };
        Ok(Line { channel, door })
    }

    /// Takes leave of a connection that broke: the next who needs the daemon connects anew, unless somebody has already.
    pub(super) fn forget(&self, broken: &Arc<Connection>) {
        self.runtime.block_on(self.connection.lock()).take_if(|kept| Arc::ptr_eq(kept, broken));
    }

    /// The connection, if there is one now; nobody waits for one that is being made.
    fn known(&self) -> Option<Arc<Connection>> {
        self.connection.try_lock().ok().and_then(|connection| connection.clone())
    }

    /// How well it suits a platform; natively where it is not known.
    pub(super) fn suits(&self, platform: &Platform) -> Suits {
        self.known().map_or(Suits::Natively, |connection| connection.suits(platform))
    }

    /// How many of the trees that a command begins with it has made itself.
    pub(super) fn has(&self, step: &Step) -> usize {
        self.known().map_or(0, |connection| connection.graph().has(step))
    }

    /// What it runs commands for, for people.
    pub(super) fn offers(&self) -> String {
        let platforms = self.known().map(|connection| connection.platforms.clone()).unwrap_or_default();
        platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Has an image of the store unpacked, with which a command will begin. Whatever is wrong with that is told when the
    /// command runs.
    pub(super) async fn foresee(&self, manifest: &Digest, platform: &Platform, store: &Store) {
        let Ok(connection) = self.connected(store).await else { return };
        let Some(Ok(())) = connection.images().map(|images| images.offer_stored(manifest)) else { return };
        let definition = connection.graph().begin_with(manifest, platform);
        let Ok(definition) = definition else { return };
        let _ = solving::make(&connection.line.channel, definition, &connection.session.id).await;
    }

    /// Runs one command and waits for it.
    pub(super) fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, Trouble> {
        let end = step.limits.time.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let is_late = || end.is_some_and(|end| Instant::now() >= end);
        let is_over = || is_late() || listener.is_cancelled();
        let connection = self.runtime.block_on(self.connected(store))?;
        loop {
            match self.attempt(&connection, step, store, listener, &is_late, &is_over) {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {}
                Err(trouble) => {
                    if let Trouble::Gone(_) = &trouble {
                        self.forget(&connection);
                    }
                    return Err(trouble);
                }
            }
        }
    }

    /// Runs the command as far as the daemon is known to be able to; none where it is not, as is known now. Nothing has run
    /// then.
    fn attempt(
        &self,
        connection: &Connection,
        step: &Step,
        store: &Store,
        listener: &dyn Listener,
        is_late: &dyn Fn() -> bool,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Option<Ended>, Trouble> {
        let images = connection.images();
        let lacking = connection.graph().lacks(step);
        if let (Some(images), Some(tree)) = (images, lacking) {
            // A tree that cannot be an image is sent in another way.
            let _ = images.offer(&tree, &step.platform);
        }
        let made = connection.graph().add(step, images).map_err(|e| SandboxError::Tree(e.to_string()))?;
        let mut changes: Vec<Option<Change>> = step.mounts.iter().map(|_| None).collect();
        let mut is_part = false;
        let ended = |status, changes, is_part| Ok(Some(Ended { status, changes, is_part, warnings: warnings(step) }));
        if made.results.iter().all(Option::is_none) {
            return Err(fail("a command that may change nothing leaves nothing that could be asked for"));
        }
        let mut began = None;
        for (number, mount) in step.mounts.iter().enumerate() {
            let (Some(told), MountKind::Tree { tree, part, .. }) = (made.results[number], &mount.kind) else {
                continue;
            };
            let lower = Tree::load(store, &tree.tree).map_err(|e| SandboxError::Tree(e.to_string()))?;
            // What replaces something is told by the difference alone.
            let mut part =
                part.as_ref().filter(|paths| told.part.is_some() && paths.iter().all(|path| is_new(&lower, path)));
            let (after, first) = loop {
                // The command runs with the first; what else it left is there then.
                let place = Place::new(store)?;
                let told = Told { part: told.part.filter(|_| part.is_some()), ..told };
                let solved = self.solve(connection, step, &made, told, &place, listener, is_over)?;
                match solved.end {
                    End::Done => {}
                    End::Exited(code) => return ended(Status::Exited(code), changes, false),
                    End::Stopped if is_late() => return ended(Status::Exceeded(Limit::Time), changes, false),
                    End::Stopped => return ended(Status::Cancelled, changes, false),
                    End::Failed(reason) if images.is_some() && capability::lacks_images(&reason) => {
                        connection.reads_no_images.store(true, Ordering::Relaxed);
                        connection.graph().forget();
                        return Ok(None);
                    }
                    End::Failed(reason) if connection.session.is_over() => {
                        return Err(Trouble::Gone(visible(format!("the session broke: {reason}"))));
                    }
                    End::Failed(reason) => return Err(fail(capability::explain(&reason).unwrap_or(reason))),
                }
                let first = solved.began.or(began).ok_or_else(|| fail("it does not say when the command began"))?;
                let first = *began.get_or_insert(first.min(made.began.unwrap_or(i64::MAX)));
                look_for_secrets(step, number, &mut place.open()?)?;
                let change = Seen { lower: &lower, began: first, store };
                let stubs = stubs(step, number);
                match (connection.form(), part) {
                    (Form::Layers, Some(paths)) => match change.part(place.open()?, paths).map_err(fail)? {
                        Some(after) => break (after, first),
                        None => part = None,
                    },
                    (Form::Layers, None) => break (change.layers(place.open()?, &stubs).map_err(fail)?, first),
                    (Form::Whole, _) => {
                        part = None;
                        break (change.whole(place.open()?, &stubs).map_err(fail)?, first);
                    }
                }
            };
            match part {
                Some(_) => is_part = true,
                None => connection.graph().learn(after.tree.digest(), told.after, &after.taken, first),
            }
            changes[number] = Some(Change::between(&lower, &after.tree));
        }
        ended(Status::Exited(0), changes, is_part)
    }

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
    ) -> Result<Solved, Trouble> {
        let (_lent, agents) = agents::lend(&made.agents, &place.folder)?;
        loop {
            let form = connection.form();
            let output = if form == Form::Layers { told.part.unwrap_or(told.change) } else { told.after };
            let definition = connection.graph().definition(output).map_err(fail)?;
            let archive = place.file.try_clone().map_err(fail)?;
            let (secrets, agents) = (made.secrets.clone(), agents.clone());
            // Old daemons ask for trees in the session of the request, whatever the graph says.
            let trees = connection.trees.clone();
            let contents = connection.images.contents();
            let archive = Some(Archive::new(archive));
            let offers = Offers { trees, contents, secrets, agents, archive, credentials: None };
            let wanted = Wanted { definition, form, network: step.network, command: &step.name };
            let solved = self.runtime.block_on(solving::solve(&connection.line, wanted, offers, listener, is_over));
            let solved = solved.map_err(|why| Trouble::Gone(visible(format!("the connection broke: {why}"))))?;
            match &solved.end {
                End::Failed(reason) if form == Form::Layers && capability::lacks_layers(reason) => {
                    connection.has_no_layers.store(true, Ordering::Relaxed);
                }
                _ => return Ok(solved),
            }
        }
    }
}

impl Connection {
    fn form(&self) -> Form {
        if self.has_no_layers.load(Ordering::Relaxed) { Form::Whole } else { Form::Layers }
    }

    /// The images that it can be offered; none where it reads none.
    fn images(&self) -> Option<&Images> {
        (!self.reads_no_images.load(Ordering::Relaxed)).then_some(&self.images)
    }

    fn graph(&self) -> MutexGuard<'_, Graph> {
        locked(&self.graph)
    }

    /// How it is spoken to.
    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// How well it suits a platform.
    pub(super) fn suits(&self, platform: &Platform) -> Suits {
        match self.platforms.iter().position(|offered| offered.matches(platform)) {
            Some(0) => Suits::Natively,
            Some(_) => Suits::Emulated,
            None if self.platforms.is_empty() => Suits::Natively,
            None => Suits::No,
        }
    }
}

/// Whether nothing is at a path, and nothing but folders on the way there.
fn is_new(tree: &Tree, path: &TreePath) -> bool {
    let is_folder = |above: TreePath| tree.get(&above).is_none_or(Entry::is_dir);
    tree.get(path).is_none() && path.parent().is_none_or(|parent| parent.ancestors().all(is_folder))
}

fn locked(graph: &Mutex<Graph>) -> MutexGuard<'_, Graph> {
    graph.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a daemon runs commands for, its own platform first. Who does not say is asked to run whatever there is.
async fn platforms(channel: &Channel) -> Vec<Platform> {
    let list = ControlClient::new(channel.clone()).list_workers(ListWorkersRequest::default()).await;
    let workers = list.map(|list| list.into_inner().record).unwrap_or_default();
    let offered = workers.into_iter().flat_map(|worker| worker.platforms);
    offered.map(|offered| llb::platform(Some(&offered))).collect()
}

fn fail(reason: impl ToString) -> Trouble {
    Trouble::Failed(visible(reason.to_string()))
}

/// What a daemon said, of which nothing can move a cursor.
pub(super) fn visible(said: String) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    said.chars().take(MOST_SAID).map(visible).collect()
}

/// What a daemon cannot bound.
fn warnings(step: &Step) -> Vec<String> {
    not_applied(&step.limits)
}

/// In words, the bounds of a command that no daemon knows.
pub fn not_applied(limits: &Limits) -> Vec<String> {
    let asked = [("cpu", limits.cpu), ("memory", limits.memory), ("pids", limits.pids), ("disk", limits.disk)];
    let asked = asked.into_iter().filter(|(_, limit)| limit.is_some());
    asked.map(|(name, _)| format!("BuildKit knows no limit of `{name}` for a command: it is not applied")).collect()
}
