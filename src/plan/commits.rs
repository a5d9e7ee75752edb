//! Commits of git repositories: which one a spec means, and what is in it.

use super::error::PlanError;
use super::lock::{Lock, LockedCommit};
use crate::git::{Address, Client, Content, GitError, Resolved, Revision, Wanted};

/// A commit of a git repository.
#[derive(Debug, Clone)]
pub struct WantedCommit {
    /// The name of the spec's source.
    pub source: String,
    /// Where the repository is.
    pub address: Address,
    /// A branch, a tag or a commit; none for the repository's HEAD.
    pub revision: Option<Revision>,
    /// The folder that is meant; empty for all.
    pub subdir: String,
    /// Whether submodules are part of it.
    pub submodules: bool,
}

impl WantedCommit {
    /// Whether a locked commit is what is wanted.
    pub(super) fn fits(&self, locked: &LockedCommit) -> bool {
        self.is_named_by(locked) && self.subdir == locked.subdir && self.submodules == locked.with_submodules
    }

    /// Whether a locked commit was found under the same name, whatever of it is meant.
    fn is_named_by(&self, locked: &LockedCommit) -> bool {
        let reference = locked.reference.as_deref();
        let same = match &self.revision {
            Some(revision) => revision.is_at(reference, &locked.commit),
            None => reference == Some("HEAD"),
        };
        same && self.address == locked.address
    }
}

/// Pins a commit with the tree that it makes; what the lock has stays, unless it is `touched`.
pub(super) fn update(
    old: &Lock,
    wanted: &WantedCommit,
    touched: bool,
    git: &Client<'_>,
) -> Result<LockedCommit, PlanError> {
    let wrong = |error| wrong(&wanted.source, error);
    let locked = old.commit(&wanted.source);
    let resolved = match locked.filter(|locked| !touched && wanted.is_named_by(locked)) {
        Some(locked) => Resolved { reference: locked.reference.clone(), commit: locked.commit.clone() },
        None => git.resolve(&wanted.address, wanted.revision.as_ref()).map_err(wrong)?,
    };
    let is_same = |locked: &&LockedCommit| {
        wanted.fits(locked) && locked.commit == resolved.commit && locked.reference == resolved.reference
    };
    if let Some(locked) = locked.filter(is_same) {
        return Ok(locked.clone());
    }
    let asked = Wanted {
        address: wanted.address.clone(),
        commit: resolved.commit.clone(),
        subdir: wanted.subdir.clone(),
        submodules: wanted.submodules,
    };
    let Content { tree, submodules } = git.content(&asked).map_err(wrong)?;
    Ok(LockedCommit {
        source: wanted.source.clone(),
        address: asked.address,
        reference: resolved.reference,
        subdir: asked.subdir,
        with_submodules: asked.submodules,
        commit: asked.commit,
        tree,
        submodules,
    })
}

impl LockedCommit {
    /// The part of the commit that is locked.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            address: self.address.clone(),
            commit: self.commit.clone(),
            subdir: self.subdir.clone(),
            submodules: self.with_submodules,
        }
    }

    /// Brings it into the store where it is not there yet.
    ///
    /// # Errors
    /// Where it cannot be had, and where its tree is another one than when it was locked.
    pub fn bring(&self, git: &Client<'_>) -> Result<(), PlanError> {
        let content = git.content(&self.wanted()).map_err(|error| wrong(&self.source, error))?;
        if content.tree != self.tree {
            let source_name = self.source.clone();
            return Err(PlanError::WrongTree { source_name, expected: self.tree, actual: content.tree });
        }
        if content.submodules != self.submodules {
            return Err(PlanError::WrongSubmodules { source_name: self.source.clone() });
        }
        Ok(())
    }
}

fn wrong(source: &str, error: GitError) -> PlanError {
    PlanError::Git { source_name: source.to_owned(), error: Box::new(error) }
}
