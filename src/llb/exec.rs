//! Exec operations: a command that runs in a file system made of trees.
//!
//! Each type mirrors the message of the same name, with the defaults that BuildKit's client writes where nothing is
//! asked for. What only bounds a step, and so never changes its result, is no part of the operation: see [`Limits`].

use super::builder::Inputs;
use super::{Output, pb};
use crate::oci::Digest;
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// Whether what a command leaves in a mount is an output of the vertex. Of secrets, agents, caches and folders in
/// memory it never is, whatever number they carry.
pub fn is_output(mount: &pb::Mount) -> bool {
    mount.mount_type() == pb::MountType::Bind && mount.output >= 0
}

/// The outputs of an exec operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutputs {
    /// The root file system after it; none where it was read-only.
    pub root: Option<Output>,
    /// For each of the operation's mounts what the command left in it; none for those that have no output.
    pub mounts: Vec<Option<Output>>,
}

impl ExecOutputs {
    /// The outputs that have these numbers at `vertex`.
    pub(super) fn of(vertex: Digest, numbers: Numbers) -> Self {
        let output = |number: Option<u32>| number.map(|index| Output { vertex, index });
        ExecOutputs { root: output(numbers.root), mounts: numbers.mounts.into_iter().map(output).collect() }
    }
}

/// Which outputs the root and the mounts of an operation are.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    root: Option<u32>,
    mounts: Vec<Option<u32>>,
}

impl Exec {
    /// A command in `root`, as root and in `/`, with nothing that need not be.
    pub fn new<'w>(root: Option<Output>, args: impl IntoIterator<Item = &'w str>) -> Self {
        Exec {
            root,
            readonly_root: false,
            args: args.into_iter().map(str::to_owned).collect(),
            env: Vec::new(),
            cwd: "/".to_owned(),
            user: String::new(),
            hostname: String::new(),
            hosts: Vec::new(),
            valid_exit_codes: Vec::new(),
            network: Network::None,
            mounts: Vec::new(),
            secret_env: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The message, in the order of BuildKit's client: what has a place in the file system by its target, so that the
    /// root comes first, then secrets, then agents. `inputs` numbers the trees, and outputs are numbered as they come.
    pub(super) fn to_pb(&self, inputs: &mut Inputs) -> (pb::ExecOp, Numbers) {
        let mut places: Vec<(&str, Option<usize>)> = vec![("/", None)];
        places.extend(self.mounts.iter().enumerate().map(|(i, mount)| (mount.target.as_str(), Some(i))));
        let rank = |at: &Option<usize>| at.map_or(0, |i| self.mounts[i].kind.rank());
        places.sort_by(|(a, i), (b, j)| {
            let by_target = if rank(i) == 0 && rank(j) == 0 { a.cmp(b) } else { std::cmp::Ordering::Equal };
            rank(i).cmp(&rank(j)).then(by_target)
        });

        let mut numbers = Numbers { root: None, mounts: vec![None; self.mounts.len()] };
        let mut next = 0..;
        let mut mounts = Vec::with_capacity(places.len());
        for (target, at) in places {
            let whole = "/".to_owned();
            let root = MountKind::Tree { from: self.root, selector: whole, writable: !self.readonly_root };
            let kind = at.map_or(&root, |i| &self.mounts[i].kind);
            let number = if matches!(kind, MountKind::Tree { writable: true, .. }) { next.next() } else { None };
            *at.map_or(&mut numbers.root, |i| &mut numbers.mounts[i]) = number;
            mounts.push(kind.to_pb(target, number, inputs));
        }
        let secret_env = |secret: &SecretEnv| pb::SecretEnv {
            id: secret.id.clone(),
            name: secret.name.clone(),
            optional: secret.optional,
        };
        let op = pb::ExecOp {
            meta: Some(self.meta()),
            mounts,
            network: match self.network {
                Network::None => pb::NetMode::None,
                Network::Host => pb::NetMode::Host,
            }
            .into(),
            secretenv: self.secret_env.iter().map(secret_env).collect(),
            ..pb::ExecOp::default()
        };
        (op, numbers)
    }

    fn meta(&self) -> pb::Meta {
        let host = |(name, address): &(String, String)| pb::HostIp { host: name.clone(), ip: address.clone() };
        let agent = self.mounts.iter().find(|mount| matches!(mount.kind, MountKind::Ssh { .. }));
        let is_told = self.env.iter().any(|variable| variable.starts_with("SSH_AUTH_SOCK="));
        let socket = agent.filter(|_| !is_told).map(|mount| format!("SSH_AUTH_SOCK={}", mount.target));
        pb::Meta {
            args: self.args.clone(),
            env: self.env.iter().cloned().chain(socket).collect(),
            cwd: self.cwd.clone(),
            user: self.user.clone(),
            extra_hosts: self.hosts.iter().map(host).collect(),
            hostname: self.hostname.clone(),
            remove_mount_stubs_recursive: true,
            valid_exit_codes: self.valid_exit_codes.clone(),
            ..pb::Meta::default()
        }
    }
}

impl MountKind {
    /// What stands before what in the message; within the first rank, targets decide.
    fn rank(&self) -> u8 {
        match self {
            MountKind::Tree { .. } | MountKind::Cache { .. } | MountKind::Tmpfs { .. } => 0,
            MountKind::Secret { .. } => 1,
            MountKind::Ssh { .. } => 2,
        }
    }

    fn to_pb(&self, target: &str, output: Option<u32>, inputs: &mut Inputs) -> pb::Mount {
        let mut mount = pb::Mount {
            input: -1,
            dest: target.to_owned(),
            output: output.map_or(-1, i64::from),
            ..pb::Mount::default()
        };
        match self {
            MountKind::Tree { from, selector, writable } => {
                mount.input = inputs.index(*from);
                mount.readonly = !writable;
                if selector != "/" {
                    mount.selector.clone_from(selector);
                }
            }
            MountKind::Cache { id, sharing } => {
                mount.set_mount_type(pb::MountType::Cache);
                let sharing = match sharing {
                    Sharing::Shared => pb::CacheSharingOpt::Shared,
                    Sharing::Private => pb::CacheSharingOpt::Private,
                    Sharing::Locked => pb::CacheSharingOpt::Locked,
                };
                mount.cache_opt = Some(pb::CacheOpt { id: id.clone(), sharing: sharing.into() });
            }
            MountKind::Tmpfs { size } => {
                mount.set_mount_type(pb::MountType::Tmpfs);
                mount.tmpfs_opt = Some(pb::TmpfsOpt { size: i64::try_from(*size).unwrap_or(i64::MAX) });
            }
            // The client leaves the output of these two at 0, which means nothing: they never have one.
            MountKind::Secret { id, owner: (uid, gid), mode, optional } => {
                mount.output = 0;
                mount.set_mount_type(pb::MountType::Secret);
                let (id, mode) = (id.clone(), u32::from(*mode));
                mount.secret_opt = Some(pb::SecretOpt { id, uid: *uid, gid: *gid, mode, optional: *optional });
            }
            MountKind::Ssh { id, owner: (uid, gid), mode, optional } => {
                mount.output = 0;
                mount.set_mount_type(pb::MountType::Ssh);
                let (id, mode) = (id.clone(), u32::from(*mode));
                mount.ssh_opt = Some(pb::SshOpt { id, uid: *uid, gid: *gid, mode, optional: *optional });
            }
        }
        mount
    }
}
