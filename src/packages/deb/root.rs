//! A root filesystem in the making: what packages put there and what their scripts would do to it.
//!
//! Every entry has an owner, and every change is someone's: whoever acts is set
//! with [`Root::act_as`], and what is made new then is theirs and has their time.

use crate::oci::Digest;
use crate::store::{Store, StoreError};
use crate::tree::{Entry, Node, PathError, Tree, TreeError, TreePath};
use std::collections::BTreeMap;

/// The largest file that a script may read.
const MAX_READ: u64 = 64 << 20;

/// Who put an entry where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The package, as a position among those that were asked for.
    pub package: u32,
    /// Whether it is no file of the package's archive but was made when its scripts were emulated.
    pub made: bool,
}

/// Why something cannot be done to a root.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What a system call would have answered.
    #[error("{0}")]
    Errno(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PathError> for Fault {
    fn from(_: PathError) -> Self {
        Fault::Errno("File name too long")
    }
}

impl From<TreeError> for Fault {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(e) => Fault::Store(e),
            TreeError::Links { .. } => Fault::Errno("Too many levels of symbolic links"),
            TreeError::NotADirectory { .. } => Fault::Errno("Not a directory"),
            TreeError::NoParent { .. } => Fault::Errno("No such file or directory"),
            TreeError::Path(e) => e.into(),
            TreeError::Malformed { .. } => Fault::Errno("Input/output error"),
        }
    }
}

const MISSING: Fault = Fault::Errno("No such file or directory");
const EXISTS: Fault = Fault::Errno("File exists");
const IS_DIRECTORY: Fault = Fault::Errno("Is a directory");
const NOT_EMPTY: Fault = Fault::Errno("Directory not empty");

/// The root. Paths are as programs write them: absolute, links are followed inside the root.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) store: Store,
    pub(super) tree: Tree,
    owners: BTreeMap<TreePath, Owner>,
    actor: Owner,
    time: Option<i64>,
    /// Whose what is made new is: user and group.
    pub(super) user: (u32, u32),
}

impl Root {
    /// A root that begins as `tree`, of which nobody owns anything.
    pub(super) fn new(store: &Store, tree: Tree) -> Self {
        let actor = Owner { package: 0, made: true };
        Root { store: store.clone(), tree, owners: BTreeMap::new(), actor, time: None, user: (0, 0) }
    }

    /// From now on it is `package` that acts; what it makes has the time `time`.
    pub(super) fn act_as(&mut self, package: u32, time: Option<i64>) {
        self.actor = Owner { package, made: true };
        self.time = time;
    }

    /// The time that new entries get.
    pub(super) fn time(&self) -> Option<i64> {
        self.time
    }

    /// Who put the entry at a path.
    pub(super) fn owner(&self, path: &TreePath) -> Option<Owner> {
        self.owners.get(path).copied()
    }

    /// Puts an entry at exactly this path and makes it `owner`'s.
    pub(super) fn put(&mut self, path: TreePath, entry: Entry, owner: Owner) -> Result<(), TreeError> {
        if !entry.is_dir() && self.tree.get(&path).is_some_and(Entry::is_dir) {
            self.remove(&path);
        }
        self.tree.insert(path.clone(), entry)?;
        self.owners.insert(path, owner);
        Ok(())
    }

    /// Removes an entry and all below it.
    pub(super) fn remove(&mut self, path: &TreePath) {
        let gone: Vec<TreePath> = self.tree.below(path).map(|(p, _)| p.clone()).collect();
        for p in gone.iter().chain([path]) {
            self.owners.remove(p);
        }
        self.tree.remove(path);
    }

    /// Where a path leads; the last link is followed or not.
    pub(super) fn find(&self, path: &str, follow: bool) -> Result<TreePath, Fault> {
        let found = if follow { self.tree.resolve(path) } else { self.tree.resolve_parent(path) };
        Ok(found?)
    }

    /// The entry at a path, if there is one.
    pub(super) fn stat(&self, path: &str, follow: bool) -> Option<&Entry> {
        let place = self.find(path, follow).ok()?;
        if place.is_root() {
            return Some(&ROOT);
        }
        // A slash behind asks for a directory.
        self.tree.get(&place).filter(|entry| !path.ends_with('/') || entry.is_dir())
    }

