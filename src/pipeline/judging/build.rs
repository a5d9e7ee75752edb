//! The verdict of an image that was built.

use super::super::assemble::{Assembly, Made, Solution};
use super::super::error::Error;
use super::bench::Bench;
use super::facts;
use super::scene::Scene;
use crate::evidence::scan::{self, Component};
use crate::evidence::{Inventory, Owner, bytes_of, claims};
use crate::oci::{Digest, ImageConfig, Manifest};
use crate::policy::{self, Case, Proofs, Verdict};
use crate::store::Store;
use crate::tree::{Tree, TreePath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is said of an image, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Judgement {
    pub verdict: Verdict,
    /// The image's packages.
    pub components: Vec<Component>,
    /// The database that was asked, if one was.
    pub database: Option<Digest>,
}

/// The kind of record that judgements are, and the version of all that decides them beside their key.
const RECORD: &str = "verdict";
const FORM: &str = "kiln verdict 1";

impl Bench {
    /// Judges an image. What was judged before by the same is found again; `taken` is asked for only where it was not.
    pub(in super::super) fn judge_build(
        &self,
        of: &Assembly<'_>,
        made: &Made,
        told: &Digest,
        proofs: &Proofs,
        taken: impl FnOnce() -> Result<(Inventory, Vec<(usize, TreePath, crate::tree::Entry)>), Error>,
    ) -> Result<Judgement, Error> {
        let store = &of.session.store;
        let parts = [FORM, env!("CARGO_PKG_VERSION"), &made.image.manifest.digest.to_string(), &told.to_string()];
        let key = Digest::of([parts.join("\n"), self.identity().to_string(), format!("{proofs:?}")].join("\n"));
        let known = store.record(RECORD, &key)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(known) = known {
            return Ok(known);
        }
        of.session.phase("scanning");
        let (inventory, hidden) = taken()?;
        let scene = scene(of, made, &inventory, hidden, &self.sources)?;
        let mut found = scene.look(self, store)?;
        let places = found.findings.iter_mut().flat_map(|finding| &mut finding.places);
        scan::locate(places, &inventory);
        let case = Case {
            policies: self.policies(),
            sources: &self.sources,
            findings: found.findings,
            proofs,
            day: self.day,
        };
        let judgement = Judgement {
            verdict: policy::judge(case),
            components: found.components,
            database: self.database.as_ref().map(|database| *database.digest()),
        };
        store.set_record(RECORD, &key, &serde_json::to_vec(&judgement).map_err(crate::evidence::sign::SignError::from)?)?;
        Ok(judgement)
    }
}

/// What a build knows of its image.
fn scene(
    of: &Assembly<'_>,
    made: &Made,
    inventory: &Inventory,
    hidden: Vec<(usize, TreePath, crate::tree::Entry)>,
    sources: &crate::diagnostic::Sources,
) -> Result<Scene, Error> {
    let store = &of.session.store;
    let config: ImageConfig = document(store, &made.image.config.digest)?;
    let manifest: Manifest = document(store, &made.image.manifest.digest)?;
    let paths = inventory.files.iter().map(|file| (TreePath::new(bytes_of(file.path.trim_start_matches('/'))), file));
    let mut layer_of = BTreeMap::new();
    let mut owned = std::collections::BTreeSet::new();
    for (path, file) in paths {
        let Ok(path) = path else { continue };
        if is_of_package(&file.owner) {
            owned.insert(path.clone());
        }
        layer_of.insert(path, file.layer);
    }
    let mut components = scan::installed(inventory);
    components.extend(claimed(inventory));
    Ok(Scene {
        config,
        annotations: manifest.annotations.unwrap_or_default(),
        tree: Arc::new(Tree::load(store, &made.facts.tree)?),
        layers: inventory.layers.iter().map(|layer| layer.digest).collect(),
        layer_of,
        hidden,
        components,
        owned,
        inputs: facts::inputs(of.project, of.leveled.image, inventory, sources),
        commands: facts::commands(of.project, of.leveled.image, inventory, sources),
        unattributed: facts::unattributed(inventory),
    })
}

/// A document that this build wrote.
fn document<T: for<'de> Deserialize<'de>>(store: &Store, digest: &Digest) -> Result<T, Error> {
    const MAX_DOCUMENT: u64 = 16 << 20;
    let bytes = store.read(digest, MAX_DOCUMENT)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Mistake(format!("{digest} is damaged: {error}")))
}

fn is_of_package(owner: &Owner) -> bool {
    match owner {
        Owner::Package(_) | Owner::Emulated { .. } => true,
        Owner::Stage { owner, .. } => is_of_package(owner),
        _ => false,
    }
}

/// The packages that bases' own bills of materials tell.
fn claimed(inventory: &Inventory) -> Vec<Component> {
    let of = |package: &claims::ClaimedPackage| {
        Some(Component {
            purl: package.purl.clone()?,
            name: package.name.clone(),
            version: package.version.clone().unwrap_or_default(),
            licence: None,
            places: Vec::new(),
        })
    };
    let claims = inventory.bases.iter().filter_map(|base| base.claims.as_ref());
    claims.flat_map(|claims| &claims.packages).filter_map(of).collect()
}

/// Files of the layers of a build that layers above cover.
pub(in super::super) fn hidden(solved: &Solution, kept: usize, tree: &Tree) -> Vec<(usize, TreePath, crate::tree::Entry)> {
    let layers = solved.changes.iter().enumerate();
    let entries = layers.flat_map(|(position, change)| change.entries.iter().map(move |(path, entry)| (kept + position, path, entry)));
    let covered = entries.filter(|(_, path, entry)| entry.is_file() && tree.get(path).is_none_or(|there| there.content() != entry.content()));
    covered.map(|(layer, path, entry)| (layer, path.clone(), entry.clone())).collect()
}
