//! What an image's layers amount to: one tree, and which layer each path comes from.

mod covered;

use super::tar::{self, Compression, Limits, Options, TarError, Unpacked};
use super::{Change, Entry, Tree, TreeError, TreePath};
use crate::oci::{Descriptor, Digest, Digester};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

/// The root filesystem that a container of an image sees.
#[derive(Debug, Clone)]
pub struct Flat {
    /// All of it; contents are in the store.
    pub tree: Arc<Tree>,
    /// The digest of the tree, which is in the store too.
    pub digest: Digest,
    /// The position of the layer that put each path there, or last changed it.
    pub layer_of: BTreeMap<TreePath, usize>,
    /// The files of layers that layers above take away or put something else in the place of, by layer and path: nobody sees
    /// them in a container, and everybody can read them in the image.
    pub hidden: Vec<(usize, TreePath, Entry)>,
    /// Whether whoever else unpacks the layers gets this very tree, as each of them says all that it puts there.
    pub is_explicit: bool,
}

/// A layer: its blob, with the digest of the plain archive in it.
pub type Packed<'a> = (&'a Descriptor, Digest);

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

/// The kind of record that says what of layers nobody sees.
const HIDDEN: &str = "flat-hidden";

/// Goes into the names of records; to be raised with what they say.
const FORM: &[u8] = b"kiln flat 3\n";

