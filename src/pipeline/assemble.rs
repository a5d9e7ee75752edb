//! From a compiled image to its blobs: solved, cut into layers, packed, put together.

use super::commands::{self, RanFact, Results};
use super::epoch::Revision;
use super::error::Error;
use super::failure;
use super::inputs::{Installed, Realised};
use super::listening::Listener;
use super::locking::Leveled;
use super::project::Project;
use super::session::Session;
use super::states::{PlannedLayer, States, stack};
use crate::compile::{Compiled, LayerPlan, Move, User};
use crate::diagnostic::Sources;
use crate::image::accounts::Accounts;
use crate::image::assemble::{self, Image, Recipe, Step};
use crate::image::layer::{Compression, Layer};
use crate::image::split::{self, split};
use crate::llb::Output;
use crate::oci::{Descriptor, Digest, Platform};
use crate::solve::{self, Engine, Request, SolveError, Solved};
use crate::spec::{self, SourceKind};
use crate::tree::{Change, Tree, TreePath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// An image that was made, or was found made.
#[derive(Debug)]
pub(super) struct Made {
    /// Its blobs.
    pub image: Image,
    /// What else is known of it.
    pub facts: Facts,
    /// The trees of its contexts by the names of their sources.
    pub contexts: BTreeMap<String, Digest>,
    /// The same by their vertices.
    pub read: Read,
}

/// What was read of contexts, by their vertices: all of a build is made of the same.
pub(super) type Read = BTreeMap<Digest, Solved>;

/// An image's file system as it grew, and as it is cut into layers.
#[derive(Debug)]
pub(super) struct Solution {
    /// The file system after each move.
    pub trees: Vec<Arc<Tree>>,
    /// What each layer above a base's own changes.
    pub changes: Vec<Change>,
    /// What made each.
    pub created_by: Vec<String>,
    /// The file system of each stage after each of its moves, by name; of what a command left, what others take of it.
    pub stages: BTreeMap<String, Vec<Arc<Tree>>>,
    /// How the commands ran.
    pub ran: Vec<RanFact>,
    /// What checks left.
    pub results: Vec<Results>,
}

/// What is known of an image beside its blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The finished file system, stored.
    pub tree: Digest,
    /// How many files and links it has.
    pub files: usize,
    /// The sizes of all files in bytes.
    pub unpacked_size: u64,
    /// What made each layer.
    pub created_by: Vec<String>,
    /// How the commands ran that it took.
    pub ran: Vec<RanFact>,
    /// What checks left.
    pub results: Vec<Results>,
}

/// What is remembered of an image under the digest of all that it is made of.
#[derive(Serialize, Deserialize)]
struct Record {
    manifest: Descriptor,
    config: Descriptor,
    layers: Vec<Layer>,
    facts: Facts,
}

/// The kind of record that images are.
const RECORD: &str = "image";

/// The version of what decides an image beside its recipe; another one forgets them all.
const FORM: &str = "kiln image 6";

/// What an image is made of.
#[derive(Clone, Copy)]
pub(super) struct Assembly<'a> {
    pub session: &'a Session<'a>,
    pub project: &'a Project,
    pub sources: &'a Sources,
    pub leveled: &'a Leveled<'a>,
    pub compiled: &'a Compiled,
    pub realised: &'a Realised,
    pub revision: &'a Revision,
}

