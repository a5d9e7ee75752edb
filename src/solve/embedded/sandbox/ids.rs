//! Which ids a worker's user namespace has.

use super::forbidden::Forbidden;
use super::job::Owners;
use super::{SandboxError, subordinate};
use rustix::io::Errno;
use std::path::PathBuf;

/// The ids of a user namespace, and how they are mapped to the machine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ids {
    users: Vec<Range>,
    groups: Vec<Range>,
    how: How,
}

/// So many ids from `inside` on are the machine's from `outside` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) inside: u32,
    pub(super) outside: u32,
    pub(super) count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// kiln may write the map itself: as root, any; as an ordinary user, one of themselves alone.
    Write { deny_groups: bool },
    /// The setuid programs `newuidmap` and `newgidmap` write it.
    Helpers { users: PathBuf, groups: PathBuf },
}

impl Ids {
    /// The most that this user can have.
    pub(super) fn of_this_user() -> Ids {
        if rustix::process::geteuid().is_root() {
            Self::all()
        } else {
            Self::subordinate().unwrap_or_else(Self::single)
        }
    }

    /// Every id is itself: what the user namespace takes from root are the rights over the machine.
    fn all() -> Ids {
        let same = |file: &str| {
            let map = std::fs::read_to_string(file).unwrap_or_default();
            let inside = map.lines().filter_map(|line| {
                let mut numbers = line.split_ascii_whitespace().map(str::parse);
                match (numbers.next()?, numbers.next()?, numbers.next()?) {
                    (Ok(inside), Ok(_), Ok(count)) => Some(Range { inside, outside: inside, count }),
                    _ => None,
                }
            });
            inside.collect()
        };
        Ids {
            users: same("/proc/self/uid_map"),
            groups: same("/proc/self/gid_map"),
            how: How::Write { deny_groups: false },
        }
    }

    /// This user is root, and all other ids are those that the administrator gave them for such use.
    fn subordinate() -> Option<Ids> {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let subordinate = subordinate::of_user(user)?;
        let with = |own: u32, others: subordinate::Range| {
            vec![
                Range { inside: 0, outside: own, count: 1 },
                Range { inside: 1, outside: others.first, count: others.count },
            ]
        };
        Some(Ids {
            users: with(user, subordinate.users),
            groups: with(group, subordinate.groups),
            how: How::Helpers { users: subordinate.newuidmap, groups: subordinate.newgidmap },
        })
    }

    /// This user is root, and nobody else is there.
    pub(super) fn single() -> Ids {
        let one = |outside| vec![Range { inside: 0, outside, count: 1 }];
        Ids {
            users: one(rustix::process::geteuid().as_raw()),
            groups: one(rustix::process::getegid().as_raw()),
            how: How::Write { deny_groups: true },
        }
    }

    pub(super) fn owners(&self) -> Owners {
        let is_single = matches!(self.users.as_slice(), [Range { count: 1, .. }]);
        if is_single { Owners::Single } else { Owners::Mapped }
    }

    /// Names this mapping: files that were made in one belong to others in another.
    pub(super) fn name(&self) -> String {
        match self.owners() {
            Owners::Single => "single".to_owned(),
            Owners::Mapped => format!("{}/{}", text(&self.users), text(&self.groups)),
        }
    }

    /// Gives them to the process `pid`, which has just left its user namespace and waits.
    pub(super) fn map(&self, pid: u32) -> Result<(), SandboxError> {
        let forbidden =
            |error: std::io::Error| Forbidden::Ids.error(Errno::from_io_error(&error).unwrap_or(Errno::PERM));
        match &self.how {
            How::Write { deny_groups } => {
                let write = |file: &str, text: &str| std::fs::write(format!("/proc/{pid}/{file}"), text);
                if *deny_groups {
                    write("setgroups", "deny").map_err(forbidden)?;
                }
                write("uid_map", &text(&self.users)).map_err(forbidden)?;
                write("gid_map", &text(&self.groups)).map_err(forbidden)
            }
            How::Helpers { users, groups } => subordinate::map(pid, (users, &self.users), (groups, &self.groups)),
        }
    }
}

fn text(ranges: &[Range]) -> String {
    ranges.iter().map(|r| format!("{} {} {}\n", r.inside, r.outside, r.count)).collect()
}

#[cfg(test)]
mod tests;
