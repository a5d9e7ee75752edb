//! An image that a daemon makes and pushes by itself, without a name: what came of it is for the caller to judge.
//!
//! The daemon gets a whole graph, which begins with images and folders out of the store. What it may know beside are the
//! secrets and agents of the graph's commands, and what opens the one repository.

use super::agents::{self, Agents};
use super::archive::Place;
use super::capability;
use super::content::Contents;
use super::credentials::Credentials;
use super::daemon::{Connection, Suits, Trouble, visible};
use super::secrets::Secrets;
use super::session::Offers;
use super::solving::{self, Answer};
use super::telling::Telling;
use super::trees::Trees;
use super::{BuildKit, Failure};
use crate::llb::{self, Definition, Graph, Vertex, pb};
use crate::oci::{Digest, Platform};
use crate::registry::Repository;
use crate::solve::embedded::mask::Masks;
use crate::solve::embedded::sandbox::SandboxError;
use crate::solve::embedded::{ExecError, Problem, find_secret};
use crate::solve::{self, Progress, SolveError};
use crate::store::Store;
use crate::tree::{Entry, TreePath, tar};
use bollard_buildkit_proto::moby::buildkit::v1::SolveRequest;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// The name of a file that is brought back.
pub const FILE: &str = "file";

/// What a daemon makes an image with, what an archive of files, and what nothing.
const NOTHING: &str = "";
const IMAGE: &str = "image";
const ARCHIVE: &str = "tar";

/// What a daemon says of a file that is to be copied and is not there.
const NOT_FOUND: &str = "not found";

/// The key under which a daemon says what it has pushed.
const DIGEST: &str = "containerimage.digest";

/// What a daemon is to do.
pub struct Work<'a> {
    /// The graph that people know: its vertices are told of by the names that those of the definitions have too.
    pub graph: &'a Graph,
    /// What is solved before, one after the other: nothing of it is pushed.
    pub first: &'a [Definition],
    /// What the file [`FILE`] is brought back of, with the command that has left it.
    pub files: &'a [(Digest, Definition)],
    /// What the image is.
    pub image: &'a Definition,
    /// The trees of the store behind `local://` sources, by the names of their folders.
    pub folders: &'a BTreeMap<String, Digest>,
    /// The contents of the store that images consist of.
    pub contents: &'a BTreeSet<Digest>,
    /// What commands may be told, by name.
    pub secrets: &'a solve::Secrets,
    /// Sockets of ssh agents, by name.
    pub agents: &'a BTreeMap<String, PathBuf>,
    /// Where the image goes.
    pub repository: &'a Repository,
    /// How it is made, in the words of BuildKit's exporter of images.
    pub attrs: BTreeMap<String, String>,
    /// The present time, in seconds since 1970.
    pub now: i64,
    /// Hears what happens.
    pub progress: &'a dyn Progress,
    /// Asked several times a second whether to stop.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// What a daemon says that it has done.
#[derive(Debug)]
pub struct Pushed {
    /// The manifest that is in the registry now.
    pub manifest: Digest,
    /// The contents of the files that were wanted, in the store.
    pub files: Vec<Digest>,
    /// How long commands ran, by their vertices; nothing of those that did not run again.
    pub milliseconds: BTreeMap<Digest, u64>,
}

/// Why no daemon has pushed an image.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The graph could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// One of the files that were wanted is not there, by its number.
    #[error("a file that should come back is not there")]
    NoFile(usize),
    /// No daemon can do it, or the registry did not take it.
    #[error(transparent)]
    Daemon(#[from] SandboxError),
}

/// Why one daemon has not done it.
enum Stop {
    /// The daemon is gone: another may do it.
    Gone(String),
    /// Nobody can.
    Failed(PushError),
}

impl<E: Into<PushError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

