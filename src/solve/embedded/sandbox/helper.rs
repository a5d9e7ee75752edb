//! A worker as the engine sees it: started, watched, and, where a job did not end well, gone before anything else happens.

use super::channel::Channel;
use super::ids::Ids;
use super::job::{Failure, Job, Reply};
use super::keeper::Life;
use super::pump::Pump;
use super::seccomp::Filters;
use super::terminal::Terminal;
use super::{Listener, SandboxError, WORKER};
use rustix::event::{PollFd, PollFlags, Timespec};
use secrecy::SecretSlice;
use serde::Serialize;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often somebody looks whether the step is to end.
const TICK: Duration = Duration::from_millis(50);

/// A process that does one job after another. When this is dropped in the middle of one, it is killed with all that it
/// started; else it ends by itself, and is waited for.
#[derive(Debug)]
pub(super) struct Helper {
    worker: Child,
    channel: Channel,
    /// The step's first process, once there is one.
    init: Option<OwnedFd>,
    is_idle: bool,
    _life: Life,
}

/// What a helper said last, or why it was not waited for.
#[derive(Debug)]
pub(super) enum Last {
    /// What it said.
    Reply(Reply),
    /// Somebody wanted it to end.
    Stopped,
}

impl Helper {
    /// Starts `program` as a worker in the folder of the store and gives it its ids and filters; it waits for
    /// [a job](Self::begin) then. It dies with this thread, which lives as long as `life`.
    pub(super) fn start(
        program: &Path,
        store: &Path,
        ids: &Ids,
        filters: &Filters,
        life: Life,
    ) -> Result<Helper, SandboxError> {
        let mut helper = Self::spawn(program, store, life)?;
        match helper.receive()?.0 {
            Reply::Unshared => {}
            Reply::Failed(failure) => return Err(failure.into()),
            other => return Err(SandboxError::Lost(format!("it said {other:?} first"))),
        }
        ids.map(helper.worker.id())?;
        helper.send(filters)?;
        helper.rest();
        Ok(helper)
    }

    fn spawn(program: &Path, store: &Path, life: Life) -> Result<Helper, SandboxError> {
        let failed = |action: &str| {
            let action = action.to_owned();
            move |source| SandboxError::Io { action, source }
        };
        let (channel, end) = Channel::pair().map_err(failed("make a socket"))?;
        let worker = Command::new(program)
            .arg(WORKER)
            .current_dir(store)
            .env_clear()
            .stdin(Stdio::from(end))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // What a terminal sends to kiln is kiln's to handle.
            .process_group(0)
            .spawn()
            .map_err(failed(&format!("start {}", program.display())))?;
        Ok(Helper { worker, channel, init: None, is_idle: false, _life: life })
    }

    /// Whether it can be given a job.
    pub(super) fn is_alive(&self) -> bool {
        self.channel.is_open().unwrap_or_default()
    }

    /// Gives it a job.
    pub(super) fn begin(
        &mut self,
        job: &Job,
        secrets: &[&SecretSlice<u8>],
        files: &[OwnedFd],
    ) -> Result<(), SandboxError> {
        self.is_idle = false;
        let beside: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        let sent = self
            .channel
            .send(job, &beside)
            .and_then(|()| secrets.iter().try_for_each(|secret| self.channel.send_secret(secret)));
        sent.map_err(|error| self.lost(&error))
    }

    /// Its job came to a clean end, and nothing of it runs any more.
    pub(super) fn rest(&mut self) {
        self.init = None;
        self.is_idle = true;
    }

