//! What a daemon has pushed: read back, and checked against what the graph makes.

use super::links::Link;
use super::offer::{Given, Offer};
use super::{Entrusted, is_same};
use crate::image::assemble::Step;
use crate::image::flatten::change_of;
use crate::image::layer::Layer;
use crate::image::layout::Layout;
use crate::llb::Output;
use crate::oci::{Descriptor, ImageConfig, Manifest};
use crate::pipeline::error::Error;
use crate::pipeline::place::Transfer;
use crate::registry::{self, Name, Repository, Want};
use crate::solve::buildkit::Pushed;
use crate::solve::embedded::find_secret;
use crate::tree::tar::{self, Limits};
use crate::tree::{Change, Tree};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An image that has arrived, and is what it should be.
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
        let mut arrived = Arrived {
            steps: Vec::new(),
            created_by: Vec::new(),
            changes: Vec::new(),
            links: links.to_vec(),
            states: Vec::new(),
            made: BTreeMap::new(),
        };
        let mut layers = layers.into_iter();
        let mut tree = Tree::new();
        for (link, slots) in links.iter().zip(slots) {
            for slot in slots {
                let Some(layer) = layers.next().flatten() else {
                    if let Link::Made(output) = link {
                        arrived.made.insert(*output, Change::default());
                    }
                    continue;
                };
                let (created_by, change) = match slot {
                    Slot::Given(Given { change: None, created_by, .. }) => {
                        tree = base
                            .map(|base| base.tree(self.of.session))
                            .transpose()?
                            .unwrap_or_default()
                            .as_ref()
                            .clone();
                        arrived.created_by.push(created_by.clone());
                        continue;
                    }
                    Slot::Given(given @ Given { change: Some(change), created_by, .. }) => {
                        let read = self.read_given(given, change, &layer, &tree)?;
                        (created_by, read.ok_or_else(|| refused(not_given(given, Some(&layer))))?)
                    }
                    Slot::Made(name) => (name, self.read(name, &layer, &tree)?),
                };
                change.apply(&mut tree)?;
                if let Link::Made(output) = link {
                    arrived.made.insert(*output, change.clone());
                }
                arrived.steps.push(Step::new(format!("kiln: {created_by}"), layer));
                arrived.created_by.push(created_by.clone());
                arrived.changes.push(change);
            }
            arrived.states.push(Arc::new(tree.clone()));
        }
        let is_kept = |slot: &Slot<'_>| matches!(slot, Slot::Given(Given { change: None, .. }));
        match base {
            Some(base) if slots.iter().flatten().any(is_kept) => drop(arrived.steps.splice(..0, base.steps.clone())),
            Some(_) => return Err(Error::Mistake("the image does not stand on its base".into())),
            None => {}
        }
        Ok(arrived)
    }

    /// What a layer changes that the daemon got; none where it is another one. It may have been packed or written anew.
    fn read_given(&self, given: &Given, change: &Change, layer: &Layer, below: &Tree) -> Result<Option<Change>, Error> {
        if layer.descriptor.digest == given.layer.descriptor.digest {
            return Ok(Some(change.clone()));
        }
        let read = self.read(&given.created_by, layer, below)?;
        let (mut wanted, mut found) = (below.clone(), below.clone());
        change.apply(&mut wanted)?;
        read.apply(&mut found)?;
        Ok(is_same(&wanted, &found).then_some(read))
    }

    /// What a layer changes that the daemon made. Nothing of one with a secret in it becomes part of anything.
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
        Ok(change_of(layer, below, store, &limits)?)
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
            (Slot::Given(given), layer) if is_beginning => return Err(not_given(given, layer.as_ref())),
            (_, layer) => layer,
        });
    }
    match (history.next(), found.next()) {
        (None, None) => Ok(placed),
        _ => Err(format!("it has more layers than the graph makes, {}", placed.len())),
    }
}

impl Given {
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
