//! What all of kiln's work shares: the store, the network, the clock, who listens.

use super::engines::EngineChoice;
use super::error::Error;
use super::project::Project;
use super::report::{CommandDifference, CommandReasons, Findings};
use super::sharing::Offer;
use crate::git;
use crate::http;
use crate::image::layer::Packer;
use crate::llb::{Graph, Output};
use crate::oci::Digest;
use crate::packages::deb;
use crate::registry::{self, Mirror, Registries};
use crate::solve::buildkit::BuildKit;
use crate::solve::embedded::Embedded;
use crate::solve::embedded::sandbox::{Native, Sandbox};
use crate::solve::{self, Downloads, Fetch, Offline};
use crate::store::Store;
use jiff::Timestamp;
use secrecy::SecretSlice;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::runtime::Handle;

/// Hears what happens, for people to see. All methods may be called from many threads at once.
pub trait Progress: Send + Sync {
    /// A phase of the work begins; the one before has ended.
    fn phase(&self, name: &'static str);
    /// So many bytes of a phase's work will have to be fetched.
    fn expect(&self, bytes: u64);
    /// Some of these bytes are here.
    fn advance(&self, bytes: u64);
    /// A piece of work was done, or was found done.
    fn done(&self, name: &str, cached: bool);
    /// A command runs. Its number is its own in this run, from 1 in the order in which commands begin.
    fn command(&self, number: u64, name: &str);
    /// It wrote something, in which no secret is left; pieces come in order and end anywhere.
    fn wrote(&self, number: u64, bytes: &[u8]);
    /// It ended, after so many seconds.
    fn ended(&self, number: u64, name: &str, failed: bool, seconds: f64);
    /// Something that the user should know, though the work goes on.
    fn warn(&self, message: &str);
}

/// A listener that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &'static str) {}
    fn expect(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn done(&self, _: &str, _: bool) {}
    fn command(&self, _: u64, _: &str) {}
    fn wrote(&self, _: u64, _: &[u8]) {}
    fn ended(&self, _: u64, _: &str, _: bool, _: f64) {}
    fn warn(&self, _: &str) {}
}

/// How a session is set up; filled by the command line, the only reader of the environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's folder.
    pub store: PathBuf,
    /// Whether the network is out of bounds.
    pub offline: bool,
    /// How many threads may work at once.
    pub jobs: usize,
    /// The Debian mirror that the environment names.
    pub mirrors: deb::MirrorConfig,
    /// How registries are reached.
    pub registries: registry::Settings,
    /// How git is run; whether the network is out of bounds is said above.
    pub git: git::Settings,
    /// What commands are given.
    pub given: Given,
    /// The program that sandboxes are started with: this one.
    pub program: PathBuf,
    /// Set by whoever wants the work to end; commands end then, and what was finished is kept.
    pub cancelled: Arc<AtomicBool>,
    /// The present time: for keys and indexes that expire and for reports, never for what is built.
    pub now: Timestamp,
}

/// What the caller brings for commands, by the names that the spec has for it, and wants to know of them.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The values of secrets.
    pub secrets: BTreeMap<String, SecretSlice<u8>>,
    /// The sockets of agents of ssh.
    pub ssh: BTreeMap<String, PathBuf>,
    /// Whether to find out why commands run.
    pub explain: bool,
    /// Whether to run each command twice and compare what it leaves.
    pub twice: bool,
    /// Where they run.
    pub engine: EngineChoice,
}

/// Said where a daemon is needed and none was named.
const NO_DAEMON: &str =
    "`--engine-output` leaves the image to a BuildKit daemon: name one with `--engine buildkit:ADDRESS`";

/// One run of kiln.
pub struct Session<'a> {
    /// Where everything is kept.
    pub store: Store,
    /// How it was set up.
    pub settings: Settings,
    /// Who listens.
    pub progress: &'a dyn Progress,
    runtime: Handle,
    client: OnceLock<http::Client>,
    registries: OnceLock<Registries>,
    project_registries: OnceLock<Registries>,
    began: Instant,
    packer: OnceLock<Packer>,
    daemons: OnceLock<Arc<BuildKit>>,
    commands: AtomicU64,
    is_cancelled: Box<dyn Fn() -> bool + Send + Sync>,
    found: Mutex<Findings>,
    offers: OnceLock<Vec<Offer>>,
    results: Mutex<BTreeSet<Digest>>,
    phases: Mutex<Vec<(&'static str, Instant)>>,
    warnings: Mutex<Vec<String>>,
}

