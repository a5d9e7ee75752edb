//! The file system that a step sees, made in the step's own mount namespace.
//!
//! Paths in it are resolved as if its root were `/` already: a link in a tree never leads to the machine's own files.

use super::forbidden::Forbidden;
use super::job::{Failure, MountKindJob, StepJob, Stub, TreeJob};
use super::within::{IsLast, Within, by_number, inside};
use super::{kernel_files, private_files::PrivateFiles};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, StatVfsMountFlags, Timespec, Timestamps};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use secrecy::SecretSlice;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder in memory is no larger, in bytes, where nothing is said.
const TMPFS: u64 = 1 << 30;

/// Makes all that `job` mounts and makes it the root of this process.
///
/// What had to be made in trees, as places to mount something at, is returned.
pub(super) fn enter(job: &StepJob, secrets: &[SecretSlice<u8>]) -> Result<Vec<Stub>, Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).map_err(Failure::forbidden(Forbidden::Mounts))?;
    let scratch = Path::new(&job.scratch);
    let files = PrivateFiles::new(&scratch.join("private"))?;
    for (number, tree) in job.trees() {
        mount_tree(&scratch.join(number.to_string()), tree)?;
    }
    let mut view = View::new(&tree_place(job, 0))?;
    kernel_files::mount(&mut view, job, &files)?;
    files.describe_machine(&mut view, job)?;
    for (number, mount) in job.mounts.iter().enumerate().skip(1) {
        let target = Path::new(&mount.target);
        match &mount.kind {
            MountKindJob::Tree(tree) => view.part_of_tree(target, number, &tree_place(job, number), tree)?,
            MountKindJob::Folder { path } => view.bind(path, target, HARMLESS)?,
            // It is connected to all the same.
            MountKindJob::Agent { name, .. } => view.bind(&scratch.join(name), target, MountFlags::RDONLY)?,
            MountKindJob::Tmpfs { size } => {
                let options = format!("mode=1777,size={}", size.unwrap_or(TMPFS));
                view.mount("tmpfs", target, HARMLESS, &options)?;
            }
            MountKindJob::Secret { number, owner, mode } => {
                let file = files.secret(*number, &secrets[*number], *owner, *mode)?;
                view.bind(&file, target, HARMLESS | MountFlags::NOEXEC | MountFlags::RDONLY)?;
            }
        }
    }
    let is_writable = matches!(job.mounts.first().map(|m| &m.kind), Some(MountKindJob::Tree(tree)) if tree.writable);
    view.become_root(is_writable)
}

/// What is allowed nowhere but in the root: setuid programs, and devices.
const HARMLESS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// What is allowed nowhere but in trees.
pub(super) const NOTHING_RUNS: MountFlags = HARMLESS.union(MountFlags::NOEXEC);

fn tree_place(job: &StepJob, number: usize) -> PathBuf {
    Path::new(&job.scratch).join(number.to_string()).join("tree")
}

/// Mounts a tree at `folder/tree`: an overlay of its layers and `folder/upper`, or the copy of it in `folder/copy`.
fn mount_tree(folder: &Path, tree: &TreeJob) -> Result<(), Failure> {
    let place = folder.join("tree");
    let Some(layers) = &tree.layers else {
        return rustix::mount::mount_bind(folder.join("copy"), &place).map_err(Failure::io("mount a tree"));
    };
    let lowers: Vec<&str> = layers.iter().rev().map(String::as_str).collect();
    let (upper, work) = (folder.join("upper"), folder.join("work"));
    let options = format!(
        "userxattr,volatile,lowerdir={},upperdir={},workdir={}",
        lowers.join(":"),
        upper.display(),
        work.display()
    );
    let options = CString::new(options).map_err(|_| Failure::NoOverlay { errno: Errno::INVAL.raw_os_error() })?;
    rustix::mount::mount("overlay", &place, "overlay", MountFlags::NODEV, options.as_c_str())
        .map_err(|errno| Failure::NoOverlay { errno: errno.raw_os_error() })
}

/// A file system while it is made.
pub(super) struct View {
    root: Within,
    /// What is mounted where, in this order, and for trees their number and which part of them.
    mounted: Vec<(PathBuf, Option<(usize, PathBuf)>)>,
    stubs: Vec<Stub>,
}

