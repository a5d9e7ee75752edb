//! What a command sees as files, mounted by the sandbox's first process in a namespace of its own.
//!
//! Everything is mounted below a folder that then becomes the root. Places to mount at are looked up as the command
//! would, inside of that root whatever links say; those that are missing are made, and told, so that they can be taken
//! out of what the command changed.

use super::job::Failed;
use rustix::fs::{self, Mode, OFlags, ResolveFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::{self, MountFlags, MountPropagationFlags, UnmountFlags};
use serde::{Deserialize, Serialize};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Size of a folder in memory of which nothing else is said.
const TMPFS_SIZE: u64 = 1 << 30;

/// A view that is to be mounted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct View {
    /// Where; absolute.
    pub target: PathBuf,
    pub kind: ViewKind,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ViewKind {
    /// Layers under a folder that takes what is changed.
    Overlay {
        /// Lowest first, as paths relative to the store.
        lower: Vec<PathBuf>,
        /// Holds `upper`, `work` and `root`; relative to the store.
        folder: PathBuf,
        selector: Vec<u8>,
        writable: bool,
    },
    /// A folder that has it all.
    Copied {
        folder: PathBuf,
        selector: Vec<u8>,
        writable: bool,
    },
    Folder(PathBuf),
    Tmpfs(Option<u64>),
    Secret {
        content: Vec<u8>,
        owner: (u32, u32),
        mode: u16,
    },
    Socket(PathBuf),
}

/// Something that was made to mount at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stub {
    /// The view that it was made in, by its position.
    pub view: usize,
    /// Relative to the root of what the view shows.
    pub path: Vec<u8>,
    pub is_dir: bool,
}

/// Paths of /proc that show or change the machine.
const MASKED: [&str; 11] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/sysrq-trigger",
    "/sys/firmware",
];

/// Paths of /proc that are the machine's and may be read.
const READ_ONLY: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];

/// The devices of every sandbox.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Files of a sandbox that are made for it.
pub(super) struct Mounts<'a> {
    /// The store's folder, where this process stands.
    pub store: &'a Path,
    /// A folder for what is mounted on the way, relative to the store.
    pub scratch: &'a Path,
    root: Option<OwnedFd>,
    /// Where each view is seen, for finding out in which a new place lies.
    seen: Vec<(PathBuf, Vec<u8>)>,
    pub stubs: Vec<Stub>,
}

fn fail(action: impl Into<String>) -> impl FnOnce(Errno) -> Failed {
    Failed::errno(action)
}

impl<'a> Mounts<'a> {
    pub(super) fn new(store: &'a Path, scratch: &'a Path) -> Self {
        Mounts { store, scratch, root: None, seen: Vec::new(), stubs: Vec::new() }
    }

    /// Mounts all views, the first of which is the root, with what every command has; then enters it.
    pub(super) fn enter(
        &mut self,
        views: &[View],
        files: &[(String, String)],
        host_network: bool,
    ) -> Result<(), Failed> {
        mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .map_err(fail("make mounts private"))?;
        rustix::process::chdir(self.store).map_err(fail("enter the store"))?;
        for (number, view) in views.iter().enumerate() {
            let shown = self.prepare(number, &view.kind)?;
            if number == 0 {
                self.root = Some(open(&shown)?);
                self.seen.push((PathBuf::from("/"), selector(&view.kind)));
                self.machine(host_network)?;
                self.files(files)?;
                continue;
            }
            let is_dir = shown.is_dir();
            let (place, at) = self.place(&view.target, is_dir)?;
            mount::mount_bind_recursive(&shown, &place).map_err(fail(format!("mount {}", view.target.display())))?;
            self.seen.push((at, selector(&view.kind)));
            if !is_writable(&view.kind) {
                self.read_only(&view.target)?;
            }
        }
        self.pivot(views)
    }

