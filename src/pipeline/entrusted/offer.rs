//! What a daemon gets in the place of all that kiln has made itself: images out of the store, and contexts as folders.
//!
//! The layers that an image begins with before any command had a part in it are kept as they are, and are kiln's own, byte for
//! byte. Files in them have the times that commands see: a fixed one where they have none of their own.

use super::links::Link;
use super::{Entrusted, Known};
use crate::compile::{LayerPlan, Move, STORE};
use crate::image::assemble::{self, Recipe, Step};
use crate::image::layer::Layer;
use crate::llb::exec::STEP_EPOCH;
use crate::llb::{Adopted, Builder, Note, Output, attr, pb};
use crate::oci::{Config, Digest, Platform};
use crate::pipeline::assemble::{changes, compression};
use crate::pipeline::error::Error;
use crate::pipeline::portable::forgive;
use crate::pipeline::states::{States, stack};
use crate::tree::{Change, Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The store of images, as the session offers it.
const CLIENT: &str = "kiln";

/// All that a daemon gets, by what names the results that it stands for.
#[derive(Default)]
pub(super) struct Offer {
    stand_ins: BTreeMap<Digest, StandIn>,
    /// The trees behind folders, by their names.
    pub folders: BTreeMap<String, Digest>,
    /// The blobs of images.
    pub contents: BTreeSet<Digest>,
}

/// What stands for a result.
enum StandIn {
    Folder(String),
    Image { manifest: Digest, layers: Vec<Given> },
}

/// A layer that a daemon gets.
pub(super) struct Given {
    pub layer: Layer,
    /// What made it; what a base's own history says of its layers is told of there.
    pub created_by: String,
    /// What it changes; none for a layer of a base.
    pub change: Option<Change>,
}

impl Offer {
    /// Makes all that stands for what is known, and for the states that the image began with before any command one image,
    /// with the layers that any build gives them.
    pub(super) fn of(work: &Entrusted<'_>, known: &Known, first: Option<&[Move]>) -> Result<Self, Error> {
        let mut offer = Offer::default();
        if let Some(moves) = first.filter(|moves| !moves.is_empty()) {
            let layers = beginning(work, known, moves)?;
            offer.add_image(work, known.digest(&moves[moves.len() - 1].state)?, layers)?;
        }
        for output in work.reach.border() {
            let (solved, digest) = (known.get(&output)?, known.digest(&output)?);
            if offer.stand_ins.contains_key(&digest) {
                continue;
            }
            if let Some(name) = work.context(&output) {
                // Its name is the same in each build, so that the daemon lacks little of it.
                let name = format!("kiln-{}", &Digest::of(format!("{}\0{name}", work.name())).hex()[..16]);
                offer.folders.insert(name.clone(), solved.tree_digest);
                offer.stand_ins.insert(digest, StandIn::Folder(name));
                continue;
            }
            let change = work.timed(solved.to_change());
            let layer = work.pack(std::slice::from_ref(&change))?.swap_remove(0);
            let created_by = work.taken_as(&output);
            offer.add_image(work, digest, vec![Given { layer, created_by, change: Some(change) }])?;
        }
        Ok(offer)
    }

    fn add_image(&mut self, work: &Entrusted<'_>, digest: Digest, layers: Vec<Given>) -> Result<(), Error> {
        let recipe = Recipe {
            // What commands of several platforms see is the same for all of them, and one command runs once.
            platform: Platform::host(),
            author: None,
            config: Config::default(),
            steps: layers.iter().map(|given| Step::new(CLIENT, given.layer.clone())).collect(),
            annotations: BTreeMap::new(),
        };
        let image = assemble::assemble(&recipe, &work.of.session.store, 0)?;
        self.contents.extend([image.manifest.digest, image.config.digest]);
        self.contents.extend(image.layers.iter().map(|layer| layer.descriptor.digest));
        self.stand_ins.insert(digest, StandIn::Image { manifest: image.manifest.digest, layers });
        Ok(())
    }

    /// The layers of what is known by this digest, as the daemon got them; none where it got a folder.
    pub(super) fn layers(&self, digest: &Digest) -> Option<&[Given]> {
        match self.stand_ins.get(digest)? {
            StandIn::Image { layers, .. } => Some(layers),
            StandIn::Folder(_) => None,
        }
    }

    /// The plain digests of the layers that it got and that an image of these links begins with.
    pub(super) fn diff_ids(&self, links: &[Link]) -> Vec<Digest> {
        let lowest = links.iter().map_while(|link| match link {
            Link::Known(digest) => self.layers(digest),
            Link::Made(_) => None,
        });
        lowest.flatten().map(|given| given.layer.diff_id).collect()
    }

    /// The graph as the daemon gets it.
    pub(super) fn graph(&self, work: &Entrusted<'_>, known: &Known) -> Result<(Builder, Adopted), Error> {
        let mut builder = Builder::new(work.platform().clone());
        let adopted = builder.adopt::<Error>(&work.of.compiled.graph, |builder, vertex, op, note| {
            forgive(op);
            let digest = known.digest(&Output { vertex: *vertex, index: 0 }).ok();
            let stand_in = digest.and_then(|digest| self.stand_ins.get(&digest));
            Ok(stand_in.map(|stand_in| stand_in.source(builder, op, &note)))
        })?;
        Ok((builder, adopted))
    }
}

impl StandIn {
    fn source(&self, builder: &mut Builder, op: &pb::op::Op, note: &Note) -> Output {
        let name = note.name.as_deref().unwrap_or(match op {
            pb::op::Op::Source(source) => &source.identifier,
            _ => "what kiln made",
        });
        let note = Note::named(format!("kiln: {name}"));
        builder.set_platform(Platform::host());
        let attrs = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
        match self {
            StandIn::Folder(name) => {
                builder.source(&format!("local://{name}"), attrs(attr::SHARED_KEY_HINT, name), note)
            }
            StandIn::Image { manifest, .. } => builder.source(
                &attr::oci_layout(&format!("{STORE}/made"), manifest),
                attrs(attr::OCI_STORE, CLIENT),
                note,
            ),
        }
    }
}

/// The layers of an image's first states, which no command had a part in, as any build makes them but for times.
fn beginning(work: &Entrusted<'_>, known: &Known, moves: &[Move]) -> Result<Vec<Given>, Error> {
    let of = &work.of;
    let trees = moves.iter().map(|one| Ok(known.get(&one.state)?.tree.clone()));
    let trees = trees.collect::<Result<Vec<Arc<Tree>>, Error>>()?;
    let plans = work.until(moves);
    let states = States::new(moves, &trees);
    let (changed, names): (Vec<Change>, Vec<String>) = changes(&states, moves, &plans, of.realised).into_iter().unzip();
    let base = of.realised.base.as_ref();
    let below = base.map(|base| base.tree(of.session)).transpose()?.unwrap_or_default();
    if stack(&below, &changed)? != *states.last() {
        return Err(Error::Mistake("the layers do not make up the file system before the first command".into()));
    }
    let changed: Vec<Change> = changed.into_iter().map(|change| work.timed(change)).collect();
    let packed = work.pack(&changed)?.into_iter().zip(changed).zip(names);
    let own = packed.map(|((layer, change), created_by)| Given { layer, created_by, change: Some(change) });
    let kept = base.into_iter().flat_map(|base| &base.steps).filter_map(|step| {
        Some(Given { layer: step.layer.clone()?, created_by: step.created_by.clone(), change: None })
    });
    Ok(kept.chain(own).collect())
}

impl Entrusted<'_> {
    /// The plans for the layers of the first moves.
    fn until(&self, first: &[Move]) -> Vec<LayerPlan> {
        let names =
            |moves: &[Move]| moves.iter().map(|one| self.vertex_name(&one.state)).collect::<Vec<_>>().join("; ");
        let plans = self.of.compiled.recipe.layers.iter().filter_map(|plan| match plan {
            LayerPlan::Packages { at, .. } if *at >= first.len() => None,
            LayerPlan::Steps { moves, .. } if moves.start >= first.len() => None,
            LayerPlan::Steps { moves, pieces, .. } if moves.end > first.len() => Some(LayerPlan::Steps {
                moves: moves.start..first.len(),
                pieces: *pieces,
                created_by: names(&first[moves.start..]),
            }),
            whole => Some(whole.clone()),
        });
        plans.collect()
    }

    pub(super) fn platform(&self) -> &Platform {
        &self.of.compiled.recipe.platform
    }

    /// No file that is made has a later time: the release's, or the fixed one that commands see, where that is later.
    pub(super) fn latest(&self) -> i64 {
        self.of.revision.epoch.max(STEP_EPOCH)
    }

    /// A change as commands see it.
    fn timed(&self, change: Change) -> Change {
        let timed = |(path, entry): (&crate::tree::TreePath, &Entry)| {
            let mtime = Some(entry.mtime.unwrap_or(STEP_EPOCH).min(self.latest()));
            (path.clone(), Entry { mtime, ..entry.clone() })
        };
        Change { entries: change.entries.iter().map(timed).collect(), ..change }
    }

    fn pack(&self, changes: &[Change]) -> Result<Vec<Layer>, Error> {
        let (session, packing) = (self.of.session, compression(self.of.compiled.recipe.packing));
        Ok(session.packer()?.pack_all(changes, &session.store, self.latest(), packing)?)
    }
}
