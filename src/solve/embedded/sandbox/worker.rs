//! The process between kiln and a sandbox: in the sandbox's user namespace and outside of all its others.
//!
//! It brings the trees to disk, has the sandbox's first process started, hands its output on, and reads what was
//! changed. It trusts nothing that the command left.

use super::init::{LEFT, Left, Plan};
use super::job::{Answer, Captured, Exit, Failed, Frame, Job, Mount, MountKind, STARTER, receive, send};
use super::layers::{Layers, load};
use super::mounts::{Stub, View, ViewKind};
use crate::llb::exec::STEP_EPOCH;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::TreePath;
use crate::tree::capture::{self, CaptureOptions};
use rustix::thread::UnshareFlags;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// How much output is handed on at a time.
const PIECE: usize = 32 << 10;

/// Runs the worker; what it has to do comes from standard input, what it says goes to standard output.
pub(super) fn run() -> u8 {
    let output = Mutex::new(io::stdout());
    let answer = work(&output).unwrap_or_else(Answer::Failed);
    let Ok(bytes) = serde_json::to_vec(&answer) else { return 1 };
    u8::from(say(&output, &Frame::Answer(bytes)).is_err())
}

fn say(output: &Mutex<io::Stdout>, frame: &Frame) -> Result<(), Failed> {
    let mut output = output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    frame.write(&mut *output).map_err(Failed::io("answer"))
}

fn work(output: &Mutex<io::Stdout>) -> Result<Answer, Failed> {
    super::end_with_parent()?;
    super::unshare(UnshareFlags::NEWUSER)
        .map_err(|errno| Failed::Forbidden { what: "user namespaces".into(), errno: errno.raw_os_error() })?;
    say(output, &Frame::Unshared)?;
    let mut input = io::stdin().lock();
    let job: Job = receive(&mut input).map_err(Failed::io("read the job"))?;
    let store = Store::open(&job.store).map_err(|e| Failed::Other(e.to_string()))?;
    let worker = Worker { job: &job, store: &store };
    let views = worker.views()?;
    let since = now()?;
    let left = worker.sandbox(views, output, &mut input)?;
    worker.remove(&left.stubs);
    let exit = left.end?;
    let changes = match exit {
        Exit::Code(_) if !job.process.interactive => worker.changes(since)?,
        _ => job.mounts.iter().map(|_| None).collect(),
    };
    Ok(Answer::Ended { exit, changes, warnings: Vec::new() })
}

fn now() -> Result<(i64, u32), Failed> {
    #[expect(clippy::disallowed_methods, reason = "tells times that a command sets from those that are now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| Failed::Other(e.to_string()))?;
    // Filesystems stamp files by a clock that is some milliseconds behind.
    let earlier = now.saturating_sub(std::time::Duration::from_millis(50));
    Ok((i64::try_from(earlier.as_secs()).unwrap_or(i64::MAX), earlier.subsec_nanos()))
}

struct Worker<'a> {
    job: &'a Job,
    store: &'a Store,
}

