//! The first process of a step: it makes the step's namespaces its own, starts the command, and waits for it.
//!
//! When it ends, the kernel ends all processes of the step. It runs with the rights of the command, which can neither
//! see into it nor send it a signal.

use super::channel::Channel;
use super::forbidden::Forbidden;
use super::job::{Ahead, Failure, Owners, Report, StepJob, Value};
use super::{Status, capabilities, lifeline, namespaces, program, view};
use nix::sched::CloneFlags;
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::process::{DumpableBehavior, Resource, Rlimit, WaitOptions};
use rustix::pty::OpenptFlags;
use secrecy::{ExposeSecret, SecretSlice};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs the step that comes over `parent`, and tells how it went.
pub(super) fn run(mut parent: Channel) -> io::Result<()> {
    lifeline::die_with(&parent)?;
    let report = match step(&mut parent) {
        Ok(status) => Report::Ended(status),
        Err(failure) => Report::Failed(failure),
    };
    parent.send(&report, &[])
}

fn step(parent: &mut Channel) -> Result<Status, Failure> {
    let (ahead, _) = parent.receive::<Ahead>().map_err(Failure::io("read what is known of the step"))?;
    // It is told when there is a step.
    let left = leave_ahead(&ahead);
    let (job, files): (StepJob, Vec<OwnedFd>) = parent.receive().map_err(Failure::io("read the step"))?;
    let secrets: Result<Vec<_>, _> = (0..job.secrets).map(|_| parent.receive_secret()).collect();
    let secrets = secrets.map_err(Failure::io("read the step's secrets"))?;

    left?;
    leave(&job)?;
    rustix::process::umask(Mode::empty());
    let stubs = view::enter(&job, &secrets)?;
    make_cwd(&job)?;
    limit_resources(&job)?;
    // Without a session of its own it would have the caller's terminal.
    rustix::process::setsid().map_err(Failure::io("begin a session"))?;
    let (files, terminal) = match job.terminal {
        true => own_terminal(&job).map_err(Failure::io("make a terminal"))?,
        false => (files, None),
    };
    become_user(&job, parent)?;
    lifeline::die_with(parent).map_err(Failure::io("bind the step's life to kiln's"))?;

    rustix::process::chdir(&job.cwd).map_err(Failure::io(format!("go to the step's folder {}", job.cwd)))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let command = command(&job, &secrets, files)?;
    let beside: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
    parent.send(&Report::Prepared { stubs }, &beside).map_err(Failure::io("tell that all is prepared"))?;
    drop(terminal);
    ahead.filter.restrict()?;
    wait_for(command, &job.args[0])
}

/// Leaves what the machine's processes have in common, as far as that needs no knowledge of the step.
fn leave_ahead(ahead: &Ahead) -> Result<(), Failure> {
    let mut left = CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    left.set(CloneFlags::CLONE_NEWNET, !ahead.host_network);
    namespaces::leave(left).map_err(Failure::forbidden(Forbidden::Namespaces))?;
    match ahead.host_network {
        true => Ok(()),
        false => namespaces::loopback_up().map_err(Failure::io("bring up the loopback network")),
    }
}

/// Leaves the rest: mounts as they are now, and the control groups that the step is in by now.
fn leave(job: &StepJob) -> Result<(), Failure> {
    let left = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWCGROUP;
    namespaces::leave(left).map_err(Failure::forbidden(Forbidden::Namespaces))?;
    rustix::system::sethostname(job.hostname.as_bytes()).map_err(Failure::io("set the name of the host"))?;
    rustix::system::setdomainname(b"(none)").map_err(Failure::io("set the name of the domain"))
}

/// A new terminal, as all three files of the command and with its other end; it is that of this session.
fn own_terminal(job: &StepJob) -> io::Result<(Vec<OwnedFd>, Option<OwnedFd>)> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let other = rustix::fs::open("/dev/pts/ptmx", flags, Mode::empty())?;
    rustix::pty::unlockpt(&other)?;
    let end = rustix::pty::ioctl_tiocgptpeer(&other, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::process::ioctl_tiocsctty(&end)?;
    if job.owners == Owners::Mapped {
        rustix::fs::fchown(&end, Some(Uid::from_raw(job.user.uid)), None)?;
    }
    Ok((vec![end.try_clone()?, end.try_clone()?, end], Some(other)))
}