    /// Hears what it says until it is done, and passes on what comes over `pumps`.
    ///
    /// `started` is called with the number of the step's first process, which waits for it to return; `terminal` is
    /// connected with the terminal that the step has made for itself. `is_over` is asked several times a second.
    pub(super) fn attend(
        &mut self,
        mut pumps: Vec<Pump>,
        listener: &dyn Listener,
        started: Option<&dyn Fn(u32) -> Result<(), SandboxError>>,
        mut terminal: Option<&mut Terminal>,
        mut is_over: impl FnMut() -> bool,
    ) -> Result<Last, SandboxError> {
        let mut last = None;
        // All that was written before the step ended is passed on, and so it is read to its end.
        while last.is_none() || pumps.iter().any(|pump| pump.is_awaited) {
            if is_over() {
                return Ok(Last::Stopped);
            }
            if let Some(terminal) = &mut terminal {
                terminal.follow_size();
            }
            let (is_channel_ready, ready) = self.poll(&pumps, last.is_none())?;
            let mut ready = ready.into_iter();
            let mut failure = None;
            pumps.retain_mut(|pump| {
                !ready.next().unwrap_or_default()
                    || pump.go_on(listener).unwrap_or_else(|error| {
                        failure = Some(error);
                        false
                    })
            });
            if let Some(source) = failure {
                return Err(SandboxError::Io { action: "pass on what the step writes".to_owned(), source });
            }
            if !is_channel_ready {
                continue;
            }
            match self.receive()? {
                (Reply::Started { pid }, files) => {
                    self.init = files.into_iter().next();
                    if let Some(started) = started {
                        started(pid)?;
                        self.send(&())?;
                    }
                }
                (Reply::Terminal, files) => {
                    for (terminal, own) in terminal.iter_mut().zip(files) {
                        pumps.extend(terminal.connect(own)?);
                    }
                }
                (reply, _) => last = Some(reply),
            }
        }
        last.map(Last::Reply).ok_or_else(|| SandboxError::Lost("it said nothing".to_owned()))
    }

    /// Waits for anything to happen, for a moment: whether there is a message, and which pumps can go on.
    fn poll(&self, pumps: &[Pump], with_channel: bool) -> Result<(bool, Vec<bool>), SandboxError> {
        let mut files: Vec<PollFd<'_>> = pumps.iter().map(Pump::waits_for).collect();
        if with_channel {
            files.push(PollFd::new(&self.channel, PollFlags::IN));
        }
        let tick = Timespec { tv_sec: 0, tv_nsec: TICK.as_nanos().try_into().unwrap_or_default() };
        match rustix::event::poll(&mut files, Some(&tick)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(SandboxError::Io { action: "wait for the step".to_owned(), source: e.into() }),
        }
        let mut ready: Vec<bool> = files.iter().map(|file| !file.revents().is_empty()).collect();
        Ok((with_channel && ready.pop().unwrap_or_default(), ready))
    }

    fn receive(&mut self) -> Result<(Reply, Vec<OwnedFd>), SandboxError> {
        self.channel.receive().map_err(|error| self.lost(&error))
    }

    fn send(&mut self, message: &impl Serialize) -> Result<(), SandboxError> {
        self.channel.send(message, &[]).map_err(|error| self.lost(&error))
    }

    /// The error for a worker that cannot be talked to, with what it wrote before it ended.
    fn lost(&mut self, error: &io::Error) -> SandboxError {
        self.end();
        let mut written = Vec::new();
        if let Some(stderr) = self.worker.stderr.take() {
            // What cannot be read is not told.
            let _ = stderr.take(4096).read_to_end(&mut written);
        }
        let written = String::from_utf8_lossy(&written);
        SandboxError::Lost(format!("{error}; {}", written.trim()))
    }

    /// Ends it and waits until all that it started for a job is gone too.
    fn end(&mut self) {
        // Each fails only for processes that have ended.
        let _ = if self.is_idle { self.channel.close() } else { self.worker.kill() };
        let _ = self.worker.wait();
        if let Some(init) = self.init.take() {
            // It ends when the last process of the step has ended.
            let mut ended = [PollFd::new(&init, PollFlags::IN)];
            let _ = rustix::io::retry_on_intr(|| rustix::event::poll(&mut ended, None));
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.end();
    }
}

impl From<Failure> for SandboxError {
    fn from(failure: Failure) -> Self {
        use crate::store::StoreError;
        match failure {
            Failure::Forbidden { what, errno } => what.error(rustix::io::Errno::from_raw_os_error(errno)),
            Failure::Program { program, reason } => SandboxError::Program { program, reason },
            Failure::NoOverlay { errno } => {
                SandboxError::Io { action: "mount an overlay".to_owned(), source: io::Error::from_raw_os_error(errno) }
            }
            Failure::Lost { content, damaged: true } => StoreError::Corrupt(content).into(),
            Failure::Lost { content, damaged: false } => StoreError::Missing(content).into(),
            Failure::Leak { path, secret } => SandboxError::Leaked { secret, path: format!("/{}", path.display()) },
            Failure::Tree(reason) => SandboxError::Tree(reason),
            Failure::Io { action, errno, message } => {
                let source = errno.map_or_else(|| io::Error::other(message), io::Error::from_raw_os_error);
                SandboxError::Io { action, source }
            }
        }
    }
}
