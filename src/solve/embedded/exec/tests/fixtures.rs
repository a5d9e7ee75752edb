//! A sandbox that runs functions.

use super::super::super::sandbox::{
    Ended, EnvValue, Listener, MountKind, Sandbox, SandboxError, Status, Step, Stream, TreeRef,
};
use crate::oci::{Digest, Platform};
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreePath};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

type Action = dyn Fn(&mut Shell<'_>) -> Status + Send + Sync;

/// Runs the same function for every command, and counts.
pub(super) struct Fake {
    action: Box<Action>,
    count: AtomicUsize,
    has_one_id: bool,
    /// The images that it was told of, with the platforms.
    pub(super) foreseen: Mutex<Vec<(Digest, String)>>,
}

impl Fake {
    pub(super) fn new(action: impl Fn(&mut Shell<'_>) -> Status + Send + Sync + 'static) -> Self {
        Fake { action: Box::new(action), count: AtomicUsize::new(0), has_one_id: false, foreseen: Mutex::default() }
    }

    pub(super) fn with_one_id(action: impl Fn(&mut Shell<'_>) -> Status + Send + Sync + 'static) -> Self {
        Fake { has_one_id: true, ..Fake::new(action) }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Sandbox for Fake {
    fn foresee(&self, manifest: &Digest, platform: &Platform, _: &Store) {
        self.foreseen.lock().unwrap().push((*manifest, platform.to_string()));
    }

    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let mut before = Vec::new();
        for mount in &step.mounts {
            before.push(match &mount.kind {
                MountKind::Tree { tree, selector, writable, .. } => {
                    Some((Shown::new(tree, selector, store)?, *writable))
                }
                _ => None,
            });
        }
        let trees = before.iter().map(|tree| tree.as_ref().map(|(shown, _)| shown.part())).collect();
        let mut shell = Shell { step, store, listener, trees, warnings: Vec::new() };
        let status = (self.action)(&mut shell);
        let Shell { trees, warnings, .. } = shell;
        let changes = before.iter().zip(&trees).map(|(before, after)| {
            let ((before, writable), after) = (before.as_ref()?, after.as_ref()?);
            writable.then(|| before.change(after))
        });
        Ok(Ended { status, changes: changes.collect(), is_part: false, warnings })
    }

    fn has_one_id(&self) -> bool {
        self.has_one_id
    }
}

/// A tree of which a part is mounted.
struct Shown {
    whole: Tree,
    at: TreePath,
}

impl Shown {
    fn new(tree: &TreeRef, selector: &TreePath, store: &Store) -> Result<Self, SandboxError> {
        let failed = |error: crate::tree::TreeError| match error {
            crate::tree::TreeError::Store(error) => SandboxError::Store(error),
            other => SandboxError::Tree(other.to_string()),
        };
        let tree = Tree::load(store, &tree.tree).map_err(failed)?;
        // As a sandbox that writes files would find out.
        for content in tree.iter().filter_map(|(_, entry)| entry.content()) {
            store.read(content, 1 << 20)?;
        }
        let at = tree.resolve(selector.as_bytes()).map_err(failed)?;
        Ok(Shown { whole: tree, at })
    }

    fn part(&self) -> Tree {
        if self.at.is_root() { self.whole.clone() } else { self.whole.subtree(&self.at) }
    }

    /// What became of the whole where the part has become another.
    fn change(&self, part: &Tree) -> Change {
        let mut after = self.whole.clone();
        after.clear(&self.at);
        for (path, entry) in part.iter() {
            after.insert(self.at.join_path(path), entry.clone()).unwrap();
        }
        Change::between(&self.whole, &after)
    }
}

/// What a command sees and does.
pub(super) struct Shell<'a> {
    pub(super) step: &'a Step,
    pub(super) store: &'a Store,
    pub(super) listener: &'a dyn Listener,
    pub(super) trees: Vec<Option<Tree>>,
    pub(super) warnings: Vec<String>,
}

impl Shell<'_> {
    /// Which mount a path is in, and where in it.
    fn place(&self, path: &str) -> (usize, TreePath) {
        let path = TreePath::from_user(path).unwrap();
        let mounts = self.step.mounts.iter().enumerate().rev();
        let within = mounts.filter_map(|(i, mount)| {
            let target = TreePath::from_user(&mount.target).unwrap();
            Some((i, path.relative_to(&target)?))
        });
        within.min_by_key(|(_, rest)| rest.as_bytes().len()).expect("everything is below the root")
    }

    /// The mount at a place.
    pub(super) fn mount(&self, target: &str) -> Option<&MountKind> {
        self.step.mounts.iter().find(|mount| mount.target == target).map(|mount| &mount.kind)
    }

    /// The folder of this machine that is mounted at a place.
    pub(super) fn folder(&self, target: &str) -> PathBuf {
        match self.mount(target) {
            Some(MountKind::Folder { path }) => path.clone(),
            other => panic!("no folder at {target}: {other:?}"),
        }
    }

    pub(super) fn read(&self, path: &str) -> Option<String> {
        let (i, path) = self.place(path);
        let content = *self.trees[i].as_ref()?.get(&path)?.content()?;
        Some(String::from_utf8(self.store.read(&content, 1 << 20).unwrap()).unwrap())
    }

    pub(super) fn write(&mut self, path: &str, content: &str) {
        let (i, path) = self.place(path);
        let entry = Entry::file(self.store.put(content.as_bytes()).unwrap(), content.len() as u64, 0o644);
        let tree = self.trees[i].as_mut().expect("a tree is mounted there");
        tree.make_dirs(&path.parent().unwrap(), &Entry::dir(0o755)).unwrap();
        tree.insert(path, entry).unwrap();
    }

    pub(super) fn remove(&mut self, path: &str) {
        let (i, path) = self.place(path);
        assert!(self.trees[i].as_mut().expect("a tree is mounted there").remove(&path));
    }

    pub(super) fn say(&self, text: impl AsRef<[u8]>) {
        self.listener.output(Stream::Out, text.as_ref());
    }

    /// The environment, secrets included.
    pub(super) fn all_env(&self) -> impl Iterator<Item = (&str, String)> {
        self.step.env.iter().map(|(name, value)| match value {
            EnvValue::Plain(value) => (name.as_str(), value.clone()),
            EnvValue::Secret(value) => (name.as_str(), String::from_utf8(value.expose_secret().to_vec()).unwrap()),
        })
    }

    /// The value of an environment variable.
    pub(super) fn env(&self, name: &str) -> Option<String> {
        self.all_env().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}
