//! Images and trees out of the store.
//!
//! A manifest whose only layer is a tree in kiln's own form is that tree, and nothing
//! of it is read here. Of any other manifest the layers are unpacked, one over the
//! other ([`flatten`]), once: the record of that counts as long as the contents of
//! all files are in the store.

use super::super::cache::is_complete;
use super::super::value::Value;
use crate::llb::{self, Vertex, attr, pb};
use crate::oci::{Descriptor, Digest, ImageConfig, Index, Manifest, media_type};
use crate::store::{Store, StoreError};
use crate::tree::TreeError;
use crate::tree::flatten::{self, FlattenError, Packed};
use crate::tree::tar::Limits;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// The most that a document may have.
const LIMIT: u64 = 4 << 20;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageSourceError {
    /// The reference names no digest.
    #[error("`{0}` names no image in the store: it must end in `@sha256:` and a digest")]
    NotPinned(String),
    /// A document is none.
    #[error("{digest} is no image manifest: {reason}")]
    Malformed {
        /// The document.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// An index has no image for the platform.
    #[error("{index} has no image for {platform}; it has {has}")]
    NoPlatform {
        /// The index.
        index: Digest,
        /// What was asked for.
        platform: String,
        /// What it has.
        has: String,
    },
    /// An attribute is wrong.
    #[error("the attribute {name} of the source is malformed: `{value}`")]
    Attribute {
        /// Which.
        name: &'static str,
        /// What it says, shortened.
        value: String,
    },
    /// Its layers do not make a tree.
    #[error(transparent)]
    Flatten(#[from] FlattenError),
    /// A tree is damaged.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The kind of record that says of a tree which image's layers are it.
const RECORD: &str = "image-of-tree";

/// The manifest of an image that anybody unpacks to this very tree; none where none is known.
pub(in crate::solve) fn image_of(tree: &Digest, store: &Store) -> Result<Option<Digest>, StoreError> {
    let record = store.record(RECORD, tree)?;
    Ok(record.and_then(|record| Some(Digest::from_bytes(record.try_into().ok()?))))
}

/// The result, and whether nothing had to be unpacked. What has to be, `unpacking` is told by its manifest before.
pub(in super::super) fn read(
    reference: &str,
    attrs: &BTreeMap<String, String>,
    vertex: &Vertex,
    store: &Store,
    unpacking: &dyn Fn(&Digest),
) -> Result<(Value, bool), ImageSourceError> {
    let not_pinned = || ImageSourceError::NotPinned(reference.chars().take(120).collect());
    let digest = reference.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok()).ok_or_else(not_pinned)?;
    let (digest, manifest) = manifest(digest, vertex, store)?;
    if let [layer] = manifest.layers.as_slice()
        && layer.media_type == media_type::TREE
    {
        return Ok((Value::stored(layer.digest, BTreeSet::new(), BTreeSet::new(), Vec::new()), true));
    }
    let limit = limit(attrs)?.unwrap_or(usize::MAX);
    let config: ImageConfig = document(&manifest.config.digest, store)?;
    let (layers, diff_ids) = (&manifest.layers, &config.rootfs.diff_ids);
    if layers.len() != diff_ids.len() {
        let reason = format!("it has {} layers, and its configuration names {}", layers.len(), diff_ids.len());
        return Err(ImageSourceError::Malformed { digest, reason });
    }
    let packed: Vec<Packed<'_>> = layers.iter().zip(diff_ids.iter().copied()).take(limit).collect();
    if let Some(tree) = flatten::known_tree(&packed, store)? {
        let value = Value::stored(tree, BTreeSet::new(), BTreeSet::new(), Vec::new());
        match is_complete(&value, store) {
            Ok(true) => return Ok((value, true)),
            Err(TreeError::Store(error)) if !error.is_lost_content() => return Err(error.into()),
            _ => {}
        }
    }
    unpacking(&digest);
    let flat = flatten::unpack(&packed, store, &Limits::default())?;
    if flat.is_explicit && packed.len() == layers.len() {
        store.set_record(RECORD, &flat.digest, digest.as_bytes())?;
    }
    Ok((Value::flat(flat), false))
}

/// The manifest of that digest, or of an index of that digest the one for the vertex's platform.
fn manifest(digest: Digest, vertex: &Vertex, store: &Store) -> Result<(Digest, Manifest), ImageSourceError> {
    let kind: Kind = document(&digest, store)?;
    if kind.manifests.is_none() {
        return Ok((digest, document(&digest, store)?));
    }
    let index: Index = document(&digest, store)?;
    let chosen = choose(&index, vertex.platform.as_ref(), digest)?.digest;
    Ok((chosen, document(&chosen, store)?))
}

fn document<T: DeserializeOwned>(digest: &Digest, store: &Store) -> Result<T, ImageSourceError> {
    let bytes = store.read(digest, LIMIT)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ImageSourceError::Malformed { digest: *digest, reason: error.to_string() })
}

/// Tells an index from a manifest, which need not say what they are.
#[derive(serde::Deserialize)]
struct Kind {
    manifests: Option<serde::de::IgnoredAny>,
}

fn choose<'i>(
    index: &'i Index,
    wanted: Option<&pb::Platform>,
    digest: Digest,
) -> Result<&'i Descriptor, ImageSourceError> {
    let wanted = llb::platform(wanted);
    let matches = |d: &&Descriptor| d.platform.as_ref().is_some_and(|platform| platform.matches(&wanted));
    index.manifests.iter().find(matches).ok_or_else(|| {
        let has: Vec<String> = index.manifests.iter().filter_map(|d| Some(d.platform.as_ref()?.to_string())).collect();
        let has = if has.is_empty() { "none with a platform".to_owned() } else { has.join(", ") };
        ImageSourceError::NoPlatform { index: digest, platform: wanted.to_string(), has }
    })
}

fn limit(attrs: &BTreeMap<String, String>) -> Result<Option<usize>, ImageSourceError> {
    let Some(value) = attrs.get(attr::OCI_LAYER_LIMIT) else { return Ok(None) };
    let malformed =
        |_| ImageSourceError::Attribute { name: attr::OCI_LAYER_LIMIT, value: value.chars().take(80).collect() };
    value.parse().map(Some).map_err(malformed)
}
