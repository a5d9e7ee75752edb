//! Sources of git: what the lock pins, brought into the store, and mistakes pointed at in the spec.

use super::error::Error;
use super::project::Project;
use super::session::Session;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::evidence::GitCommit;
use crate::evidence::provenance::Dependency;
use crate::git::GitError;
use crate::oci::Digest;
use crate::plan::{Lock, LockedCommit, PlanError};
use crate::spec::{Git, SourceKind};

/// Brings the commit that the lock pins for a source into the store; the digest of its tree.
pub(super) fn bring(session: &Session<'_>, project: &Project, lock: &Lock, source: &str) -> Result<Digest, Error> {
    let missing = || Error::Mistake(format!("the lock has no commit of source {source}"));
    let locked = lock.commit(source).ok_or_else(missing)?;
    let git = session.git();
    if git.known(&locked.wanted()).map_err(|error| Error::Plan(wrong(source, error)))?.is_none() {
        session.phase("fetching");
    }
    locked.bring(&git).map_err(|error| located(project, error))?;
    Ok(locked.tree)
}

fn wrong(source: &str, error: GitError) -> PlanError {
    PlanError::Git { source_name: source.to_owned(), error: Box::new(error) }
}

/// An error as it is shown: where words of the spec are to blame, with their place.
pub(super) fn located(project: &Project, error: PlanError) -> Error {
    let shown = match &error {
        PlanError::Git { source_name, error } => source(project, source_name).and_then(|git| place(git, error)),
        _ => None,
    };
    match shown {
        Some(diagnostic) => Error::Unpinned(Diagnostics::new(vec![diagnostic], project.sources.clone())),
        None => Error::Plan(error),
    }
}

/// A locked commit as evidence tells it.
pub(super) fn told(locked: &LockedCommit) -> GitCommit {
    GitCommit {
        uri: locked.address.uri(),
        reference: locked.reference.clone(),
        id: locked.commit.to_string(),
        subdir: locked.subdir.clone(),
    }
}

/// A locked commit and its submodules, as provenance lists them.
pub(super) fn dependencies(locked: &LockedCommit) -> Vec<Dependency> {
    let name = || locked.source.clone();
    let whole = Dependency::Git { name: name(), commit: told(locked), tree: Some(locked.tree), submodule: None };
    let modules = locked.submodules.iter().map(|module| Dependency::Git {
        name: name(),
        commit: GitCommit {
            uri: module.address.uri(),
            reference: None,
            id: module.commit.to_string(),
            subdir: String::new(),
        },
        tree: None,
        submodule: Some(module.path.clone()),
    });
    std::iter::once(whole).chain(modules).collect()
}

fn source<'p>(project: &'p Project, name: &str) -> Option<&'p Git> {
    match &project.spec.source(name)?.kind {
        SourceKind::Git(git) => Some(git),
        _ => None,
    }
}

fn place(git: &Git, error: &GitError) -> Option<Diagnostic> {
    let of_address = git.address.span;
    let of_revision = git.revision.as_ref().map_or(of_address, |revision| revision.span);
    let (span, label) = match error {
        GitError::NoHead(_) => (of_address, "has no commit"),
        GitError::NoSuchName { .. } => (of_revision, "not there"),
        GitError::Ambiguous { .. } => (of_revision, "which one?"),
        // Of submodules, others are to blame.
        GitError::NoSuchCommit { address, .. } if *address == git.address.value => (of_revision, "not there"),
        GitError::NotACommit { address, .. } if *address == git.address.value => (of_revision, "no commit"),
        GitError::NoFolder { .. } => (git.subdir.span, "not there"),
        _ => return None,
    };
    Some(Diagnostic::error("lock::git", error.to_string(), span, label).with_page("specs/language/source.md"))
}