impl Worker<'_> {
    fn layers(&self) -> Layers<'_> {
        Layers { store: self.store, scratch: &self.job.scratch, mapped: self.job.mapped }
    }

    /// The folder that takes what is changed in a mount.
    fn folder(&self, number: usize) -> PathBuf {
        self.job.scratch.join(number.to_string())
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.job.store).unwrap_or(path).to_owned()
    }

    /// Brings all trees to disk.
    fn views(&self) -> Result<Vec<View>, Failed> {
        let mounts = self.job.mounts.iter().enumerate();
        mounts.map(|(number, mount)| self.view(number, mount)).collect()
    }

    fn view(&self, number: usize, mount: &Mount) -> Result<View, Failed> {
        let kind = match &mount.kind {
            MountKind::Tree { tree, history, selector, writable } => {
                let names = self.layers().of(tree, history)?;
                let lower = names.iter().map(|name| Path::new("layers").join(name)).collect();
                let folder = self.folder(number);
                for part in ["upper", "work", "root"] {
                    std::fs::create_dir_all(folder.join(part)).map_err(Failed::io("make a folder for changes"))?;
                }
                self.like_below(tree, &folder.join("upper"))?;
                let folder = self.relative(&folder);
                ViewKind::Overlay { lower, folder, selector: selector.clone(), writable: *writable }
            }
            MountKind::Folder { path } => ViewKind::Folder(path.clone()),
            MountKind::Tmpfs { size } => ViewKind::Tmpfs(*size),
            MountKind::Secret { content, owner, mode } => {
                ViewKind::Secret { content: content.clone(), owner: *owner, mode: *mode }
            }
            MountKind::Socket { path } => ViewKind::Socket(path.clone()),
        };
        Ok(View { target: PathBuf::from(&mount.target), kind })
    }

    /// The root of what takes changes is the root that is seen, so it gets the look of the tree's.
    fn like_below(&self, tree: &Digest, upper: &Path) -> Result<(), Failed> {
        use std::os::unix::fs::PermissionsExt;
        let root = load(self.store, tree)?.get(&TreePath::root()).cloned();
        let mode = root.as_ref().map_or(0o755, |root| root.mode);
        let fail = || Failed::io("make a folder for changes");
        if let Some(root) = root.filter(|_| self.job.mapped) {
            std::os::unix::fs::chown(upper, Some(root.uid), Some(root.gid)).map_err(fail())?;
        }
        std::fs::set_permissions(upper, std::fs::Permissions::from_mode(mode.into())).map_err(fail())
    }

    /// Starts the first process, and waits until everything in the sandbox has ended.
    fn sandbox(&self, views: Vec<View>, output: &Mutex<io::Stdout>, input: &mut impl Read) -> Result<Left, Failed> {
        let plan = Plan {
            store: self.job.store.clone(),
            scratch: self.relative(&self.job.scratch),
            process: self.job.process.clone(),
            views,
            files: self.job.files.clone(),
        };
        let mut child = self.starter()?;
        let mut to_child = child.stdin.take().ok_or_else(|| Failed::Other("the first process hears nothing".into()))?;
        say(output, &Frame::Ready(child.id()))?;
        let mut word = [0];
        input.read_exact(&mut word).map_err(Failed::io("hear the word to start"))?;
        let started = to_child.write_all(&word).and_then(|()| send(&mut to_child, &plan));
        started.map_err(Failed::io("start the first process"))?;
        drop(to_child);
        std::thread::scope(|scope| {
            if let Some(out) = child.stdout.take() {
                scope.spawn(|| hand_on(out, output, Frame::Out));
            }
            if let Some(err) = child.stderr.take() {
                scope.spawn(|| hand_on(err, output, Frame::Err));
            }
        });
        let status = child.wait().map_err(Failed::io("wait for the first process"))?;
        let path = self.job.scratch.join(LEFT);
        let left = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        left.ok_or_else(|| Failed::Other(format!("the sandbox ended without a word ({status})")))
    }

    fn starter(&self) -> Result<Child, Failed> {
        let mut command = Command::new("/proc/self/exe");
        command.arg(STARTER).env_clear().stdin(Stdio::piped());
        if !self.job.process.interactive {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        command.spawn().map_err(Failed::io("start the first process"))
    }

    /// Takes away what was made to mount at, where nobody has used it.
    fn remove(&self, stubs: &[Stub]) {
        use std::os::unix::ffi::OsStrExt;
        for stub in stubs.iter().rev() {
            let path = self.folder(stub.view).join("upper").join(std::ffi::OsStr::from_bytes(&stub.path));
            // What is not empty any more is a change.
            let _ = match stub.is_dir {
                true => std::fs::remove_dir(&path),
                false if std::fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() == 0) => {
                    std::fs::remove_file(&path)
                }
                false => Ok(()),
            };
        }
    }

    /// What was changed in each mount that may be.
    fn changes(&self, since: (i64, u32)) -> Result<Vec<Option<Captured>>, Failed> {
        let mounts = self.job.mounts.iter().enumerate();
        mounts
            .map(|(number, mount)| match &mount.kind {
                MountKind::Tree { tree, writable: true, .. } => self.change(number, tree, since).map(Some),
                _ => Ok(None),
            })
            .collect()
    }

    fn change(&self, number: usize, below: &Digest, since: (i64, u32)) -> Result<Captured, Failed> {
        let process = &self.job.process;
        let ownership = match self.job.mapped {
            true => capture::Captured::Mapped,
            false => capture::Captured::Single { uid: process.uid, gid: process.gid },
        };
        let upper = self.folder(number).join("upper");
        let options = CaptureOptions { since, epoch: STEP_EPOCH, ownership, settle: true };
        let lower = load(self.store, below)?;
        let other = |e: String| Failed::Other(e);
        let change = capture::upper(&lower, &upper, self.store, &options).map_err(|e| other(e.to_string()))?;
        let entries = change.entries.save(self.store).map_err(|e| other(e.to_string()))?;
        let mut after = lower;
        change.apply(&mut after).map_err(|e| other(e.to_string()))?;
        let tree = after.save(self.store).map_err(|e| other(e.to_string()))?;
        if tree != *below {
            self.layers().keep(&tree, below, &upper)?;
        }
        let paths = |list: &std::collections::BTreeSet<TreePath>| list.iter().map(|p| p.as_bytes().to_vec()).collect();
        Ok(Captured { entries, removed: paths(&change.removed), opaque: paths(&change.opaque) })
    }
}

fn hand_on(mut from: impl Read, output: &Mutex<io::Stdout>, frame: fn(Vec<u8>) -> Frame) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || say(output, &frame(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}
