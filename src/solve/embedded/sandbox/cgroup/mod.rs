//! Bounds by control groups.
//!
//! A step that is to be bounded gets groups of its own, below those that kiln is in. Where kiln may make none, what is not
//! bounded is said, with what would help.

mod place;

use crate::llb::exec::Limits;
use place::{Place, Version};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The period in which a step has its share of the processors, in microseconds.
const PERIOD: u64 = 100_000;

/// So often it is tried to remove a group whose last process has just ended.
const REMOVALS: u32 = 200;

/// Tells apart the groups of one process.
static GROUPS: AtomicU64 = AtomicU64::new(0);

const ADVICE: &str = "run kiln as root, or where control groups are delegated to it: \
                      `systemd-run --user --scope -p Delegate=yes kiln …`";

/// The groups of a step; they go when this is dropped, which must be after its last process.
#[derive(Debug, Default)]
pub(super) struct Groups {
    folders: Vec<PathBuf>,
    memory: Option<PathBuf>,
    processes: Option<PathBuf>,
    /// What was asked for and is not bounded, in words.
    warnings: Vec<String>,
    /// Processes are to be counted in another way.
    uncounted: bool,
}

/// A bound, by the controller that keeps it.
struct Bound {
    controller: &'static str,
    what: &'static str,
    /// Files of the group and what is written into them, for each version; those in brackets are missing on some machines.
    first: Vec<Setting>,
    second: Vec<Setting>,
}

struct Setting {
    file: &'static str,
    value: String,
    is_optional: bool,
}

fn set(file: &'static str, value: impl ToString) -> Setting {
    Setting { file, value: value.to_string(), is_optional: false }
}

fn try_set(file: &'static str, value: impl ToString) -> Setting {
    Setting { is_optional: true, ..set(file, value) }
}

fn bounds(limits: &Limits) -> Vec<Bound> {
    let memory = limits.memory.map(|bytes| Bound {
        controller: "memory",
        what: "memory",
        first: vec![set("memory.limit_in_bytes", bytes), try_set("memory.memsw.limit_in_bytes", bytes)],
        second: vec![set("memory.max", bytes), try_set("memory.swap.max", 0), try_set("memory.oom.group", 1)],
    });
    let processes = limits.pids.map(|count| {
        // The step's first process is kiln's.
        let count = count.saturating_add(1);
        let settings = || vec![set("pids.max", count)];
        Bound { controller: "pids", what: "the number of processes", first: settings(), second: settings() }
    });
    let processors = limits.cpu.map(|thousandths| {
        // The kernel takes no less than a millisecond.
        let quota = thousandths.saturating_mul(PERIOD / 1000).max(1000);
        Bound {
            controller: "cpu",
            what: "the share of the processors",
            first: vec![set("cpu.cfs_period_us", PERIOD), set("cpu.cfs_quota_us", quota)],
            second: vec![set("cpu.max", format!("{quota} {PERIOD}"))],
        }
    });
    [memory, processes, processors].into_iter().flatten().collect()
}

