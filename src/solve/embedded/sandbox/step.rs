//! A step, as the worker sees it: folders before it, an init that runs it, and what it changed after it.

use super::super::mask::Sought;
use super::channel::Channel;
use super::disk::Disk;
use super::inits::{Init, Inits};
use super::job::{ChangeJob, EndedJob, Failure, MountKindJob, Owners, Reply, Report, StepJob, Stub, TreeJob, Value};
use super::within::Within;
use super::{Limit, Status, layer, layers, view};
use crate::llb::exec::STEP_EPOCH;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::capture::{self, CaptureError, CaptureOptions};
use crate::tree::{Change, Node, Tree, TreePath};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use rustix::process::Signal;
use secrecy::SecretSlice;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often it is looked at how much a step has written.
const WATCH: Duration = Duration::from_millis(100);

pub(super) fn run(
    job: &StepJob,
    secrets: &[SecretSlice<u8>],
    files: Vec<OwnedFd>,
    parent: &mut Channel,
    inits: &mut Inits,
) -> Result<(), Failure> {
    let store = layer::store(&job.scratch);
    make_folders(job, &store)?;
    let since = now()?;
    // What it begins with is read while it runs.
    let (status, stubs, lowers) = in_new_processes(job, secrets, files, parent, inits, || lowers(job, &store))?;
    for stub in stubs.iter().rev() {
        remove_stub(job, stub).map_err(Failure::io("take away what was made to mount at"))?;
    }
    let changes = match status {
        Status::Exited(_) if !job.forget => changes(job, secrets, since, lowers?, &store)?,
        _ => job.mounts.iter().map(|_| None).collect(),
    };
    parent.send(&Reply::Ended(EndedJob { status, changes }), &[]).map_err(Failure::io("tell how the step ended"))
}

/// A little before now: filesystems stamp files by a clock that is some milliseconds behind.
fn now() -> Result<(i64, u32), Failure> {
    #[expect(clippy::disallowed_methods, reason = "tells times that a command sets from those that are now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let before = now.map_err(Failure::tree)?.saturating_sub(Duration::from_millis(50));
    Ok((i64::try_from(before.as_secs()).unwrap_or(i64::MAX), before.subsec_nanos()))
}

/// For each mount the tree that the step may change.
fn lowers(job: &StepJob, store: &Store) -> Result<Vec<Option<Tree>>, Failure> {
    let trees = job.mounts.iter().map(|mount| mount.tree().filter(|tree| tree.writable && !job.forget));
    trees.map(|tree| tree.map(|tree| layer::load(store, &tree.tree)).transpose()).collect()
}

/// What the step changed in each tree that it may change.
fn changes(
    job: &StepJob,
    secrets: &[SecretSlice<u8>],
    since: (i64, u32),
    lowers: Vec<Option<Tree>>,
    store: &Store,
) -> Result<Vec<Option<ChangeJob>>, Failure> {
    let sought = Sought::new(secrets);
    let mounts = job.mounts.iter().zip(lowers).enumerate();
    mounts
        .map(|(number, (mount, lower))| match mount.tree().zip(lower) {
            Some((tree, lower)) => change(job, number, tree, &lower, &sought, since, store).map(Some),
            None => Ok(None),
        })
        .collect()
}

fn change(
    job: &StepJob,
    number: usize,
    tree: &TreeJob,
    lower: &Tree,
    sought: &Sought,
    since: (i64, u32),
    store: &Store,
) -> Result<ChangeJob, Failure> {
    let folder = Path::new(&job.scratch).join(number.to_string());
    let ownership = layer::captured(job.owners, (job.user.uid, job.user.gid));
    let leaked = OnceLock::new();
    let keep_clean = |from: &mut dyn Read, to: &mut dyn Write| {
        let found = sought.copy(from, to)?;
        found.map(|secret| leaked.get_or_init(|| secret));
        Ok(found.is_none())
    };
    let options =
        CaptureOptions { keep: &keep_clean, since, epoch: STEP_EPOCH, ownership, settle: tree.layers.is_some() };
    let captured = match &tree.layers {
        Some(_) => capture::upper(lower, &folder.join("upper"), store, &options),
        None => capture::whole(lower, &folder.join("copy"), store, &options),
    };
    let after = captured.map_err(|error| match (&error, leaked.get()) {
        (CaptureError::Refused { path }, Some(secret)) => {
            Failure::Leak { path: path.clone(), secret: name(job, *secret) }
        }
        _ => Failure::tree(error),
    })?;
    let change = Change::between(lower, &after);
    look_at_names(job, &change, sought)?;
    let entries = change.entries.save(store).map_err(Failure::tree)?;
    let made = after.save(store).map_err(Failure::tree)?;
    let kept = match &tree.layers {
        Some(layers) if made != tree.tree && layers.len() < layers::MOST => keep(&folder, tree, &made)?,
        _ => None,
    };
    let paths = |list: &BTreeSet<TreePath>| list.iter().map(|path| path.as_bytes().to_vec()).collect();
    let (removed, opaque) = (paths(&change.removed), paths(&change.opaque));
    Ok(ChangeJob { entries, removed, opaque, tree: made, kept })
}

