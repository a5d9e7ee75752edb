//! What goes to the processes of a sandbox and what comes back: each a JSON document, or a frame.
//!
//! The parent trusts none of it more than a program that ran beside hostile code deserves: sizes are bounded, digests
//! are checked by whoever reads what they name.

use super::{Limit, Status};
use crate::llb::exec::Limits;
use crate::oci::Digest;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// The first argument of a process that works for a sandbox outside of its file system.
pub(super) const WORKER: &str = "sandbox-worker";

/// The first argument of the process that starts the sandbox's first.
pub(super) const STARTER: &str = "sandbox-starter";

/// The first argument of the sandbox's first process.
pub(super) const INIT: &str = "sandbox-init";

/// The most bytes of a document.
const MAX_DOCUMENT: u64 = 256 << 20;

/// The most bytes of a frame.
const MAX_FRAME: usize = 64 << 20;

/// What a worker has to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The store's folder.
    pub store: PathBuf,
    /// A folder of its own in the store, empty.
    pub scratch: PathBuf,
    /// Whether users have numbers of their own, or all are one.
    pub mapped: bool,
    /// Whether the kernel's overlays may be used.
    pub overlay: bool,
    pub process: Process,
    pub mounts: Vec<Mount>,
    /// The hosts that it knows, and how names are resolved: the texts of files.
    pub files: Vec<(String, String)>,
}

/// The command as a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Process {
    pub args: Vec<String>,
    pub env: Vec<(String, Vec<u8>)>,
    pub cwd: String,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub hostname: String,
    pub host_network: bool,
    pub interactive: bool,
    pub mapped: bool,
    pub limits: Limits,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mount {
    pub target: String,
    pub kind: MountKind,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum MountKind {
    Tree { tree: Digest, history: Vec<Digest>, selector: Vec<u8>, writable: bool },
    Folder { path: PathBuf },
    Tmpfs { size: Option<u64> },
    Secret { content: Vec<u8>, owner: (u32, u32), mode: u16 },
    Socket { path: PathBuf },
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The command ended.
    Ended {
        exit: Exit,
        /// For each mount the change.
        changes: Vec<Option<Captured>>,
        warnings: Vec<String>,
    },
    /// It could not be run.
    Failed(Failed),
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
}

impl From<Exit> for Status {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Status::Exited(code),
            Exit::Signal(signal) => Status::Signalled(signal),
        }
    }
}

/// A change whose tree is in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Captured {
    pub entries: Digest,
    pub removed: Vec<Vec<u8>>,
    pub opaque: Vec<Vec<u8>>,
}

/// Why a command could not be run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failed {
    /// The machine forbids what a sandbox is made of.
    Forbidden { what: String, errno: i32 },
    /// The program cannot be executed.
    Program { program: String, reason: String },
    /// Something failed on the way.
    Io { action: String, errno: i32 },
    /// Something failed on the way, in words.
    Other(String),
    /// It used too much.
    Exceeded(Exceeded),
}

/// What a command used too much of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Exceeded {
    Memory,
    Disk,
    Time,
}

impl From<Exceeded> for Limit {
    fn from(exceeded: Exceeded) -> Self {
        match exceeded {
            Exceeded::Memory => Limit::Memory,
            Exceeded::Disk => Limit::Disk,
            Exceeded::Time => Limit::Time,
        }
    }
}

impl Failed {
    /// A failed attempt.
    pub(super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Failed {
        let action = action.into();
        move |error| match error.raw_os_error() {
            Some(errno) => Failed::Io { action, errno },
            None => Failed::Other(format!("cannot {action}: {error}")),
        }
    }

    /// The same of a system call.
    pub(super) fn errno(action: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> Failed {
        let action = action.into();
        move |errno| Failed::Io { action, errno: errno.raw_os_error() }
    }
}

/// A piece of what a worker says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// It has a user namespace and waits for its map.
    Unshared,
    /// The sandbox's first process waits for a word to go on.
    Ready(u32),
    /// Some of the command's standard output.
    Out(Vec<u8>),
    /// Some of the command's standard error.
    Err(Vec<u8>),
    /// The [`Answer`], the last frame.
    Answer(Vec<u8>),
}

impl Frame {
    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let number;
        let (kind, body): (u8, &[u8]) = match self {
            Frame::Unshared => (b'U', &[]),
            Frame::Ready(process) => {
                number = process.to_le_bytes();
                (b'R', &number)
            }
            Frame::Out(bytes) => (b'O', bytes),
            Frame::Err(bytes) => (b'E', bytes),
            Frame::Answer(bytes) => (b'A', bytes),
        };
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        output.write_all(&[&[kind][..], &length.to_le_bytes(), body].concat())?;
        output.flush()
    }

    /// The next frame; none where there are no more.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Option<Frame>> {
        let mut head = [0; 5];
        match input.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other("a frame of the sandbox is too large"));
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        match head[0] {
            b'U' => Ok(Some(Frame::Unshared)),
            b'R' => {
                let number = body.try_into().map_err(|_| io::Error::other("a frame of the sandbox is malformed"))?;
                Ok(Some(Frame::Ready(u32::from_le_bytes(number))))
            }
            b'O' => Ok(Some(Frame::Out(body))),
            b'E' => Ok(Some(Frame::Err(body))),
            b'A' => Ok(Some(Frame::Answer(body))),
            _ => Err(io::Error::other("a frame of the sandbox is unknown")),
        }
    }
}

/// Writes a document with its length before it.
pub(super) fn send(output: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec(document).map_err(io::Error::other)?;
    output.write_all(&(bytes.len() as u64).to_le_bytes())?;
    output.write_all(&bytes)?;
    output.flush()
}

/// Reads a document that was [sent](send).
pub(super) fn receive<T: for<'de> Deserialize<'de>>(input: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_DOCUMENT {
        return Err(io::Error::other("a document of the sandbox is too large"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    input.read_exact(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}
