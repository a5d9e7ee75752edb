//! What others ask of repositories: which commit a name means, and what is in a commit.

use super::program::Settings;
use super::repository::Repository;
use super::revision::candidates;
use super::{Address, CommitId, GitError, Revision, contents};
use crate::diagnostic::nearest;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Entry, Tree};
use serde::{Deserialize, Serialize};

/// Asks git.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    settings: &'a Settings,
    store: &'a Store,
    gave_up: &'a (dyn Fn() -> bool + 'a),
}

/// What a name means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The whole name of the reference; none where the commit itself was named.
    pub reference: Option<String>,
    /// The commit.
    pub commit: CommitId,
}

/// A part of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where the repository is.
    pub address: Address,
    /// The commit.
    pub commit: CommitId,
    /// The folder that is meant, clean and relative; the empty path for all.
    pub subdir: String,
    /// Whether submodules are part of it; they are empty folders otherwise.
    pub submodules: bool,
}

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The digest of its tree, which is in the store with its files.
    pub tree: Digest,
    /// The submodules that were followed, by their paths.
    pub submodules: Vec<Submodule>,
}

/// A commit of another repository in a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Submodule {
    /// Where it stands, from the top of the outermost repository.
    pub path: String,
    /// Where its repository is.
    pub address: Address,
    /// The commit.
    pub commit: CommitId,
}

/// The kind of the records of what was read. They hold what was learnt from outside, and stay when results are made anew.
pub const RECORD: &str = "git";

/// Raised when the same commit becomes another tree.
const FORM: u32 = 1;

/// A record.
#[derive(Serialize, Deserialize)]
struct Known {
    tree: Digest,
    /// Path, address and commit of each.
    submodules: Vec<(String, String, String)>,
}

impl<'a> Client<'a> {
    /// A client that keeps what it reads in a store and ends as soon as `gave_up` says so.
    pub fn new(settings: &'a Settings, store: &'a Store, gave_up: &'a (dyn Fn() -> bool + 'a)) -> Self {
        Client { settings, store, gave_up }
    }

    /// The commit that a revision means now; that of HEAD where there is none. A commit means itself, and nobody is
    /// asked.
    ///
    /// # Errors
    /// Where the repository cannot be asked, or has no such name.
    pub fn resolve(&self, address: &Address, revision: Option<&Revision>) -> Result<Resolved, GitError> {
        let name = match revision {
            Some(Revision::Commit(commit)) => return Ok(Resolved { reference: None, commit: commit.clone() }),
            Some(Revision::Name(name)) => name.as_str(),
            None => "HEAD",
        };
        self.check_reach(address, || format!("the commit of {name}"))?;
        let repository = Repository::make(self.settings, self.gave_up, self.store, address, "sha1")?;
        let list = repository.list()?;
        let commit = |name: &str| {
            let peeled = format!("{name}^{{}}");
            let row = list.iter().find(|(row, _)| *row == peeled).or_else(|| list.iter().find(|(row, _)| row == name));
            row.map(|(_, commit)| commit.clone())
        };
        let found = candidates(name).into_iter().filter_map(|whole| commit(&whole).map(|commit| (whole, commit)));
        let mut found = found.collect::<Vec<_>>();
        match (found.pop(), found.pop()) {
            (Some((_, last)), Some((_, other))) if last != other => {
                Err(GitError::Ambiguous { address: address.clone(), name: name.to_owned() })
            }
            (Some((reference, commit)), _) => Ok(Resolved { reference: Some(reference), commit }),
            (None, _) if name == "HEAD" => Err(GitError::NoHead(address.clone())),
            (None, _) => {
                let short = |row: &'_ str| -> Option<String> {
                    let name = row.strip_prefix("refs/heads/").or_else(|| row.strip_prefix("refs/tags/"))?;
                    (!name.ends_with("^{}")).then(|| name.to_owned())
                };
                let names: Vec<String> = list.iter().filter_map(|(row, _)| short(row)).collect();
                let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                Err(GitError::NoSuchName { address: address.clone(), name: name.to_owned(), near })
            }
        }
    }

    /// What is in a commit, where it was read before.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn known(&self, wanted: &Wanted) -> Result<Option<Content>, GitError> {
        let Some(record) = self.store.record(RECORD, &key(wanted))? else { return Ok(None) };
        let Ok(known) = serde_json::from_slice::<Known>(&record) else { return Ok(None) };
        let submodules = known.submodules.into_iter().map(|(path, address, commit)| {
            Some(Submodule { path, address: address.parse().ok()?, commit: commit.parse().ok()? })
        });
        let content = submodules.collect::<Option<_>>().map(|submodules| Content { tree: known.tree, submodules });
        Ok(content.filter(|content| self.has(&content.tree)))
    }

    /// Whether a tree is in the store. That its files are too is believed, until something turned out to be lost.
    fn has(&self, tree: &Digest) -> bool {
        if self.store.losses() == 0 {
            return self.store.has(tree);
        }
        let is_here =
            |entry: &Entry| entry.content().is_none_or(|content| self.store.size(content) == Some(entry.size()));
        self.store.has(tree)
            && Tree::load(self.store, tree).is_ok_and(|tree| tree.iter().all(|(_, entry)| is_here(entry)))
    }

    /// What is in a commit; it is fetched where it was not read before.
    ///
    /// # Errors
    /// Where the repository cannot be reached or does not have the commit, and where the commit has something in it that
    /// no tree can hold.
    pub fn content(&self, wanted: &Wanted) -> Result<Content, GitError> {
        if let Some(known) = self.known(wanted)? {
            return Ok(known);
        }
        let key = key(wanted);
        let lock = self.store.lock_passing(&format!("git-{}", key.hex()), self.gave_up)?;
        let _lock = lock.ok_or(GitError::Cancelled)?;
        // Another process may have read it meanwhile.
        if let Some(known) = self.known(wanted)? {
            return Ok(known);
        }
        let (tree, submodules) = contents::read(self, wanted)?;
        let tree = tree.save(self.store)?;
        let text = |module: &Submodule| (module.path.clone(), module.address.to_string(), module.commit.to_string());
        let known = Known { tree, submodules: submodules.iter().map(text).collect() };
        let record = serde_json::to_vec(&known).map_err(|_| GitError::Protocol("what was read cannot be recorded"))?;
        self.store.set_record(RECORD, &key, &record)?;
        Ok(Content { tree, submodules })
    }

    /// An empty repository in which a commit of another one is to come.
    pub(super) fn repository<'r>(&self, address: &'r Address, commit: &CommitId) -> Result<Repository<'r>, GitError>
    where
        'a: 'r,
    {
        self.check_reach(address, || format!("commit {commit}"))?;
        Repository::make(self.settings, self.gave_up, self.store, address, commit.object_format())
    }

    pub(super) fn store(&self) -> &'a Store {
        self.store
    }

    pub(super) fn gave_up(&self) -> bool {
        (self.gave_up)()
    }

    fn check_reach(&self, address: &Address, what: impl FnOnce() -> String) -> Result<(), GitError> {
        match self.settings.offline && !address.is_file() {
            true => Err(GitError::Offline { address: address.clone(), what: what() }),
            false => Ok(()),
        }
    }
}

/// All that decides what is read. The address is part of it, because those of submodules can be relative to it.
fn key(wanted: &Wanted) -> Digest {
    let address = wanted.address.to_string();
    let key = serde_json::json!([FORM, address, wanted.commit.as_str(), wanted.subdir, wanted.submodules]);
    Digest::of(key.to_string())
}
