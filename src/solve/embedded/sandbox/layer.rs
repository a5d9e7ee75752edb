//! Trees on disk, made by the worker.

use super::job::{Failure, LayerJob, Owners};
use super::layers;
use crate::llb::exec::STEP_EPOCH;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Change, Tree, materialise};
use std::path::Path;

/// Makes a layer and gives it its name; says whether it is laid over the base.
///
/// It is, where the base and the tree have most in common.
pub(super) fn make(job: &LayerJob) -> Result<bool, Failure> {
    let (store, place) = (store(&job.scratch), Path::new(&job.scratch).join("layer"));
    let tree = load(&store, &job.tree)?;
    let over_base = match &job.base {
        Some((base, target)) => Some((Change::between(&load(&store, base)?, &tree), target)),
        None => None,
    };
    // A small tree is written over its base however much of it is new: that is no work, and keeps chains in use.
    let over_base = over_base.filter(|(change, _)| change.entries.len() * 2 <= tree.len() + 100);
    let (change, target) = match &over_base {
        Some((change, target)) => (change, *target),
        None => (&Change::from(tree), &job.target),
    };
    // One that has its name is complete, also where whoever made it was killed before it was remembered.
    if !Path::new(target).is_dir() {
        materialise::layer(change, &store, &place, STEP_EPOCH).map_err(Failure::tree)?;
        layers::give_name(&place, target).map_err(Failure::io("name the layer"))?;
    }
    Ok(over_base.is_some())
}

/// Makes a whole tree, each of its files by itself: as in an overlay, a change of one name of a file is no change of its
/// others.
pub(super) fn whole(tree: &Digest, store: &Store, place: &Path) -> Result<(), Failure> {
    let tree = Change::from(load(store, tree)?);
    materialise::layer(&tree, store, place, STEP_EPOCH).map_err(Failure::tree)
}

/// The store, in whose folder this process stands, with a folder of it for what is not finished.
pub(super) fn store(scratch: &str) -> Store {
    Store::open_as_guest(".", Path::new(scratch).join("unfinished"))
}

pub(super) fn load(store: &Store, tree: &Digest) -> Result<Tree, Failure> {
    Tree::load(store, tree).map_err(Failure::tree)
}

/// What owners on disk mean where the step's user has these numbers.
pub(super) fn captured(owners: Owners, (uid, gid): (u32, u32)) -> crate::tree::capture::Captured {
    match owners {
        Owners::Mapped => crate::tree::capture::Captured::Mapped,
        Owners::Single => crate::tree::capture::Captured::Single { uid, gid },
    }
}
