//! The verdict of an image that was built.

use super::super::assemble::{Assembly, Made, Solution};
use super::super::error::Error;
use super::super::inputs::{PreparedStage, Realised};
use super::super::locking::Leveled;
use super::bench::Bench;
use super::facts;
use super::judgement::{Judgement, asked, shares};
use super::scene::{Found, Scene};
use crate::diagnostic::Sources;
use crate::evidence::provenance::{Build, Provenance};
use crate::evidence::scan::{self, Component, Place};
use crate::evidence::{Inventory, Owner, bytes_of, claims};
use crate::image::layer::Layer;
use crate::oci::{Digest, ImageConfig, Manifest, Reference, to_json};
use crate::policy::{self, Case, Proofs, Standing, Vex, VexOf, report};
use crate::store::Store;
use crate::tree::flatten::Flat;
use crate::tree::{Entry, Tree, TreePath};
use serde::Deserialize;
use std::sync::Arc;

/// The kind of record that judgements are, and the version of all that decides them beside their key.
const RECORD: &str = "verdict";
const FORM: &str = "kiln verdict 2";

/// An image that was built, to be judged.
pub(in super::super) struct Built<'a> {
    pub of: &'a Assembly<'a>,
    pub made: &'a Made,
    /// Its stages.
    pub stages: &'a [PreparedStage<'a>],
    /// How it was built.
    pub told: &'a Build,
    pub proofs: &'a Proofs,
}

/// Everything in an image that was built.
pub(in super::super) struct Taken {
    pub inventory: Inventory,
    /// Files of layers that layers above cover.
    pub hidden: Vec<(usize, TreePath, Entry)>,
}

impl Bench {
    /// Judges an image. What was judged before by the same is found again; what is in it is asked for only where it was not.
    pub(in super::super) fn judge_build<'t>(
        &self,
        built: &Built<'_>,
        taken: impl FnOnce() -> Result<&'t Taken, Error>,
    ) -> Result<Judgement, Error> {
        let session = built.of.session;
        let key = self.key(built);
        let known = session.store.record(RECORD, &key)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(known) = known {
            return Ok(known);
        }
        let taken = taken()?;
        session.phase("scanning");
        let scene = built.scene(taken, &self.sources)?;
        let mut found = scene.look(self, &session.store)?;
        scan::locate(found.findings.iter_mut().flat_map(|finding| &mut finding.places), &taken.inventory);
        let image = built.of.leveled.image;
        for place in found.findings.iter_mut().flat_map(|finding| &mut finding.places) {
            if let (Some(part), None, None) = (&place.part, &place.path, &place.origin.spec) {
                place.origin.spec = facts::line_of_part(image, &taken.inventory, &self.sources, part);
            }
        }
        let mut judgement = self.judge(found, &image.name.value.to_string(), built.proofs, built.vex());
        judgement.shares = shares(&taken.inventory);
        judgement.layers = built.layers();
        session.store.set_record(RECORD, &key, &to_json(&judgement))?;
        Ok(judgement)
    }

    /// All that decides a verdict.
    fn key(&self, built: &Built<'_>) -> Digest {
        let provenance = to_json(&Provenance::of(built.told));
        let said = [
            FORM.to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
            built.made.image.manifest.digest.to_string(),
            Digest::of(provenance).to_string(),
            format!("{:?}", built.proofs),
            self.identity().to_string(),
        ];
        Digest::of(said.join("\n"))
    }

    /// Judges what was found. `attached` is what came with images that it is made of.
    pub(in super::super) fn judge(&self, found: Found, image: &str, proofs: &Proofs, attached: Vec<Vex>) -> Judgement {
        let Found { findings, components } = found;
        let (policies, sources, day) = (self.policies(), &self.sources, self.day);
        let vex = [attached.as_slice(), self.vex()].concat();
        let case = Case { policies, vex: &vex, image, sources, findings, proofs, day };
        let database = self.database.as_ref().map(|database| asked(database, self.repository()));
        Judgement { verdict: policy::judge(case), components, database, shares: Vec::new(), layers: Vec::new() }
    }
}