impl Assembly<'_> {
    /// Makes the image; what was made before of the same is found again. Where it is made now, it is told how it came about,
    /// and what `beside` made of that while layers were packed.
    pub(super) fn image<T: Send>(
        &self,
        beside: impl FnOnce(&Solution) -> Result<T, Error> + Send,
    ) -> Result<(Made, Option<(Solution, T)>), Error> {
        let Assembly { session, compiled, realised, .. } = *self;
        session.phase("reading contexts");
        let (contexts, read) = self.contexts()?;
        let key = self.key(&contexts);
        let anew = session.settings.given.twice;
        if let Some((image, facts)) = remembered(session, &key, &compiled.recipe.platform)?.filter(|_| !anew) {
            session.took(facts.ran.iter().filter_map(|ran| ran.key));
            return Ok((Made { image, facts, contexts, read }, None));
        }
        let solved = std::thread::scope(|threads| {
            // Packing takes what a base amounts to: to read that takes as long as to solve what is known. What is not known
            // is found out while the graph is solved.
            if let Some(base) = &realised.base {
                threads.spawn(|| base.recall(session));
            }
            self.solve(&read)
        })?;
        session.phase("packing layers");
        let (packed, beside) = rayon::join(|| self.pack(&solved), || beside(&solved));
        let (image, facts) = packed?;
        let record = Record {
            manifest: image.manifest.clone(),
            config: image.config.clone(),
            layers: image.layers.clone(),
            facts: facts.clone(),
        };
        let record = serde_json::to_vec(&record).expect("a record has string keys only");
        session.store.set_record(RECORD, &key, &record)?;
        Ok((Made { image, facts, contexts, read }, Some((solved, beside?))))
    }

    /// Solves what was compiled and cuts it into layers.
    pub(super) fn solve(&self, read: &Read) -> Result<Solution, Error> {
        let Assembly { session, project, sources, compiled, realised, .. } = *self;
        session.phase("solving");
        let moves = compiled.recipe.moves.iter().map(|m| m.state);
        let of_stages = compiled.stages.values().flatten().map(|m| m.state);
        let targets: Vec<Output> = moves.chain(compiled.checked()).collect();
        let wanted = Wanted { targets: &targets, in_part: &of_stages.collect::<Vec<_>>() };
        let solve::Solution { results, in_part, ran, .. } = run(session, project, sources, compiled, wanted, read)?;
        let (own, left) = results.split_at(compiled.recipe.moves.len());
        let mut rest = in_part.as_slice();
        let trees = |solved: &[Solved]| solved.iter().map(|solved| solved.tree.clone()).collect::<Vec<_>>();
        let mut stages = BTreeMap::new();
        for (name, moves) in &compiled.stages {
            let (of_stage, others) = rest.split_at(moves.len());
            stages.insert(name.clone(), trees(of_stage));
            rest = others;
        }
        let results = commands::results(compiled, left)?;
        let trees = trees(own);
        let (moves, plans) = (&compiled.recipe.moves, &compiled.recipe.layers);
        let changes = changes(&States::new(moves, &trees), moves, plans, realised);
        let (changes, created_by) = changes.into_iter().unzip();
        Ok(Solution { trees, changes, created_by, stages, ran: ran.iter().map(RanFact::from).collect(), results })
    }

    /// Reads the contexts: the digests of their trees by name, and all of them by vertex.
    pub(super) fn contexts(&self) -> Result<(BTreeMap<String, Digest>, Read), Error> {
        let Assembly { session, project, sources, compiled, .. } = *self;
        if compiled.contexts.is_empty() {
            return Ok(Default::default());
        }
        let targets: Vec<Output> = compiled.contexts.values().copied().collect();
        let solved = run(session, project, sources, compiled, Wanted::whole(&targets), &Read::new())?.results;
        let names = compiled.contexts.keys().cloned().zip(solved.iter().map(|solved| solved.tree_digest)).collect();
        Ok((names, targets.iter().map(|target| target.vertex).zip(solved).collect()))
    }

    /// Everything that decides the image's bytes.
    fn key(&self, contexts: &BTreeMap<String, Digest>) -> Digest {
        let Assembly { leveled, compiled, revision, .. } = *self;
        let contexts: Vec<String> = contexts.iter().map(|(name, digest)| format!("{name}={digest}")).collect();
        let said = format!("{:?}", (&compiled.recipe, annotations(leveled, revision), contexts, revision));
        Digest::of(
            [FORM.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes(), &compiled.graph.encode(), said.as_bytes()].concat(),
        )
    }

    /// Packs layers and puts the image together.
    fn pack(&self, solved: &Solution) -> Result<(Image, Facts), Error> {
        let Assembly { session, compiled, leveled, revision, .. } = *self;
        let last = States::new(&compiled.recipe.moves, &solved.trees).last();
        let (steps, created_by) = self.steps(solved, &last)?;
        let recipe = Recipe {
            platform: compiled.recipe.platform.clone(),
            author: None,
            config: self.config(&last)?,
            steps,
            annotations: annotations(leveled, revision),
        };
        let image = assemble::assemble(&recipe, &session.store, revision.epoch)?;
        let facts = Facts {
            tree: last.save(&session.store)?,
            files: last.iter().filter(|(_, entry)| !entry.is_dir()).count(),
            unpacked_size: last.iter().map(|(_, entry)| entry.size()).sum(),
            created_by,
            ran: solved.ran.clone(),
            results: solved.results.clone(),
        };
        Ok((image, facts))
    }

    /// The layers, packed, and what made each.
    fn steps(&self, solved: &Solution, whole: &Tree) -> Result<(Vec<Step>, Vec<String>), Error> {
        let base = self.realised.base.as_ref();
        let mut steps: Vec<Step> = base.map(|base| base.steps.clone()).unwrap_or_default();
        let kept = steps.iter().filter(|step| step.layer.is_some());
        let mut created_by: Vec<String> = kept.map(|step| step.created_by.clone()).collect();
        let (changes, names) = (&solved.changes, &solved.created_by);
        let below = base.map(|base| base.tree(self.session)).transpose()?.unwrap_or_default();
        if stack(&below, changes)? != *whole {
            return Err(Error::Mistake("the layers do not make up the file system".into()));
        }
        let packer = self.session.packer()?;
        let layers = packer.pack_all(
            changes,
            &self.session.store,
            self.revision.epoch,
            compression(self.compiled.recipe.packing),
        )?;
        steps.extend(layers.into_iter().zip(names).map(|(layer, by)| Step::new(format!("kiln: {by}"), layer)));
        created_by.extend(names.iter().cloned());
        Ok((steps, created_by))
    }

    /// The configuration with the user as numbers and what is known of the commit.
    pub(super) fn config(&self, tree: &Tree) -> Result<crate::oci::Config, Error> {
        let recipe = &self.compiled.recipe;
        let mut config = recipe.config.clone();
        config.user = Some(match &recipe.user {
            User::Fixed(user) => user.clone(),
            User::Named(name) => {
                let accounts = Accounts::read(tree, &self.session.store)?;
                let (uid, gid) = accounts
                    .user(name)
                    .ok_or_else(|| Error::NotThere(format!("the image has no user `{name}` to run it")))?;
                format!("{uid}:{gid}")
            }
        });
        let mut labels: BTreeMap<String, String> = self.revision.labels().collect();
        labels.extend(config.labels.take().unwrap_or_default());
        config.labels = (!labels.is_empty()).then_some(labels);
        Ok(config)
    }
}

