//! Images and trees out of the store.
//!
//! A manifest whose only layer is a tree in kiln's own form is that tree, and nothing
//! of it is read here. Of any other manifest the layers are unpacked, one over the
//! other, once for each manifest: the record of that counts as long as the contents of
//! all files are in the store.

use super::super::cache::is_complete;
use super::super::value::Value;
use crate::llb::{self, Vertex, attr, pb};
use crate::oci::{Descriptor, Digest, Index, Manifest, media_type};
use crate::store::{Store, StoreError};
use crate::tree::tar::{self, Compression, Limits, Options, TarError};
use crate::tree::{Change, TreeError};
use std::collections::{BTreeMap, BTreeSet};

/// The most that a manifest or an index may have.
const LIMIT: u64 = 4 << 20;

const KIND: &str = "image-tree";

/// Raised when unpacking changes.
const VERSION: &[u8] = b"kiln image tree 1\n";

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
    /// A layer of a kind that cannot be unpacked.
    #[error("layer {digest} has the media type `{media_type}`, which is no layer that can be unpacked")]
    Layer {
        /// The layer.
        digest: Digest,
        /// What it is.
        media_type: String,
    },
    /// An attribute is wrong.
    #[error("the attribute {name} of the source is malformed: `{value}`")]
    Attribute {
        /// Which.
        name: &'static str,
        /// What it says, shortened.
        value: String,
    },
    /// A layer cannot be unpacked.
    #[error("cannot unpack layer {digest}: {source}")]
    Unpack {
        /// The layer.
        digest: Digest,
        /// What is wrong with it.
        source: TarError,
    },
    /// A layer does not fit onto those below.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The result, and whether nothing had to be unpacked.
pub(in super::super) fn read(
    reference: &str,
    attrs: &BTreeMap<String, String>,
    vertex: &Vertex,
    store: &Store,
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
    let layers = &manifest.layers[..manifest.layers.len().min(limit)];
    let key = Digest::of([VERSION, digest.as_bytes(), &(layers.len() as u64).to_le_bytes()].concat());
    if let Some(value) = find(store, &key)? {
        return Ok((value, true));
    }
    let value = Value::store(unpack(layers, store)?, Vec::new(), store)?;
    store.set_record(KIND, &key, &value.encode())?;
    Ok((value, false))
}

fn find(store: &Store, key: &Digest) -> Result<Option<Value>, ImageSourceError> {
    let Some(bytes) = store.record(KIND, key)? else { return Ok(None) };
    let Some(value) = Value::decode(&mut bytes.as_slice()) else { return Ok(None) };
    match is_complete(&value, store) {
        Ok(is_complete) => Ok(is_complete.then_some(value)),
        Err(TreeError::Store(error)) if error.is_lost_content() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The manifest of that digest, or of an index of that digest the one for the vertex's platform.
fn manifest(digest: Digest, vertex: &Vertex, store: &Store) -> Result<(Digest, Manifest), ImageSourceError> {
    let bytes = store.read(&digest, LIMIT)?;
    let malformed = |e: serde_json::Error| ImageSourceError::Malformed { digest, reason: e.to_string() };
    let kind: Kind = serde_json::from_slice(&bytes).map_err(malformed)?;
    if kind.manifests.is_none() {
        return Ok((digest, serde_json::from_slice(&bytes).map_err(malformed)?));
    }
    let index: Index = serde_json::from_slice(&bytes).map_err(malformed)?;
    let chosen = choose(&index, vertex.platform.as_ref(), digest)?.digest;
    let bytes = store.read(&chosen, LIMIT)?;
    let malformed = |e: serde_json::Error| ImageSourceError::Malformed { digest: chosen, reason: e.to_string() };
    Ok((chosen, serde_json::from_slice(&bytes).map_err(malformed)?))
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

/// Unpacks layers one over the other.
fn unpack(layers: &[Descriptor], store: &Store) -> Result<Change, ImageSourceError> {
    let mut whole = Change::default();
    for layer in layers {
        let digest = layer.digest;
        if Compression::of_media_type(&layer.media_type).is_none() {
            return Err(ImageSourceError::Layer { digest, media_type: layer.media_type.clone() });
        }
        let fail = |source| ImageSourceError::Unpack { digest, source };
        let plain = tar::decompress(store.reader(&digest)?, Limits::default().size).map_err(fail)?;
        let options = Options {
            origin: digest.as_bytes(),
            whiteouts: true,
            devices: true,
            xattrs: true,
            lower: Some(&whole.entries),
            ..Options::default()
        };
        let change = tar::read(plain, store, &options).map_err(fail)?;
        whole = whole.then(&change)?;
    }
    Ok(whole)
}