    /// Makes what a view shows, at a place outside of the root.
    fn prepare(&self, number: usize, kind: &ViewKind) -> Result<PathBuf, Failed> {
        let own = self.scratch.join(format!("view-{number}"));
        match kind {
            ViewKind::Overlay { lower, folder, selector, .. } => {
                let root = folder.join("root");
                let lower: Vec<String> = lower.iter().rev().map(|path| path.display().to_string()).collect();
                let options = format!(
                    "lowerdir={},upperdir={folder}/upper,workdir={folder}/work,userxattr",
                    lower.join(":"),
                    folder = folder.display()
                );
                let options = CString::new(options).map_err(|e| Failed::Other(e.to_string()))?;
                mount::mount("overlay", &root, "overlay", MountFlags::NODEV, options.as_c_str()).map_err(|errno| {
                    Failed::Forbidden { what: "overlay mounts".into(), errno: errno.raw_os_error() }
                })?;
                select(&root, selector)
            }
            ViewKind::Copied { folder, selector, .. } => {
                mount::mount_bind(folder, folder).map_err(fail("mount a copy of a tree"))?;
                select(folder, selector)
            }
            ViewKind::Folder(path) => Ok(path.clone()),
            ViewKind::Tmpfs(size) => {
                make_dir(&own)?;
                tmpfs(&own, size.filter(|size| *size > 0).unwrap_or(TMPFS_SIZE), "1777")?;
                Ok(own)
            }
            ViewKind::Secret { content, owner, mode } => {
                make_dir(&own)?;
                tmpfs(&own, content.len() as u64 + (64 << 10), "0700")?;
                let file = own.join("secret");
                std::fs::write(&file, content).map_err(Failed::io("hand over a secret"))?;
                let (uid, gid) = (fs::Uid::from_raw(owner.0), fs::Gid::from_raw(owner.1));
                // Where there is one user only, all belongs to it.
                match fs::chown(&file, Some(uid), Some(gid)) {
                    Ok(()) | Err(Errno::INVAL) => {}
                    Err(e) => return Err(fail("hand over a secret")(e)),
                }
                fs::chmod(&file, Mode::from_raw_mode((*mode).into())).map_err(fail("hand over a secret"))?;
                Ok(file)
            }
            ViewKind::Socket(path) => Ok(path.clone()),
        }
    }

    /// /proc, /sys and /dev, as little of them as programs need.
    fn machine(&mut self, host_network: bool) -> Result<(), Failed> {
        let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        let (proc, _) = self.place(Path::new("/proc"), true)?;
        mount::mount("proc", &proc, "proc", quiet, None)
            .map_err(|errno| Failed::Forbidden { what: "a /proc of its own".into(), errno: errno.raw_os_error() })?;
        let (sys, _) = self.place(Path::new("/sys"), true)?;
        let sysfs = match host_network {
            true => Err(Errno::PERM),
            false => mount::mount("sysfs", &sys, "sysfs", quiet | MountFlags::RDONLY, None),
        };
        if sysfs.is_err() {
            // The machine's own network is not this namespace's, so there is nothing to show.
            mount::mount("tmpfs", &sys, "tmpfs", quiet | MountFlags::RDONLY, c"size=0,mode=0555")
                .map_err(fail("mount /sys"))?;
        }
        for path in READ_ONLY {
            if let Some(place) = self.existing(Path::new(path))? {
                mount::mount_bind_recursive(&place, &place).map_err(fail(format!("mount {path}")))?;
                self.read_only(Path::new(path))?;
            }
        }
        for path in MASKED {
            let Some(place) = self.existing(Path::new(path))? else { continue };
            let masked = match place.is_dir() {
                true => mount::mount("tmpfs", &place, "tmpfs", quiet | MountFlags::RDONLY, c"size=0,mode=0555"),
                false => mount::mount_bind("/dev/null", &place),
            };
            masked.map_err(fail(format!("mask {path}")))?;
        }
        self.devices()
    }