impl BuildKit {
    /// Lets a daemon make an image and push it by its digest: the first of those that suit the commands' platforms best, and
    /// where that cannot be reached or is gone, the next.
    ///
    /// # Errors
    /// What the graph, the daemons or the registry are to blame for.
    pub fn push(&self, work: &Work<'_>, store: &Store) -> Result<Pushed, PushError> {
        self.meet(store);
        let platforms = work.platforms();
        let mut order: Vec<_> = self.daemons.iter().collect();
        order.sort_by_key(|daemon| platforms.iter().map(|platform| daemon.suits(platform)).max());
        let mut failures = Vec::new();
        for daemon in order {
            let connection = match self.runtime.block_on(daemon.connected(store)) {
                Ok(connection) if platforms.iter().all(|one| connection.suits(one) != Suits::No) => connection,
                Ok(_) => continue,
                Err(Trouble::Unreachable(reason) | Trouble::Gone(reason) | Trouble::Failed(reason)) => {
                    failures.push(Failure { address: daemon.address(), reason });
                    continue;
                }
                Err(Trouble::Own(error)) => return Err(error.into()),
            };
            match (Job { pool: self, address: daemon.address(), connection: &connection, work, store }).run() {
                Ok(pushed) => return Ok(pushed),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Gone(reason)) => {
                    daemon.forget(&connection);
                    failures.push(Failure { address: daemon.address(), reason });
                }
            }
        }
        let is_nowhere = |platform: &&Platform| self.daemons.iter().all(|daemon| daemon.suits(platform) == Suits::No);
        let wanted = platforms.iter().find(is_nowhere).or(platforms.first()).cloned().unwrap_or_else(Platform::host);
        Err(self.failed(&wanted, &failures).into())
    }
}

impl Work<'_> {
    /// What commands run for.
    fn platforms(&self) -> Vec<Platform> {
        let commands = self.graph.vertices().iter().filter(|vertex| matches!(vertex.op, pb::op::Op::Exec(_)));
        let mut platforms: Vec<Platform> = commands.map(|vertex| llb::platform(vertex.platform.as_ref())).collect();
        platforms.sort();
        platforms.dedup();
        platforms
    }
}

/// Work with one daemon.
struct Job<'a> {
    pool: &'a BuildKit,
    address: String,
    connection: &'a Connection,
    work: &'a Work<'a>,
    store: &'a Store,
}

