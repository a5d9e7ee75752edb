//! What a daemon has pushed: read back, and checked against what the graph makes.

use super::Entrusted;
use super::grown::is_same;
use super::links::Link;
use super::offer::{Given, Offer};
use crate::image::assemble::Step;
use crate::image::layer::Layer;
use crate::image::layout::Layout;
use crate::llb::Output;
use crate::oci::{Descriptor, ImageConfig, Manifest};
use crate::pipeline::error::Error;
use crate::pipeline::place::Transfer;
use crate::registry::{self, Name, Repository, Want};
use crate::solve::buildkit::Pushed;
use crate::solve::embedded::find_secret;
use crate::tree::flatten::change_of;
use crate::tree::tar::{self, Limits};
use crate::tree::{Change, Entry, Node, Tree, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An image that has arrived, and is what it should be.
#[derive(Default)]
pub(super) struct Arrived {
    /// Its history, with its layers.
    pub steps: Vec<Step>,
    /// What made each layer.
    pub created_by: Vec<String>,
    /// What each layer above those of a base changes.
    pub changes: Vec<Change>,
    links: Vec<Link>,
    /// The file system after each link.
    states: Vec<Arc<Tree>>,
    /// What each link changes that the daemon made.
    made: BTreeMap<Output, Change>,
}

/// What a layer should be.
enum Slot<'a> {
    /// One that the daemon got.
    Given(&'a Given),
    /// One that it made, of what has this name.
    Made(String),
}

impl Arrived {
    /// The finished file system, as the layers have it.
    pub(super) fn tree(&self) -> Arc<Tree> {
        self.states.last().cloned().unwrap_or_default()
    }

    /// The file system that these links make, where those of the image begin with them.
    pub(super) fn state(&self, links: &[Link]) -> Option<Arc<Tree>> {
        let last = links.len().checked_sub(1)?;
        self.links.starts_with(links).then(|| self.states[last].clone())
    }

    /// Adds a layer above those of a base, or none where it would change nothing.
    fn add(&mut self, link: &Link, slot: &Slot<'_>, layer: Option<Layer>, change: Change) {
        if let Link::Made(output) = link {
            self.made.insert(*output, change.clone());
        }
        let created_by = match slot {
            Slot::Given(given) => &given.created_by,
            Slot::Made(name) => name,
        };
        if let Some(layer) = layer {
            self.steps.push(Step::new(format!("kiln: {created_by}"), layer));
            self.created_by.push(created_by.clone());
            self.changes.push(change);
        }
    }

    /// What an output changes in what it begins with; none of one that is not in the image.
    pub(super) fn change(&self, output: &Output) -> Option<&Change> {
        self.made.get(output)
    }
}

impl Entrusted<'_> {
    /// Reads the image back, whose layers the graph makes of these links.
    pub(super) fn read_back(
        &self,
        pushed: &Pushed,
        offer: &Offer,
        links: &[Link],
        repository: &Repository,
    ) -> Result<Arrived, Error> {
        let session = self.of.session;
        let refused = |reason: String| Error::NotAsBuilt {
            place: repository.reference().to_string(),
            digest: pushed.manifest,
            reason,
        };
        let want = Want { platform: Some(self.platform()), ..Want::default() };
        let (name, transfer) = (Name::Digest(pushed.manifest), Transfer(session));
        let image = session.wait(registry::pull(repository, &name, want, &session.store, &transfer))?.image;
        let layout = Layout::of_store(&session.store, Vec::new());
        let manifest = layout.manifest(&image)?;
        let config = layout.config(&manifest)?;
        let slots: Vec<Vec<Slot<'_>>> = links.iter().map(|link| self.slots(link, offer)).collect();
        let layers = layers(&manifest, &config, slots.iter().flatten()).map_err(&refused)?;
        let blobs = layers.iter().flatten().map(|layer| &layer.descriptor);
        session.wait(registry::pull_blobs(repository, blobs, &session.store, &transfer))?;
        self.unpack(links, &slots, layers, &refused)
    }

    fn slots<'o>(&self, link: &Link, offer: &'o Offer) -> Vec<Slot<'o>> {
        match link {
            Link::Made(output) => vec![Slot::Made(self.vertex_name(output))],
            Link::Known(digest) => match offer.layers(digest) {
                Some(given) => given.iter().map(Slot::Given).collect(),
                None => vec![Slot::Made("a context".to_owned())],
            },
        }
    }

    /// Lays the layers over one another; none of one that would be empty.
    fn unpack(
        &self,
        links: &[Link],
        slots: &[Vec<Slot<'_>>],
        layers: Vec<Option<Layer>>,
        refused: &dyn Fn(String) -> Error,
    ) -> Result<Arrived, Error> {
        let base = self.of.realised.base.as_ref();
        let mut arrived = Arrived { links: links.to_vec(), ..Arrived::default() };
        let (mut layers, mut tree, mut kept) = (layers.into_iter(), Tree::new(), None);
        for (link, slots) in links.iter().zip(slots) {
            for (slot, layer) in slots.iter().zip(&mut layers) {
                if let (Slot::Given(Given { change: None, created_by, .. }), Some(base)) = (slot, base) {
                    (tree, kept) = ((*base.tree(self.of.session)?).clone(), Some(&base.steps));
                    arrived.created_by.push(created_by.clone());
                    continue;
                }
                let change = match (slot, &layer) {
                    (Slot::Given(given), Some(layer)) => self.read_given(given, layer, &tree, refused)?,
                    (Slot::Made(name), Some(layer)) => self.read_made(name, layer, &tree, refused)?,
                    (_, None) => Change::default(),
                };
                change.apply(&mut tree)?;
                arrived.add(link, slot, layer, change);
            }
            arrived.states.push(Arc::new(tree.clone()));
        }
        if base.is_some() && kept.is_none() {
            return Err(Error::Mistake("the image does not stand on its base".into()));
        }
        arrived.steps.splice(..0, kept.into_iter().flatten().cloned());
        Ok(arrived)
    }

    /// What a layer changes that the daemon got. It may have been packed or written anew.
    fn read_given(
        &self,
        given: &Given,
        layer: &Layer,
        below: &Tree,
        refused: &dyn Fn(String) -> Error,
    ) -> Result<Change, Error> {
        let change = given.change.clone().unwrap_or_default();
        if layer.descriptor.digest == given.layer.descriptor.digest {
            return Ok(change);
        }
        let read = self.read(&given.created_by, layer, below)?;
        let (mut wanted, mut found) = (below.clone(), below.clone());
        change.apply(&mut wanted)?;
        read.apply(&mut found)?;
        if is_same(&wanted, &found) { Ok(read) } else { Err(refused(not_given(given, Some(layer)))) }
    }

    /// What a layer changes that the daemon made: as in a sandbox, nothing of it is a new device.
    fn read_made(
        &self,
        name: &str,
        layer: &Layer,
        below: &Tree,
        refused: &dyn Fn(String) -> Error,
    ) -> Result<Change, Error> {
        let change = self.read(name, layer, below)?;
        let is_device = |entry: &Entry| matches!(entry.node, Node::CharDevice { .. } | Node::BlockDevice { .. });
        let is_new = |path: &TreePath, entry: &Entry| below.get(path).is_none_or(|old| old.node != entry.node);
        let device = change.entries.iter().find(|(path, entry)| is_device(entry) && is_new(path, entry));
        match device.map(|(path, _)| path.to_string()) {
            Some(path) => Err(refused(format!("`{name}` leaves the device {path}"))),
            None => Ok(change),
        }
    }

    /// What a layer changes. Nothing of one with a secret in it becomes part of anything.
    fn read(&self, name: &str, layer: &Layer, below: &Tree) -> Result<Change, Error> {
        let (store, limits) = (&self.of.session.store, Limits::default());
        let digest = layer.descriptor.digest;
        let unreadable = |error: String| Error::Mistake(format!("the layer {digest} cannot be read: {error}"));
        let plain =
            tar::decompress(store.reader(&digest)?, limits.size).map_err(|error| unreadable(error.to_string()))?;
        let found = find_secret(&self.of.session.settings.given.secrets, &mut { plain });
        if let Some(secret) = found.map_err(|error| unreadable(error.to_string()))? {
            return Err(Error::Leaked { secret, command: name.to_owned(), layer: digest });
        }
        Ok(change_of(&layer.packed(), below, store, &limits)?)
    }
}

