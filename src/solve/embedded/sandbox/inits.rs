//! Inits as the worker sees them: one is started before there is a step for it, as that takes long.

use super::INIT;
use super::channel::Channel;
use super::forbidden::Forbidden;
use super::job::{Ahead, Failure};
use super::keeper::{Coming, Life};
use super::namespaces;
use super::seccomp::Filter;
use nix::sched::CloneFlags;
use rustix::process::{Pid, PidfdFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

/// The init of the next step.
#[derive(Debug)]
pub(super) struct Inits {
    filter: Filter,
    /// What the last step had, the next one is expected to have.
    host_network: bool,
    next: Option<Coming<Result<Init, Failure>>>,
}

/// The first process of a process namespace, for one step. When this is dropped, it is killed and waited for, and so are all
/// processes of the step.
#[derive(Debug)]
pub(super) struct Init {
    pub(super) channel: Channel,
    /// Its pidfd.
    pub(super) handle: OwnedFd,
    process: Child,
    _life: Life,
}

impl Inits {
    /// Inits of steps that `filter` restricts.
    pub(super) fn new(filter: Filter) -> Self {
        Inits { filter, host_network: false, next: None }
    }

    /// Begins to start the next one.
    pub(super) fn prepare(&mut self) {
        // Whoever takes it begins once more, and is told why that fails.
        self.next = self.begin().ok();
    }

    /// The next one, when it has started.
    pub(super) fn take(&mut self, host_network: bool) -> Result<Init, Failure> {
        let prepared = self.next.take().filter(|_| self.host_network == host_network);
        self.host_network = host_network;
        let coming = prepared.map_or_else(|| self.begin(), io::Result::Ok);
        coming.and_then(Coming::wait).map_err(Failure::io("start a thread"))?
    }

    fn begin(&self) -> io::Result<Coming<Result<Init, Failure>>> {
        let ahead = Ahead { host_network: self.host_network, filter: self.filter.clone() };
        Coming::begin(move |life| Init::start(&ahead, life))
    }
}

impl Init {
    /// Starts one that dies with this thread, and tells it what is known of its step. The thread alone leaves the process namespace, for its children, and can then
    /// have no further threads; all others can.
    fn start(ahead: &Ahead, life: Life) -> Result<Init, Failure> {
        namespaces::leave(CloneFlags::CLONE_NEWPID).map_err(Failure::forbidden(Forbidden::Namespaces))?;
        let (mut channel, end) = Channel::pair().map_err(Failure::io("make a socket"))?;
        let process = Command::new("/proc/self/exe")
            .arg(INIT)
            .env_clear()
            .stdin(Stdio::from(end))
            .stdout(Stdio::null())
            .spawn()
            .map_err(Failure::io("start the step's first process"))?;
        let handle = rustix::process::pidfd_open(Pid::from_child(&process), PidfdFlags::empty());
        let handle = handle.map_err(Failure::io("open a process"))?;
        channel.send(ahead, &[]).map_err(Failure::io("tell the step's first process what is known"))?;
        Ok(Init { channel, handle, process, _life: life })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        // Each fails only for a process that has ended. When the first one has, so have all others of its namespace.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