impl Groups {
    /// Groups that keep `limits`, as far as this machine allows it.
    pub(super) fn new(limits: &Limits) -> Groups {
        let mut groups = Groups::default();
        let bounds = bounds(limits);
        if bounds.is_empty() {
            return groups;
        }
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let (own, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
        let name = format!("kiln-{}-{}", std::process::id(), GROUPS.fetch_add(1, Ordering::Relaxed));
        let places: Vec<Option<Place>> =
            bounds.iter().map(|bound| place::of(bound.controller, &own, &mounts)).collect();
        // All bounds of the second version are those of one group.
        let of_second = |place: &Option<Place>| matches!(place, Some(Place { version: Version::Two, .. }));
        let together: Vec<&str> =
            bounds.iter().zip(&places).filter(|(_, p)| of_second(p)).map(|(b, _)| b.controller).collect();
        let second = places.iter().find(|place| of_second(place)).cloned().flatten();
        let second = second.map(|place| groups.in_second(&place, &name, &together));
        for (bound, place) in bounds.iter().zip(places) {
            let folder = match (place, &second) {
                (Some(Place { version: Version::One, own, .. }), _) => groups.make(&own, &name),
                (Some(_), Some(Ok(folder))) => Ok(folder.clone()),
                (Some(_), Some(Err(error))) => Err(io::Error::new(error.kind(), error.to_string())),
                _ => Err(io::Error::other("this machine has no such control group")),
            };
            let result = folder.and_then(|folder| groups.bind(bound, &folder));
            if let Err(error) = result {
                groups.uncounted |= bound.controller == "pids";
                groups.warnings.push(format!("{} is not bounded: {error}; {ADVICE}", bound.what));
            }
        }
        groups
    }

    /// What is not bounded though it was asked for, in words; and whether processes are to be counted in another way.
    pub(super) fn unbounded(&self) -> (Vec<String>, bool) {
        (self.warnings.clone(), self.uncounted)
    }

    /// Whether there is a group to put a process into.
    pub(super) fn are_any(&self) -> bool {
        !self.folders.is_empty()
    }

    /// Puts a process into the groups, and with it all that it starts from then on.
    pub(super) fn add(&self, pid: u32) -> io::Result<()> {
        self.folders.iter().try_for_each(|folder| std::fs::write(folder.join("cgroup.procs"), pid.to_string()))
    }

    /// Whether the kernel ended a process of the step because it wanted more memory than it may have.
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.memory.as_ref().is_some_and(|folder| {
            ["memory.events", "memory.oom_control"].iter().any(|file| count(&folder.join(file), "oom_kill") > 0)
        })
    }

    /// Whether the step wanted more processes than it may have.
    pub(super) fn is_out_of_processes(&self) -> bool {
        self.processes.as_ref().is_some_and(|folder| count(&folder.join("pids.events"), "max") > 0)
    }

    fn bind(&mut self, bound: &Bound, folder: &Path) -> io::Result<()> {
        let settings = if folder.join("cgroup.controllers").exists() { &bound.second } else { &bound.first };
        for setting in settings {
            match std::fs::write(folder.join(setting.file), &setting.value) {
                Err(_) if setting.is_optional => {}
                other => other?,
            }
        }
        match bound.controller {
            "memory" => self.memory = Some(folder.to_owned()),
            "pids" => self.processes = Some(folder.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// A group of the second version: below that of kiln, or beside it where that has processes, as then it can have no
    /// groups with controllers below it.
    fn in_second(&mut self, place: &Place, name: &str, controllers: &[&str]) -> io::Result<PathBuf> {
        let beside = place.own.parent().filter(|_| place.own != place.top);
        let mut last = io::Error::other("the control group of kiln has no such controller to give");
        for above in [Some(place.own.as_path()), beside].into_iter().flatten() {
            let given = || std::fs::read_to_string(above.join("cgroup.subtree_control")).unwrap_or_default();
            for controller in controllers.iter().filter(|c| !given().split_whitespace().any(|g| g == **c)) {
                if let Err(error) = std::fs::write(above.join("cgroup.subtree_control"), format!("+{controller}")) {
                    last = error;
                }
            }
            if controllers.iter().all(|c| given().split_whitespace().any(|g| g == *c)) {
                match self.make(above, name) {
                    Ok(folder) => return Ok(folder),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    fn make(&mut self, above: &Path, name: &str) -> io::Result<PathBuf> {
        remove_abandoned(above);
        let folder = above.join(name);
        if self.folders.contains(&folder) {
            return Ok(folder);
        }
        std::fs::create_dir(&folder)?;
        self.folders.push(folder.clone());
        Ok(folder)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The kernel may need a moment to see that a group is empty. One that stays is removed by a later step.
            for _ in 0..REMOVALS {
                match std::fs::remove_dir(folder) {
                    Err(e) if e.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(Duration::from_millis(5)),
                    _ => break,
                }
            }
        }
    }
}

/// Removes groups of processes of kiln that were killed; a group that is in use cannot be removed.
fn remove_abandoned(above: &Path) {
    let Ok(entries) = std::fs::read_dir(above) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("kiln-")?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// The number that follows a word in a file of a group; 0 where there is none.
fn count(file: &Path, word: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let number = text.lines().find_map(|line| line.strip_prefix(word)?.trim().parse().ok());
    number.unwrap_or_default()
}

#[cfg(test)]
mod tests;
