//! A repository of kiln's own, in which git puts what it fetches.

use super::program::{Call, Settings};
use super::{Address, CommitId, GitError};
use crate::store::{Store, remove_folder};
use std::path::PathBuf;

/// A bare repository below the store that goes when it is dropped.
pub(super) struct Repository<'a> {
    settings: &'a Settings,
    gave_up: &'a dyn Fn() -> bool,
    address: &'a Address,
    folder: PathBuf,
}

impl Drop for Repository<'_> {
    fn drop(&mut self) {
        // What stays is cleared by the next run.
        let _ = remove_folder(&self.folder);
    }
}

/// The reference under which the commit stands.
const WANTED: &str = "refs/kiln/wanted";

/// The most that a list of references may have, in bytes.
const LONGEST_LIST: u64 = 64 << 20;

/// What servers say that give away nothing but what references name, and servers that are only folders of files.
const NOT_BY_NAME: [&str; 4] =
    ["unadvertised object", "does not support shallow", "no such remote ref", "find remote ref"];

impl<'a> Repository<'a> {
    /// Makes an empty one for objects with names like `commit`.
    pub(super) fn make(
        settings: &'a Settings,
        gave_up: &'a dyn Fn() -> bool,
        store: &Store,
        address: &'a Address,
        format: &str,
    ) -> Result<Self, GitError> {
        let repository = Repository { settings, gave_up, address, folder: store.scratch_folder()? };
        let mut init = settings.git(&repository.git_dir());
        init.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=none", "--object-format"]).arg(format);
        init.arg("--").arg(repository.git_dir());
        repository.run(init, "prepare to fetch", 1 << 10)?;
        Ok(repository)
    }

    /// Where git keeps it.
    pub(super) fn git_dir(&self) -> PathBuf {
        self.folder.join("repository")
    }

    /// The references of the other side, each with what it names.
    pub(super) fn list(&self) -> Result<Vec<(String, CommitId)>, GitError> {
        let mut list = self.settings.git_to(&self.git_dir(), self.address);
        list.args(["ls-remote", "--quiet", "--"]).arg(self.address.to_string());
        let text = self.run(list, "list the references of", LONGEST_LIST)?;
        let text = String::from_utf8_lossy(&text);
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(rows.filter_map(|(id, name)| Some((name.to_owned(), id.parse().ok()?))).collect())
    }

    /// Fetches a commit without its history; where the other side does not allow to ask for it by its name, everything
    /// that has a name.
    pub(super) fn fetch(&self, commit: &CommitId) -> Result<(), GitError> {
        let wanted = format!("+{commit}:{WANTED}");
        match self.fetch_with(&["--depth=1"], &[&wanted]) {
            Err(GitError::Failed { said, .. }) if said.contains("not our ref") => Err(self.missing(commit)),
            Err(GitError::Failed { said, .. }) if NOT_BY_NAME.iter().any(|sign| said.contains(sign)) => {
                self.fetch_with(&[], &["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"])
            }
            done => done,
        }
    }

    fn fetch_with(&self, options: &[&str], references: &[&str]) -> Result<(), GitError> {
        let mut fetch = self.settings.git_to(&self.git_dir(), self.address);
        fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        fetch.args(["--no-auto-maintenance", "--no-show-forced-updates"]).args(options);
        fetch.arg("--").arg(self.address.to_string()).args(references);
        self.run(fetch, "fetch from", 1 << 20).map(drop)
    }

    /// The settings in a file of git's own form whose names match, each with its value.
    pub(super) fn settings_in(&self, blob: &CommitId, pattern: &str) -> Result<Vec<(String, String)>, GitError> {
        let mut config = self.settings.git(&self.git_dir());
        config.args(["config", "-z", "--no-includes", "--blob", blob.as_str(), "--get-regexp", pattern]);
        let text = match self.run(config, "read .gitmodules of", 1 << 20) {
            // It ends with 1, without a word, where nothing matches.
            Err(GitError::Failed { said, .. }) if said == "it says nothing" => Vec::new(),
            other => other?,
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let settings = text.split('\0').filter_map(|setting| setting.split_once('\n'));
        Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// That the other side does not have a commit.
    pub(super) fn missing(&self, commit: &CommitId) -> GitError {
        GitError::NoSuchCommit { address: self.address.clone(), commit: commit.clone() }
    }

    /// git, about to answer about objects.
    pub(super) fn git(&self) -> std::process::Command {
        self.settings.git(&self.git_dir())
    }

    fn run(&self, command: std::process::Command, action: &'static str, longest: u64) -> Result<Vec<u8>, GitError> {
        let grows = self.git_dir().join("objects/pack");
        let call = Call { action, address: self.address, grows: &grows, longest };
        self.settings.run(command, &call, self.gave_up)
    }
}