/// Solves what was compiled with its checks; gives the finished file system.
pub(super) fn file_system(
    session: &Session<'_>,
    project: &Project,
    sources: &Sources,
    compiled: &Compiled,
) -> Result<Solved, Error> {
    session.phase("solving");
    let last = compiled.graph.output();
    let targets: Vec<Output> = [last].into_iter().chain(compiled.checked()).collect();
    let mut solved = run(session, project, sources, compiled, Wanted::whole(&targets), &Read::new())?.results;
    commands::results(compiled, &solved[1..])?;
    Ok(solved.swap_remove(0))
}

/// What is to be solved.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub targets: &'a [Output],
    /// As far as it is there anyway.
    pub in_part: &'a [Output],
}

impl<'a> Wanted<'a> {
    /// All of these, and nothing else.
    pub(super) fn whole(targets: &'a [Output]) -> Self {
        Wanted { targets, in_part: &[] }
    }
}

pub(super) fn run(
    session: &Session<'_>,
    project: &Project,
    sources: &Sources,
    compiled: &Compiled,
    Wanted { targets, in_part }: Wanted<'_>,
    read: &Read,
) -> Result<solve::Solution, Error> {
    let graph = compiled.graph.graph()?;
    let progress = Listener::new(session);
    let request = Request { contexts: &folders(project), read, in_part, ..session.request(&graph, targets, &progress) };
    let solution = session.engine()?.solve(&request).map_err(|error| failed(error, compiled, sources))?;
    session.find(&graph, &solution);
    Ok(solution)
}

/// A failure at its place in the spec.
pub(super) fn failed(error: SolveError, compiled: &Compiled, sources: &Sources) -> Error {
    let spans = error.vertex().map(|vertex| compiled.graph.spans(&vertex).to_vec()).unwrap_or_default();
    let command = error.vertex().and_then(|vertex| compiled.command(&vertex));
    Error::Solve(Box::new(failure::Failure::of(error, command, &spans, sources)))
}

/// Where the contexts are, by the names of their sources.
pub(super) fn folders(project: &Project) -> BTreeMap<String, PathBuf> {
    let contexts = project.spec.sources.iter().filter_map(|source| match &source.kind {
        SourceKind::Context(context) => Some((source.name.value.clone(), project.folder.join(&context.path.value))),
        _ => None,
    });
    contexts.collect()
}

