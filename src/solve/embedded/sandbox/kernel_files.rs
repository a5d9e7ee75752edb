//! `/proc`, `/sys` and `/dev` of a step: what it needs of them, and nothing that tells of the machine or changes it.

use super::forbidden::Forbidden;
use super::job::{Failure, Owners, StepJob};
use super::private_files::{Covers, PrivateFiles};
use super::view::{NOTHING_RUNS, View};
use rustix::mount::MountFlags;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What is hidden in `/proc` and `/sys`: all that runc and BuildKit hide there.
const MASKED: [&str; 13] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

pub(super) fn mount(view: &mut View, job: &StepJob, files: &PrivateFiles) -> Result<(), Failure> {
    let proc = view.try_mount("proc", Path::new("/proc"), NOTHING_RUNS, "")?;
    proc.map_err(Failure::forbidden(Forbidden::Proc))?;
    let covers = files.covers()?;
    restrict_proc(view, &covers)?;
    system(view, &covers)?;
    devices(view, job)
}

/// In `/proc`, root owns what changes the machine, and root of the machine may be root of the step: no capability is asked for
/// where a file's owner writes to it or changes its mode, which is then another one on the whole machine. So all of it is
/// read-only, and hidden is what others than root cannot read.
fn restrict_proc(view: &View, covers: &Covers) -> Result<(), Failure> {
    let proc = Path::new("/proc");
    for entry in view.list(proc)? {
        let entry = entry.map_err(Failure::io("list /proc"))?;
        let name = entry.file_name();
        if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let path = proc.join(&name);
        let metadata = entry.metadata().map_err(Failure::io(format!("look at {}", path.display())))?;
        let is_closed = metadata.is_file() && metadata.permissions().mode() & 0o004 == 0;
        if is_closed || MASKED.iter().any(|masked| Path::new(masked) == path) {
            hide(view, covers, &path, metadata.is_dir())?;
        }
    }
    view.restrict(proc, MountFlags::RDONLY)
}

/// A new `/sys` belongs to a new network. Where it is refused, the processors and the memory are shown, which programs
/// count.
fn system(view: &mut View, covers: &Covers) -> Result<(), Failure> {
    let sys = Path::new("/sys");
    if view.try_mount("sysfs", sys, NOTHING_RUNS | MountFlags::RDONLY, "")?.is_err() {
        view.mount("tmpfs", sys, NOTHING_RUNS, "mode=755,size=64k")?;
        let shown = Path::new("/sys/devices/system");
        if shown.exists() {
            view.bind(shown, shown, NOTHING_RUNS | MountFlags::RDONLY)?;
        }
        return view.restrict(sys, MountFlags::RDONLY);
    }
    for path in MASKED.iter().map(Path::new).filter(|path| path.starts_with(sys)) {
        if let Some(is_folder) = view.is_folder(path)? {
            hide(view, covers, path, is_folder)?;
        }
    }
    Ok(())
}

fn hide(view: &View, covers: &Covers, path: &Path, is_folder: bool) -> Result<(), Failure> {
    view.cover(path, if is_folder { covers.folder.as_fd() } else { covers.file.as_fd() })
}

fn devices(view: &mut View, job: &StepJob) -> Result<(), Failure> {
    view.mount("tmpfs", Path::new("/dev"), MountFlags::NOSUID | MountFlags::NOEXEC, "mode=755,size=64k")?;
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        // Devices are written to all the same, but their owners and modes, which are those of the machine's, stay.
        view.bind(&path, &path, MountFlags::RDONLY)?;
    }
    for (path, target) in LINKS {
        view.link(Path::new(path), target)?;
    }
    let no_programs = MountFlags::NOSUID | MountFlags::NOEXEC;
    // Group 5 is `tty` on all systems; with a single id there are no groups.
    let group = if job.owners == Owners::Mapped { ",gid=5" } else { "" };
    view.mount("devpts", Path::new("/dev/pts"), no_programs, &format!("newinstance,ptmxmode=0666,mode=0620{group}"))?;
    view.mount("tmpfs", Path::new("/dev/shm"), NOTHING_RUNS, "mode=1777,size=64m")
}