    fn devices(&mut self) -> Result<(), Failed> {
        let (dev, _) = self.place(Path::new("/dev"), true)?;
        mount::mount("tmpfs", &dev, "tmpfs", MountFlags::NOSUID | MountFlags::NOEXEC, c"size=65536,mode=0755")
            .map_err(fail("mount /dev"))?;
        // From here on what is made in /dev is gone with it, so it is no stub.
        let below = self.existing(Path::new("/dev"))?.ok_or_else(|| Failed::Other("/dev is not there".into()))?;
        for name in DEVICES {
            let place = below.join(name);
            std::fs::write(&place, "").map_err(Failed::io(format!("make /dev/{name}")))?;
            mount::mount_bind(Path::new("/dev").join(name), &place).map_err(fail(format!("mount /dev/{name}")))?;
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            std::os::unix::fs::symlink(target, below.join(name)).map_err(Failed::io(format!("make /dev/{name}")))?;
        }
        for name in ["pts", "shm"] {
            std::fs::create_dir(below.join(name)).map_err(Failed::io(format!("make /dev/{name}")))?;
        }
        let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
        mount::mount("devpts", below.join("pts"), "devpts", quiet, c"newinstance,ptmxmode=0666,mode=0620")
            .map_err(fail("mount /dev/pts"))?;
        let options = c"size=67108864,mode=1777";
        mount::mount("tmpfs", below.join("shm"), "tmpfs", quiet | MountFlags::NODEV, options)
            .map_err(fail("mount /dev/shm"))
    }

    /// Files that say who the machine is.
    fn files(&mut self, files: &[(String, String)]) -> Result<(), Failed> {
        let own = self.scratch.join("files");
        make_dir(&own)?;
        for (number, (path, text)) in files.iter().enumerate() {
            let file = own.join(number.to_string());
            std::fs::write(&file, text).map_err(Failed::io(format!("write {path}")))?;
            let (place, _) = self.place(Path::new(path), false)?;
            mount::mount_bind(&file, &place).map_err(fail(format!("mount {path}")))?;
            self.read_only(Path::new(path))?;
        }
        Ok(())
    }

    /// The place of a path in the root, by a descriptor's name, made where it is missing; and the path without links.
    fn place(&mut self, target: &Path, is_dir: bool) -> Result<(PathBuf, PathBuf), Failed> {
        let mut so_far = PathBuf::from("/");
        let parts: Vec<_> = target.components().skip(1).collect();
        for (number, part) in parts.iter().enumerate() {
            let parent = so_far.clone();
            so_far.push(part);
            let last = number + 1 == parts.len();
            match self.resolve(&so_far) {
                Ok(_) => {}
                Err(Errno::NOENT) => self.make(&parent, part.as_os_str(), !last || is_dir)?,
                Err(e) => return Err(fail(format!("look up {}", so_far.display()))(e)),
            }
        }
        let found = self.resolve(target).map_err(fail(format!("look up {}", target.display())))?;
        let path = self.inside(&found)?;
        // Kept open until the sandbox begins: its name is the place.
        Ok((keep(found), path))
    }