/// Makes the folder that the command starts in, where it is missing; what is made belongs to the user.
fn make_cwd(job: &StepJob) -> Result<(), Failure> {
    let fail = || Failure::io(format!("make the step's folder {}", job.cwd));
    let mut missing = Vec::new();
    let mut path = Path::new(&job.cwd);
    while rustix::fs::stat(path).is_err_and(|e| e == rustix::io::Errno::NOENT) {
        missing.push(path);
        let Some(above) = path.parent() else { break };
        path = above;
    }
    for path in missing.into_iter().rev() {
        rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)).map_err(fail())?;
        if job.owners == Owners::Mapped {
            let (uid, gid) = (Uid::from_raw(job.user.uid), Gid::from_raw(job.user.gid));
            rustix::fs::chown(path, Some(uid), Some(gid)).map_err(fail())?;
        }
    }
    Ok(())
}

/// What every process may use, the same on all machines as far as they allow it.
fn limit_resources(job: &StepJob) -> Result<(), Failure> {
    const OPEN_FILES: (u64, u64) = (1024, 1 << 19);
    let set = |resource, soft: u64, hard: u64| {
        let most = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
        rustix::process::setrlimit(resource, limit).map_err(Failure::io("limit what the step uses"))
    };
    set(Resource::Core, 0, 0)?;
    set(Resource::Nofile, OPEN_FILES.0, OPEN_FILES.1)?;
    if let Some(processes) = job.processes {
        set(Resource::Nproc, processes, processes)?;
    }
    if let Some(disk) = job.disk {
        set(Resource::Fsize, disk, disk)?;
    }
    Ok(())
}

/// Takes on the user, and gives up all rights that a step does not need.
fn become_user(job: &StepJob, parent: &mut Channel) -> Result<(), Failure> {
    let user = &job.user;
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let change = || Failure::io("become the step's user");
    match job.owners {
        Owners::Mapped => {
            capabilities::limit().map_err(Failure::io("give up capabilities"))?;
            let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
            rustix::thread::set_thread_groups(&groups).map_err(change())?;
        }
        // The one id that is mapped was root's until now, for only root can mount: it becomes the user's.
        Owners::Single => {
            if (user.uid, user.gid) != (0, 0) {
                namespaces::leave(CloneFlags::CLONE_NEWUSER).map_err(Failure::forbidden(Forbidden::UserNamespace))?;
                parent.send(&Report::Unshared, &[]).map_err(Failure::io("ask for an id"))?;
                parent.receive::<()>().map_err(Failure::io("wait for an id"))?;
            }
            capabilities::limit().map_err(Failure::io("give up capabilities"))?;
        }
    }
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(change())?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(change())?;
    capabilities::give_up().map_err(Failure::io("give up capabilities"))?;
    // Whoever may not look at this process's memory can neither trace it nor follow its links in `/proc`.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(change())
}

fn command(job: &StepJob, secrets: &[SecretSlice<u8>], files: Vec<OwnedFd>) -> Result<Command, Failure> {
    let path = job.env.iter().rev().find_map(|(name, value)| match value {
        Value::Plain(path) if name == "PATH" => Some(path.as_str()),
        _ => None,
    });
    let program: PathBuf = program::find(&job.args[0], path)?;
    let mut files = files.into_iter();
    let (Some(output), Some(errors)) = (files.next(), files.next()) else {
        return Err(Failure::io("read the step")(io::Error::from(io::ErrorKind::InvalidData)));
    };
    let input = match files.next() {
        Some(input) => input,
        // That of the step's own `/dev`: through an open file, its owner can change the mode of the machine's.
        None => File::open("/dev/null").map_err(Failure::io("open /dev/null"))?.into(),
    };
    let mut command = Command::new(program);
    command.arg0(&job.args[0]).args(&job.args[1..]).env_clear();
    for (name, value) in &job.env {
        match value {
            Value::Plain(value) => command.env(name, value),
            Value::Secret(number) => command.env(name, OsStr::from_bytes(secrets[*number].expose_secret())),
        };
    }
    command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::from(errors));
    Ok(command)
}

/// Starts the command and waits until it ends; all other processes that end meanwhile are laid to rest.
fn wait_for(mut command: Command, name: &str) -> Result<Status, Failure> {
    let child = command.spawn().map_err(|error| program::refused(name, &error))?;
    // The command holds what it writes to now, and nobody else.
    drop(command);
    let child = rustix::process::Pid::from_child(&child);
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                return Ok(match status.terminating_signal() {
                    Some(signal) => Status::Signalled(signal),
                    None => Status::Exited(status.exit_status().unwrap_or_default()),
                });
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Failure::io("wait for the command")(e)),
        }
    }
}
