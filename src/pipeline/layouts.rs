//! The images of OCI layouts that a spec names.

use super::error::Error;
use super::project::Project;
use super::session::Session;
use crate::image::assemble::Step;
use crate::image::flatten::{Flat, flatten};
use crate::image::layout::{Imported, Layout};
use crate::oci::{Descriptor, ImageConfig, Platform};
use crate::spec;
use crate::tree::tar::Limits;
use crate::tree::{Tree, TreePath};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// An image of a layout whose blobs are in the store.
pub(super) struct LayoutImage {
    /// How the spec names it.
    pub reference: String,
    /// Its manifest.
    pub manifest: Descriptor,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its history with its layers.
    pub steps: Vec<Step>,
    imported: Imported,
    flat: OnceLock<Arc<Flat>>,
}

/// How a spec names a layout's image, for people.
pub(super) fn shown(layout: &spec::Layout) -> String {
    let path = if layout.path.value.is_empty() { "." } else { &layout.path.value };
    match &layout.reference {
        Some(reference) => format!("oci:{path}:{}", reference.value),
        None => format!("oci:{path}"),
    }
}

/// The manifest or index that a spec's layout names.
pub(super) fn named(project: &Project, layout: &spec::Layout) -> Result<Descriptor, Error> {
    let open = Layout::open(project.folder.join(&layout.path.value))?;
    Ok(open.image(layout.reference.as_ref().map(|reference| reference.value.as_str()))?)
}

/// Brings a layout's image for a platform into the store.
pub(super) fn import(
    session: &Session<'_>,
    project: &Project,
    layout: &spec::Layout,
    platform: &Platform,
) -> Result<LayoutImage, Error> {
    let open = Layout::open(project.folder.join(&layout.path.value))?;
    let image = open.image(layout.reference.as_ref().map(|reference| reference.value.as_str()))?;
    let platform = layout.platform.as_ref().map_or(platform, |platform| &platform.value);
    let manifest = open.platform(&image, platform)?;
    let imported = open.import(&manifest, &session.store)?;
    Ok(LayoutImage {
        reference: shown(layout),
        manifest,
        config: imported.config.clone(),
        steps: imported.steps(),
        imported,
        flat: OnceLock::new(),
    })
}

impl LayoutImage {
    /// Its file system.
    pub(super) fn tree(&self, session: &Session<'_>) -> Result<Arc<Tree>, Error> {
        Ok(Arc::new(self.flat(session)?.tree.clone()))
    }

    /// The layer of each of its paths.
    pub(super) fn layers_of(&self, session: &Session<'_>) -> Result<BTreeMap<TreePath, usize>, Error> {
        Ok(self.flat(session)?.layer_of.clone())
    }

    fn flat(&self, session: &Session<'_>) -> Result<Arc<Flat>, Error> {
        if let Some(flat) = self.flat.get() {
            return Ok(flat.clone());
        }
        let flat = Arc::new(flatten(&self.imported.image.layers, &session.store, &Limits::default())?);
        Ok(self.flat.get_or_init(|| flat).clone())
    }
}