    /// The place of a path in the root, if it is there.
    fn existing(&self, target: &Path) -> Result<Option<PathBuf>, Failed> {
        match self.resolve(target) {
            Ok(found) => Ok(Some(keep(found))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(fail(format!("look up {}", target.display()))(e)),
        }
    }

    fn make(&mut self, parent: &Path, name: &OsStr, is_dir: bool) -> Result<(), Failed> {
        let action = || format!("make {} to mount at", parent.join(name).display());
        let folder = self.resolve(parent).map_err(fail(action()))?;
        match is_dir {
            true => fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)).map_err(fail(action()))?,
            false => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                fs::openat(&folder, name, flags, Mode::from_raw_mode(0o644)).map_err(fail(action()))?;
            }
        }
        let path = self.inside(&folder)?.join(name);
        let holding = self
            .seen
            .iter()
            .enumerate()
            .rev()
            .find_map(|(number, (at, selector))| Some((number, path.strip_prefix(at).ok()?, selector)));
        if let Some((view, below, selector)) = holding {
            let separator: &[u8] = if selector.is_empty() { b"" } else { b"/" };
            let path = [selector, separator, below.as_os_str().as_bytes()].concat();
            self.stubs.push(Stub { view, path, is_dir });
        }
        Ok(())
    }

    fn resolve(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let root = self.root.as_ref().ok_or(Errno::BADF)?;
        let below = path.strip_prefix("/").unwrap_or(path);
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        fs::openat2(root, below, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT)
    }

    /// An open place as a path from the root.
    fn inside(&self, place: &OwnedFd) -> Result<PathBuf, Failed> {
        let name = |fd: &OwnedFd| std::fs::read_link(named(fd)).map_err(Failed::io("look up a place"));
        let root = self.root.as_ref().ok_or_else(|| Failed::Other("there is no root yet".into()))?;
        let (root, place) = (name(root)?, name(place)?);
        let below = place.strip_prefix(&root).map_err(|_| Failed::Other("a place leads out of the root".into()))?;
        Ok(Path::new("/").join(below))
    }

    /// What is mounted at a path cannot be written to from now on.
    fn read_only(&self, path: &Path) -> Result<(), Failed> {
        let place = self.resolve(path).map_err(fail(format!("look up {}", path.display())))?;
        let about = fs::fstatvfs(&place).map_err(fail(format!("look at {}", path.display())))?;
        // In a user namespace what was set by others must stay set.
        let mut flags = MountFlags::BIND | MountFlags::RDONLY;
        for (set, flag) in [
            (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
            (StatVfsMountFlags::NODEV, MountFlags::NODEV),
            (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
            (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
            (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
        ] {
            if about.f_flag.contains(set) {
                flags |= flag;
            }
        }
        mount::mount_remount(named(&place), flags, c"").map_err(fail(format!("protect {}", path.display())))
    }

    fn pivot(&self, views: &[View]) -> Result<(), Failed> {
        let root = self.root.as_ref().ok_or_else(|| Failed::Other("there is no root".into()))?;
        rustix::process::fchdir(root).map_err(fail("enter the root"))?;
        // The new root must be a mount, which a part of a tree is not.
        if views.first().is_some_and(|view| !selector(&view.kind).is_empty()) {
            return Err(Failed::Other("the root cannot be a part of a tree".into()));
        }
        rustix::process::pivot_root(".", ".").map_err(fail("change the root"))?;
        mount::unmount(".", UnmountFlags::DETACH).map_err(fail("let go of the old root"))?;
        rustix::process::chdir("/").map_err(fail("enter the root"))?;
        if views.first().is_some_and(|view| !is_writable(&view.kind)) {
            mount::mount_remount("/", MountFlags::BIND | MountFlags::RDONLY | MountFlags::NODEV, c"")
                .map_err(fail("protect the root"))?;
        }
        Ok(())
    }
}

fn selector(kind: &ViewKind) -> Vec<u8> {
    match kind {
        ViewKind::Overlay { selector, .. } | ViewKind::Copied { selector, .. } => selector.clone(),
        _ => Vec::new(),
    }
}

fn is_writable(kind: &ViewKind) -> bool {
    match kind {
        ViewKind::Overlay { writable, .. } | ViewKind::Copied { writable, .. } => *writable,
        ViewKind::Folder(_) | ViewKind::Tmpfs(_) => true,
        ViewKind::Secret { .. } => false,
        ViewKind::Socket(_) => true,
    }
}

/// A part of a tree on disk; links lead nowhere but inside of the tree.
fn select(root: &Path, selector: &[u8]) -> Result<PathBuf, Failed> {
    if selector.is_empty() {
        return Ok(root.to_owned());
    }
    let open = open(root)?;
    let (path, flags) = (OsStr::from_bytes(selector), OFlags::PATH | OFlags::CLOEXEC);
    let found = fs::openat2(&open, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    found.map(keep).map_err(fail(format!("mount {}", path.display())))
}

fn open(path: &Path) -> Result<OwnedFd, Failed> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty()).map_err(fail(format!("open {}", path.display())))
}

/// The name by which an open place can be mounted at.
fn named(place: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

/// The same for a place that stays open until the command starts.
fn keep(place: OwnedFd) -> PathBuf {
    let name = named(&place);
    std::mem::forget(place);
    name
}

fn make_dir(path: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(path).map_err(Failed::io(format!("make {}", path.display())))
}

fn tmpfs(path: &Path, size: u64, mode: &str) -> Result<(), Failed> {
    let options = CString::new(format!("size={size},mode={mode}")).map_err(|e| Failed::Other(e.to_string()))?;
    let quiet = MountFlags::NOSUID | MountFlags::NODEV;
    mount::mount("tmpfs", path, "tmpfs", quiet, options.as_c_str()).map_err(fail("mount a folder in memory"))
}
