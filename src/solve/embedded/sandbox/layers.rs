//! Trees on disk, as the lower layers of overlays.
//!
//! A tree that commands run in is written once. A tree that was made of one that is on disk already takes only what is
//! different, as a further layer; and what a command changed *is* a layer already. A chain that has grown long, or a
//! difference that is most of the tree, is written whole instead.
//!
//! Layers are named by what they hold, below what they lie, and whether owners on disk mean anything. They are made
//! beside their place and renamed into it whole, so whoever finds one may use it. They look the same however they came
//! about: times that a tree does not say are [`STEP_EPOCH`].

use super::job::Failed;
use crate::llb::exec::STEP_EPOCH;
use crate::oci::{Digest, Digester};
use crate::store::Store;
use crate::tree::{Change, Tree, materialise};
use std::io;
use std::path::{Path, PathBuf};

/// The kind of record that tells which layers make a tree.
const RECORD: &str = "layers";

/// The form of layers; another one forgets them all.
const FORM: &[u8] = b"kiln layers 1\n";

/// The longest chain that grows.
const LONGEST: usize = 40;

/// The layers of a store, as one kind of sandbox writes them.
pub(super) struct Layers<'a> {
    pub(super) store: &'a Store,
    /// A folder for what is unfinished, on the same filesystem.
    pub(super) scratch: &'a Path,
    pub(super) mapped: bool,
}

impl Layers<'_> {
    /// The folder that holds all layers of a store.
    pub(super) fn folder(&self) -> PathBuf {
        self.store.root().join("layers")
    }

    /// The layers that make a tree, lowest first, by their names in [`folder`](Self::folder); written where they are
    /// not there yet.
    pub(super) fn of(&self, tree: &Digest, history: &[Digest]) -> Result<Vec<String>, Failed> {
        if let Some(chain) = self.known(tree)? {
            return Ok(chain);
        }
        let whole = load(self.store, tree)?;
        for earlier in history {
            let Some(chain) = self.known(earlier)?.filter(|chain| chain.len() < LONGEST) else { continue };
            let change = Change::between(&load(self.store, earlier)?, &whole);
            if change.entries.len() * 2 > whole.len() + 100 {
                break;
            }
            return self.write(tree, Some(earlier), chain, &change);
        }
        self.write(tree, None, Vec::new(), &Change::from(whole))
    }

    /// Keeps a folder as the layer that makes `tree` of the tree `below`.
    pub(super) fn keep(&self, tree: &Digest, below: &Digest, folder: &Path) -> Result<(), Failed> {
        let Some(mut chain) = self.known(below)?.filter(|chain| chain.len() < LONGEST) else { return Ok(()) };
        if self.known(tree)?.is_some() {
            return Ok(());
        }
        chain.push(self.name(tree, Some(below)));
        self.publish(folder, chain.last().map_or("", String::as_str))?;
        self.remember(tree, &chain)
    }

    fn write(
        &self,
        tree: &Digest,
        below: Option<&Digest>,
        mut chain: Vec<String>,
        change: &Change,
    ) -> Result<Vec<String>, Failed> {
        let name = self.name(tree, below);
        let unfinished = self.scratch.join(format!("layer-{name}"));
        let written = materialise::layer(change, self.store, &unfinished, STEP_EPOCH);
        written.map_err(|e| Failed::Other(format!("cannot write a file system: {e}")))?;
        self.publish(&unfinished, &name)?;
        chain.push(name);
        self.remember(tree, &chain)?;
        Ok(chain)
    }

    fn publish(&self, unfinished: &Path, name: &str) -> Result<(), Failed> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder).map_err(Failed::io("make the folder of layers"))?;
        match std::fs::rename(unfinished, folder.join(name)) {
            // Somebody else made it meanwhile.
            Err(e) if matches!(e.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => Ok(()),
            other => other.map_err(Failed::io("put a layer into its place")),
        }
    }

    fn known(&self, tree: &Digest) -> Result<Option<Vec<String>>, Failed> {
        let record = self.store.record(RECORD, &self.key(tree)).map_err(|e| Failed::Other(e.to_string()))?;
        let chain: Option<Vec<String>> = record.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let folder = self.folder();
        Ok(chain.filter(|chain| chain.iter().all(|name| is_name(name) && folder.join(name).is_dir())))
    }

    fn remember(&self, tree: &Digest, chain: &[String]) -> Result<(), Failed> {
        let record = serde_json::to_vec(chain).map_err(|e| Failed::Other(e.to_string()))?;
        self.store.set_record(RECORD, &self.key(tree), &record).map_err(|e| Failed::Other(e.to_string()))
    }

    fn key(&self, tree: &Digest) -> Digest {
        Digest::of([FORM, &[u8::from(self.mapped)], tree.as_bytes()].concat())
    }

    fn name(&self, tree: &Digest, below: Option<&Digest>) -> String {
        let mut digester = Digester::new();
        digester.update(self.key(tree).as_bytes());
        digester.update(below.map_or(&[][..], |below| below.as_bytes()));
        digester.finish().hex()[..24].to_owned()
    }
}

/// Names go into the options of a mount.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn load(store: &Store, tree: &Digest) -> Result<Tree, Failed> {
    Tree::load(store, tree).map_err(|e| Failed::Other(e.to_string()))
}