    /// The names in a directory, in bytewise order; those that are no UTF-8 are left out.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let Ok(place) = self.find(path, true) else { return Vec::new() };
        let name = |p: &TreePath| p.file_name().and_then(|n| std::str::from_utf8(n).ok()).map(str::to_owned);
        self.tree.children(&place).filter_map(|(p, _)| name(p)).collect()
    }

    /// What is in a file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        match &self.stat(path, true).ok_or(MISSING)?.node {
            Node::File { content, .. } => Ok(self.store.read(content, MAX_READ)?),
            Node::Dir => Err(IS_DIRECTORY),
            _ => Err(Fault::Errno("No such device or address")),
        }
    }

    /// Writes a file, which is made with `mode` where it is missing.
    pub(super) fn write(&mut self, path: &str, bytes: &[u8], mode: u16) -> Result<(), Fault> {
        let place = self.find(path, true)?;
        let content = self.store.put(bytes)?;
        self.write_content(place, content, bytes.len() as u64, mode)
    }

    /// Puts content that is stored into a file.
    pub(super) fn write_content(
        &mut self,
        place: TreePath,
        content: Digest,
        size: u64,
        mode: u16,
    ) -> Result<(), Fault> {
        let node = Node::File { content, size, link: None };
        let (entry, owner) = match self.tree.get(&place) {
            Some(old) if old.is_file() => {
                let owner = self.owners.get(&place).copied().unwrap_or(self.actor);
                (Entry { node, mtime: self.time, ..old.clone() }, Owner { made: true, ..owner })
            }
            Some(old) if old.is_dir() => return Err(IS_DIRECTORY),
            Some(_) => return Err(Fault::Errno("No such device or address")),
            None => {
                self.make_standard(&place)?;
                let (uid, gid) = self.user;
                (Entry::new(node, mode).modified_at(self.time).owned_by(uid, gid), self.actor)
            }
        };
        Ok(self.put(place, entry, owner)?)
    }

    /// Puts something new at a path where nothing is.
    pub(super) fn make(&mut self, path: &str, entry: Entry) -> Result<(), Fault> {
        let place = self.find(path, false)?;
        if place.is_root() || self.tree.get(&place).is_some() {
            return Err(EXISTS);
        }
        self.make_standard(&place)?;
        let mine = if (entry.uid, entry.gid) == (0, 0) { self.user } else { (entry.uid, entry.gid) };
        Ok(self.put(place, entry.modified_at(self.time).owned_by(mine.0, mine.1), self.actor)?)
    }

    /// Makes those folders above a path that every Debian system has, as `base-files` has them.
    ///
    /// Scripts rely on them without saying so, and a set need not contain `base-files`.
    fn make_standard(&mut self, path: &TreePath) -> Result<(), Fault> {
        for folder in path.ancestors().filter(|folder| folder != path) {
            let known = STANDARD.iter().find(|(name, _)| name.as_bytes() == folder.as_bytes());
            if let (None, Some((_, mode))) = (self.tree.get(&folder), known) {
                self.put(folder, Entry::dir(*mode).modified_at(self.time), self.actor)?;
            }
        }
        Ok(())
    }

    /// Makes a directory and those above it; what exists stays as it is.
    pub(super) fn make_dirs(&mut self, path: &str, mode: u16) -> Result<(), Fault> {
        let mut here = String::new();
        for part in path.split('/').filter(|p| !p.is_empty()) {
            here = format!("{here}/{part}");
            match self.stat(&here, true) {
                Some(entry) if entry.is_dir() => {}
                Some(_) => return Err(EXISTS),
                None => self.make(&self.find(&here, true)?.to_string(), Entry::dir(mode))?,
            }
        }
        Ok(())
    }

    /// Changes the metadata of an entry.
    pub(super) fn change(&mut self, place: &TreePath, change: impl FnOnce(&mut Entry)) -> Result<(), Fault> {
        if place.is_root() {
            // The root's own metadata is not part of a package set.
            return Ok(());
        }
        let mut entry = self.tree.get(place).cloned().ok_or(MISSING)?;
        change(&mut entry);
        self.tree.insert(place.clone(), entry)?;
        Ok(())
    }

    /// Removes what is no directory.
    pub(super) fn unlink(&mut self, path: &str) -> Result<(), Fault> {
        let place = self.find(path, false)?;
        match self.tree.get(&place) {
            None => Err(MISSING),
            Some(entry) if entry.is_dir() => Err(IS_DIRECTORY),
            Some(_) => {
                self.remove(&place);
                Ok(())
            }
        }
    }

    /// Removes an empty directory.
    pub(super) fn remove_dir(&mut self, path: &str) -> Result<(), Fault> {
        let place = self.find(path, false)?;
        match self.tree.get(&place) {
            None => Err(MISSING),
            Some(entry) if !entry.is_dir() => Err(Fault::Errno("Not a directory")),
            Some(_) if self.tree.children(&place).next().is_some() => Err(NOT_EMPTY),
            Some(_) => {
                self.remove(&place);
                Ok(())
            }
        }
    }

    /// Moves an entry with all below it to a path, in place of what is no directory there.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        let (from, to) = (self.find(from, false)?, self.find(to, false)?);
        let entry = self.tree.get(&from).cloned().ok_or(MISSING)?;
        if from == to {
            return Ok(());
        }
        if to.is_root() || to.starts_with(&from) {
            return Err(Fault::Errno("Invalid argument"));
        }
        if let Some(old) = self.tree.get(&to)
            && old.is_dir()
        {
            if !entry.is_dir() {
                return Err(IS_DIRECTORY);
            }
            if self.tree.children(&to).next().is_some() {
                return Err(NOT_EMPTY);
            }
        }
        let owner = |p: &TreePath| self.owners.get(p).copied().unwrap_or(self.actor);
        let moved: Vec<(TreePath, Entry, Owner)> = std::iter::once((to.clone(), entry, owner(&from)))
            .chain(self.tree.below(&from).map(|(p, e)| {
                let place = to.join_path(&p.relative_to(&from).expect("it is below"));
                (place, e.clone(), owner(p))
            }))
            .collect();
        self.remove(&from);
        for (place, entry, owner) in moved {
            self.put(place, entry, Owner { made: true, ..owner })?;
        }
        Ok(())
    }

    /// Gives up the root: the tree, and who put what is in it.
    pub(super) fn finish(self) -> (Tree, BTreeMap<TreePath, Owner>) {
        (self.tree, self.owners)
    }
}

/// The folders of every Debian system.
const STANDARD: [(&str, u16); 20] = [
    ("etc", 0o755),
    ("etc/default", 0o755),
    ("home", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/bin", 0o755),
    ("usr/lib", 0o755),
    ("usr/local", 0o755),
    ("usr/sbin", 0o755),
    ("usr/share", 0o755),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o2775),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];

/// What stands for the root itself.
static ROOT: Entry = Entry { node: Node::Dir, mode: 0o755, uid: 0, gid: 0, mtime: None, xattrs: BTreeMap::new() };
