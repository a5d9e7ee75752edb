//! Trees on disk, as layers of overlays: made once, and used by all steps that begin with the same files.
//!
//! Layers stand in the store, below `layers/`; which of them make up a tree is in a record. A layer is complete when it has
//! its name, and nothing changes it afterwards. But nothing waits for the disk either: after a power cut, files of a layer
//! may be torn, and unlike contents, layers are not hashed again. So those of an earlier start of the machine count for
//! nothing.

use super::SandboxError;
use super::ids::Ids;
use super::job::LayerJob;
use crate::oci::{Digest, Digester};
use crate::solve::embedded::sandbox::TreeRef;
use crate::store::{Store, StoreError};
use std::io;
use std::path::Path;

/// The kind of record that says which layers make up a tree.
const RECORD: &str = "tree-layers";

/// Goes into their names; to be raised with how a tree looks on disk.
const FORM: u32 = 2;

/// No tree has more: each is looked at for each file that is opened, and mount options are at most a page.
pub(super) const MOST: usize = 40;

/// The layers of a store, for one way of mapping ids.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    store: Store,
    /// Their folder, in the store.
    folder: String,
    ids: Ids,
}

impl Layers {
    pub(super) fn new(store: &Store, ids: &Ids) -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let short = |text: &str| Digest::of(text.trim()).hex()[..12].to_owned();
        let folder = format!("layers/{}-{}-{FORM}", short(&boot), short(&ids.name()));
        Layers { store: store.clone(), folder, ids: ids.clone() }
    }

    /// The folder of the store that they stand in.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// The layers of a tree, the lowest first; those that are missing are made by `make`, which says whether the layer is laid
    /// over the base that it was offered. Another process that makes them is waited for, until `gave_up` says so.
    pub(super) fn of(
        &self,
        tree: &TreeRef,
        gave_up: &dyn Fn() -> bool,
        mut make: impl FnMut(&LayerJob) -> Result<bool, SandboxError>,
    ) -> Result<Vec<String>, SandboxError> {
        if let Some(layers) = self.find(&tree.tree)? {
            return Ok(layers);
        }
        // Equal work is done once, also by several processes.
        let Some(_lock) = self.store.lock_passing(&format!("layers-{}", self.key(&tree.tree).hex()), gave_up)? else {
            return Err(SandboxError::Lost("cancelled".to_owned()));
        };
        if let Some(layers) = self.find(&tree.tree)? {
            return Ok(layers);
        }
        let mut base = None;
        for lower in &tree.history {
            if let Some(layers) = self.find(lower)?
                && layers.len() < MOST
            {
                base = Some((*lower, layers));
                break;
            }
        }
        let folder = self.store.root().join(&self.folder);
        std::fs::create_dir_all(&folder)
            .map_err(|source| SandboxError::Io { action: format!("make {}", folder.display()), source })?;
        let job = LayerJob {
            base: base.as_ref().map(|(lower, _)| (*lower, self.name(Some(lower), &tree.tree))),
            tree: tree.tree,
            target: self.name(None, &tree.tree),
            owners: self.ids.owners(),
            scratch: String::new(),
        };
        let is_over_base = make(&job)?;
        let layers = match (is_over_base, base, job.base) {
            (true, Some((_, mut layers)), Some((_, name))) => {
                layers.push(name);
                layers
            }
            _ => vec![job.target],
        };
        self.remember(&tree.tree, &layers)?;
        Ok(layers)
    }

    /// Says which layers make up a tree.
    pub(super) fn remember(&self, tree: &Digest, layers: &[String]) -> Result<(), StoreError> {
        let list = layers.join("\n");
        self.store.set_record(RECORD, &self.key(tree), list.as_bytes())
    }

    /// Where the layer stands that turns one tree into another.
    pub(super) fn name(&self, lower: Option<&Digest>, tree: &Digest) -> String {
        name(&self.folder, lower, tree)
    }

    fn find(&self, tree: &Digest) -> Result<Option<Vec<String>>, StoreError> {
        let Some(record) = self.store.record(RECORD, &self.key(tree))? else { return Ok(None) };
        let Ok(list) = String::from_utf8(record) else { return Ok(None) };
        let layers: Vec<String> = list.lines().map(str::to_owned).collect();
        let stands = |layer: &String| {
            let path = Path::new(layer);
            path.starts_with(&self.folder) && self.store.root().join(path).is_dir()
        };
        Ok(layers.iter().all(stands).then_some(layers))
    }

    fn key(&self, tree: &Digest) -> Digest {
        Digest::of([self.folder.as_bytes(), b"\0", tree.as_bytes()].concat())
    }
}

/// Gives a finished layer its name. Where another has it by now, that is the same.
pub(super) fn give_name(layer: &Path, name: &str) -> io::Result<()> {
    match std::fs::rename(layer, name) {
        Err(e) if matches!(e.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => Ok(()),
        other => other,
    }
}

/// Where, in a folder of layers, the one stands that turns one tree into another.
pub(super) fn name(folder: &str, lower: Option<&Digest>, tree: &Digest) -> String {
    let mut digester = Digester::new();
    digester.update(lower.map_or(&[][..], |lower| lower.as_bytes()));
    digester.update(tree.as_bytes());
    format!("{folder}/{}", &digester.finish().hex()[..32])
}
