//! Commands run by BuildKit daemons.
//!
//! kiln stays the one who solves: it reads sources, does file operations, names results by what they were made of, and keeps
//! them ([`embedded`](super::embedded)). A daemon is where commands run: a [`Sandbox`] that is far away. What a command
//! begins with is sent as a graph: an earlier command of this build on the same daemon, or trees, of which only what the
//! daemon lacks travels. What it changed comes back as layers, and becomes the same change that a sandbox of this machine
//! finds. So the same bytes come of it, and no key, and no credential of a registry, leaves this machine.
//!
//! As any command can run anywhere, several daemons share them, and one takes over what another did not finish.
//!
//! Where the user says so, a daemon makes a whole image and pushes it by itself ([`BuildKit::push`]), with what opens that
//! one repository.

mod address;
mod agents;
mod archive;
mod attempt;
mod capability;
mod change;
mod connect;
pub mod content;
mod credentials;
mod daemon;
#[cfg(test)]
mod fixtures;
mod graph;
mod images;
mod pushing;
mod secrets;
mod session;
mod solving;
mod telling;
mod tls;
mod trees;

pub use address::{Address, AddressError};
pub use daemon::{DaemonAt, not_applied};
pub use pushing::{FILE, PushError, Pushed, Work};
pub use tls::{Tls, TlsParts};

use super::embedded::sandbox::{Ended, Listener, Sandbox, SandboxError, Status, Step};
use crate::oci::{Digest, Platform};
use crate::store::Store;
use daemon::{Daemon, Suits, Trouble};
use futures_util::future::join_all;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// How often whoever waits for a daemon asks whether to go on.
const TICK: Duration = Duration::from_millis(50);

/// So many times it is tried to find a daemon again that was there and is gone: it may only have been started anew.
const SEARCHES: u32 = 3;

/// The time before the first of these; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs commands in BuildKit daemons.
pub struct BuildKit {
    daemons: Vec<Arc<Daemon>>,
    runtime: Handle,
    /// As many commands run in one daemon at once; others wait.
    at_once: usize,
    met: Once,
    loads: Mutex<Vec<Load>>,
    freed: Condvar,
}

/// What a daemon has to do.
#[derive(Debug, Clone, Default)]
struct Load {
    running: usize,
    /// Whether it could not be reached, or was gone, when it was last needed.
    is_gone: bool,
}

/// How a step has fared with one daemon so far.
#[derive(Debug, Clone, Default)]
struct Tried {
    /// It is not asked again.
    is_out: bool,
    /// How often it was gone after it had been there.
    times_gone: u32,
    /// It is not asked before.
    not_before: Option<Instant>,
}

impl Tried {
    fn gone(&mut self) {
        self.not_before = Some(Instant::now() + PAUSE * 2_u32.saturating_pow(self.times_gone));
        self.times_gone += 1;
        self.is_out = self.times_gone > SEARCHES;
    }
}

/// The place of a step in a daemon; free again when this is dropped.
struct Turn<'a> {
    pool: &'a BuildKit,
    daemon: usize,
}

impl BuildKit {
    /// A sandbox that is these daemons, of which there is one at least. They are connected with when the first command runs,
    /// and each runs `at_once` commands at most at the same time.
    pub fn new(daemons: Vec<DaemonAt>, at_once: usize, runtime: Handle) -> Self {
        BuildKit {
            loads: Mutex::new(vec![Load::default(); daemons.len()]),
            daemons: daemons.into_iter().map(|at| Arc::new(Daemon::new(at, runtime.clone()))).collect(),
            runtime,
            at_once: at_once.max(1),
            met: Once::new(),
            freed: Condvar::new(),
        }
    }

    /// Connects with all daemons at once, so that it is known what they offer. One that cannot be reached is asked last.
    fn meet(&self, store: &Store) {
        self.met.call_once(|| {
            if self.daemons.len() > 1 {
                let met = self.runtime.block_on(join_all(self.daemons.iter().map(|daemon| daemon.connected(store))));
                for (load, met) in self.loads().iter_mut().zip(met) {
                    load.is_gone = met.is_err();
                }
            }
        });
    }