/// Looks for secrets in the names that a step left, and in the targets of links.
fn look_at_names(job: &StepJob, change: &Change, sought: &Sought) -> Result<(), Failure> {
    for (path, entry) in change.entries.iter() {
        let target = match &entry.node {
            Node::Symlink { target } => &**target,
            _ => &[],
        };
        let text = [path.as_bytes(), b"\n", target].concat();
        let found = sought.copy(&mut text.as_slice(), &mut io::sink()).map_err(Failure::io("look for secrets"))?;
        if let Some(secret) = found {
            // The path may be the secret.
            let path = path.parent().unwrap_or_else(TreePath::root).as_path().to_owned();
            return Err(Failure::Leak { path, secret: name(job, secret) });
        }
    }
    Ok(())
}

/// How the step knows a secret: by a variable or a file.
fn name(job: &StepJob, secret: usize) -> String {
    let in_env = job.env.iter().filter_map(|(name, value)| match value {
        Value::Secret(number) => Some((*number, format!("${name}"))),
        Value::Plain(_) => None,
    });
    let in_files = job.mounts.iter().filter_map(|mount| match mount.kind {
        MountKindJob::Secret { number, .. } => Some((number, mount.target.clone())),
        _ => None,
    });
    let found = in_env.chain(in_files).find(|(number, _)| *number == secret);
    found.map(|(_, name)| name).unwrap_or_default()
}

/// What the step changed becomes the layer that the next one begins with.
fn keep(folder: &Path, tree: &TreeJob, made: &Digest) -> Result<Option<String>, Failure> {
    let name = layers::name(&tree.folder, Some(&tree.tree), made);
    layers::give_name(&folder.join("upper"), &name).map_err(Failure::io("keep the step's changes"))?;
    Ok(Some(name))
}

/// Makes what the step's mounts are made of.
fn make_folders(job: &StepJob, store: &Store) -> Result<(), Failure> {
    let scratch = Path::new(&job.scratch);
    let make = |folder: &Path| {
        rustix::fs::mkdir(folder, Mode::from_raw_mode(0o700)).map_err(Failure::io("make a folder for the step"))
    };
    make(&scratch.join("private"))?;
    for mount in &job.mounts {
        if let MountKindJob::Agent { name, owner, mode } = &mount.kind {
            give(&scratch.join(name), job.owners, *owner, *mode).map_err(Failure::io("give the step an ssh agent"))?;
        }
    }
    for (number, tree) in job.trees() {
        let folder = scratch.join(number.to_string());
        make(&folder)?;
        make(&folder.join("tree"))?;
        match tree.layers.as_ref().map(|layers| layers.last().map_or("", String::as_str)) {
            Some(top) => {
                make(&folder.join("upper"))?;
                make(&folder.join("work"))?;
                like(Path::new(top), &folder.join("upper"))?;
            }
            None => layer::whole(&tree.tree, store, &folder.join("copy"))?,
        }
    }
    Ok(())
}

