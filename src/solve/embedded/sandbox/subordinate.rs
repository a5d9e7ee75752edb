//! Subordinate ids: those that an administrator gave a user in `/etc/subuid` and `/etc/subgid`, and the setuid programs
//! that map them.

use super::{SandboxError, ids};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the programs are looked for: they have the rights of root, so `PATH` has no say.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/bin", "/run/wrappers/bin"];

/// Ids from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// What a user was given.
pub(super) struct Subordinate {
    pub(super) users: Range,
    pub(super) groups: Range,
    pub(super) newuidmap: PathBuf,
    pub(super) newgidmap: PathBuf,
}

/// What the user with this id was given; none where it is nothing, or nothing that can be used.
pub(super) fn of_user(uid: u32) -> Option<Subordinate> {
    let name = user_name(&std::fs::read_to_string("/etc/passwd").unwrap_or_default(), uid);
    let given = |file: &str| range(&std::fs::read_to_string(file).ok()?, uid, name.as_deref());
    Some(Subordinate {
        users: given("/etc/subuid")?,
        groups: given("/etc/subgid")?,
        newuidmap: program("newuidmap")?,
        newgidmap: program("newgidmap")?,
    })
}

/// Maps ids into the user namespace of the process `pid`.
pub(super) fn map(pid: u32, users: (&Path, &[ids::Range]), groups: (&Path, &[ids::Range])) -> Result<(), SandboxError> {
    let start = |(program, ranges): (&Path, &[ids::Range])| {
        let mut command = Command::new(program);
        command.arg(pid.to_string()).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        for range in ranges {
            command.args([range.inside.to_string(), range.outside.to_string(), range.count.to_string()]);
        }
        command.spawn().map_err(|source| SandboxError::Io { action: format!("start {}", program.display()), source })
    };
    let finish = |child: Child, program: &Path| {
        let failed = |source| SandboxError::Io { action: format!("map ids with {}", program.display()), source };
        let output = child.wait_with_output().map_err(failed)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(failed(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))),
        }
    };
    let (first, second) = (start(users)?, start(groups)?);
    finish(first, users.0).and(finish(second, groups.0))
}

/// The longest range that a user has in the text of `/etc/subuid` or `/etc/subgid`, where they stand by name or number.
fn range(text: &str, uid: u32, name: Option<&str>) -> Option<Range> {
    let own = text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let (owner, first, count) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let is_own = Some(owner) == name || owner.parse() == Ok(uid);
        (is_own && count > 0).then_some(Range { first, count })
    });
    own.reduce(|best, next| if next.count > best.count { next } else { best })
}

fn user_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// A program that has rights of its own: without them it can map nothing.
fn program(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| {
        let is_setuid = |m: std::fs::Metadata| m.is_file() && m.permissions().mode() & 0o4000 != 0;
        let mut capability = [0; 64];
        std::fs::metadata(path).is_ok_and(is_setuid)
            || rustix::fs::getxattr(path, "security.capability", &mut capability).is_ok()
    })
}

#[cfg(test)]
mod tests;
