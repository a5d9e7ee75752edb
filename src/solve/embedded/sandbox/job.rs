//! What the processes of a sandbox tell each other.
//!
//! The engine starts a *worker*, which has an own user namespace and works on files in it, job after job; for each step the
//! worker has an *init*, which is the first process of the step's own namespaces and starts the command. Paths of the store
//! are relative: it is the working folder of both. Secrets and open files travel beside these messages (see
//! [`channel`](super::channel)); here they are numbers.
//!
//! A worker tells first that it is [`Reply::Unshared`], and is sent its filters when it has its ids. Then jobs come, and the last
//! reply to each is any but [`Reply::Started`] and [`Reply::Terminal`]. It ends when there is nobody to send jobs any more, or
//! after [`Reply::Failed`].

use super::forbidden::Forbidden;
use super::seccomp::Filter;
use super::{Status, User};
use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// What a worker is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Job {
    /// To run a command.
    Step(Box<StepJob>),
    /// To make a layer.
    Layer(LayerJob),
    /// To remove folders of the store, with all that is in them.
    Remove(Vec<String>),
}

/// A command with all that it runs in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StepJob {
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, Value)>,
    pub(super) cwd: String,
    pub(super) user: User,
    pub(super) hostname: String,
    pub(super) hosts: Vec<(String, String)>,
    pub(super) host_network: bool,
    pub(super) mounts: Vec<MountJob>,
    /// A new folder of the store for this step alone.
    pub(super) scratch: String,
    pub(super) owners: Owners,
    /// How many secrets follow.
    pub(super) secrets: usize,
    /// It is to make a terminal for the command, and to send the other end of it.
    pub(super) terminal: bool,
    /// Nothing of what it changes is wanted.
    pub(super) forget: bool,
    /// Bytes that it may add to the disk.
    pub(super) disk: Option<u64>,
    /// Processes and threads that it may have, where no control group counts them.
    pub(super) processes: Option<u64>,
    /// It is to wait until it is in its control groups.
    pub(super) waits: bool,
}

impl StepJob {
    /// The trees among the mounts, with their numbers.
    pub(super) fn trees(&self) -> impl Iterator<Item = (usize, &TreeJob)> {
        self.mounts.iter().enumerate().filter_map(|(number, mount)| Some((number, mount.tree()?)))
    }
}

/// What an init is told before there is a step for it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ahead {
    /// Its step has the machine's network.
    pub(super) host_network: bool,
    /// What restricts its step.
    pub(super) filter: Filter,
}

/// The value of an environment variable.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Value {
    Plain(String),
    Secret(usize),
}

/// Something that a command sees as files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MountJob {
    pub(super) target: String,
    pub(super) kind: MountKindJob,
}

impl MountJob {
    /// The tree, if it is one.
    pub(super) fn tree(&self) -> Option<&TreeJob> {
        match &self.kind {
            MountKindJob::Tree(tree) => Some(tree),
            _ => None,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum MountKindJob {
    Tree(TreeJob),
    Folder {
        path: PathBuf,
    },
    Tmpfs {
        size: Option<u64>,
    },
    Secret {
        number: usize,
        owner: (u32, u32),
        mode: u16,
    },
    /// A socket in the step's folder, of this name.
    Agent {
        name: String,
        owner: (u32, u32),
        mode: u16,
    },
}

/// A tree that a command sees.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TreeJob {
    pub(super) tree: Digest,
    /// Its layers, the lowest first; none where a copy of the tree is to be made.
    pub(super) layers: Option<Vec<String>>,
    pub(super) selector: Vec<u8>,
    pub(super) writable: bool,
    /// The folder of the store in which layers stand.
    pub(super) folder: String,
}

/// A layer that is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LayerJob {
    /// A tree that it may be laid over, and where it is put then.
    pub(super) base: Option<(Digest, String)>,
    pub(super) tree: Digest,
    /// Where it is put when it is the whole tree.
    pub(super) target: String,
    pub(super) owners: Owners,
    /// A new folder of the store to make it in.
    pub(super) scratch: String,
}

/// Whose files are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Owners {
    /// Those that the tree says: several ids are mapped.
    Mapped,
    /// The user who runs kiln: no other id is mapped.
    Single,
}

/// What a worker tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It has a user namespace and waits for its ids.
    Unshared,
    /// It has an init for the step, whose pidfd comes beside this, and which waits for its control groups if it is to.
    Started { pid: u32 },
    /// The step made its terminal; the other end comes beside this.
    Terminal,
    /// The step ended. The worker removes its folder, and no failure of that is told.
    Ended(EndedJob),
    /// The layer is made.
    Layer { is_over_base: bool },
    /// The folders are gone.
    Removed,
    /// It could not be done.
    Failed(Failure),
}

/// How a step ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndedJob {
    pub(super) status: Status,
    /// For each mount what was changed.
    pub(super) changes: Vec<Option<ChangeJob>>,
}

/// A change whose entries are in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangeJob {
    pub(super) entries: Digest,
    pub(super) removed: Vec<Vec<u8>>,
    pub(super) opaque: Vec<Vec<u8>>,
    /// The tree that it makes of the one below, and whether the folder that it came from is a layer now, under the name
    /// that was offered.
    pub(super) tree: Digest,
    pub(super) kept: Option<String>,
}

/// What an init tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// It has left the worker's user namespace and waits for its one id.
    Unshared,
    /// All is mounted, the command is about to start; beside this comes the other end of its terminal, where it has one.
    Prepared { stubs: Vec<Stub> },
    /// The command ended.
    Ended(Status),
    /// It could not be started.
    Failed(Failure),
}

/// Something that was made in a tree so that something else could be mounted there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stub {
    /// The number of the mount whose tree it is in.
    pub(super) mount: usize,
    /// Where, from the tree's root.
    pub(super) path: PathBuf,
    /// The time of modification that the folder above had, in seconds and nanoseconds.
    pub(super) above: (i64, u64),
}

/// Why something could not be done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    /// The machine forbids it.
    Forbidden { what: Forbidden, errno: i32 },
    /// The command cannot be executed.
    Program { program: String, reason: String },
    /// The file system of the store cannot be the upper layer of an overlay, or overlays are not to be had.
    NoOverlay { errno: i32 },
    /// Content is missing in the store, or was damaged.
    Lost { content: Digest, damaged: bool },
    /// The step left a secret in a file, or in a name or a link in this folder.
    Leak { path: PathBuf, secret: String },
    /// A tree cannot be read, made or captured.
    Tree(String),
    /// A step of the work failed.
    Io { action: String, errno: Option<i32>, message: String },
}

impl Failure {
    /// A step of the work failed: for use in `map_err`.
    pub(super) fn io<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> Failure {
        let action = action.into();
        move |error| {
            let error = error.into();
            Failure::Io { action, errno: error.raw_os_error(), message: error.to_string() }
        }
    }

    /// Something is wrong with a tree: for use in `map_err`.
    pub(super) fn tree(error: impl ToString) -> Failure {
        Failure::Tree(error.to_string())
    }

    /// The machine may forbid it: for use in `map_err`.
    pub(super) fn forbidden(what: Forbidden) -> impl FnOnce(rustix::io::Errno) -> Failure {
        move |errno| Failure::Forbidden { what, errno: errno.raw_os_error() }
    }
}