/// The layers of an image in the places where they should be, or in words, what is not as it should be. A layer that would
/// change nothing is left out of an image, and stands in its history.
fn layers<'s>(
    manifest: &Manifest,
    config: &ImageConfig,
    slots: impl Iterator<Item = &'s Slot<'s>>,
) -> Result<Vec<Option<Layer>>, String> {
    let found = manifest.layers.iter().zip(&config.rootfs.diff_ids).map(|(row, diff_id)| Layer {
        descriptor: Descriptor::new(&row.media_type, row.digest, row.size),
        diff_id: *diff_id,
        plain_size: None,
    });
    let (mut history, mut found) = (config.history.iter(), found);
    let (mut placed, mut is_beginning) = (Vec::new(), true);
    for slot in slots {
        let line =
            history.next().ok_or_else(|| format!("it has fewer layers than the graph makes, {}", placed.len()))?;
        let layer = match line.empty_layer {
            true => None,
            false => Some(found.next().ok_or_else(|| "its history has more layers than it has".to_owned())?),
        };
        is_beginning &= matches!(slot, Slot::Given(_));
        placed.push(match (slot, layer) {
            (Slot::Given(given), Some(layer)) if layer.diff_id == given.layer.diff_id => Some(given.packed_as(layer)),
            (Slot::Given(given), layer) if is_beginning || (layer.is_none() && !given.is_empty()) => {
                return Err(not_given(given, layer.as_ref()));
            }
            (_, layer) => layer,
        });
    }
    match (history.next(), found.next()) {
        (None, None) => Ok(placed),
        _ => Err(format!("it has more layers than the graph makes, {}", placed.len())),
    }
}

impl Given {
    /// Whether it changes nothing.
    fn is_empty(&self) -> bool {
        self.change.as_ref().is_some_and(Change::is_empty)
    }

    /// The same layer as the daemon has packed it. A base keeps its own, and what is not compressed as it should be is no gain:
    /// then it is sent by kiln.
    fn packed_as(&self, layer: Layer) -> Layer {
        let is_as_good = self.change.is_some() && layer.descriptor.media_type == self.layer.descriptor.media_type;
        if is_as_good { layer } else { self.layer.clone() }
    }
}

fn not_given(given: &Given, found: Option<&Layer>) -> String {
    let found = found.map_or_else(|| "nothing".to_owned(), |layer| layer.descriptor.digest.to_string());
    let Given { layer, created_by, .. } = given;
    format!(
        "it has {found} where the layer {} of `{created_by}` should be, which the daemon got",
        layer.descriptor.digest
    )
}

#[cfg(test)]
mod tests;
