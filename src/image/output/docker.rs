//! The archive that `docker load` reads.

use super::layout::{document, layout_tree, put_file};
use super::{Content, OutputError};
use crate::oci::{Descriptor, Index, Manifest, Platform, Reference, media_type};
use crate::store::Store;
use crate::tree::Tree;
use serde::Serialize;

/// The one row of `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The archive as a tree: a layout with one image, and `manifest.json`, which is all that older Dockers look at.
pub(super) fn archive_tree(content: &Content, platform: Option<&Platform>, store: &Store) -> Result<Tree, OutputError> {
    let image = choose(&content.image, platform, store)?;
    let manifest: Manifest = document(&image, store)?;
    let path = |descriptor: &Descriptor| format!("blobs/sha256/{}", descriptor.digest.hex());
    let row = Row {
        config: path(&manifest.config),
        repo_tags: Some(content.names.iter().map(tag).collect::<Vec<_>>()).filter(|tags| !tags.is_empty()),
        layers: manifest.layers.iter().map(path).collect(),
    };
    let single = Content { image, names: content.names.clone(), referrers: Vec::new() };
    let mut tree = layout_tree(&single, store)?;
    let json = serde_json::to_vec(&[row]).expect("a row is plain data");
    put_file(&mut tree, store, "manifest.json", &json)?;
    Ok(tree)
}

fn tag(name: &Reference) -> String {
    format!("{}/{}:{}", name.registry, name.repository, name.tag.as_deref().unwrap_or("latest"))
}

fn choose(image: &Descriptor, platform: Option<&Platform>, store: &Store) -> Result<Descriptor, OutputError> {
    if !matches!(image.media_type.as_str(), media_type::INDEX | media_type::DOCKER_INDEX) {
        return Ok(image.clone());
    }
    let rows = document::<Index>(image, store)?.manifests;
    let mut fitting = rows.iter().filter(|row| match (platform, &row.platform) {
        (Some(wanted), Some(present)) => wanted.matches(present),
        (wanted, _) => wanted.is_none(),
    });
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(row.clone()),
        _ => Err(OutputError::SeveralPlatforms(rows.into_iter().filter_map(|row| row.platform).collect())),
    }
}
