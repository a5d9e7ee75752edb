//! Why a repository cannot be used.

use super::{Address, CommitId};
use crate::store::StoreError;
use crate::tree::TreeError;

/// Why a commit of a repository cannot be had. No variant shows a secret: addresses have none, and what git says has
/// lost what stands in the addresses that its configuration puts in their place.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error(
        "{0} is to be asked by git, and there is no program `git`: install it (Debian and Ubuntu: `apt-get install git`)"
    )]
    NoProgram(Address),
    /// The program cannot be started.
    #[error("git cannot be started: {0}")]
    Start(std::io::Error),
    /// The network is not to be used.
    #[error("{what} of {address} is needed, but kiln runs offline: run it once without `--offline`")]
    Offline {
        /// The repository.
        address: Address,
        /// What of it.
        what: String,
    },
    /// git failed.
    #[error("git cannot {action} {address}:\n  {said}{}", next_step(address, said))]
    Failed {
        /// What it was to do.
        action: &'static str,
        /// With which repository.
        address: Address,
        /// What it said.
        said: String,
    },
    /// Nothing came for too long.
    #[error("git was stopped while it was to {action} {address}: {reason}")]
    Stopped {
        /// What it was to do.
        action: &'static str,
        /// With which repository.
        address: Address,
        /// Which limit was met.
        reason: String,
    },
    /// The repository has no such reference.
    #[error("{address} has no branch and no tag `{name}`{}", hint(name, near.as_deref()))]
    NoSuchName {
        /// The repository.
        address: Address,
        /// The name.
        name: String,
        /// A name that it has and that looks like it.
        near: Option<String>,
    },
    /// A name means two things.
    #[error("`{name}` is a branch and a tag of {address}: write `refs/tags/{name}` or `refs/heads/{name}`")]
    Ambiguous {
        /// The repository.
        address: Address,
        /// The name.
        name: String,
    },
    /// The repository has no commit at all, or its HEAD leads nowhere.
    #[error("{0} has no HEAD: name a branch or a tag of it with `ref`")]
    NoHead(Address),
    /// The repository does not have the commit.
    #[error("{address} does not have the commit {commit}, or does not give it away")]
    NoSuchCommit {
        /// The repository.
        address: Address,
        /// The commit.
        commit: CommitId,
    },
    /// What was named is no commit.
    #[error("{name} of {address} is a {kind} and no commit")]
    NotACommit {
        /// The repository.
        address: Address,
        /// What was named.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The commit holds something that no tree can hold, or too much.
    #[error("commit {commit} of {address} is refused: {reason}")]
    Refused {
        /// The repository.
        address: Address,
        /// The commit.
        commit: CommitId,
        /// Why.
        reason: String,
    },
    /// The folder that is meant is not there.
    #[error("commit {commit} of {address} has no folder `{subdir}`{}", found.map(|kind| format!(": it is a {kind}")).unwrap_or_default())]
    NoFolder {
        /// The repository.
        address: Address,
        /// The commit.
        commit: CommitId,
        /// The folder.
        subdir: String,
        /// What is there instead.
        found: Option<&'static str>,
    },
    /// A submodule cannot be followed.
    #[error("the submodule `{path}` of {address} at {commit} is refused: {reason}")]
    Submodule {
        /// The repository that names it.
        address: Address,
        /// The commit.
        commit: CommitId,
        /// Where it stands.
        path: String,
        /// Why.
        reason: String,
    },
    /// Somebody wants the work to end.
    #[error("interrupted")]
    Cancelled,
    /// git answers what it should not.
    #[error("git does not answer as expected: {0}")]
    Protocol(&'static str),
    /// Its pipes.
    #[error("talking to git: {0}")]
    Pipe(std::io::Error),
    /// A tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GitError {
    /// Whether the network or the other side is to blame.
    pub fn is_of_service(&self) -> bool {
        matches!(
            self,
            GitError::Failed { .. } | GitError::Stopped { .. } | GitError::Refused { .. } | GitError::Submodule { .. }
        )
    }

    /// Whether what is asked for is not there.
    pub fn is_missing(&self) -> bool {
        self.blames_reference()
            || matches!(self, GitError::NoHead(_) | GitError::NoSuchCommit { .. } | GitError::NoFolder { .. })
    }

    /// Whether the reference is to blame.
    pub fn blames_reference(&self) -> bool {
        matches!(self, GitError::NoSuchName { .. } | GitError::Ambiguous { .. } | GitError::NotACommit { .. })
    }
}

/// What somebody can do whose git failed.
fn next_step(address: &Address, said: &str) -> String {
    if said.contains("fsck error") {
        return "\nthe repository holds what git's own checks refuse: whoever looks after it can mend it".into();
    }
    format!(
        "\nkiln asks as `git ls-remote {address}` does, but lets git ask nobody for a password: see whether that answers"
    )
}

fn hint(name: &str, near: Option<&str>) -> String {
    let looks_like_commit = (7..40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit());
    match near {
        _ if looks_like_commit => "; a commit is named with all its 40 digits".into(),
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}