impl<'a> Session<'a> {
    /// Opens the store; the network is not touched before it is needed.
    pub fn open(mut settings: Settings, runtime: Handle, progress: &'a dyn Progress) -> Result<Self, Error> {
        settings.registries.http.offline = settings.offline;
        settings.git.offline = settings.offline;
        let store = Store::open(&settings.store)?;
        let cancelled = settings.cancelled.clone();
        Ok(Session {
            is_cancelled: Box::new(move || cancelled.load(Ordering::Relaxed)),
            found: Mutex::default(),
            offers: OnceLock::new(),
            results: Mutex::default(),
            store,
            settings,
            progress,
            runtime,
            client: OnceLock::new(),
            registries: OnceLock::new(),
            project_registries: OnceLock::new(),
            began: Instant::now(),
            packer: OnceLock::new(),
            daemons: OnceLock::new(),
            commands: AtomicU64::new(0),
            phases: Mutex::default(),
            warnings: Mutex::default(),
        })
    }

    /// What runs work that waits for others.
    pub(super) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// The client for everything that is fetched.
    pub(super) fn client(&self) -> Result<&http::Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let settings = http::Settings { offline: self.settings.offline, ..http::Settings::default() };
        let client = http::Client::new(settings)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// The registries that images are pulled from and pushed to.
    pub(super) fn registries(&self) -> Result<&Registries, Error> {
        if let Some(registries) = self.registries.get() {
            return Ok(registries);
        }
        let registries = Registries::new(self.settings.registries.clone())?;
        Ok(self.registries.get_or_init(|| registries))
    }

    /// The registries as the session's project, of which there is one at most, says that they are reached.
    pub(super) fn registries_of(&self, project: &Project) -> Result<&Registries, Error> {
        if let Some(registries) = self.project_registries.get() {
            return Ok(registries);
        }
        let registries = Registries::new(self.registry_settings(project))?;
        Ok(self.project_registries.get_or_init(|| registries))
    }

    /// The same where one registry more is spoken to without TLS.
    pub(super) fn registries_with_plain(&self, project: &Project, registry: &str) -> Result<Registries, Error> {
        let mut settings = self.registry_settings(project);
        settings.plain_http.insert(registry.to_owned());
        Ok(Registries::new(settings)?)
    }

    fn registry_settings(&self, project: &Project) -> registry::Settings {
        let rules = &project.spec.registries;
        let mirrors = rules.iter().flat_map(|registry| {
            registry.mirrors.iter().map(|mirror| Mirror {
                of: registry.name.value.clone(),
                at: format!("{}{}", if mirror.plain_http { "http://" } else { "" }, mirror.at.value),
            })
        });
        let plain_http =
            rules.iter().filter(|registry| registry.plain_http).map(|registry| registry.name.value.clone());
        let mirrors: Vec<Mirror> = mirrors.collect();
        // Whoever names a mirror without TLS allows it.
        let plain = mirrors.iter().filter_map(|mirror| mirror.at.strip_prefix("http://"));
        let plain: Vec<String> = plain.map(|at| at.split('/').next().unwrap_or(at).to_owned()).collect();
        let mut settings = self.settings.registries.clone();
        settings.plain_http.extend(plain);
        settings.mirrors.extend(mirrors);
        settings.plain_http.extend(plain_http);
        settings
    }

