//! From commits to a tree: what a checkout would have on disk, without one.

use super::client::{Client, Submodule, Wanted};
use super::entries::{Entry, EntryKind, entries, shown};
use super::modules::{self, Link};
use super::objects::{Kind, Objects};
use super::repository::Repository;
use super::{Address, CommitId, GitError};
use crate::oci::Digest;
use crate::tree::{self, Tree, TreePath};
use std::collections::BTreeMap;

/// How many entries a commit may have with its submodules.
const MOST_ENTRIES: usize = 1_000_000;
/// How many bytes its files may have.
const MOST_BYTES: u64 = 16 << 30;
/// How many bytes a commit or a folder's list may have.
const LONGEST_OBJECT: u64 = 64 << 20;
/// How many bytes `.gitmodules` may have.
const LONGEST_SETTINGS: u64 = 1 << 20;
/// How many bytes the target of a symbolic link may have.
const LONGEST_TARGET: u64 = 4095;
/// How deep submodules may be in one another.
const MOST_NESTED: usize = 8;
/// How many submodules there may be.
const MOST_MODULES: usize = 256;

/// The tree of a commit with the submodules in it.
pub(super) fn read(client: &Client<'_>, wanted: &Wanted) -> Result<(Tree, Vec<Submodule>), GitError> {
    let subdir = TreePath::new(&wanted.subdir).map_err(tree::TreeError::from)?;
    let mut walk =
        Walk { client, wanted, subdir, tree: Tree::new(), files: BTreeMap::new(), bytes: 0, found: Vec::new() };
    walk.commit(&At { address: &wanted.address, commit: &wanted.commit, path: TreePath::root(), depth: 0 })?;
    let Walk { subdir, tree, mut found, .. } = walk;
    found.sort();
    if subdir.is_root() {
        return Ok((tree, found));
    }
    match tree.get(&subdir) {
        Some(entry) if entry.is_dir() => {
            let below = tree.subtree(&subdir);
            Ok((below.iter().filter(|(path, _)| !path.is_root()).map(|(p, e)| (p.clone(), e.clone())).collect(), found))
        }
        other => Err(GitError::NoFolder {
            address: wanted.address.clone(),
            commit: wanted.commit.clone(),
            subdir: wanted.subdir.clone(),
            found: other.map(tree::Entry::kind),
        }),
    }
}

struct Walk<'a> {
    client: &'a Client<'a>,
    wanted: &'a Wanted,
    subdir: TreePath,
    tree: Tree,
    /// What is in the store already of the repository that is read, by the names of its objects.
    files: BTreeMap<CommitId, (Digest, u64)>,
    bytes: u64,
    found: Vec<Submodule>,
}

/// A commit, and where its files come to stand.
struct At<'a> {
    address: &'a Address,
    commit: &'a CommitId,
    path: TreePath,
    depth: usize,
}

impl At<'_> {
    fn refused(&self, reason: impl Into<String>) -> GitError {
        GitError::Refused { address: self.address.clone(), commit: self.commit.clone(), reason: reason.into() }
    }
}

/// The submodules of a commit, and where `.gitmodules` is.
#[derive(Default)]
struct Links {
    list: Vec<Link>,
    gitmodules: Option<(EntryKind, CommitId)>,
}

