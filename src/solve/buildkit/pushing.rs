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
use crate::llb::{self, Definition, Graph, pb};
use crate::oci::{Digest, Platform};
use crate::registry::Repository;
use crate::solve::embedded::sandbox::SandboxError;
use crate::solve::{self, Progress, SolveError};
use crate::store::Store;
use bollard_buildkit_proto::moby::buildkit::v1::SolveRequest;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The key under which a daemon says what it has pushed.
const DIGEST: &str = "containerimage.digest";

/// What a daemon is to do.
pub struct Work<'a> {
    /// The graph that people know: its vertices are told of by the names that those of the definitions have too.
    pub graph: &'a Graph,
    /// What is solved before, one after the other: nothing of it is pushed.
    pub first: &'a [Definition],
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
    /// How long commands ran, by their vertices; nothing of those that did not run again.
    pub milliseconds: BTreeMap<Digest, u64>,
}

/// Why no daemon has pushed an image.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The graph could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// No daemon can do it, or the registry did not take it.
    #[error(transparent)]
    Daemon(#[from] SandboxError),
}

/// How work with one daemon ended.
enum Ended {
    Pushed(Pushed),
    /// The daemon is gone: another may do it.
    Gone(String),
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
            match (Job { pool: self, address: daemon.address(), connection: &connection, work, store }).run()? {
                Ended::Pushed(pushed) => return Ok(pushed),
                Ended::Gone(reason) => {
                    daemon.forget();
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
    fn run(&self) -> Result<Ended, PushError> {
        let masks = solve::embedded::mask::Masks::of(self.work.secrets);
        let telling = Telling::new(self.work.graph, self.work.progress, self.work.cancelled, &masks);
        let first = self.work.first.iter().map(|definition| SolveRequest {
            definition: Some(definition.message().clone()),
            ..SolveRequest::default()
        });
        let image = SolveRequest {
            definition: Some(self.work.image.message().clone()),
            exporter_deprecated: "image".to_owned(),
            exporter_attrs_deprecated: self.attrs().into_iter().collect(),
            ..SolveRequest::default()
        };
        let mut response = None;
        for request in first.chain([image]) {
            let request = SolveRequest { entitlements: solving::entitlements(self.has_network()), ..request };
            match self.ask(request, &telling)? {
                Ok(Answer::Done(answer)) => response = Some(answer.exporter_response),
                Ok(Answer::Stopped) => return Err(telling.stopped().into()),
                Ok(Answer::Refused(said)) => return Err(self.refused(&said, telling)),
                Err(why) => return Ok(Ended::Gone(visible(masks.text(&format!("the connection broke: {why}"))))),
            }
        }
        let said = response.and_then(|mut response| response.remove(DIGEST)).unwrap_or_default();
        let manifest = said.parse().map_err(|_| {
            let shown: String = visible(masks.text(&said)).chars().take(80).collect();
            self.daemon(format!("it does not say what it pushed, but `{shown}`"))
        })?;
        Ok(Ended::Pushed(Pushed { manifest, milliseconds: telling.milliseconds() }))
    }

    /// Makes one request, with all that the daemon may ask for meanwhile.
    fn ask(&self, request: SolveRequest, telling: &Telling<'_>) -> Result<Result<Answer, String>, PushError> {
        let Work { folders, contents, .. } = *self.work;
        let (folders, contents) = (folders.clone(), contents.clone());
        let (secrets, agents) = self.given();
        let place = Place::new(self.store)?;
        let (_lent, agents) = agents::lend(&agents, &place.folder)?;
        let offers = Offers {
            trees: Trees::new(self.store.clone(), move |name| folders.get(name).copied()),
            contents: Contents::new(self.store.clone(), move |digest| contents.contains(digest)),
            secrets,
            agents,
            archive: None,
            credentials: (request.exporter_deprecated == "image")
                .then(|| Credentials::new(self.work.repository.clone(), self.work.now)),
        };
        let (mut hear, is_over) = (|told: &_| telling.hear(told), || telling.is_over());
        let asked = solving::ask(self.connection.line(), request, offers, &mut hear, &is_over);
        Ok(self.pool.runtime.block_on(asked))
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

    fn has_network(&self) -> bool {
        self.commands().any(|exec| exec.network() == pb::NetMode::Host)
    }

    fn commands(&self) -> impl Iterator<Item = &pb::ExecOp> {
        self.work.graph.vertices().iter().filter_map(|vertex| match &vertex.op {
            pb::op::Op::Exec(exec) => Some(exec),
            _ => None,
        })
    }

    /// What a refusal is: a command that failed, or something that the daemon or the registry cannot do.
    fn refused(&self, said: &str, telling: Telling<'_>) -> PushError {
        let said = telling.masked(said);
        if let Some(code) = solving::exit_code(&said)
            && let Some(failed) = telling.failed(code)
        {
            return failed.into();
        }
        let reason = capability::explain_push(&said).or_else(|| capability::explain(&said)).unwrap_or(said);
        self.daemon(reason).into()
    }

    fn daemon(&self, reason: String) -> SandboxError {
        SandboxError::Daemon { address: self.address.clone(), reason: visible(reason) }
    }
}

#[cfg(test)]
mod tests;