    /// Waits until a daemon can run the step: of those that are there, the one that suits it best, has least to do,
    /// and has most of what the step begins with. None where all have tried enough, or nobody wants it any more.
    fn turn(&self, step: &Step, tried: &[Tried], listener: &dyn Listener) -> Option<Turn<'_>> {
        let mut loads = self.loads();
        while !listener.is_cancelled() {
            let rank = |(i, daemon): (usize, &Arc<Daemon>)| {
                let suits = daemon.suits(&step.platform);
                let is_out = tried[i].is_out || suits == Suits::No;
                let is_gone = tried[i].times_gone > 0 || loads[i].is_gone;
                (!is_out).then(|| (is_gone, suits, loads[i].running, usize::MAX - daemon.has(step), i))
            };
            let ranked: Vec<_> = self.daemons.iter().enumerate().filter_map(rank).collect();
            let best_of_all = ranked.iter().map(|(is_gone, suits, ..)| (*is_gone, *suits)).min()?;
            let now = Instant::now();
            let free = ranked.into_iter().filter(|(is_gone, suits, running, _, i)| {
                let is_time = tried[*i].not_before.is_none_or(|time| time <= now);
                (*is_gone, *suits) == best_of_all && *running < self.at_once && is_time
            });
            if let Some((.., daemon)) = free.min() {
                loads[daemon].running += 1;
                return Some(Turn { pool: self, daemon });
            }
            (loads, _) = self.freed.wait_timeout(loads, TICK).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn loads(&self) -> MutexGuard<'_, Vec<Load>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no daemon has done what is for a platform.
    fn failed(&self, platform: &Platform, failures: &[Failure]) -> SandboxError {
        let Some((first, others)) = failures.split_first() else {
            let offers = self.daemons.iter().map(|daemon| format!("{} for {}", daemon.address(), daemon.offers()));
            return SandboxError::Daemon {
                address: self.daemons.iter().map(|daemon| daemon.address()).collect::<Vec<_>>().join(", "),
                reason: format!(
                    "no commands run there for {}, only at {}",
                    platform,
                    offers.collect::<Vec<_>>().join("; at ")
                ),
            };
        };
        let others = others.iter().map(|other| match other.address == first.address {
            true => format!("; and then: {}", other.reason),
            false => format!("; and the one at {}: {}", other.address, other.reason),
        });
        let reason = std::iter::once(first.reason.clone()).chain(others).collect();
        SandboxError::Daemon { address: first.address.clone(), reason }
    }
}

/// A daemon that has not run a step.
#[derive(PartialEq, Eq)]
struct Failure {
    address: String,
    reason: String,
}

impl Sandbox for BuildKit {
    /// The daemon unpacks the image at the same time. Of several, nobody knows yet which one runs the command.
    fn foresee(&self, manifest: &Digest, platform: &Platform, store: &Store) {
        let [daemon] = self.daemons.as_slice() else { return };
        let (daemon, store, manifest, platform) = (daemon.clone(), store.clone(), *manifest, platform.clone());
        self.runtime.spawn(async move { daemon.foresee(&manifest, &platform, &store).await });
    }

    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        if step.interactive {
            return Err(SandboxError::Daemon {
                address: self.daemons.first().map(|daemon| daemon.address()).unwrap_or_default(),
                reason: "it shows no shells: leave out `--engine`".to_owned(),
            });
        }
        self.meet(store);
        let mut tried = vec![Tried::default(); self.daemons.len()];
        let mut failures: Vec<Failure> = Vec::new();
        while let Some(turn) = self.turn(step, &tried, listener) {
            let daemon = &self.daemons[turn.daemon];
            let result = daemon.run(step, store, listener);
            let is_gone = matches!(result, Err(Trouble::Unreachable(_) | Trouble::Gone(_)));
            self.loads()[turn.daemon].is_gone = is_gone;
            let tried = &mut tried[turn.daemon];
            let reason = match result {
                Ok(mut ended) => {
                    let ran = failures.iter().map(|failure| {
                        let Failure { address, reason } = failure;
                        format!("a command ran at {}, as it did not at {address}: {reason}", daemon.address())
                    });
                    ended.warnings.extend(ran);
                    return Ok(ended);
                }
                Err(Trouble::Own(error)) => return Err(error),
                Err(Trouble::Gone(reason)) => {
                    tried.gone();
                    reason
                }
                Err(Trouble::Unreachable(reason)) if tried.times_gone > 0 => {
                    tried.gone();
                    reason
                }
                Err(Trouble::Failed(reason) | Trouble::Unreachable(reason)) => {
                    tried.is_out = true;
                    reason
                }
            };
            let failure = Failure { address: daemon.address(), reason };
            if failures.last() != Some(&failure) {
                failures.push(failure);
            }
        }
        if listener.is_cancelled() {
            let changes = step.mounts.iter().map(|_| None).collect();
            return Ok(Ended { status: Status::Cancelled, changes, is_part: false, warnings: Vec::new() });
        }
        Err(self.failed(&step.platform, &failures))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pool.loads()[self.daemon].running -= 1;
        self.pool.freed.notify_all();
    }
}

#[cfg(test)]
mod tests;
