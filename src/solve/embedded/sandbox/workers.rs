//! The workers of a sandbox that wait for a job: starting one takes long, so it is begun early, and it serves again.

use super::SandboxError;
use super::helper::{Helper, Last};
use super::ids::Ids;
use super::job::{Job, Reply};
use super::keeper::Coming;
use super::seccomp::Filters;
use crate::store::Store;
use secrecy::SecretSlice;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Starts workers and keeps those that are idle; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Workers {
    program: PathBuf,
    ids: OnceLock<Ids>,
    filters: Arc<OnceLock<Filters>>,
    idle: Mutex<Vec<Idle>>,
}

/// A worker that nobody uses.
#[derive(Debug)]
struct Idle {
    worker: Worker,
    /// In whose folder it works. After the worker: until that has ended, it may still remove a folder of this stay.
    store: Store,
}

#[derive(Debug)]
enum Worker {
    Ready(Helper),
    Coming(Coming<Result<Helper, SandboxError>>),
}

impl Workers {
    pub(super) fn new(program: PathBuf) -> Self {
        Workers { program, ids: OnceLock::new(), filters: Arc::default(), idle: Mutex::default() }
    }

    /// The ids that each of them has.
    pub(super) fn ids(&self) -> &Ids {
        self.ids.get_or_init(Ids::of_this_user)
    }

    /// Begins to start a worker where none is idle.
    pub(super) fn prepare(&self, store: &Store) {
        let mut idle = self.idle();
        if idle.iter().any(|idle| idle.is_for(store)) {
            return;
        }
        // Whoever takes a worker begins once more, and is told why that fails.
        if let Ok(coming) = self.begin(store) {
            idle.push(Idle { worker: Worker::Coming(coming), store: store.clone() });
        }
    }

    /// Gives a worker a job, and the worker to `attend`; if it came to a clean end, it is kept.
    pub(super) fn give(
        &self,
        store: &Store,
        job: &Job,
        secrets: &[&SecretSlice<u8>],
        files: Vec<OwnedFd>,
        attend: impl FnOnce(&mut Helper) -> Result<Last, SandboxError>,
    ) -> Result<Last, SandboxError> {
        let mut helper = self.take(store)?;
        helper.begin(job, secrets, &files)?;
        // The step's ends are its own now.
        drop(files);
        let last = attend(&mut helper)?;
        if matches!(last, Last::Reply(Reply::Ended(_) | Reply::Layer { .. } | Reply::Removed)) {
            helper.rest();
            self.idle().push(Idle { worker: Worker::Ready(helper), store: store.clone() });
        }
        Ok(last)
    }

    /// A worker that waits for a job.
    fn take(&self, store: &Store) -> Result<Helper, SandboxError> {
        let failed = |source| SandboxError::Io { action: "start a worker".to_owned(), source };
        loop {
            match self.take_idle(store) {
                Some(Worker::Ready(helper)) if helper.is_alive() => return Ok(helper),
                // Somebody has killed it.
                Some(Worker::Ready(_)) => {}
                Some(Worker::Coming(coming)) => return coming.wait().map_err(failed)?,
                None => return self.begin(store).and_then(Coming::wait).map_err(failed)?,
            }
        }
    }

    /// The one that was put back last, or else one that is coming.
    fn take_idle(&self, store: &Store) -> Option<Worker> {
        let mut idle = self.idle();
        let last = idle.iter().rposition(|idle| idle.is_for(store))?;
        Some(idle.remove(last).worker)
    }

    fn begin(&self, store: &Store) -> io::Result<Coming<Result<Helper, SandboxError>>> {
        let (program, store, ids) = (self.program.clone(), store.clone(), self.ids().clone());
        let filters = self.filters.clone();
        Coming::begin(move |life| Helper::start(&program, store.root(), &ids, made(&filters)?, life))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The filters, which are made for the first worker.
fn made(filters: &OnceLock<Filters>) -> Result<&Filters, SandboxError> {
    match filters.get() {
        Some(filters) => Ok(filters),
        None => {
            let new = Filters::new()?;
            Ok(filters.get_or_init(|| new))
        }
    }
}

impl Idle {
    fn is_for(&self, store: &Store) -> bool {
        self.store.root() == store.root()
    }
}