impl Walk<'_> {
    fn commit(&mut self, at: &At<'_>) -> Result<(), GitError> {
        let repository = self.client.repository(at.address, at.commit)?;
        repository.fetch(at.commit)?;
        // What another repository calls by the same name may be something else.
        self.files.clear();
        let mut links = Links::default();
        self.files_of(&repository, at, &mut links)?;
        if links.list.is_empty() {
            return Ok(());
        }
        let settings = match &links.gitmodules {
            Some((EntryKind::File | EntryKind::Program, blob)) => {
                if blob_size(&mut Objects::open(&repository)?, blob)? > LONGEST_SETTINGS {
                    return Err(at.refused(format!("its `.gitmodules` has more than {LONGEST_SETTINGS} bytes")));
                }
                repository.settings_in(blob, modules::PATTERN)?
            }
            Some(_) => return Err(at.refused("its `.gitmodules` is no file")),
            None => Vec::new(),
        };
        drop(repository);
        links.list.iter().try_for_each(|link| self.module(at, &settings, link))
    }

    fn module(&mut self, at: &At<'_>, settings: &[(String, String)], link: &Link) -> Result<(), GitError> {
        let refused = |reason: String| GitError::Submodule {
            address: at.address.clone(),
            commit: at.commit.clone(),
            path: shown(&link.path),
            reason,
        };
        let address = modules::address(at.address, settings, link).map_err(refused)?;
        if at.depth == MOST_NESTED {
            return Err(refused(format!("submodules are more than {MOST_NESTED} deep in one another")));
        }
        if self.found.len() == MOST_MODULES {
            return Err(refused(format!("there are more than {MOST_MODULES} submodules")));
        }
        let path = at.path.join_path(&TreePath::new(&link.path).map_err(tree::TreeError::from)?);
        let name = std::str::from_utf8(path.as_bytes()).map_err(|_| refused("its path is no text".into()))?;
        self.found.push(Submodule { path: name.to_owned(), address: address.clone(), commit: link.commit.clone() });
        self.commit(&At { address: &address, commit: &link.commit, path, depth: at.depth + 1 })
    }

    fn files_of(&mut self, repository: &Repository<'_>, at: &At<'_>, links: &mut Links) -> Result<(), GitError> {
        let mut objects = Objects::open(repository)?;
        let top = match objects.ask(at.commit)? {
            None => return Err(repository.missing(at.commit)),
            Some((Kind::Commit, size)) => tree_of(&content(&mut objects, at, size)?),
            Some((kind, _)) => return Err(self.no_commit(at, kind)),
        };
        let top = top.ok_or(GitError::Protocol("a commit has no tree"))?;
        let mut folders = vec![(at.path.clone(), top)];
        while let Some((path, id)) = folders.pop() {
            let bytes = match objects.ask(&id)? {
                Some((Kind::Tree, size)) => content(&mut objects, at, size)?,
                _ => return Err(GitError::Protocol("a folder is missing")),
            };
            for entry in entries(&bytes, at.commit.width()).map_err(|reason| at.refused(reason))? {
                if path == at.path && entry.name == b".gitmodules" {
                    links.gitmodules = Some((entry.kind, entry.id.clone()));
                }
                let here = path.join(entry.name).map_err(|error| at.refused(error.to_string()))?;
                if !here.starts_with(&self.subdir) && !self.subdir.starts_with(&here) {
                    continue;
                }
                let (is_new, Entry { kind, id, .. }) = (self.tree.get(&here).is_none(), entry);
                if !is_new {
                    return Err(at.refused(format!("{here} is in it twice")));
                }
                if self.tree.len() == MOST_ENTRIES {
                    return Err(at.refused(format!("it has more than {MOST_ENTRIES} entries")));
                }
                let made = self.entry(&mut objects, at, &here, kind, &id)?;
                self.tree.insert(here.clone(), made)?;
                match kind {
                    EntryKind::Folder => folders.push((here, id)),
                    EntryKind::Module if self.wanted.submodules => {
                        let path = here.relative_to(&at.path).unwrap_or(here);
                        links.list.push(Link { path: path.as_bytes().to_vec(), commit: id });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        objects: &mut Objects,
        at: &At<'_>,
        path: &TreePath,
        kind: EntryKind,
        id: &CommitId,
    ) -> Result<tree::Entry, GitError> {
        let mode = match kind {
            EntryKind::Folder | EntryKind::Module => return Ok(tree::Entry::dir(0o755)),
            EntryKind::Link => return link(objects, at, path, id),
            EntryKind::File => 0o644,
            EntryKind::Program => 0o755,
        };
        // What stands on the way to the folder that is meant is only looked at.
        let (digest, size) = match self.files.get(id) {
            _ if !path.starts_with(&self.subdir) => (Digest::of(b""), 0),
            Some(known) => *known,
            None => self.file(objects, at, id)?,
        };
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MOST_BYTES {
            return Err(at.refused(format!("its files have more than {MOST_BYTES} bytes")));
        }
        Ok(tree::Entry::file(digest, size, mode))
    }

    /// Brings a file into the store.
    fn file(&mut self, objects: &mut Objects, at: &At<'_>, id: &CommitId) -> Result<(Digest, u64), GitError> {
        if self.client.gave_up() {
            return Err(GitError::Cancelled);
        }
        let size = blob_size(objects, id)?;
        if size > MOST_BYTES {
            return Err(at.refused(format!("its files have more than {MOST_BYTES} bytes")));
        }
        let mut writer = self.client.store().writer()?;
        objects.copy(size, &mut writer)?;
        let stored = writer.commit()?;
        self.files.insert(id.clone(), stored);
        Ok(stored)
    }

    fn no_commit(&self, at: &At<'_>, kind: Kind) -> GitError {
        GitError::NotACommit { address: at.address.clone(), name: at.commit.to_string(), kind: kind.name().into() }
    }
}

fn link(objects: &mut Objects, at: &At<'_>, path: &TreePath, id: &CommitId) -> Result<tree::Entry, GitError> {
    let size = blob_size(objects, id)?;
    if size > LONGEST_TARGET {
        return Err(at.refused(format!("the symbolic link {path} leads to a path longer than {LONGEST_TARGET} bytes")));
    }
    let target = objects.content(size)?;
    if target.is_empty() || target.contains(&0) {
        return Err(at.refused(format!("the symbolic link {path} leads nowhere")));
    }
    Ok(tree::Entry::symlink(target))
}

/// Asks for a file; its size.
fn blob_size(objects: &mut Objects, id: &CommitId) -> Result<u64, GitError> {
    match objects.ask(id)? {
        Some((Kind::Blob, size)) => Ok(size),
        _ => Err(GitError::Protocol("a file is missing")),
    }
}

fn content(objects: &mut Objects, at: &At<'_>, size: u64) -> Result<Vec<u8>, GitError> {
    if size > LONGEST_OBJECT {
        return Err(at.refused(format!("a commit or a folder of it has more than {LONGEST_OBJECT} bytes")));
    }
    objects.content(size)
}

/// The tree that a commit names in its first line.
fn tree_of(commit: &[u8]) -> Option<CommitId> {
    let line = commit.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line.strip_prefix(b"tree ")?).ok()?.parse().ok()
}
