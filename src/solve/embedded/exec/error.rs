//! Why a command has no result.

use super::super::file::FileError;
use super::super::sandbox::{Limit, SandboxError, Status};
use crate::llb::exec::Limits;
use crate::store::StoreError;
use crate::tree::materialise::MaterialiseError;
use crate::tree::{PathError, TreeError, TreePath};
use std::path::PathBuf;

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// It ended, but not with success.
    #[error("{how}: {command}", how = ended(*status, limits))]
    Ended {
        /// How it ended.
        status: Status,
        /// The command on one line, shortened.
        command: String,
        /// What it was allowed to use.
        limits: Limits,
        /// What it wrote.
        written: Written,
    },
    /// There is nothing to run it in.
    #[error("this engine has no sandbox to run commands in")]
    NoSandbox,
    /// A secret is missing.
    #[error(
        "it needs the secret `{0}`, which was not given to this build: give it with `--secret {0}=env:VARIABLE` or `--secret {0}=file:PATH`"
    )]
    NoSecret(String),
    /// A secret is larger than any that is one.
    #[error("the secret `{id}` has more than {limit} bytes, the most that a secret may have")]
    LargeSecret {
        /// The secret.
        id: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A secret that is no text is asked for in the environment.
    #[error("the secret `{0}` has a NUL byte, so no environment variable can hold it: mount it as a file")]
    NulSecret(String),
    /// An agent is missing.
    #[error("it needs the ssh agent `{0}`, which was not given to this build: give it with `--ssh {0}`")]
    NoAgent(String),
    /// Who is to run it is not said in any known way.
    #[error("`{0}` is no user: write a name or a number, and after a colon a group")]
    BadUser(String),
    /// Who is to run it cannot be looked up.
    #[error(transparent)]
    Account(#[from] FileError),
    /// The part of a tree that is to be mounted is not there.
    #[error("{selector} does not exist in what is mounted at {target}")]
    NoSelection {
        /// Which part.
        selector: TreePath,
        /// Where.
        target: String,
    },
    /// A part of a tree that is to be changed or to begin a cache is no directory.
    #[error("{selector} in what is mounted at {target} is a {kind}, and only a directory can be changed")]
    NoDirectory {
        /// Which part.
        selector: TreePath,
        /// Where.
        target: String,
        /// What it is.
        kind: &'static str,
    },
    /// The folder of a cache cannot be had.
    #[error("cannot {action} the cache {}: {source}", path.display())]
    Cache {
        /// What was attempted.
        action: &'static str,
        /// The folder or its lock.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What a cache begins with cannot be written.
    #[error("cannot begin a cache: {0}")]
    Seed(#[from] MaterialiseError),
    /// The sandbox could not run it.
    #[error("{error}{advice}")]
    Sandbox {
        /// Why not.
        error: SandboxError,
        /// What is to be known of it beside that.
        advice: String,
    },
    /// A path that no tree can hold.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A tree cannot be read or changed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a command wrote to both its streams, as it came, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The end of it: at most 1 MiB.
    pub bytes: Vec<u8>,
    /// How many bytes came before these.
    pub cut: u64,
}

impl Written {
    /// The text, with a note where its beginning is missing.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        match self.cut {
            0 => text.into_owned(),
            cut => format!("[the first {cut} bytes are left out]\n{text}"),
        }
    }
}

impl ExecError {
    /// The code with which the command ended, if it ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            ExecError::Ended { status: Status::Exited(code), .. } => Some(*code),
            _ => None,
        }
    }

    /// What the command wrote, if it ran.
    pub fn written(&self) -> Option<&Written> {
        match self {
            ExecError::Ended { written, .. } => Some(written),
            _ => None,
        }
    }
}

fn ended(status: Status, limits: &Limits) -> String {
    let most = |limit: Option<u64>, unit: &str| limit.map(|limit| format!(" of {limit} {unit}")).unwrap_or_default();
    match status {
        Status::Exited(code) => format!("the command ended with exit code {code}"),
        Status::Signalled(signal) => format!("the command was ended by signal {signal}"),
        Status::Exceeded(Limit::Memory) => {
            format!("the command needs more memory than its limit{}", most(limits.memory, "bytes"))
        }
        Status::Exceeded(Limit::Disk) => {
            format!("the command writes more than its limit{}", most(limits.disk, "bytes"))
        }
        Status::Exceeded(Limit::Time) => {
            format!("the command takes longer than its limit{}", most(limits.time, "seconds"))
        }
        Status::Cancelled => "the command was stopped".to_owned(),
    }
}
