//! What an image's layers amount to: one tree, and which layer each path comes from.

use super::layer::Layer;
use crate::oci::{Digest, Digester};
use crate::store::{Store, StoreError};
use crate::tree::tar::{self, Compression, Limits, Options, TarError};
use crate::tree::{Change, Entry, Tree, TreeError, TreePath};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

/// The root filesystem that a container of an image sees.
#[derive(Debug, Clone, Default)]
pub struct Flat {
    /// All of it; contents are in the store.
    pub tree: Arc<Tree>,
    /// The position of the layer that put each path there, or last changed it.
    pub layer_of: BTreeMap<TreePath, usize>,
}

impl Flat {
    fn forget_below(&mut self, folder: &TreePath) {
        for (path, _) in self.tree.below(folder) {
            self.layer_of.remove(path);
        }
    }
}

/// Why layers could not be flattened.
#[derive(Debug, thiserror::Error)]
pub enum FlattenError {
    /// A layer is no archive, or one that is refused.
    #[error("cannot read the layer {digest}: {source}")]
    Layer {
        /// The layer's blob.
        digest: Digest,
        /// What is wrong with it.
        source: TarError,
    },
    /// A layer unpacks to something else than the configuration says.
    #[error("the layer {digest} unpacks to content with digest {actual}; the image's configuration says {expected}")]
    WrongDiffId {
        /// The layer's blob.
        digest: Digest,
        /// The digest that its plain archive should have.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
    /// A layer is of a kind that kiln cannot read.
    #[error("the layer {digest} is of the unknown kind `{media_type}`")]
    UnknownKind {
        /// The layer's blob.
        digest: Digest,
        /// Its media type.
        media_type: String,
    },
    /// The tree does not allow it.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The kind of record that says what layers amount to.
const RECORD: &str = "flat";

/// Goes into the names of records; to be raised with what they say.
const FORM: &[u8] = b"kiln flat 1\n";

/// Lays the layers over each other, lowest first; the contents of their files go into the store. What the same layers came
/// to before is found again.
///
/// Each layer's blob and each layer's plain archive are checked against their digests.
///
/// # Errors
/// Where a layer is missing, damaged, refused, or unpacks to something else than its diff_id says.
pub fn flatten(layers: &[Layer], store: &Store, limits: &Limits) -> Result<Flat, FlattenError> {
    let names = layers.iter().flat_map(|layer| [layer.descriptor.digest, layer.diff_id]);
    let names = names.fold(FORM.to_vec(), |bytes, name| [bytes.as_slice(), name.as_bytes()].concat());
    let key = Digest::of(names);
    if let Some(known) = recall(store, &key)? {
        return Ok(known);
    }
    let flat = unpack(layers, store, limits)?;
    let numbers = flat
        .tree
        .iter()
        .map(|(path, _)| flat.layer_of.get(path).map_or(NONE, |number| u32::try_from(*number).unwrap_or(NONE)));
    let record = numbers.fold(flat.tree.save(store)?.as_bytes().to_vec(), |mut bytes, number| {
        bytes.extend(number.to_le_bytes());
        bytes
    });
    store.set_record(RECORD, &key, &record)?;
    Ok(flat)
}

/// Stands in a record for a path that no layer put there.
const NONE: u32 = u32::MAX;

/// What a record says; none where it is gone, or its tree is.
fn recall(store: &Store, key: &Digest) -> Result<Option<Flat>, FlattenError> {
    let Some(record) = store.record(RECORD, key)? else { return Ok(None) };
    let Some((tree, numbers)) = record.split_first_chunk::<32>() else { return Ok(None) };
    let (tree, (numbers, rest)) = (Digest::from_bytes(*tree), numbers.as_chunks::<4>());
    if !store.has(&tree) {
        return Ok(None);
    }
    let tree = Tree::load(store, &tree)?;
    if numbers.len() != tree.len() || !rest.is_empty() {
        return Ok(None);
    }
    let numbers = numbers.iter().map(|number| u32::from_le_bytes(*number));
    let known = tree.iter().zip(numbers).filter(|(_, number)| *number != NONE);
    let layer_of = known.map(|((path, _), number)| (path.clone(), number as usize)).collect();
    Ok(Some(Flat { tree: Arc::new(tree), layer_of }))
}

fn unpack(layers: &[Layer], store: &Store, limits: &Limits) -> Result<Flat, FlattenError> {
    let mut flat = Flat::default();
    for (number, layer) in layers.iter().enumerate() {
        let change = change_of(layer, &flat.tree, store, limits)?;
        for path in change.removed.iter().chain(&change.opaque) {
            flat.forget_below(path);
            if change.removed.contains(path) {
                flat.layer_of.remove(path);
            }
        }
        for (path, entry) in change.entries.iter() {
            let present = flat.tree.get(path).cloned();
            if !entry.is_dir() && present.as_ref().is_some_and(Entry::is_dir) {
                flat.forget_below(path);
            }
            // Layers bring the folders of their files along; one that is as it was is not theirs.
            let is_same_folder = entry.is_dir() && present.as_ref() == Some(entry) && flat.layer_of.contains_key(path);
            if !is_same_folder {
                flat.layer_of.insert(path.clone(), number);
            }
        }
        change.apply(Arc::make_mut(&mut flat.tree))?;
    }
    Ok(flat)
}

/// What a layer changes in what is below it; the contents of its files go into the store.
///
/// # Errors
/// As [`flatten`].
pub fn change_of(layer: &Layer, lower: &Tree, store: &Store, limits: &Limits) -> Result<Change, FlattenError> {
    let digest = layer.descriptor.digest;
    // A blob that was damaged on disk may look like a bad archive before its end is reached.
    let fail = |source| match (source, check_blob(&digest, store)) {
        (TarError::Store(e), _) | (_, Err(e)) => FlattenError::Store(e),
        (source, Ok(())) => FlattenError::Layer { digest, source },
    };
    if Compression::of_media_type(&layer.descriptor.media_type).is_none() {
        let media_type = layer.descriptor.media_type.clone();
        return Err(FlattenError::UnknownKind { digest, media_type });
    }
    let plain = tar::decompress(store.reader(&digest)?, limits.size).map_err(fail)?;
    let mut plain = Hashed { input: plain, digester: Digester::new() };
    let options = Options {
        limits: limits.clone(),
        origin: digest.as_bytes(),
        whiteouts: true,
        devices: true,
        xattrs: true,
        lower: Some(lower),
        map: None,
    };
    let change = tar::read(&mut plain, store, &options).map_err(fail)?;
    let actual = plain.digester.finish();
    if actual != layer.diff_id {
        return Err(FlattenError::WrongDiffId { digest, expected: layer.diff_id, actual });
    }
    Ok(change)
}

/// Reads a blob to its end, where damage is noticed.
fn check_blob(digest: &Digest, store: &Store) -> Result<(), StoreError> {
    io::copy(&mut store.reader(digest)?, &mut io::sink())?;
    Ok(())
}

/// Hashes what is read.
struct Hashed<R> {
    input: R,
    digester: Digester,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.digester.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