impl Built<'_> {
    /// What the makers of bases say of the holes in them.
    fn vex(&self) -> Vec<Vex> {
        let own = std::iter::once((self.of.leveled, self.of.realised));
        let stages = self.stages.iter().map(|stage| (stage.leveled, &stage.realised));
        let of = |(leveled, realised): (&Leveled<'_>, &Realised)| {
            let base = realised.base.as_ref().filter(|base| !base.vex.is_empty())?;
            let span = leveled.levels.first()?.image.base.as_ref()?.span;
            let reference: Reference = base.used.reference.parse().ok()?;
            let image = format!("{}/{}", reference.registry, reference.repository);
            let digests = base.used.index.into_iter().chain([base.manifest.digest]).collect();
            let of = VexOf { image, digests, owner: format!("base {}", base.used.reference) };
            Some(Vex { standing: Standing::Own, span, of: Some(of), statements: base.vex.clone() })
        };
        own.chain(stages).filter_map(of).collect()
    }

    fn layers(&self) -> Vec<report::Layer> {
        let layers = self.made.image.layers.iter().zip(&self.made.facts.created_by);
        let layer = |(layer, about): (&Layer, &String)| report::Layer {
            digest: layer.descriptor.digest,
            size: layer.descriptor.size,
            about: about.clone(),
        };
        layers.map(layer).collect()
    }

    /// What a build knows of its image.
    fn scene(&self, taken: &Taken, sources: &Sources) -> Result<Scene, Error> {
        let Built { of, made, .. } = *self;
        let (store, inventory) = (&of.session.store, &taken.inventory);
        let config: ImageConfig = document(store, &made.image.config.digest)?;
        let manifest: Manifest = document(store, &made.image.manifest.digest)?;
        let layer_of = inventory.files.iter().filter_map(|file| {
            let path = TreePath::new(bytes_of(file.path.trim_start_matches('/'))).ok()?;
            Some((path, file.layer))
        });
        let mut components = scan::installed(inventory);
        components.extend(claimed(inventory));
        Ok(Scene {
            config,
            annotations: manifest.annotations,
            tree: Arc::new(Tree::load(store, &made.facts.tree)?),
            layers: inventory.layers.iter().map(|layer| layer.digest).collect(),
            layer_of: layer_of.collect(),
            hidden: taken.hidden.clone(),
            components,
            catalogued: inventory.catalogued.clone(),
            inputs: facts::inputs(of.project, of.leveled.image, self.told, inventory, sources),
            commands: facts::commands(of.project, of.leveled.image, inventory, sources),
            unattributed: facts::unattributed(inventory),
        })
    }
}

/// A document that this build wrote.
fn document<T: for<'de> Deserialize<'de>>(store: &Store, digest: &Digest) -> Result<T, Error> {
    const MAX_DOCUMENT: u64 = 16 << 20;
    let bytes = store.read(digest, MAX_DOCUMENT)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Mistake(format!("{digest} is damaged: {error}")))
}

/// The packages that bases' own bills of materials tell.
fn claimed(inventory: &Inventory) -> Vec<Component> {
    let of = |(base, package): (usize, &claims::ClaimedPackage)| {
        let origin = scan::of_owner(inventory, &Owner::Base(base));
        Some(Component {
            purl: package.purl.clone()?,
            name: package.name.clone(),
            version: package.version.clone().unwrap_or_default(),
            licence: None,
            places: vec![Place { origin, ..Place::default() }],
        })
    };
    let bases = inventory.bases.iter().enumerate();
    let claims = bases.filter_map(|(position, base)| Some((position, base.claims.as_ref()?)));
    claims
        .flat_map(|(position, claims)| claims.packages.iter().map(move |package| (position, package)))
        .filter_map(of)
        .collect()
}

/// Files of an image's layers that layers above cover: of a base that it stands on, and of its own layers.
pub(in super::super) fn hidden(solved: &Solution, layers: &[Layer], base: Option<&Flat>) -> Vec<Hidden> {
    let kept = layers.len().saturating_sub(solved.changes.len());
    let empty = Arc::default();
    let last: &Arc<Tree> = solved.trees.last().unwrap_or(&empty);
    let is_covered = |path: &TreePath, entry: &Entry| {
        entry.is_file() && last.get(path).is_none_or(|there| there.content() != entry.content())
    };
    let of_base = base.into_iter().flat_map(|base| {
        let seen = base.tree.iter().filter_map(|(path, entry)| Some((*base.layer_of.get(path)?, path, entry)));
        seen.chain(base.hidden.iter().map(|(layer, path, entry)| (*layer, path, entry)))
    });
    let own = solved.changes.iter().enumerate();
    let own = own
        .flat_map(|(position, change)| change.entries.iter().map(move |(path, entry)| (kept + position, path, entry)));
    let covered = of_base.chain(own).filter(|(_, path, entry)| is_covered(path, entry));
    covered.map(|(layer, path, entry)| (layer, path.clone(), entry.clone())).collect()
}

/// A file with the position of its layer.
type Hidden = (usize, TreePath, Entry);
