//! The first process of a sandbox: it makes the namespaces and the mounts, gives up all that the command must not have,
//! starts the command, and buries what it leaves. When it ends, the kernel ends everything in the sandbox.

use super::job::{Exit, Failed, INIT, Process, receive};
use super::mounts::{Mounts, Stub, View};
use super::{capabilities, seccomp};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the first process has to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub store: PathBuf,
    /// Relative to the store.
    pub scratch: PathBuf,
    pub process: Process,
    pub views: Vec<View>,
    pub files: Vec<(String, String)>,
}

/// What the first process leaves for the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Left {
    pub end: Result<Exit, Failed>,
    pub stubs: Vec<Stub>,
}

/// The file, in the scratch folder, that holds it.
pub(super) const LEFT: &str = "left";

/// Starts the first process, once the word was given that this one stands where its limits are.
///
/// Whoever makes a process namespace cannot have threads any more, so it is not the worker that does.
pub(super) fn start() -> u8 {
    let word = || -> rustix::io::Result<bool> {
        let mut word = [0];
        // Not one byte more: the rest is for the first process.
        Ok(rustix::io::read(io::stdin(), &mut word)? == 1)
    };
    if super::end_with_parent().is_err() || word() != Ok(true) || super::unshare(UnshareFlags::NEWPID).is_err() {
        return 1;
    }
    let first = Command::new("/proc/self/exe").arg(INIT).env_clear().status();
    u8::from(!first.is_ok_and(|status| status.success()))
}

/// Runs the first process.
pub(super) fn run() -> u8 {
    let mut input = io::stdin().lock();
    let Ok(plan) = receive::<Plan>(&mut input) else { return 1 };
    let Ok(mut report) = File::create(plan.store.join(&plan.scratch).join(LEFT)) else { return 1 };
    drop(input);
    if super::end_with_parent().is_err() {
        return 1;
    }
    let mut mounts = Mounts::new(&plan.store, &plan.scratch);
    let end = enter(&plan, &mut mounts).and_then(|()| command(&plan.process));
    let left = Left { end, stubs: std::mem::take(&mut mounts.stubs) };
    let written = serde_json::to_vec(&left).map_err(io::Error::other).and_then(|bytes| report.write_all(&bytes));
    u8::from(written.is_err())
}

fn enter(plan: &Plan, mounts: &mut Mounts<'_>) -> Result<(), Failed> {
    let process = &plan.process;
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS | UnshareFlags::NEWCGROUP;
    if !process.host_network {
        flags |= UnshareFlags::NEWNET;
    }
    super::unshare(flags).map_err(|errno| Failed::Forbidden {
        what: "namespaces for mounts, processes and the network".into(),
        errno: errno.raw_os_error(),
    })?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    mounts.enter(&plan.views, &plan.files, process.host_network)?;
    rustix::system::sethostname(process.hostname.as_bytes()).map_err(Failed::errno("set the hostname"))?;
    if !process.host_network {
        super::loopback::up().map_err(Failed::errno("start the loopback interface"))?;
    }
    enter_folder(process)?;
    limits(process)?;
    become_user(process)?;
    capabilities::drop_all_but_kept()?;
    rustix::thread::set_no_new_privs(true).map_err(Failed::errno("forbid new privileges"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(Failed::errno("hide the sandbox's own process"))?;
    // Whoever becomes another user loses the wish to end with its parent, so it is made again.
    super::end_with_parent()?;
    seccomp::restrict()
}

/// Goes where the command starts; folders that are missing are made, as the user's.
fn enter_folder(process: &Process) -> Result<(), Failed> {
    let path = Path::new(&process.cwd);
    let mut so_far = PathBuf::from("/");
    for part in path.components().skip(1) {
        so_far.push(part);
        match std::fs::create_dir(&so_far) {
            Ok(()) if process.mapped => {
                let made = std::os::unix::fs::chown(&so_far, Some(process.uid), Some(process.gid));
                made.map_err(Failed::io(format!("make {}", so_far.display())))?;
            }
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Failed::io(format!("make {}", so_far.display()))(e)),
        }
    }
    rustix::process::chdir(path).map_err(Failed::errno(format!("start in {}", process.cwd)))
}

fn limits(process: &Process) -> Result<(), Failed> {
    let set = |resource, value| {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        rustix::process::setrlimit(resource, limit).map_err(Failed::errno("set limits"))
    };
    set(Resource::Core, 0)?;
    match process.limits.pids {
        // Counts for the user namespace alone; the sandbox's own process is one of them.
        Some(count) => set(Resource::Nproc, count + 1),
        None => Ok(()),
    }
}

/// From here on this process is the command's user.
fn become_user(process: &Process) -> Result<(), Failed> {
    use rustix::process::{Gid, Uid};
    let fail = || Failed::errno(format!("become the user {}:{}", process.uid, process.gid));
    if !process.mapped {
        // There is one user only: it gets the wanted numbers.
        if (process.uid, process.gid) != (0, 0) {
            super::unshare(UnshareFlags::NEWUSER).map_err(fail())?;
            let write = |file: &str, text: String| {
                std::fs::write(format!("/proc/self/{file}"), text).map_err(Failed::io("map the user"))
            };
            write("uid_map", format!("{} 0 1\n", process.uid))?;
            write("setgroups", "deny".into())?;
            write("gid_map", format!("{} 0 1\n", process.gid))?;
        }
        return Ok(());
    }
    let groups: Vec<Gid> = process.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    rustix::thread::set_thread_groups(&groups).map_err(fail())?;
    let gid = Gid::from_raw(process.gid);
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(fail())?;
    let uid = Uid::from_raw(process.uid);
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(fail())
}

/// Starts the command and waits for it, and for all that lost its parent meanwhile.
fn command(process: &Process) -> Result<Exit, Failed> {
    use std::os::unix::ffi::OsStrExt;
    let program = process.args.first().ok_or_else(|| Failed::Other("there is no command".into()))?;
    let mut command = Command::new(program);
    command.args(&process.args[1..]).env_clear();
    for (name, value) in &process.env {
        command.env(name, std::ffi::OsStr::from_bytes(value));
    }
    if process.interactive {
        let terminal =
            || File::options().read(true).write(true).open("/dev/tty").map_err(Failed::io("open the terminal"));
        command.stdin(terminal()?).stdout(terminal()?).stderr(terminal()?);
    } else {
        command.stdin(Stdio::null()).process_group(0);
    }
    let child = command.spawn().map_err(|e| Failed::Program { program: program.clone(), reason: e.to_string() })?;
    loop {
        let ended = rustix::process::wait(WaitOptions::empty());
        match ended {
            Ok(Some((pid, status))) if pid.as_raw_pid().unsigned_abs() == child.id() => {
                return Ok(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Code(code),
                    (None, signal) => Exit::Signal(signal.unwrap_or(Signal::KILL.as_raw())),
                });
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Failed::errno("wait for the command")(e)),
        }
    }
}