    /// What asks git repositories.
    pub(super) fn git(&self) -> git::Client<'_> {
        git::Client::new(&self.settings.git, &self.store, &*self.is_cancelled)
    }

    /// The engine that is built in.
    pub(super) fn engine(&self) -> Result<Embedded, Error> {
        let fetch: Arc<dyn Fetch> = match self.settings.offline {
            true => Arc::new(Offline),
            false => Arc::new(Downloads::new(self.client()?.clone(), self.runtime.clone())),
        };
        let sandbox: Arc<dyn Sandbox> = match &self.settings.given.engine {
            EngineChoice::Embedded => Arc::new(Native::new(self.settings.program.clone())),
            EngineChoice::BuildKit(_) => self.daemons()?,
        };
        Ok(Embedded::new(self.store.clone(), fetch).with_sandbox(sandbox))
    }

    /// The daemons that commands run in.
    pub(super) fn daemons(&self) -> Result<Arc<BuildKit>, Error> {
        match &self.settings.given.engine {
            EngineChoice::BuildKit(daemons) => {
                let jobs = self.settings.jobs;
                let new = || Arc::new(BuildKit::new(daemons.clone(), jobs, self.runtime.clone()));
                Ok(self.daemons.get_or_init(new).clone())
            }
            EngineChoice::Embedded => Err(Error::Usage(NO_DAEMON.into())),
        }
    }

    /// Whether somebody wants the work to end.
    pub(super) fn cancelled(&self) -> &(dyn Fn() -> bool + Sync) {
        &*self.is_cancelled
    }

    /// What an engine is asked; folders, and what was brought for it, are the caller's to add.
    pub(super) fn request<'r>(
        &'r self,
        graph: &'r Graph,
        targets: &'r [Output],
        progress: &'r dyn solve::Progress,
    ) -> solve::Request<'r> {
        let given = &self.settings.given;
        solve::Request {
            progress,
            // A command in a daemon is work for others: here somebody only waits for it.
            parallelism: self.settings.jobs.saturating_mul(given.engine.places()),
            secrets: &given.secrets,
            agents: &given.ssh,
            shared: self,
            cancelled: &*self.is_cancelled,
            explain: given.explain,
            twice: given.twice,
            ..solve::Request::new(graph, targets)
        }
    }

    /// What makes layers.
    pub(super) fn packer(&self) -> Result<&Packer, Error> {
        if let Some(packer) = self.packer.get() {
            return Ok(packer);
        }
        let packer = Packer::new(NonZeroUsize::new(self.settings.jobs).unwrap_or(NonZeroUsize::MIN))?;
        Ok(self.packer.get_or_init(|| packer))
    }

    /// The present time, as the run's clock goes on from its beginning.
    pub(super) fn clock(&self) -> Timestamp {
        self.settings.now.checked_add(self.began.elapsed()).unwrap_or(self.settings.now)
    }

    /// Keeps what was found out about the commands of a graph.
    pub(super) fn find(&self, graph: &Graph, solution: &solve::Solution) {
        let name = |vertex: &Digest| graph.vertex(vertex).map(|vertex| vertex.name()).unwrap_or_default();
        self.took(solution.ran.iter().map(|ran| ran.key));
        let mut found = self.found.lock().unwrap_or_else(|e| e.into_inner());
        for ran in &solution.ran {
            let why = ran.why.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
            if !why.is_empty() {
                found.reasons.push(CommandReasons { command: name(&ran.vertex), why });
            }
        }
        found.differences.extend(solution.unreproducible.iter().map(|difference| CommandDifference {
            command: name(&difference.vertex),
            path: format!("{}{}", difference.target.trim_end_matches('/'), difference.path),
            what: difference.what.clone(),
        }));
    }

    /// Notes results of commands that went into what is built, by their keys.
    pub(super) fn took(&self, keys: impl Iterator<Item = Digest>) {
        self.results.lock().unwrap_or_else(|e| e.into_inner()).extend(keys);
    }

    /// The keys of all results that were taken.
    pub(super) fn results(&self) -> BTreeSet<Digest> {
        self.results.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Results of other machines may be used from now on.
    pub(super) fn use_offers(&self, offers: Vec<Offer>) {
        // Set once: a build that begins anew takes what it had.
        let _ = self.offers.set(offers);
    }

    /// The results of other machines.
    pub(super) fn offers(&self) -> &[Offer] {
        self.offers.get().map_or(&[], Vec::as_slice)
    }

    /// What was found out about commands.
    pub(super) fn findings(&self) -> Findings {
        self.found.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// A number for a command that begins, from 1.
    pub(super) fn next_command(&self) -> u64 {
        self.commands.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Says something that the user should know, once.
    pub(super) fn warn(&self, message: &str) {
        let mut warnings = self.warnings.lock().unwrap_or_else(|e| e.into_inner());
        if !warnings.iter().any(|known| known == message) {
            warnings.push(message.to_owned());
            self.progress.warn(message);
        }
    }

    /// All that was said by [`warn`](Self::warn).
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Waits for asynchronous work.
    pub(super) fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// A phase begins.
    pub(super) fn phase(&self, name: &'static str) {
        self.phases.lock().unwrap_or_else(|e| e.into_inner()).push((name, Instant::now()));
        self.progress.phase(name);
    }

    /// The phases so far with their durations in seconds, each once, in the order of their beginnings.
    pub(super) fn durations(&self) -> Vec<(&'static str, f64)> {
        let phases = self.phases.lock().unwrap_or_else(|e| e.into_inner());
        let ends = phases.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        let mut durations: Vec<(&'static str, f64)> = Vec::new();
        for ((name, start), end) in phases.iter().zip(ends) {
            let seconds = end.duration_since(*start).as_secs_f64();
            match durations.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += seconds,
                None => durations.push((name, seconds)),
            }
        }
        durations
    }
}
