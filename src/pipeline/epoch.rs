//! The one time that a build knows, and the commit that it is of.

use super::git;
use super::project::Project;
use super::session::Session;
use crate::evidence::provenance::Repository;

/// When and of what a build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision {
    /// Seconds since 1970.
    pub epoch: i64,
    /// The commit, where the project's files are just those of it.
    pub commit: Option<String>,
    /// The public address of the repository, where there is a commit.
    pub source: Option<String>,
}

/// The epoch: `SOURCE_DATE_EPOCH`, else the commit's time, else 0. The commit counts where nothing was changed.
pub(super) fn revision(session: &Session<'_>, project: &Project, source_date_epoch: Option<i64>) -> Revision {
    let commit = git::commit(&project.folder);
    if commit.as_ref().is_some_and(|commit| commit.clean.is_none()) {
        session.warn(
            "the git repository belongs to another user, so git was not asked whether it is clean: \
             the image gets no labels with its commit",
        );
    }
    let time = commit.as_ref().map(|commit| commit.time);
    let clean = commit.filter(|commit| commit.clean == Some(true));
    Revision {
        epoch: source_date_epoch.or(time).unwrap_or(0),
        source: clean.as_ref().and_then(|commit| commit.origin.clone()),
        commit: clean.map(|commit| commit.id),
    }
}

impl Revision {
    /// The repository, where commit and address are known.
    pub(super) fn repository(&self) -> Option<Repository> {
        Some(Repository { url: self.source.clone()?, commit: self.commit.clone()? })
    }

    /// What labels and annotations say of it, by the OCI's names.
    pub(super) fn labels(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let source = self.source.iter().map(|url| ("org.opencontainers.image.source".to_owned(), url.clone()));
        let commit = self.commit.iter().map(|id| ("org.opencontainers.image.revision".to_owned(), id.clone()));
        source.chain(commit)
    }
}
