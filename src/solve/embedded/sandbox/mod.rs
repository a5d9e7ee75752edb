//! Sandboxes: where the commands of exec operations run.
//!
//! [`Native`] is the sandbox of this machine. Three processes work for a step: the engine in whose thread
//! [`run`](Sandbox::run) is called; a worker, which is kiln in a user namespace of its own; and an init, which is kiln as the
//! first process of the step's namespaces and starts the command. Each dies with the one before.
//!
//! Starting a process takes longer than many a step. So a worker serves one step after another, and it has an init ready
//! before it is needed; an init serves one step alone.

pub(in crate::solve) mod agent;
mod capabilities;
mod cgroup;
mod channel;
mod disk;
mod forbidden;
mod helper;
mod ids;
mod init;
mod inits;
mod job;
mod keeper;
mod kernel_files;
mod layer;
mod layers;
mod lifeline;
mod namespaces;
mod native;
mod private_files;
mod program;
mod pump;
mod scratch;
mod seccomp;
mod step;
mod subordinate;
mod terminal;
mod view;
mod within;
mod worker;
mod workers;

pub use native::Native;

use crate::llb::exec::{Limits, Network};
use crate::oci::{Digest, Platform};
use crate::store::{Store, StoreError};
use crate::tree::{Change, TreePath};
use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The first argument of kiln as a worker.
const WORKER: &str = "sandbox-worker";

/// The first argument of kiln as an init.
const INIT: &str = "sandbox-init";

/// Does the work of a helper process of [`Native`] where `argument`, the first of this process, says that it is one; none
/// where it does not. Called before anything else, while there is one thread.
pub fn helper_process(argument: &std::ffi::OsStr) -> Option<u8> {
    let run: fn(channel::Channel) -> std::io::Result<()> = match argument.to_str() {
        Some(WORKER) => worker::run,
        Some(INIT) => init::run,
        _ => return None,
    };
    // Whoever started it hears of a failure by the end of the conversation.
    let result = channel::Channel::of_stdin().and_then(run);
    Some(if result.is_ok() { 0 } else { 1 })
}

/// Runs commands in file systems that are made of trees.
///
/// An implementation leaves nothing of a step behind when it returns: no process, no mount, no file outside of the store.
/// Processes that help it end when it is dropped.
pub trait Sandbox: Send + Sync {
    /// A command will run soon: what that takes can be begun. It need not come.
    fn prepare(&self, _store: &Store) {}

    /// This image of the store, which is named by its manifest, is unpacked, and a command for this platform will begin with
    /// it: what that takes elsewhere can be begun. It need not come.
    fn foresee(&self, _manifest: &Digest, _platform: &Platform, _store: &Store) {}

    /// Runs one command and waits for it.
    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError>;

    /// Whether its steps have one id alone, so that they cannot change owners and no permissions hold between users.
    fn has_one_id(&self) -> bool {
        false
    }
}

/// A command with all that it runs in; names are resolved, and trees are in the store.
#[derive(Debug)]
pub struct Step {
    /// How people call it.
    pub name: String,
    /// What it is built for: the machine that runs it is to be one of these.
    pub platform: Platform,
    /// The program and its arguments; not empty.
    pub args: Vec<String>,
    /// Environment variables in the order in which they are set; there are no others.
    pub env: Vec<(String, EnvValue)>,
    /// Where it starts; absolute. Made where it is missing, owned by the user.
    pub cwd: String,
    /// Who runs it.
    pub user: User,
    /// The name of the machine that it sees.
    pub hostname: String,
    /// Further names of hosts with their addresses.
    pub hosts: Vec<(String, String)>,
    /// What it reaches over the network.
    pub network: Network,
    /// What it may use.
    pub limits: Limits,
    /// What it sees as files: the root is the first, the others follow in the order in which they are mounted.
    pub mounts: Vec<Mount>,
    /// It talks to the terminal of whoever calls, and nothing of it is captured.
    pub interactive: bool,
}

/// The value of an environment variable.
#[derive(Debug)]
pub enum EnvValue {
    /// One that everybody may see.
    Plain(String),
    /// One that nobody may see.
    Secret(SecretSlice<u8>),
}

