//! The sandbox of this machine: namespaces of Linux, without privileges where there are none.

use super::job::{self, Answer, Failed, Frame, Job, Process, WORKER};
use super::{Ended, EnvValue, Limit, Listener, Mount, MountKind, Sandbox, SandboxError, Status, Step, Stream};
use crate::llb::exec::Network;
use crate::store::Store;
use crate::tree::{Change, Tree, TreePath};
use secrecy::ExposeSecret;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it is asked whether a command should end.
const LOOK: Duration = Duration::from_millis(50);

/// Runs commands in namespaces of their own.
#[derive(Debug, Clone)]
pub struct Native {
    program: PathBuf,
}

impl Native {
    /// A sandbox whose processes are started with `program`, which must be kiln: see [`super::dispatch`].
    pub fn new(program: PathBuf) -> Self {
        Native { program }
    }
}

impl Sandbox for Native {
    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        let scratch = store.scratch()?;
        let mapped = rustix::process::geteuid().is_root();
        let job = job(step, store, scratch.path(), mapped);
        let mut child = self.spawn(step.interactive)?;
        let (done, stopped) = (AtomicBool::new(false), std::sync::Mutex::new(None));
        let watcher = Watcher { step, listener, process: child.id(), done: &done, stopped: &stopped };
        let answer = std::thread::scope(|scope| {
            let watching = scope.spawn(|| watcher.watch());
            let answer = talk(&mut child, &job, mapped, listener);
            if answer.is_err() {
                let _ = child.kill();
            }
            let status = child.wait();
            done.store(true, Ordering::Release);
            watching.thread().unpark();
            answer.map_err(|error| (error, status.map(|status| status.to_string()).unwrap_or_default()))
        });
        let stopped = stopped.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut complaint = String::new();
        if let Some(stderr) = child.stderr.take() {
            // What the worker says there is for whoever looks for a mistake in it.
            let _ = stderr.take(8 << 10).read_to_string(&mut complaint);
        }
        drop(scratch);
        match (answer, stopped) {
            (_, Some(status)) => {
                Ok(Ended { status, changes: step.mounts.iter().map(|_| None).collect(), warnings: Vec::new() })
            }
            (Ok(Answer::Ended { exit, changes, warnings }), None) => {
                let changes = changes.into_iter().map(|change| change.map(|change| read(change, store)).transpose());
                Ok(Ended { status: exit.into(), changes: changes.collect::<Result<_, _>>()?, warnings })
            }
            (Ok(Answer::Failed(Failed::Exceeded(limit))), None) => Ok(Ended {
                status: Status::Exceeded(limit.into()),
                changes: step.mounts.iter().map(|_| None).collect(),
                warnings: Vec::new(),
            }),
            (Ok(Answer::Failed(failed)), None) => Err(error(failed)),
            (Err((error, status)), None) => {
                Err(SandboxError::Lost(format!("{error} ({status}) {complaint}").trim_end().to_owned()))
            }
        }
    }
}

impl Native {
    fn spawn(&self, interactive: bool) -> Result<Child, SandboxError> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&self.program);
        command.arg(WORKER).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !interactive {
            // What somebody types at a terminal to stop kiln must not reach it: kiln stops it in order.
            command.process_group(0);
        }
        let action = format!("start {}", self.program.display());
        command.spawn().map_err(|source| SandboxError::Io { action, source })
    }
}

/// Sends the job and hears the worker until its answer.
fn talk(child: &mut Child, job: &Job, mapped: bool, listener: &dyn Listener) -> io::Result<Answer> {
    let closed = || io::Error::other("the worker hears nothing");
    let mut to = child.stdin.take().ok_or_else(closed)?;
    let mut from = io::BufReader::new(child.stdout.take().ok_or_else(closed)?);
    while let Some(frame) = Frame::read(&mut from)? {
        match frame {
            Frame::Unshared => {
                map(child.id(), mapped)?;
                job::send(&mut to, job)?;
            }
            Frame::Ready(_) => {
                to.write_all(b"g")?;
                to.flush()?;
            }
            Frame::Out(bytes) => listener.output(Stream::Out, &bytes),
            Frame::Err(bytes) => listener.output(Stream::Err, &bytes),
            Frame::Answer(bytes) => return serde_json::from_slice(&bytes).map_err(io::Error::other),
        }
    }
    Err(io::Error::other("the worker ended without an answer"))
}