impl View {
    fn new(root: &Path) -> Result<Self, Failure> {
        let root = Within::new(root).map_err(Failure::io("open the root of the step"))?;
        Ok(View { root, mounted: vec![("/".into(), Some((0, "/".into())))], stubs: Vec::new() })
    }

    /// Mounts a new file system.
    pub(super) fn mount(&mut self, kind: &str, target: &Path, flags: MountFlags, options: &str) -> Result<(), Failure> {
        self.try_mount(kind, target, flags, options)?.map_err(fail("mount", target))
    }

    /// As [`mount`](Self::mount), but that the machine may refuse it.
    pub(super) fn try_mount(
        &mut self,
        kind: &str,
        target: &Path,
        flags: MountFlags,
        options: &str,
    ) -> Result<rustix::io::Result<()>, Failure> {
        let (path, place) = self.place(target, true)?;
        let options = CString::new(options).map_err(Failure::io("mount with such options"))?;
        let result = rustix::mount::mount(kind, by_number(place.as_fd()), kind, flags, options.as_c_str());
        if result.is_ok() {
            self.mounted.push((path, None));
        }
        Ok(result)
    }

    /// Mounts a file or a folder of the machine, with further restrictions.
    pub(super) fn bind(&mut self, source: &Path, target: &Path, restricted: MountFlags) -> Result<(), Failure> {
        let source = rustix::fs::open(source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(Failure::io(format!("open {}", source.display())))?;
        self.bind_open(&source, target, restricted, None)
    }

    /// Mounts a part of a tree that is mounted at `place`.
    fn part_of_tree(&mut self, target: &Path, number: usize, place: &Path, tree: &TreeJob) -> Result<(), Failure> {
        let selector = Path::new("/").join(std::ffi::OsStr::from_bytes(&tree.selector));
        let open = || {
            let tree = Within::new(place)?;
            let part = tree.resolve(&selector, |_, _| Err(Errno::NOENT))?;
            Ok((tree.open(&part)?, part))
        };
        let (source, part) = open().map_err(Failure::io::<Errno>(format!(
            "mount {} of a tree at {}",
            selector.display(),
            target.display()
        )))?;
        let restricted = if tree.writable { HARMLESS } else { HARMLESS | MountFlags::RDONLY };
        self.bind_open(&source, target, restricted, Some((number, part)))
    }

    fn bind_open(
        &mut self,
        source: &OwnedFd,
        target: &Path,
        restricted: MountFlags,
        tree: Option<(usize, PathBuf)>,
    ) -> Result<(), Failure> {
        let stat = rustix::fs::fstat(source).map_err(fail("look at what is mounted at", target))?;
        let (path, place) = self.place(target, is_folder(&stat))?;
        rustix::mount::mount_bind(by_number(source.as_fd()), by_number(place.as_fd()))
            .map_err(fail("mount", target))?;
        self.mounted.push((path.clone(), tree));
        if restricted.is_empty() {
            return Ok(());
        }
        self.restrict(&path, restricted)
    }

    /// Mounts over what stands at a path without links; what is open stays as restricted as it is.
    pub(super) fn cover(&self, target: &Path, with: BorrowedFd<'_>) -> Result<(), Failure> {
        let place = self.root.open(target).map_err(fail("open", target))?;
        rustix::mount::mount_bind(by_number(with), by_number(place.as_fd())).map_err(fail("hide", target))
    }

    /// Takes further rights from what is mounted at a path of this view.
    pub(super) fn restrict(&self, target: &Path, further: MountFlags) -> Result<(), Failure> {
        let place = self.root.open(target).map_err(fail("open", target))?;
        restrict(place.as_fd(), further).map_err(fail("restrict the mount", target))
    }

    /// Opens the place of a mount, with all links followed; what is missing is made.
    fn place(&mut self, target: &Path, is_folder: bool) -> Result<(PathBuf, OwnedFd), Failure> {
        let (root, mounted, stubs) = (&self.root, &self.mounted, &mut self.stubs);
        let path = root.resolve(target, |path, IsLast(is_last)| {
            let stub = make(root, path, is_folder || !is_last)?;
            stubs.extend(owner(mounted, path).map(|(mount, path)| Stub { mount, path, above: stub }));
            Ok(())
        });
        let path = path.map_err(fail("make the place for a mount at", target))?;
        let place = self.root.open(&path).map_err(fail("open", target))?;
        Ok((path, place))
    }

    /// Whether a path of this view without links is a folder; none where nothing is there.
    pub(super) fn is_folder(&self, path: &Path) -> Result<Option<bool>, Failure> {
        match self.root.stat(path) {
            Ok(stat) => Ok(Some(is_folder(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(fail("look at", path)(e)),
        }
    }

    /// Reads the names in a folder of this view.
    pub(super) fn list(&self, folder: &Path) -> Result<std::fs::ReadDir, Failure> {
        let open = self.root.open(folder).map_err(fail("open", folder))?;
        std::fs::read_dir(by_number(open.as_fd())).map_err(fail("list", folder))
    }

    /// Makes a symbolic link.
    pub(super) fn link(&self, path: &Path, target: &str) -> Result<(), Failure> {
        rustix::fs::symlinkat(target, self.root.root(), inside(path)).map_err(fail("make the link", path))
    }

    /// Makes it the root of this process; the machine's own is gone then.
    fn become_root(self, is_writable: bool) -> Result<Vec<Stub>, Failure> {
        let work = || {
            if !is_writable {
                restrict(self.root.root(), MountFlags::RDONLY)?;
            }
            rustix::process::fchdir(self.root.root())?;
            // The new root comes to lie below the old one, at the same place, which is then taken away.
            rustix::process::pivot_root(".", ".")?;
            rustix::mount::unmount(".", UnmountFlags::DETACH)?;
            rustix::process::chdir("/")
        };
        work().map_err(Failure::io::<Errno>("change the root"))?;
        Ok(self.stubs)
    }
}

/// Makes an empty folder or file in a folder that keeps its time of modification, which is returned.
fn make(root: &Within, path: &Path, is_folder: bool) -> rustix::io::Result<(i64, u64)> {
    let above = path.parent().unwrap_or(Path::new("/"));
    let before = root.stat(above)?;
    let folder = root.open(above)?;
    let name = path.file_name().ok_or(Errno::INVAL)?;
    if is_folder {
        rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755))?;
    } else {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(0o644))?;
    }
    let time = time(&before);
    set_time(folder.as_fd(), time)?;
    Ok(time)
}

/// A time of modification, in seconds and nanoseconds.
#[expect(clippy::useless_conversion, reason = "these types differ between architectures")]
pub(super) fn time(stat: &Stat) -> (i64, u64) {
    (i64::from(stat.st_mtime), u64::from(stat.st_mtime_nsec))
}

/// Sets the time of modification of an open folder.
pub(super) fn set_time(folder: BorrowedFd<'_>, (seconds, nanoseconds): (i64, u64)) -> rustix::io::Result<()> {
    let kept = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.try_into().unwrap_or_default() };
    let times = Timestamps { last_access: kept, last_modification: time };
    // By its path: one that is open for nothing but its path takes no other call.
    rustix::fs::utimensat(CWD, by_number(folder), &times, AtFlags::empty())
}

/// The tree that holds a path, and the path in it.
fn owner(mounted: &[(PathBuf, Option<(usize, PathBuf)>)], path: &Path) -> Option<(usize, PathBuf)> {
    let below = |(at, _): &&(PathBuf, _)| path.starts_with(at);
    let (at, tree) = mounted.iter().rev().filter(below).max_by_key(|(at, _)| at.components().count())?;
    let (number, part) = tree.as_ref()?;
    Some((*number, part.join(path.strip_prefix(at).ok()?)))
}

/// Takes further rights from a mount; what the machine took already stays taken, as the kernel demands.
pub(super) fn restrict(mount: BorrowedFd<'_>, further: MountFlags) -> rustix::io::Result<()> {
    let has = rustix::fs::fstatvfs(mount)?.f_flag;
    let same = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = same.into_iter().filter(|(flag, _)| has.contains(*flag)).map(|(_, flag)| flag).collect::<MountFlags>();
    rustix::mount::mount_remount(by_number(mount), MountFlags::BIND | kept | further, "")
}

fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn fail<E: Into<std::io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> Failure {
    Failure::io(format!("{action} {}", path.display()))
}
