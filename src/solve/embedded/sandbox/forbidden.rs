//! What a machine can forbid, and how it is allowed.

use super::SandboxError;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// What a sandbox is made of and a machine can forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Forbidden {
    /// A user namespace.
    UserNamespace,
    /// Mapping user and group ids into it.
    Ids,
    /// The other namespaces.
    Namespaces,
    /// Mounting in it.
    Mounts,
    /// A `/proc` of its own.
    Proc,
}

/// A switch of the kernel, the value that forbids user namespaces, and how it is turned.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor restricts user namespaces here (as Ubuntu does since 23.10): allow them with \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or give kiln an AppArmor profile with `userns,`",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are turned off here: allow them with `sysctl kernel.unprivileged_userns_clone=1`",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "this machine allows no user namespaces: allow some with `sysctl user.max_user_namespaces=15000`",
    ),
];

const IN_A_CONTAINER: &str = "in a container, start it with `--privileged`, or with `--security-opt seccomp=unconfined \
    --security-opt apparmor=unconfined --security-opt systempaths=unconfined`";

const WITHOUT: &str = "specs without `run` steps, and `--engine buildkit:…`, need none of this";

impl Forbidden {
    fn what(self) -> &'static str {
        match self {
            Forbidden::UserNamespace => "user namespaces",
            Forbidden::Ids => "ids in user namespaces",
            Forbidden::Namespaces => "namespaces",
            Forbidden::Mounts => "mounts in user namespaces",
            Forbidden::Proc => "a new /proc in user namespaces",
        }
    }

    /// The error that says so, with the switch that is to blame where one can be found.
    pub(super) fn error(self, errno: Errno) -> SandboxError {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        SandboxError::Forbidden { what: self.what(), source: errno.into(), advice: self.advice(read) }
    }

    fn advice(self, read: impl Fn(&str) -> Option<String>) -> String {
        let is_set = |(path, value, _): &&(&str, &str, &str)| read(path).is_some_and(|found| found.trim() == *value);
        let switch = SWITCHES.iter().find(is_set).map(|(_, _, advice)| *advice);
        let hidden = "parts of /proc are hidden here, and then the kernel allows no other; in a container, \
                      start it with `--privileged` or `--security-opt systempaths=unconfined`";
        let advice = match (self, switch) {
            (Forbidden::Proc, _) => hidden,
            (_, Some(switch)) => switch,
            (_, None) => IN_A_CONTAINER,
        };
        format!("{advice}; {WITHOUT}")
    }
}

#[cfg(test)]
mod tests;