/// Makes a file the step's; where there is one id, it is its user's already.
fn give(path: &Path, owners: Owners, (uid, gid): (u32, u32), mode: u16) -> rustix::io::Result<()> {
    if owners == Owners::Mapped {
        rustix::fs::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    rustix::fs::chmod(path, Mode::from_raw_mode(mode.into()))
}

/// Gives the upper folder of an overlay, which is its root, what the topmost layer's has.
fn like(top: &Path, upper: &Path) -> Result<(), Failure> {
    let work = || {
        let stat = rustix::fs::stat(top)?;
        let owner = (Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)));
        rustix::fs::chown(upper, owner.0, owner.1)?;
        rustix::fs::chmod(upper, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        let open = rustix::fs::open(upper, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        view::set_time(open.as_fd(), view::time(&stat))
    };
    work().map_err(Failure::io::<rustix::io::Errno>("prepare the step's root"))
}

/// Runs the step as the first process of a new process namespace, and does something `meanwhile`.
fn in_new_processes<T>(
    job: &StepJob,
    secrets: &[SecretSlice<u8>],
    files: Vec<OwnedFd>,
    parent: &mut Channel,
    inits: &mut Inits,
    meanwhile: impl FnOnce() -> T,
) -> Result<(Status, Vec<Stub>, T), Failure> {
    let disk = Disk::of(job);
    let init = inits.take(job.host_network)?;
    let (pid, handle) = (init.pid(), init.handle.try_clone().map_err(Failure::io("open a process"))?);
    std::thread::scope(|threads| {
        let run = threads.spawn(|| in_init(init, job, secrets, files, parent));
        let done = meanwhile();
        // The next step's starts while this one runs, and not while it is prepared.
        inits.prepare();
        let is_exceeded = disk.is_some_and(|disk| exceeds(disk, pid, &handle));
        let panicked = || Failure::io("run the step")(io::Error::other("a thread panicked"));
        let ended = run.join().unwrap_or_else(|_| Err(panicked()));
        let (status, stubs) = if is_exceeded { (Status::Exceeded(Limit::Disk), Vec::new()) } else { ended? };
        Ok((status, stubs, done))
    })
}

/// Waits until the first process of a step has ended. A step that adds more to the disk than it may is killed: says whether
/// it did.
fn exceeds(mut disk: Disk, pid: u32, handle: &OwnedFd) -> bool {
    let tick = Timespec { tv_sec: 0, tv_nsec: WATCH.as_nanos().try_into().unwrap_or_default() };
    loop {
        let mut ended = [PollFd::new(handle, PollFlags::IN)];
        let has_ended = !matches!(rustix::event::poll(&mut ended, Some(&tick)), Ok(0) | Err(Errno::INTR));
        if disk.is_exceeded(pid) {
            // It fails only for one that has ended.
            let _ = rustix::process::pidfd_send_signal(handle, Signal::KILL);
            return true;
        }
        if has_ended {
            return false;
        }
    }
}

/// Gives an init the step when it is in its control groups, and waits until all its processes have ended.
fn in_init(
    mut init: Init,
    job: &StepJob,
    secrets: &[SecretSlice<u8>],
    files: Vec<OwnedFd>,
    parent: &mut Channel,
) -> Result<(Status, Vec<Stub>), Failure> {
    let started = Reply::Started { pid: init.pid() };
    parent.send(&started, &[init.handle.as_fd()]).map_err(Failure::io("tell that the step starts"))?;
    if job.waits {
        parent.receive::<()>().map_err(Failure::io("wait for the step's control groups"))?;
    }
    let ended = converse(&mut init, job, secrets, files, parent);
    // It has nothing more to do, or nothing can be done with it.
    drop(init);
    ended
}

/// Tells an init what to do and hears how it went.
fn converse(
    init: &mut Init,
    job: &StepJob,
    secrets: &[SecretSlice<u8>],
    files: Vec<OwnedFd>,
    parent: &mut Channel,
) -> Result<(Status, Vec<Stub>), Failure> {
    let mut tell = || {
        let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        init.channel.send(job, &files)?;
        secrets.iter().try_for_each(|secret| init.channel.send_secret(secret))
    };
    tell().map_err(Failure::io("tell the step's first process what to do"))?;
    // What the step writes to ends when the step ends.
    drop(files);
    let mut made = Vec::new();
    loop {
        let received = init.channel.receive::<Report>();
        let (report, files) = received.map_err(Failure::io("hear from the step's first process"))?;
        match report {
            Report::Unshared => {
                map_one_id(init.pid(), job).map_err(Failure::io("become the step's user"))?;
                init.channel.send(&(), &[]).map_err(Failure::io("give an id to the step"))?;
            }
            Report::Prepared { stubs } => {
                made = stubs;
                if let Some(terminal) = files.first() {
                    let sent = parent.send(&Reply::Terminal, &[terminal.as_fd()]);
                    sent.map_err(Failure::io("hand out the step's terminal"))?;
                }
            }
            Report::Ended(status) => return Ok((status, made)),
            Report::Failed(failure) => return Err(failure),
        }
    }
}

/// Makes the one id that is mapped, which is root here, the step's user in the user namespace of a process.
fn map_one_id(pid: u32, job: &StepJob) -> io::Result<()> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    std::fs::write(folder.join("setgroups"), "deny")?;
    std::fs::write(folder.join("uid_map"), format!("{} 0 1", job.user.uid))?;
    std::fs::write(folder.join("gid_map"), format!("{} 0 1", job.user.gid))
}

/// Takes away what was made to mount something at, where it is still there and still empty.
///
/// The step may have changed all around it, so links are not followed.
fn remove_stub(job: &StepJob, stub: &Stub) -> rustix::io::Result<()> {
    let folder = Path::new(&job.scratch).join(stub.mount.to_string());
    let upper = folder.join("upper");
    let root = Within::new(if upper.exists() { upper } else { folder.join("copy") })?;
    let (Some(above), Some(name)) = (stub.path.parent(), stub.path.file_name()) else { return Ok(()) };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let inside = super::within::inside(above);
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let Ok(folder) = rustix::fs::openat2(root.root(), inside, flags, Mode::empty(), resolve) else { return Ok(()) };
    let Ok(stat) = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
    let how = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::Directory => AtFlags::REMOVEDIR,
        rustix::fs::FileType::RegularFile if stat.st_size == 0 => AtFlags::empty(),
        _ => return Ok(()),
    };
    let before = rustix::fs::statat(&folder, "", AtFlags::EMPTY_PATH)?;
    match rustix::fs::unlinkat(&folder, name, how) {
        Err(rustix::io::Errno::NOTEMPTY) => return Ok(()),
        other => other?,
    }
    let time = view::time(&before);
    if time == stub.above { view::set_time(folder.as_fd(), time) } else { Ok(()) }
}
