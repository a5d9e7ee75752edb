//! What of layers nobody sees: files that layers above cover.

use super::{Change, Entry, Tree, TreePath};
use std::collections::BTreeMap;

/// A file of a layer, with the layer's position.
pub(super) type Hidden = (usize, TreePath, Entry);

/// Adds the files of `lower` that a change takes away or puts another content in the place of.
pub(super) fn by(change: &Change, lower: &Tree, layer_of: &BTreeMap<TreePath, usize>, hidden: &mut Vec<Hidden>) {
    let mut hide = |path: &TreePath, entry: &Entry| {
        if let (true, Some(layer)) = (entry.is_file(), layer_of.get(path)) {
            hidden.push((*layer, path.clone(), entry.clone()));
        }
    };
    for path in change.removed.iter().chain(&change.opaque) {
        if change.removed.contains(path)
            && let Some(entry) = lower.get(path)
        {
            hide(path, entry);
        }
        lower.below(path).for_each(|(path, entry)| hide(path, entry));
    }
    let taken = |path: &TreePath| {
        path.ancestors().any(|above| change.removed.contains(&above) || change.opaque.contains(&above))
    };
    for (path, entry) in change.entries.iter() {
        let Some(below) = lower.get(path).filter(|_| !change.removed.contains(path) && !taken(path)) else { continue };
        if below.content() != entry.content() {
            hide(path, below);
        }
        if below.is_dir() && !entry.is_dir() {
            lower.below(path).for_each(|(path, entry)| hide(path, entry));
        }
    }
}

/// A tree holds a path once, and layers may hide several files of one: so each layer's are a tree of their own.
pub(super) fn encode(hidden: &[Hidden]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for of_layer in hidden.chunk_by(|a, b| a.0 == b.0) {
        let mut tree = Tree::new();
        for (_, path, entry) in of_layer {
            // The folders on the way are made up: none of them is told.
            let made = path.parent().is_none_or(|folder| tree.make_dirs(&folder, &Entry::dir(0)).is_ok());
            if made {
                let _ = tree.insert(path.clone(), entry.clone());
            }
        }
        let encoded = tree.encode();
        let layer = of_layer.first().map_or(0, |(layer, _, _)| *layer);
        bytes.extend(u64::try_from(layer).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend(u64::try_from(encoded.len()).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend(encoded);
    }
    bytes
}

/// None for what [`encode`] did not write.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Hidden>> {
    let mut hidden = Vec::new();
    while !bytes.is_empty() {
        let (layer, rest) = bytes.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let layer = usize::try_from(u64::from_le_bytes(*layer)).ok()?;
        let (tree, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*size)).ok()?)?;
        let tree = Tree::decode(tree).ok()?;
        let files = tree.iter().filter(|(_, entry)| entry.is_file());
        hidden.extend(files.map(|(path, entry)| (layer, path.clone(), entry.clone())));
        bytes = rest;
    }
    Some(hidden)
}