/// Gives a worker's user namespace its users: root's has all, as it is; an ordinary user's has one, root inside.
///
/// Root's namespace maps root to root: its processes have no capability outside, see no file of the machine, and
/// cannot write what the kernel gives to root's number, because that is mounted read-only.
fn map(process: u32, mapped: bool) -> io::Result<()> {
    let write = |file: &str, text: &str| std::fs::write(format!("/proc/{process}/{file}"), text);
    if mapped {
        write("uid_map", "0 0 4294967295\n")?;
        return write("gid_map", "0 0 4294967295\n");
    }
    write("uid_map", &format!("0 {} 1\n", rustix::process::geteuid().as_raw()))?;
    write("setgroups", "deny")?;
    write("gid_map", &format!("0 {} 1\n", rustix::process::getegid().as_raw()))
}

fn job(step: &Step, store: &Store, scratch: &Path, mapped: bool) -> Job {
    let env = step.env.iter().map(|(name, value)| {
        let value = match value {
            EnvValue::Plain(text) => text.as_bytes().to_vec(),
            EnvValue::Secret(secret) => secret.expose_secret().to_vec(),
        };
        (name.clone(), value)
    });
    let hosts = step.hosts.iter().map(|(name, address)| format!("{address}\t{name}\n")).collect::<String>();
    let hosts = format!("127.0.0.1\tlocalhost {0}\n::1\tlocalhost\n{hosts}", step.hostname);
    let mut files = vec![("/etc/hosts".into(), hosts), ("/etc/hostname".into(), format!("{}\n", step.hostname))];
    if step.network == Network::Host {
        let resolvers = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        files.push(("/etc/resolv.conf".into(), resolvers));
    }
    Job {
        store: store.root().to_owned(),
        scratch: scratch.to_owned(),
        mapped,
        overlay: true,
        process: Process {
            args: step.args.clone(),
            env: env.collect(),
            cwd: step.cwd.clone(),
            uid: step.user.uid,
            gid: step.user.gid,
            groups: step.user.groups.clone(),
            hostname: step.hostname.clone(),
            host_network: step.network == Network::Host,
            interactive: step.interactive,
            mapped,
            limits: step.limits,
        },
        mounts: step.mounts.iter().map(mount).collect(),
        files,
    }
}

fn mount(mount: &Mount) -> job::Mount {
    let kind = match &mount.kind {
        MountKind::Tree { tree, selector, writable } => job::MountKind::Tree {
            tree: tree.tree,
            history: tree.history.clone(),
            selector: selector.as_bytes().to_vec(),
            writable: *writable,
        },
        MountKind::Folder { path } => job::MountKind::Folder { path: path.clone() },
        MountKind::Tmpfs { size } => job::MountKind::Tmpfs { size: *size },
        MountKind::Secret { content, owner, mode } => {
            job::MountKind::Secret { content: content.expose_secret().to_vec(), owner: *owner, mode: *mode }
        }
        MountKind::Socket { path, .. } => job::MountKind::Socket { path: path.clone() },
    };
    job::Mount { target: mount.target.clone(), kind }
}

fn read(captured: job::Captured, store: &Store) -> Result<Change, SandboxError> {
    let tree = |e: String| SandboxError::Tree(e);
    let paths = |list: Vec<Vec<u8>>| {
        list.into_iter().map(|path| TreePath::new(path).map_err(|e| tree(e.to_string()))).collect::<Result<_, _>>()
    };
    let entries = Tree::load(store, &captured.entries).map_err(|e| tree(e.to_string()))?;
    Ok(Change { entries, removed: paths(captured.removed)?, opaque: paths(captured.opaque)? })
}

fn error(failed: Failed) -> SandboxError {
    match failed {
        Failed::Forbidden { what, errno } => SandboxError::Forbidden {
            source: io::Error::from_raw_os_error(errno),
            advice: super::forbidden::advice(&what),
            what,
        },
        Failed::Program { program, reason } => SandboxError::Program { program, reason },
        Failed::Io { action, errno } => SandboxError::Io { action, source: io::Error::from_raw_os_error(errno) },
        Failed::Other(text) => SandboxError::Lost(text),
        Failed::Exceeded(_) => SandboxError::Lost("a limit was exceeded".into()),
    }
}

/// Ends a command that should not go on.
struct Watcher<'a> {
    step: &'a Step,
    listener: &'a dyn Listener,
    process: u32,
    done: &'a AtomicBool,
    stopped: &'a std::sync::Mutex<Option<Status>>,
}

impl Watcher<'_> {
    fn watch(&self) {
        let began = Instant::now();
        while !self.done.load(Ordering::Acquire) {
            if let Some(status) = self.verdict(began) {
                *self.stopped.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(status);
                let pid = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw);
                if let Some(pid) = pid {
                    // The sandbox ends with its worker.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
                return;
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn verdict(&self, began: Instant) -> Option<Status> {
        if self.listener.is_cancelled() {
            return Some(Status::Cancelled);
        }
        let time = self.step.limits.time.map(Duration::from_secs);
        time.is_some_and(|limit| began.elapsed() > limit).then_some(Status::Exceeded(Limit::Time))
    }
}
