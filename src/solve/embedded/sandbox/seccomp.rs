//! Which system calls a step may make.
//!
//! Three filters lie over one another, and the strictest answer counts. One allows what programs use and answers all else,
//! also what the kernel will learn in future, as an old kernel does: with `ENOSYS`, which programs know how to work around.
//! One refuses, with `EPERM`, what would reach out of the sandbox, or into parts of the kernel that no build needs and many
//! exploits have used. One answers for sockets of such families as the kernel does that lacks them: with `EAFNOSUPPORT`.

mod calls;

use super::SandboxError;
use super::job::Failure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::io::Errno;
use seccompiler::{BpfProgram, TargetArch, sock_filter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;

/// The filters in the kernel's form, for the machine that they were made on.
///
/// They are made once, by the engine: each step has the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Filters {
    /// Those that a worker lays on itself, and so on all its processes: it and its inits make no other calls than these
    /// allow. What a process is born with costs a step nothing, and these are large.
    pub(super) of_worker: Filter,
    /// That of the step's own processes: it refuses what a worker and its inits need.
    pub(super) of_step: Filter,
}

/// Restrictions that lie over those that a process has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Filter(Vec<String>);

impl Filters {
    pub(super) fn new() -> Result<Self, SandboxError> {
        let fail = |error: String| SandboxError::Io {
            action: "make the filters of system calls".to_owned(),
            source: io::Error::other(error),
        };
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| fail(e.to_string()))?;
        let filter = |rules: Vec<Value>| {
            let programs = rules.into_iter().map(|rule| Ok(encode(&program(&rule, arch)?))).collect::<Result<_, _>>();
            programs.map(Filter).map_err(|e: seccompiler::Error| fail(e.to_string()))
        };
        Ok(Filters { of_worker: filter(vec![allowed(arch), sockets()])?, of_step: filter(vec![refused(arch)])? })
    }
}

impl Filter {
    /// Restricts this thread, and all that it starts, for good; setuid programs run without their rights from now on.
    pub(super) fn restrict(&self) -> Result<(), Failure> {
        let fail = |error: String| Failure::io("restrict system calls")(io::Error::other(error));
        for program in &self.0 {
            let program = decode(program).ok_or_else(|| fail("a filter is damaged".to_owned()))?;
            seccompiler::apply_filter(&program).map_err(|e| fail(e.to_string()))?;
        }
        Ok(())
    }
}

/// An instruction has eight bytes: what it does, two jumps, a number.
fn encode(program: &BpfProgram) -> String {
    let bytes = program.iter().flat_map(|step| {
        let ([a, b], [c, d, e, f]) = (step.code.to_le_bytes(), step.k.to_le_bytes());
        [a, b, step.jt, step.jf, c, d, e, f]
    });
    STANDARD.encode(bytes.collect::<Vec<u8>>())
}

fn decode(text: &str) -> Option<BpfProgram> {
    let bytes = STANDARD.decode(text).ok()?;
    let (steps, rest) = bytes.as_chunks::<8>();
    let step = |&[a, b, jt, jf, c, d, e, f]: &[u8; 8]| sock_filter {
        code: u16::from_le_bytes([a, b]),
        jt,
        jf,
        k: u32::from_le_bytes([c, d, e, f]),
    };
    rest.is_empty().then(|| steps.iter().map(step).collect())
}

/// One filter. What one of them refuses all others allow, so their order does not matter.
fn program(filter: &Value, arch: TargetArch) -> Result<BpfProgram, seccompiler::Error> {
    let named = json!({ "filter": filter });
    let mut programs = seccompiler::compile_from_json(named.to_string().as_bytes(), arch)?;
    Ok(programs.remove("filter").unwrap_or_default())
}

/// Calls that match one of the rules have one answer, and all others another.
fn filter(others: impl Into<Value>, matching: impl Into<Value>, rules: Vec<Value>) -> Value {
    json!({ "mismatch_action": others.into(), "match_action": matching.into(), "filter": rules })
}

fn errno(errno: Errno) -> Value {
    json!({ "errno": errno.raw_os_error() })
}

fn call(name: &str) -> Value {
    json!({ "syscall": name })
}

/// A call whose arguments meet all conditions.
fn call_with(name: &str, conditions: Vec<Value>) -> Value {
    json!({ "syscall": name, "args": conditions })
}

/// A condition on the lower half of an argument: the kernel looks at no more of those that are meant here.
fn argument(index: u8, operator: impl Into<Value>, value: u32) -> Value {
    json!({ "index": index, "type": "dword", "op": operator.into(), "val": value })
}

fn masked(index: u8, mask: u32, value: u32) -> Value {
    argument(index, json!({ "masked_eq": mask }), value)
}

fn allowed(arch: TargetArch) -> Value {
    let own = match arch {
        TargetArch::x86_64 => calls::ALLOWED_X86_64,
        _ => &[],
    };
    let used = calls::ALLOWED.iter().chain(own).copied();
    filter(errno(Errno::NOSYS), "allow", used.chain(calls::refused(arch)).map(call).collect())
}

/// All but local sockets, internet protocols, and the netlink protocol that lists interfaces and addresses.
fn sockets() -> Value {
    const UNIX: u32 = 1;
    const INET: u32 = 2;
    const INET6: u32 = 10;
    const NETLINK: u32 = 16;
    const NETLINK_ROUTE: u32 = 0;
    let other = [UNIX, INET, INET6, NETLINK].map(|family| argument(0, "ne", family));
    let rules = ["socket", "socketpair"].into_iter().flat_map(|name| {
        let netlink = vec![argument(0, "eq", NETLINK), argument(2, "ne", NETLINK_ROUTE)];
        [call_with(name, other.to_vec()), call_with(name, netlink)]
    });
    filter("allow", errno(Errno::AFNOSUPPORT), rules.collect())
}

fn refused(arch: TargetArch) -> Value {
    /// `CLONE_NEW…`: mount, control group, UTS, IPC, user, process and network namespaces.
    const NAMESPACES: [u32; 7] =
        [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    /// `TIOCSTI` and `TIOCLINUX`, by which one types on another's terminal.
    const TYPING: [u32; 2] = [0x5412, 0x541c];
    const FILE_TYPE: u32 = 0o170_000;
    const CHARACTER_DEVICE: u32 = 0o020_000;
    const BLOCK_DEVICE: u32 = 0o060_000;
    /// `PER_LINUX` and `PER_LINUX32`, with `UNAME26` and `ADDR_NO_RANDOMIZE`, and the question which one it is.
    const PERSONALITIES: [u32; 9] = [0, 0x8, 0x2_0000, 0x2_0008, 0x4_0000, 0x4_0008, 0x6_0000, 0x6_0008, 0xffff_ffff];

    let mut rules: Vec<Value> = calls::refused(arch).map(call).collect();
    rules.extend(NAMESPACES.map(|flag| call_with("clone", vec![masked(0, flag, flag)])));
    rules.extend(TYPING.map(|request| call_with("ioctl", vec![argument(1, "eq", request)])));
    rules.push(call_with("personality", PERSONALITIES.map(|known| argument(0, "ne", known)).to_vec()));
    for kind in [CHARACTER_DEVICE, BLOCK_DEVICE] {
        rules.push(call_with("mknodat", vec![masked(2, FILE_TYPE, kind)]));
        if arch == TargetArch::x86_64 {
            rules.push(call_with("mknod", vec![masked(1, FILE_TYPE, kind)]));
        }
    }
    filter("allow", errno(Errno::PERM), rules)
}

#[cfg(test)]
mod tests;