/// Lays the layers over each other, lowest first; the contents of their files go into the store. What the same layers came
/// to before is found again.
///
/// Each layer's blob and each layer's plain archive are checked against their digests.
///
/// # Errors
/// Where a layer is missing, damaged, refused, or unpacks to something else than its diff_id says.
pub fn flatten(layers: &[Packed<'_>], store: &Store, limits: &Limits) -> Result<Flat, FlattenError> {
    match known(layers, store)? {
        Some(known) => Ok(known),
        None => unpack(layers, store, limits),
    }
}

/// Stands in a record for a path that no layer put there.
const NONE: u32 = u32::MAX;

/// The name of what layers come to, which are all of kinds that can be read.
fn key(layers: &[Packed<'_>]) -> Result<Digest, FlattenError> {
    layers.iter().try_for_each(|(blob, _)| check_kind(blob))?;
    let names = layers.iter().flat_map(|(blob, diff_id)| [blob.digest, *diff_id]);
    Ok(Digest::of(names.fold(FORM.to_vec(), |bytes, name| [bytes.as_slice(), name.as_bytes()].concat())))
}

/// What the same layers came to before; none where that is not known any more, or the tree is gone.
///
/// # Errors
/// Where the store fails, the tree is damaged, or a layer is of a kind that cannot be read.
pub fn known(layers: &[Packed<'_>], store: &Store) -> Result<Option<Flat>, FlattenError> {
    let key = key(layers)?;
    let Some(record) = store.record(RECORD, &key)? else { return Ok(None) };
    let Some((digest, [is_explicit, numbers @ ..])) = record.split_first_chunk::<32>() else { return Ok(None) };
    let (digest, (numbers, rest)) = (Digest::from_bytes(*digest), numbers.as_chunks::<4>());
    let Some(hidden) = store.record(HIDDEN, &key)?.and_then(|record| covered::decode(&record)) else { return Ok(None) };
    if !store.has(&digest) {
        return Ok(None);
    }
    let tree = Tree::load(store, &digest)?;
    if numbers.len() != tree.len() || !rest.is_empty() {
        return Ok(None);
    }
    let numbers = numbers.iter().map(|number| u32::from_le_bytes(*number));
    let known = tree.iter().zip(numbers).filter(|(_, number)| *number != NONE);
    let layer_of = known.map(|((path, _), number)| (path.clone(), number as usize)).collect();
    Ok(Some(Flat { tree: Arc::new(tree), digest, layer_of, hidden, is_explicit: *is_explicit == 1 }))
}

/// The digest of the tree alone that [`known`] gives, without a look at it.
///
/// # Errors
/// Where the store fails, or a layer is of a kind that cannot be read.
pub fn known_tree(layers: &[Packed<'_>], store: &Store) -> Result<Option<Digest>, FlattenError> {
    let record = store.record(RECORD, &key(layers)?)?;
    let digest = record.as_ref().and_then(|record| record.first_chunk::<32>()).map(|bytes| Digest::from_bytes(*bytes));
    Ok(digest.filter(|digest| store.has(digest)))
}

/// Lays the layers over each other, and remembers what they came to; nothing of what is known of them counts.
///
/// # Errors
/// As [`flatten`].
pub fn unpack(layers: &[Packed<'_>], store: &Store, limits: &Limits) -> Result<Flat, FlattenError> {
    let key = key(layers)?;
    let (mut tree, mut layer_of, mut all_explicit) = (Tree::new(), BTreeMap::new(), true);
    let mut hidden = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let Unpacked { change, is_explicit } = read_layer(layer, &tree, store, limits)?;
        all_explicit &= is_explicit;
        covered::by(&change, &tree, &layer_of, &mut hidden);
        for path in change.removed.iter().chain(&change.opaque) {
            forget_below(&mut layer_of, &tree, path);
            if change.removed.contains(path) {
                layer_of.remove(path);
            }
        }
        for (path, entry) in change.entries.iter() {
            let present = tree.get(path);
            if !entry.is_dir() && present.is_some_and(Entry::is_dir) {
                forget_below(&mut layer_of, &tree, path);
            }
            // Layers bring the folders of their files along; one that is as it was is not theirs.
            let is_same_folder = entry.is_dir() && present == Some(entry) && layer_of.contains_key(path);
            if !is_same_folder {
                layer_of.insert(path.clone(), number);
            }
        }
        change.apply(&mut tree)?;
    }
    hidden.sort_by(|a: &(usize, TreePath, Entry), b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    // A layer may take a file away and its folder too.
    hidden.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
    let flat = Flat { digest: tree.save(store)?, tree: Arc::new(tree), layer_of, hidden, is_explicit: all_explicit };
    store.set_record(HIDDEN, &key, &covered::encode(&flat.hidden))?;
    store.set_record(RECORD, &key, &record(&flat))?;
    Ok(flat)
}

fn forget_below(layer_of: &mut BTreeMap<TreePath, usize>, tree: &Tree, folder: &TreePath) {
    for (path, _) in tree.below(folder) {
        layer_of.remove(path);
    }
}

/// What [`known`] reads.
fn record(flat: &Flat) -> Vec<u8> {
    let number = |path| flat.layer_of.get(path).and_then(|number| u32::try_from(*number).ok()).unwrap_or(NONE);
    let mut record = flat.digest.as_bytes().to_vec();
    record.push(flat.is_explicit.into());
    flat.tree.iter().for_each(|(path, _)| record.extend(number(path).to_le_bytes()));
    record
}

/// What a layer changes in what is below it; the contents of its files go into the store.
///
/// # Errors
/// As [`flatten`].
pub fn change_of(layer: &Packed<'_>, lower: &Tree, store: &Store, limits: &Limits) -> Result<Change, FlattenError> {
    check_kind(layer.0)?;
    Ok(read_layer(layer, lower, store, limits)?.change)
}

fn check_kind(blob: &Descriptor) -> Result<(), FlattenError> {
    match Compression::of_media_type(&blob.media_type) {
        Some(_) => Ok(()),
        None => Err(FlattenError::UnknownKind { digest: blob.digest, media_type: blob.media_type.clone() }),
    }
}

fn read_layer(
    (blob, diff_id): &Packed<'_>,
    lower: &Tree,
    store: &Store,
    limits: &Limits,
) -> Result<Unpacked, FlattenError> {
    let digest = blob.digest;
    // A blob that was damaged on disk may look like a bad archive before its end is reached.
    let fail = |source| match (source, check_blob(&digest, store)) {
        (TarError::Store(e), _) | (_, Err(e)) => FlattenError::Store(e),
        (source, Ok(())) => FlattenError::Layer { digest, source },
    };
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
    let unpacked = tar::unpack(&mut plain, store, &options).map_err(fail)?;
    let actual = plain.digester.finish();
    if actual != *diff_id {
        return Err(FlattenError::WrongDiffId { digest, expected: *diff_id, actual });
    }
    Ok(unpacked)
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