impl Job<'_> {
    fn run(&self) -> Result<Pushed, Stop> {
        let masks = Masks::of(self.work.secrets);
        let telling = Telling::new(self.work.graph, self.work.progress, self.work.cancelled, &masks);
        // All commands have ended before anything is offered that opens the registry.
        for definition in self.work.first.iter().chain([self.work.image]) {
            self.solve(definition, NOTHING, None, &telling)?;
        }
        let files = self.work.files.iter().enumerate().map(|(number, (command, definition))| {
            let brought = self.bring(command, definition, &telling)?;
            brought.ok_or_else(|| PushError::NoFile(number).into())
        });
        let files = files.collect::<Result<_, Stop>>()?;
        let mut response = self.solve(self.work.image, IMAGE, None, &telling)?;
        let said = response.remove(DIGEST).unwrap_or_default();
        let manifest = said.parse().map_err(|_| {
            let shown: String = visible(masks.text(&said)).chars().take(80).collect();
            self.daemon(format!("it does not say what it pushed, but `{shown}`"))
        })?;
        Ok(Pushed { manifest, files, milliseconds: telling.milliseconds() })
    }

    /// Brings the one file of something back, into the store; none where what it is made of does not have it.
    fn bring(&self, command: &Digest, definition: &Definition, telling: &Telling<'_>) -> Result<Option<Digest>, Stop> {
        let place = Place::new(self.store)?;
        match self.solve(definition, ARCHIVE, Some(&place), telling) {
            Ok(_) => {}
            Err(Stop::Failed(PushError::Daemon(SandboxError::Daemon { reason, .. }))) if reason.contains(NOT_FOUND) => {
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        }
        let failed = |reason: String| self.daemon(format!("the file that it sends cannot be read: {reason}"));
        let found = find_secret(self.work.secrets, &mut place.open()?).map_err(|error| failed(error.to_string()))?;
        if let Some(secret) = found {
            let error = SandboxError::Leaked { secret, path: "its results".to_owned() };
            return Err(self.blamed(command, error).into());
        }
        let read = tar::read(place.open()?, self.store, &tar::Options::default());
        let files = read.map_err(|error| failed(error.to_string()))?.entries;
        let file = TreePath::new(FILE).map_err(|error| failed(error.to_string()))?;
        Ok(files.get(&file).and_then(Entry::content).copied())
    }

    /// Makes one request; what an exporter says of what it made, if any.
    fn solve(
        &self,
        definition: &Definition,
        exporter: &str,
        archive: Option<&Place>,
        telling: &Telling<'_>,
    ) -> Result<HashMap<String, String>, Stop> {
        let attrs = if exporter == IMAGE { self.attrs() } else { BTreeMap::new() };
        let request = SolveRequest {
            definition: Some(definition.message().clone()),
            exporter_deprecated: exporter.to_owned(),
            exporter_attrs_deprecated: attrs.into_iter().collect(),
            entitlements: solving::entitlements(self.commands().any(|exec| exec.network() == pb::NetMode::Host)),
            ..SolveRequest::default()
        };
        let place = Place::new(self.store)?;
        let (secrets, agents) = self.given();
        let (_lent, agents) = agents::lend(&agents, &place.folder)?;
        let (folders, contents) = (self.work.folders.clone(), self.work.contents.clone());
        let credentials = || Credentials::new(self.work.repository.clone(), self.work.now);
        let offers = Offers {
            trees: Trees::new(self.store.clone(), move |name| folders.get(name).copied()),
            contents: Contents::new(self.store.clone(), move |digest| contents.contains(digest)),
            secrets,
            agents,
            archive: archive.map(Place::archive).transpose()?,
            credentials: (exporter == IMAGE).then(credentials),
        };
        let (mut hear, is_over) = (|told: &_| telling.hear(told), || telling.is_over());
        let asked = solving::ask(self.connection.line(), request, offers, &mut hear, &is_over);
        match self.pool.runtime.block_on(asked) {
            Ok(Answer::Done(answer)) => Ok(answer.exporter_response),
            Ok(Answer::Stopped) => Err(telling.stopped().into()),
            Ok(Answer::Refused(said)) => Err(self.refused(&said, telling)),
            Err(why) => Err(Stop::Gone(visible(telling.masked(&format!("the connection broke: {why}"))))),
        }
    }

    fn attrs(&self) -> BTreeMap<String, String> {
        let repository = self.work.repository;
        let own = [
            ("name", repository.reference().to_string()),
            ("push", "true".to_owned()),
            ("push-by-digest", "true".to_owned()),
            ("registry.insecure", repository.is_plain().to_string()),
            // Nothing of it stays in the daemon but what it keeps of its work.
            ("store", "false".to_owned()),
        ];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        self.work.attrs.clone().into_iter().chain(own).collect()
    }

    /// The secrets and agents that commands of the graph ask for.
    fn given(&self) -> (Secrets, Agents) {
        let (mut secrets, mut agents) = (Secrets::default(), Agents::default());
        for exec in self.commands() {
            let in_files = exec.mounts.iter().filter_map(|mount| Some(&mount.secret_opt.as_ref()?.id));
            for id in in_files.chain(exec.secretenv.iter().map(|secret| &secret.id)) {
                secrets.0.extend(self.work.secrets.get(id).map(|secret| (id.clone(), secret.clone())));
            }
            for id in exec.mounts.iter().filter_map(|mount| Some(&mount.ssh_opt.as_ref()?.id)) {
                agents.0.extend(self.work.agents.get(id).map(|agent| (id.clone(), agent.clone())));
            }
        }
        (secrets, agents)
    }

    fn commands(&self) -> impl Iterator<Item = &pb::ExecOp> {
        self.work.graph.vertices().iter().filter_map(|vertex| match &vertex.op {
            pb::op::Op::Exec(exec) => Some(exec),
            _ => None,
        })
    }

    /// What a refusal is: a command that failed, or something that the daemon or the registry cannot do.
    fn refused(&self, said: &str, telling: &Telling<'_>) -> Stop {
        let said = telling.masked(said);
        let failed = solving::exit_code(&said).and_then(|code| telling.failed(code));
        failed.map_or_else(
            || {
                let reason = capability::explain_push(&said).or_else(|| capability::explain(&said)).unwrap_or(said);
                self.daemon(reason).into()
            },
            Stop::from,
        )
    }

    /// An error that is a command's.
    fn blamed(&self, command: &Digest, error: SandboxError) -> SolveError {
        let name = self.work.graph.vertex(command).map(Vertex::name).unwrap_or_default();
        let problem = Problem::Exec(ExecError::Sandbox { error, advice: String::new() });
        SolveError::Failed { vertex: *command, name, problem: Box::new(problem) }
    }

    fn daemon(&self, reason: String) -> SandboxError {
        SandboxError::Daemon { address: self.address.clone(), reason: visible(reason) }
    }
}

#[cfg(test)]
mod tests;