fn remembered(session: &Session<'_>, key: &Digest, platform: &Platform) -> Result<Option<(Image, Facts)>, Error> {
    let Some(bytes) = session.store.record(RECORD, key)? else { return Ok(None) };
    let Ok(Record { manifest, config, layers, facts }) = serde_json::from_slice(&bytes) else { return Ok(None) };
    let blobs = layers.iter().map(|layer| &layer.descriptor).chain([&manifest, &config]);
    let complete = blobs.into_iter().all(|d| session.store.size(&d.digest) == Some(d.size));
    let complete = complete && facts.results.iter().all(|results| results.are_there(&session.store));
    let image = Image { platform: platform.clone(), manifest, config, layers };
    Ok((complete && session.store.has(&facts.tree)).then_some((image, facts)))
}

/// Annotations of manifests and indexes.
pub(super) fn annotations(leveled: &Leveled<'_>, revision: &Revision) -> BTreeMap<String, String> {
    let mut annotations: BTreeMap<String, String> = revision.labels().collect();
    let said = leveled.image.annotations.iter().map(|pair| (pair.name.value.clone(), pair.value.value.clone()));
    annotations.extend(said);
    annotations
}

/// What each layer above a base's own changes, and what made it.
pub(super) fn changes(
    states: &States<'_>,
    moves: &[Move],
    plans: &[LayerPlan],
    realised: &Realised,
) -> Vec<(Change, String)> {
    let planned = states.layers(plans);
    let level_of = |position: usize| moves[position].level;
    let mut changes = Vec::new();
    // From above, as packages get what the steps of their level leave of its layers.
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for PlannedLayer { plan, change } in planned.into_iter().rev() {
        match plan {
            LayerPlan::Kept => {}
            LayerPlan::Steps { moves, pieces, created_by } => {
                let parts = runs(change, *pieces);
                let count = parts.len();
                *taken.entry(level_of(moves.start)).or_default() += count - 1;
                let named = parts.into_iter().enumerate().map(|(i, part)| match count {
                    1 => (part, created_by.clone()),
                    _ => (part, format!("{created_by} (part {} of {count})", i + 1)),
                });
                changes.extend(named.rev());
            }
            LayerPlan::Packages { at, pieces, created_by } => {
                let level = level_of(*at);
                let pieces = pieces.saturating_sub(taken.get(&level).copied().unwrap_or(0)).max(1);
                let parts = divide(realised.sets[level].as_ref(), change, pieces);
                let named = parts.into_iter().map(|(part, names)| match names.is_empty() {
                    true => (part, created_by.clone()),
                    false => (part, format!("{created_by}: {names}")),
                });
                changes.extend(named.rev());
            }
        }
    }
    changes.reverse();
    changes
}

/// What steps put, in at most so many parts.
fn runs(change: Change, pieces: usize) -> Vec<Change> {
    if change.takes_nothing_away() { split::runs(&change.entries, pieces) } else { vec![change] }
}

/// What packages put, in at most so many parts, each with the source packages in it.
fn divide(installed: Option<&Installed>, change: Change, pieces: usize) -> Vec<(Change, String)> {
    let Some(installed) = installed.filter(|_| change.takes_nothing_away()) else {
        return vec![(change, String::new())];
    };
    let owners = installed.owners();
    let group = |path: &TreePath| {
        let owner = owners.get(path).filter(|owner| !owner.made)?;
        installed.packages.get(owner.package as usize).map(|package| package.source.clone())
    };
    let names = |groups: &[String]| match groups {
        few @ ([] | [_] | [_, _] | [_, _, _]) => few.join(", "),
        [first, second, ..] => format!("{first}, {second} and {} more", groups.len() - 2),
    };
    let parts = split(&change.entries, group, pieces);
    parts.into_iter().map(|part| (part.change, names(&part.groups))).collect()
}

/// How layers are compressed, with the levels that are taken where the spec says none.
pub(super) fn compression(layers: spec::Layers) -> Compression {
    match layers.compression {
        spec::Compression::Gzip => Compression::Gzip { level: layers.level.unwrap_or(6) },
        spec::Compression::Zstd => Compression::Zstd { level: layers.level.unwrap_or(3) },
    }
}
