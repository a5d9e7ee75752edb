//! Exec operations: a command that runs in a file system made of trees.
//!
//! Each type mirrors the message of the same name, with the defaults that BuildKit's client writes where nothing is
//! asked for. What only bounds a step, and so never changes its result, is no part of the operation: see [`Limits`].

use super::Output;
use serde::{Deserialize, Serialize};

/// A command with all that it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The root file system; the empty tree where there is none.
    pub root: Option<Output>,
    /// The command must not change the root file system, and there is no output for it.
    pub readonly_root: bool,
    /// The program and its arguments; not empty.
    pub args: Vec<String>,
    /// Environment variables as `NAME=value`, in the order in which they are set.
    pub env: Vec<String>,
    /// Where the command starts; absolute.
    pub cwd: String,
    /// Who runs it, as `user`, `user:group`, by name or number; root where empty.
    pub user: String,
    /// The name of the machine that it sees.
    pub hostname: String,
    /// Further names of hosts with their addresses.
    pub hosts: Vec<(String, String)>,
    /// Exit codes that mean success; 0 alone where there are none.
    pub valid_exit_codes: Vec<i32>,
    /// What it reaches over the network.
    pub network: Network,
    /// What is mounted besides the root, in this order.
    pub mounts: Vec<Mount>,
    /// Secrets in environment variables.
    pub secret_env: Vec<SecretEnv>,
    /// Bounds that never change a result.
    pub limits: Limits,
}

/// What a step reaches over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing but itself.
    #[default]
    None,
    /// All that the machine reaches.
    Host,
}

/// Something mounted for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where; absolute.
    pub target: String,
    /// What.
    pub kind: MountKind,
}

/// What can be mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A tree, or a part of it.
    Tree {
        /// The tree; the empty one where there is none.
        from: Option<Output>,
        /// The part of it: a path in it, `/` for all of it.
        selector: String,
        /// The command may change it, and what it leaves is an output of the vertex.
        writable: bool,
    },
    /// A folder that outlives the step and is no part of any result.
    Cache {
        /// Names it.
        id: String,
        /// Who may use it at the same time.
        sharing: Sharing,
    },
    /// A folder in memory.
    Tmpfs {
        /// Its size in bytes; 0 where nothing is said.
        size: u64,
    },
    /// A secret as a file.
    Secret {
        /// Names it.
        id: String,
        /// Owner and group.
        owner: (u32, u32),
        /// Permission bits.
        mode: u16,
        /// Without it the step runs all the same.
        optional: bool,
    },
    /// A socket to an ssh agent.
    Ssh {
        /// Names the agent.
        id: String,
        /// Owner and group.
        owner: (u32, u32),
        /// Permission bits.
        mode: u16,
        /// Without it the step runs all the same.
        optional: bool,
    },
}

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Several steps together.
    #[default]
    Shared,
    /// Each step its own: one that is in use is passed over.
    Private,
    /// One step after the other.
    Locked,
}

/// A secret in an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEnv {
    /// Names the secret.
    pub id: String,
    /// The variable.
    pub name: String,
    /// Without it the step runs all the same.
    pub optional: bool,
}

/// Bounds of a step. They stop a step that goes too far and change nothing in one that does not, so they stand in a
/// vertex's description, under [`LIMITS`], and not in its operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Thousandths of a processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Bytes that it may add to the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
}

impl Limits {
    /// Whether nothing is bounded.
    pub fn is_empty(&self) -> bool {
        *self == Limits::default()
    }
}

/// The time that commands are told it is, and that files have which have none of their own: 1980-01-01, the earliest
/// that every format of archives can hold.
pub const STEP_EPOCH: i64 = 315_532_800;

/// Key of the description that holds a step's [`Limits`] as JSON.
pub const LIMITS: &str = "kiln.limits";

/// The outputs of an exec operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutputs {
    /// The root file system after it; none where it was read-only.
    pub root: Option<Output>,
    /// For each of the operation's mounts what the command left in it; none for those that have no output.
    pub mounts: Vec<Option<Output>>,
}
