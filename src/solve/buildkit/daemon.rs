//! One daemon, and the connection with it.

use super::address::Address;
use super::agents::Agents;
use super::attempt::Attempt;
use super::connect;
use super::content::Contents;
use super::graph::Graph;
use super::images::Images;
use super::secrets::Secrets;
use super::session::{self, Door, Offers, Session};
use super::solving::{self, Form};
use super::tls::Tls;
use super::trees::Trees;
use crate::llb::{self, exec::Limits};
use crate::oci::{Digest, Platform};
use crate::solve::embedded::sandbox::{Ended, Listener, SandboxError, Step};
use crate::store::Store;
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
        let attempt = Attempt {
            connection: &connection,
            step,
            store,
            listener,
            is_late: &is_late,
            is_over: &is_over,
            runtime: &self.runtime,
        };
        loop {
            match attempt.run() {
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
}

impl Connection {
    /// How it sends what commands left.
    pub(super) fn form(&self) -> Form {
        if self.has_no_layers.load(Ordering::Relaxed) { Form::Whole } else { Form::Layers }
    }

    /// The images that it can be offered; none where it reads none.
    pub(super) fn images(&self) -> Option<&Images> {
        (!self.reads_no_images.load(Ordering::Relaxed)).then_some(&self.images)
    }

    /// It is known to send no layers.
    pub(super) fn use_no_layers(&self) {
        self.has_no_layers.store(true, Ordering::Relaxed);
    }

    /// It is known to read no images: what it made of them counts no more.
    pub(super) fn use_no_images(&self) {
        self.reads_no_images.store(true, Ordering::Relaxed);
        self.graph().forget();
    }

    /// The trees that it may ask for.
    pub(super) fn trees(&self) -> Trees {
        self.trees.clone()
    }

    /// The contents of the images that it was offered.
    pub(super) fn contents(&self) -> Contents {
        self.images.contents()
    }

    /// Whether its session has ended.
    pub(super) fn is_over(&self) -> bool {
        self.session.is_over()
    }

    pub(super) fn graph(&self) -> MutexGuard<'_, Graph> {
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

pub(super) fn fail(reason: impl ToString) -> Trouble {
    Trouble::Failed(visible(reason.to_string()))
}

/// What a daemon said, of which nothing can move a cursor.
pub(super) fn visible(said: String) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    said.chars().take(MOST_SAID).map(visible).collect()
}

/// What a daemon cannot bound.
pub(super) fn warnings(step: &Step) -> Vec<String> {
    not_applied(&step.limits)
}

/// In words, the bounds of a command that no daemon knows.
pub fn not_applied(limits: &Limits) -> Vec<String> {
    let asked = [("cpu", limits.cpu), ("memory", limits.memory), ("pids", limits.pids), ("disk", limits.disk)];
    let asked = asked.into_iter().filter(|(_, limit)| limit.is_some());
    asked.map(|(name, _)| format!("BuildKit knows no limit of `{name}` for a command: it is not applied")).collect()
}
