//! Where this process stands in the control groups of the machine: version 1, version 2, or some of each.

use std::path::{Component, Path, PathBuf};

/// A hierarchy of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// One of several, with some of the controllers.
    One,
    /// The one with all others.
    Two,
}

/// The folder of the group that this process is in, and the folder that its hierarchy begins in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) own: PathBuf,
    pub(super) top: PathBuf,
}

/// Where `controller` is, by the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`; the second version's place for
/// one that no hierarchy of the first has. None where nothing of it is mounted, or this process stands outside of that.
pub(super) fn of(controller: &str, groups: &str, mounts: &str) -> Option<Place> {
    let first = groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    });
    if let Some(path) = first {
        let is_its = |mount: &Mount<'_>| mount.kind == "cgroup" && mount.options.split(',').any(|o| o == controller);
        return mounts.lines().filter_map(Mount::read).filter(is_its).find_map(|mount| mount.place(Version::One, path));
    }
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let is_its = |mount: &Mount<'_>| mount.kind == "cgroup2";
    mounts.lines().filter_map(Mount::read).filter(is_its).find_map(|mount| mount.place(Version::Two, path))
}

/// A line of `/proc/self/mountinfo`, as far as it matters.
struct Mount<'a> {
    root: PathBuf,
    point: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (unescaped(left.next()?), unescaped(left.next()?));
        let mut right = right.split(' ');
        Some(Mount { root, point, kind: right.next()?, options: right.nth(1)? })
    }

    /// The folder of the group `path`, where this mount shows it.
    fn place(self, version: Version, path: &str) -> Option<Place> {
        let below = Path::new(path).strip_prefix(&self.root).ok()?;
        let is_clean = below.components().all(|part| matches!(part, Component::Normal(_)));
        is_clean.then(|| Place { version, own: self.point.join(below), top: self.point })
    }
}

/// Spaces and the like are written as three octal digits after a backslash.
fn unescaped(text: &str) -> PathBuf {
    let mut parts = text.split('\\');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                path.push(byte.into());
                path.push_str(&part[3..]);
            }
            None => path.push_str(part),
        }
    }
    path.into()
}
