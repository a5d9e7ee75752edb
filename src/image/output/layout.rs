//! The image layout of the OCI as a tree whose files are blobs of the store.

use super::{OutputError, bare, failed, staging};
use crate::oci::{Descriptor, Digest, Index, Manifest, Reference, document, media_type, to_json};
use crate::store::Store;
use crate::tree::{Entry, Tree, TreePath};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The content of the file `oci-layout`.
const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The annotation by which tools find an image in a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The annotation from which containerd takes the whole name.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// The annotation of the index by which kiln knows a layout that is as it wrote it.
const ROWS: &str = "vnd.kiln.layout.rows";

/// What an output holds.
#[derive(Debug, Clone)]
pub struct Content {
    /// The image: a manifest, or the index of one for several platforms.
    pub image: Descriptor,
    /// Its names; each becomes a row of the layout's index. Without any, the row has no name.
    pub names: Vec<Reference>,
    /// Manifests that refer to it: signatures and attestations.
    pub referrers: Vec<Descriptor>,
}

/// The layout as a tree: `oci-layout`, `index.json` and the blobs.
///
/// # Errors
/// Where a document or a blob is not in the store.
pub fn layout_tree(content: &Content, store: &Store) -> Result<Tree, OutputError> {
    let mut rows: Vec<Descriptor> = content.names.iter().map(|name| named_row(&content.image, name)).collect();
    if rows.is_empty() {
        rows.push(bare(&content.image));
    }
    let mut referrers = content.referrers.iter().map(|r| referrer_row(r, store)).collect::<Result<Vec<_>, _>>()?;
    referrers.sort_by_key(|row| row.digest);
    referrers.dedup_by_key(|row| row.digest);
    rows.extend(referrers);
    let mut tree = blobs_tree(&rows, store)?;
    let mut index = Index::new(rows);
    index.annotations.insert(ROWS.into(), rows_mark(&index));
    put_file(&mut tree, store, "index.json", &to_json(&index))?;
    put_file(&mut tree, store, "oci-layout", VERSION)?;
    Ok(tree)
}

fn named_row(image: &Descriptor, name: &Reference) -> Descriptor {
    let tag = name.tag.as_deref().unwrap_or("latest");
    let whole = format!("{}/{}:{tag}", name.registry, name.repository);
    let annotations = BTreeMap::from([(REF_NAME.into(), tag.into()), (IMAGE_NAME.into(), whole)]);
    Descriptor { annotations, ..image.clone() }
}

/// A row as lists of referrers have it: with the artifact's type and the manifest's annotations.
fn referrer_row(referrer: &Descriptor, store: &Store) -> Result<Descriptor, OutputError> {
    let manifest: Manifest = document(referrer, store)?;
    let artifact_type = manifest.artifact_type.or(Some(manifest.config.media_type));
    Ok(Descriptor { artifact_type, annotations: manifest.annotations, ..referrer.clone() })
}

/// The folder `blobs` with all that `roots` name, directly or not.
fn blobs_tree(roots: &[Descriptor], store: &Store) -> Result<Tree, OutputError> {
    let mut tree = Tree::new();
    let folder = TreePath::new("blobs/sha256").expect("a clean path");
    tree.make_dirs(&folder, &Entry::dir(0o755))?;
    let mut seen = BTreeSet::new();
    let mut todo: Vec<Descriptor> = roots.to_vec();
    while let Some(descriptor) = todo.pop() {
        if !seen.insert(descriptor.digest) {
            continue;
        }
        let size = store.size(&descriptor.digest).ok_or(crate::store::StoreError::Missing(descriptor.digest))?;
        if size != descriptor.size {
            let reason = format!("it has {size} bytes, not {}", descriptor.size);
            return Err(OutputError::Document { digest: descriptor.digest, reason });
        }
        let path = folder.join(descriptor.digest.hex()).expect("a digest is a clean name");
        tree.insert(path, Entry::file(descriptor.digest, size, 0o644))?;
        match descriptor.media_type.as_str() {
            media_type::INDEX | media_type::DOCKER_INDEX => {
                todo.extend(document::<Index>(&descriptor, store)?.manifests);
            }
            media_type::MANIFEST | media_type::DOCKER_MANIFEST => {
                let manifest: Manifest = document(&descriptor, store)?;
                todo.push(manifest.config);
                todo.extend(manifest.layers);
            }
            _ => {}
        }
    }
    Ok(tree)
}

pub(super) fn document<T: DeserializeOwned>(descriptor: &Descriptor, store: &Store) -> Result<T, OutputError> {
    let bytes = store.read(&descriptor.digest, document::MAX_SIZE)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| OutputError::Document { digest: descriptor.digest, reason: e.to_string() })
}

pub(super) fn put_file(tree: &mut Tree, store: &Store, name: &str, content: &[u8]) -> Result<(), OutputError> {
    let entry = Entry::file(store.put(content)?, content.len() as u64, 0o644);
    tree.insert(TreePath::new(name).expect("a clean name"), entry)?;
    Ok(())
}

fn rows_mark(index: &Index) -> String {
    Digest::of(to_json(&index.manifests)).to_string()
}

/// Whether a layout is there that may be replaced; false where nothing is there.
///
/// # Errors
/// [`OutputError::NotOurs`] where there is anything that kiln did not put there.
pub(super) fn check_replaceable(target: &Path) -> Result<bool, OutputError> {
    if !staging::is_there(target)? || staging::is_empty_folder(target)? {
        return Ok(false);
    }
    let not_ours = |reason| OutputError::NotOurs { path: target.to_owned(), reason };
    let has_only = |folder: &Path, allowed: &dyn Fn(&str) -> bool| -> Result<bool, OutputError> {
        for entry in std::fs::read_dir(folder).map_err(failed("list", folder))? {
            let name = entry.map_err(failed("list", folder))?.file_name();
            if !name.to_str().is_some_and(allowed) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    if !has_only(target, &|name| matches!(name, "oci-layout" | "index.json" | "blobs"))? {
        return Err(not_ours("it holds something that is not part of an OCI layout"));
    }
    let path = target.join("index.json");
    let is_small = std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= document::MAX_SIZE);
    let bytes = if is_small { std::fs::read(&path).map_err(failed("read", &path))? } else { Vec::new() };
    let index: Option<Index> = serde_json::from_slice(&bytes).ok();
    let index = index.ok_or_else(|| not_ours("it is not an OCI layout"))?;
    match index.annotations.get(ROWS) {
        None => return Err(not_ours("it is an OCI layout that another tool wrote")),
        Some(mark) if *mark != rows_mark(&index) => {
            return Err(not_ours("another tool has changed this OCI layout since kiln wrote it"));
        }
        Some(_) => {}
    }
    let blobs = target.join("blobs");
    let is_clean = has_only(&blobs, &|name| name == "sha256")?
        && has_only(&blobs.join("sha256"), &|name| Digest::from_hex(name).is_ok())?;
    if is_clean { Ok(true) } else { Err(not_ours("it holds something that is not part of an OCI layout")) }
}
