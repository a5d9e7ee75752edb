//! How much a running step has added to the disk.
//!
//! Looking at every file takes long, so it is done only where the file system has lost so much room, and now and then, as
//! somebody else may have freed some meanwhile. The step may change everything while it is looked at.

use super::job::{MountKindJob, StepJob};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use std::collections::HashSet;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// All files are looked at after so long, whatever the file system says.
const EXACTLY: Duration = Duration::from_secs(5);

/// What watching may take of the time: one part in so many.
const SHARE: u32 = 20;

/// Watches one step.
pub(super) struct Disk {
    limit: u64,
    folders: Vec<PathBuf>,
    /// What was in the folders before.
    before: u64,
    used_before: u64,
    last: Instant,
    took: Duration,
}

impl Disk {
    /// Begins to watch a step that has a bound.
    pub(super) fn of(job: &StepJob) -> Option<Disk> {
        let limit = job.disk?;
        let scratch = PathBuf::from(&job.scratch);
        let mut folders = vec![scratch.clone()];
        folders.extend(job.mounts.iter().filter_map(|mount| match &mount.kind {
            MountKindJob::Folder { path } => Some(path.clone()),
            _ => None,
        }));
        let before = total(&folders, None)?;
        let used_before = used(&scratch);
        Some(Disk { limit, folders, before, used_before, last: Instant::now(), took: Duration::ZERO })
    }

    /// Whether the step has added more than it may; `init` is its first process.
    pub(super) fn is_exceeded(&mut self, init: u32) -> bool {
        let since = self.last.elapsed();
        let seems_so = used(&self.folders[0]).saturating_sub(self.used_before) > self.limit;
        if since < self.took * SHARE || !(seems_so || since > EXACTLY) {
            return false;
        }
        let begin = Instant::now();
        // What cannot be counted is too much: folders in folders without end.
        let is_exceeded =
            total(&self.folders, Some(init)).is_none_or(|now| now.saturating_sub(self.before) > self.limit);
        (self.took, self.last) = (begin.elapsed(), Instant::now());
        is_exceeded
    }
}

/// Bytes in use on the file system of a folder.
fn used(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |s| s.f_blocks.saturating_sub(s.f_bfree).saturating_mul(s.f_frsize))
}

/// The bytes of all files in folders, and of those without a name that a step's processes have open; none where they cannot
/// be counted.
fn total(folders: &[PathBuf], init: Option<u32>) -> Option<u64> {
    let mut seen = HashSet::new();
    let mut sum = 0;
    for folder in folders {
        sum += in_folder(folder, &mut seen)?;
    }
    Some(sum + init.map_or(0, |init| without_a_name(init, &mut seen)))
}

type Seen = HashSet<(u64, u64)>;

fn in_folder(folder: &Path, seen: &mut Seen) -> Option<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut sum = 0;
    let mut open = vec![Dir::new(rustix::fs::open(folder, flags, Mode::empty()).ok()?).ok()?];
    while let Some(here) = open.last_mut() {
        let Some(entry) = here.read().and_then(Result::ok) else {
            open.pop();
            continue;
        };
        let name: CString = entry.file_name().to_owned();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(folder) = here.fd() else { continue };
        let Ok(stat) = rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        sum += size(&stat, seen);
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            match rustix::fs::openat(folder, &name, flags, Mode::empty()) {
                Ok(below) => open.push(Dir::new(below).ok()?),
                Err(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE) => return None,
                // It is gone, or became something else.
                Err(_) => {}
            }
        }
    }
    Some(sum)
}

/// Files that were removed while they are open are on the disk all the same.
fn without_a_name(init: u32, seen: &mut Seen) -> u64 {
    let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(own) = namespace(&init.to_string()) else { return 0 };
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    let processes = names(Path::new("/proc")).into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let mut sum = 0;
    for pid in processes.filter(|pid| namespace(pid).as_ref() == Some(&own)) {
        let folder = PathBuf::from(format!("/proc/{pid}/fd"));
        for name in names(&folder) {
            if let Ok(stat) = rustix::fs::statat(CWD, folder.join(name), AtFlags::empty())
                && stat.st_nlink == 0
                && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            {
                sum += size(&stat, seen);
            }
        }
    }
    sum
}

/// A file counts once, however many names it has.
fn size(stat: &Stat, seen: &mut Seen) -> u64 {
    let is_new = stat.st_nlink == 1 || seen.insert((stat.st_dev, stat.st_ino));
    if is_new { u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(512) } else { 0 }
}

#[cfg(test)]
mod tests;