/// Who runs a command, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
}

/// Something that a command sees as files.
#[derive(Debug)]
pub struct Mount {
    /// Where: absolute; `/` for the root.
    pub target: String,
    /// What.
    pub kind: MountKind,
}

/// What can be mounted.
#[derive(Debug)]
pub enum MountKind {
    /// A tree, or a part of it.
    Tree {
        /// The tree.
        tree: TreeRef,
        /// The part of it; the root for all of it. Links are followed inside of the tree.
        selector: TreePath,
        /// May it be changed; what was changed is told then.
        writable: bool,
        /// The paths whose changes are enough to tell, where not all are needed.
        part: Option<BTreeSet<TreePath>>,
    },
    /// A folder that outlives the step, made where it is missing.
    Folder {
        /// Where it is on this machine.
        path: PathBuf,
    },
    /// A folder in memory.
    Tmpfs {
        /// Its size in bytes; the sandbox's own bound for none.
        size: Option<u64>,
    },
    /// A file that is never on a disk.
    Secret {
        /// What it holds.
        content: SecretSlice<u8>,
        /// Owner and group.
        owner: (u32, u32),
        /// Permission bits.
        mode: u16,
    },
    /// An ssh agent of this machine, behind a socket of kiln's own.
    Agent {
        /// Where it is.
        path: PathBuf,
        /// Owner and group.
        owner: (u32, u32),
        /// Permission bits.
        mode: u16,
    },
}

/// A tree in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRef {
    /// The tree, as the store names it.
    pub tree: Digest,
    /// Trees that it was made of, nearest first: what stands on disk for one of them need not be written again.
    /// Never changes what a command sees.
    pub history: Vec<Digest>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: Status,
    /// For each mount what the command changed in its tree, relative to the tree's root also where a part of it was
    /// mounted; none for what could not be changed or is not told. Times later than the step's beginning are no times: they are the build's.
    pub changes: Vec<Option<Change>>,
    /// Changes are left out that were not needed.
    pub is_part: bool,
    /// What was asked for and could not be done, in words.
    pub warnings: Vec<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// It used more than it may.
    Exceeded(Limit),
    /// Somebody cancelled the build.
    Cancelled,
}

/// What a command can use too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// Memory.
    Memory,
    /// Disk.
    Disk,
    /// Time.
    Time,
}

/// Where a command writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Hears what a command writes.
pub trait Listener: Sync {
    /// Some bytes came; pieces of one stream come in order.
    fn output(&self, stream: Stream, bytes: &[u8]);
    /// Whether the command should end now; asked several times a second.
    fn is_cancelled(&self) -> bool;
}

/// Hears nothing and wants nothing.
struct Deaf;

impl Listener for Deaf {
    fn output(&self, _: Stream, _: &[u8]) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine forbids what a sandbox is made of.
    #[error("this machine forbids {what}: {source}; {advice}")]
    Forbidden {
        /// What.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
        /// How it can be allowed, and what works without.
        advice: String,
    },
    /// The program is not there or cannot be executed.
    #[error("cannot execute `{program}`: {reason}")]
    Program {
        /// The program.
        program: String,
        /// Why not.
        reason: String,
    },
    /// The command left a secret behind; nothing of that was kept.
    #[error(
        "the command leaves the value of the secret {secret} in {path}: let it remove that, or give the secret as a file in \
         that place, which is in memory alone"
    )]
    Leaked {
        /// The variable or the file by which the command knows it.
        secret: String,
        /// Where it stands: a file; or a folder, where it is in a name or in a link there. From the root of the tree.
        path: String,
    },
    /// A step of the preparation failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was attempted.
        action: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A daemon that runs commands cannot be reached, or does not do what it should.
    #[error("the BuildKit daemon at {address}: {reason}")]
    Daemon {
        /// Where it is.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The helper process ended without an answer.
    #[error("the sandbox ended unexpectedly: {0}")]
    Lost(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tree cannot be read, made or captured.
    #[error("{0}")]
    Tree(String),
}
