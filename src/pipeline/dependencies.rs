//! All that a graph takes out of the store, as an OCI layout: what BuildKit's clients offer a daemon.

use super::error::Error;
use super::inputs::read_stored;
use super::output::check_outside_contexts;
use super::portable::{Elsewhere, portable};
use super::project::Project;
use super::session::Session;
use crate::compile::Compiled;
use crate::diagnostic::Sources;
use crate::image::assemble::{self, Recipe, Step};
use crate::image::layer::Compression;
use crate::image::output::{self, Content};
use crate::llb::exec::STEP_EPOCH;
use crate::llb::{Builder, Definition, Note, Output, attr};
use crate::oci::{Config, Descriptor, Digest, Index, Platform, media_type, to_json};
use crate::solve::embedded::excluded;
use crate::spec::SourceKind;
use crate::tree::{Change, Tree};
use std::collections::BTreeMap;
use std::path::Path;

/// The name by which a client offers the layout: `buildctl build --oci-layout kiln=DIR`.
const NAME: &str = "kiln";

/// Writes what a graph takes out of the store as a layout into `folder`; the graph that takes it from there.
pub(super) fn write(
    session: &Session<'_>,
    project: &Project,
    platform: &Platform,
    compiled: &Compiled,
    sources: &Sources,
    folder: &Path,
) -> Result<Definition, Error> {
    check_outside_contexts(project, folder)?;
    session.phase("packing");
    let mut layout = Layout { session, project, images: BTreeMap::new() };
    let (builder, adopted) = portable(&compiled.graph, Builder::new(platform.clone()), &mut layout)?;
    let definition = builder.finish(adopted.output(compiled.graph.output()), sources)?;
    let index = to_json(&Index::new(layout.images.into_values().collect()));
    session.store.put(&index)?;
    let image = Descriptor::of(media_type::INDEX, &index);
    session.phase("writing");
    output::write_layout(&Content { image, names: Vec::new(), referrers: Vec::new() }, &session.store, folder, 0)?;
    Ok(definition)
}

/// What the layout holds.
struct Layout<'a> {
    session: &'a Session<'a>,
    project: &'a Project,
    /// By the manifests that the graph has for them.
    images: BTreeMap<Digest, Descriptor>,
}

impl Layout<'_> {
    /// The image of a manifest of the store; of a tree in kiln's own form one with a layer.
    fn image(&self, manifest: &Digest, name: &str, platform: &Platform) -> Result<Descriptor, Error> {
        let stored = read_stored(&self.session.store, manifest)?;
        let [layer] = stored.layers.as_slice() else { return self.described(manifest, &stored.media_type) };
        if layer.media_type != media_type::TREE {
            return self.described(manifest, &stored.media_type);
        }
        let change = Change { entries: Tree::load(&self.session.store, &layer.digest)?, ..Change::default() };
        let packed =
            self.session.packer()?.pack(&change, &self.session.store, STEP_EPOCH, Compression::Gzip { level: 1 })?;
        let recipe = Recipe {
            platform: platform.clone(),
            author: None,
            config: Config::default(),
            steps: vec![Step::new(format!("kiln: {name}"), packed)],
            annotations: BTreeMap::new(),
        };
        Ok(assemble::assemble(&recipe, &self.session.store, 0)?.manifest)
    }

    fn described(&self, manifest: &Digest, media_type: &str) -> Result<Descriptor, Error> {
        let size = self.session.store.size(manifest).ok_or(crate::store::StoreError::Missing(*manifest))?;
        Ok(Descriptor::new(if media_type.is_empty() { media_type::MANIFEST } else { media_type }, *manifest, size))
    }
}

impl Elsewhere for Layout<'_> {
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error> {
        let image = match self.images.get(manifest) {
            Some(known) => known.clone(),
            None => self.image(manifest, name, builder.platform())?,
        };
        let identifier = attr::oci_layout(name, &image.digest);
        self.images.insert(*manifest, image);
        Ok(builder.source(&identifier, [(attr::OCI_STORE.to_owned(), NAME.to_owned())].into(), note))
    }

    /// Clients read no ignore file: its patterns become the source's own.
    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error> {
        let mut attrs = attrs;
        let kind = self.project.spec.source(name).map(|source| &source.kind);
        if let (Some(file), Some(SourceKind::Context(context))) = (attrs.ignore_file.take(), kind) {
            let folder = self.project.folder.join(&context.path.value);
            let unreadable = |error: crate::solve::embedded::ContextError| Error::Unreadable {
                what: "the ignore file of",
                path: folder.clone(),
                source: std::io::Error::other(error.to_string()),
            };
            let own = std::mem::take(&mut attrs.exclude);
            attrs.exclude = excluded(&folder, &file).map_err(unreadable)?.into_iter().chain(own).collect();
        }
        let hint = (attr::SHARED_KEY_HINT.to_owned(), name.to_owned());
        Ok(builder.source(&format!("local://{name}"), attrs.attrs().into_iter().chain([hint]).collect(), note))
    }
}
