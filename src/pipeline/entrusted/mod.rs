//! Images that a daemon makes and pushes by itself.
//!
//! kiln makes all that depends on no command, and gives it to the daemon as images and folders. The daemon runs the commands,
//! makes layers of what follows, and pushes all layers without a name. kiln reads back what it did not make, checks that the
//! layers are those that the graph has, and finds in them the states of the file system that evidence is made of.
//! Configuration and manifest are kiln's own, so that the daemon contributes layers and nothing else.

mod arrival;
mod grown;
mod links;
mod offer;
mod reach;

use super::assemble::{Assembly, Facts, Made, Read, Solution, Wanted, annotations, failed, run};
use super::commands;
use super::error::Error;
use super::listening::Listener;
use crate::compile::Move;
use crate::image::assemble::{Recipe, assemble as put_together};
use crate::llb::{Action, CUSTOM_NAME, Copy, FileOp, Graph, Note, Output, Vertex, pb};
use crate::oci::{Digest, ImageConfig, Reference, RootFs, to_json};
use crate::registry::Repository;
use crate::solve::Solved;
use crate::solve::buildkit::{FILE, PushError, Pushed, Work, not_applied};
use crate::spec::Compression;
use crate::tree::Change;
use arrival::Arrived;
use grown::States;
use links::{Link, Links};
use offer::Offer;
use reach::Reach;
use std::collections::BTreeMap;

/// The highest level that daemons know of gzip.
const HIGHEST_GZIP: i64 = 9;

/// An image that is left to a daemon.
struct Entrusted<'a> {
    of: Assembly<'a>,
    graph: &'a Graph,
    reach: Reach<'a>,
}

/// What kiln made itself, by the outputs of the graph.
struct Known(BTreeMap<Output, Solved>);

/// Lets a daemon make an image and push it to the repository of `target`; the image as kiln tells of it, with its states.
pub(super) fn image(of: Assembly<'_>, graph: &Graph, target: &Reference) -> Result<(Made, Solution), Error> {
    let work = Entrusted { of, graph, reach: Reach::of(graph) };
    work.warn();
    let session = of.session;
    session.phase("reading contexts");
    let (contexts, read) = of.contexts()?;
    let repository = session.registries_of(of.project)?.repository(target)?.without_mirrors();
    // What would end the push ends it before anything has run.
    session.wait(repository.try_to_push())?;
    let known = work.known(&read)?;
    let links = Links::of(graph, &known.digests())?;
    session.phase("packing layers");
    let offer = Offer::of(&work, &known, work.beginning(&known, &links)?)?;
    session.phase("building in the daemon");
    let own = links.get(&graph.output());
    let pushed = work.push(&offer, &known, own, &repository)?;
    session.phase("reading back");
    let arrived = work.read_back(&pushed, &offer, own, &repository)?;
    let states = States { work: &work, known: &known, links: &links, arrived: &arrived };
    let solution = states.solution(&pushed)?;
    let made = work.put_together(&arrived, &solution)?;
    Ok((Made { contexts, read, ..made }, solution))
}

impl Known {
    fn get(&self, output: &Output) -> Result<&Solved, Error> {
        self.0.get(output).ok_or_else(|| Error::Mistake("a part of the graph was not made".into()))
    }

    /// What names the result of an output.
    fn digest(&self, output: &Output) -> Result<Digest, Error> {
        self.get(output).map(|solved| solved.digest)
    }

    /// What is known by this digest.
    fn change(&self, digest: &Digest) -> Result<Change, Error> {
        let solved = self.0.values().find(|solved| solved.digest == *digest);
        solved.map(Solved::to_change).ok_or_else(|| Error::Mistake("a part of the graph was not made".into()))
    }

    fn digests(&self) -> BTreeMap<Output, Digest> {
        self.0.iter().map(|(output, solved)| (*output, solved.digest)).collect()
    }
}

impl<'a> Entrusted<'a> {
    /// Says what a daemon does not do.
    fn warn(&self) {
        for vertex in self.graph.vertices() {
            not_applied(&vertex.limits).iter().for_each(|warning| self.of.session.warn(warning));
        }
    }

    /// The image as people call it.
    fn name(&self) -> &str {
        self.of.leveled.image.name.value.repository.as_str()
    }

    fn vertex_name(&self, output: &Output) -> String {
        self.graph.vertex(&output.vertex).map(Vertex::name).unwrap_or_default()
    }

    /// What an output is called that is taken by something beyond: by its own name, or by that of what takes it.
    fn taken_as(&self, output: &Output) -> String {
        let vertices = self.graph.vertices();
        let own = self.graph.vertex(&output.vertex).filter(|vertex| vertex.description.contains_key(CUSTOM_NAME));
        let taker =
            || vertices.iter().find(|vertex| !self.reach.holds_vertex(vertex) && vertex.inputs.contains(output));
        own.or_else(taker).map(Vertex::name).unwrap_or_default()
    }

    /// The context that an output is; none where it is none.
    fn context(&self, output: &Output) -> Option<&str> {
        match &self.graph.vertex(&output.vertex)?.op {
            pb::op::Op::Source(source) => source.identifier.strip_prefix("local://"),
            _ => None,
        }
    }

    /// Makes all that depends on no command and that is needed: by the daemon, or to tell of the image.
    fn known(&self, read: &Read) -> Result<Known, Error> {
        let Assembly { session, project, sources, compiled, .. } = self.of;
        session.phase("solving");
        let moves = compiled.stages.values().flatten().chain(&compiled.recipe.moves).map(|one| one.state);
        let mut targets = self.reach.border();
        targets.extend(moves.filter(|state| self.reach.holds(state)));
        let targets: Vec<Output> = targets.into_iter().collect();
        let results = run(session, project, sources, compiled, Wanted::whole(&targets), read)?.results;
        Ok(Known(targets.into_iter().zip(results).collect()))
    }

    /// The moves of the image before the first command had a part in it, over which all that follows lies; none where it
    /// begins with something else.
    fn beginning(&self, known: &Known, links: &Links) -> Result<Option<&'a [Move]>, Error> {
        let moves = &self.of.compiled.recipe.moves;
        let lowest = links.get(&self.graph.output()).first();
        let mut beginning = None;
        for (at, one) in moves.iter().enumerate().take_while(|(_, one)| self.reach.holds(&one.state)) {
            if lowest == Some(&Link::Known(known.digest(&one.state)?)) {
                beginning = Some(&moves[..=at]);
            }
        }
        Ok(beginning)
    }

    fn push(&self, offer: &Offer, known: &Known, links: &[Link], repository: &Repository) -> Result<Pushed, Error> {
        let Assembly { session, compiled, sources, .. } = self.of;
        let (mut builder, adopted) = offer.graph(self, known)?;
        let files: Vec<(Digest, Output)> = commands::result_files(compiled)
            .map(|(command, _, file)| {
                let copy = Copy::new(Some(adopted.output(file.tree)), &file.within, FILE);
                let op = FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] };
                (command.vertex, builder.file(op, Note::named("kiln: the results of a check")))
            })
            .collect();
        let definition = |output| builder.finish(adopted.output(output), sources);
        let checks = compiled.commands.iter().filter_map(|command| command.check.as_ref());
        let first = checks.map(|check| definition(check.output)).collect::<Result<Vec<_>, _>>()?;
        let files = files.into_iter().map(|(command, file)| Ok((command, builder.finish(file, sources)?)));
        let files = files.collect::<Result<Vec<_>, Error>>()?;
        let given = &session.settings.given;
        let work = Work {
            graph: self.graph,
            first: &first,
            files: &files,
            image: &definition(self.graph.output())?,
            folders: &offer.folders,
            contents: &offer.contents,
            secrets: &given.secrets,
            agents: &given.ssh,
            repository,
            attrs: self.attrs(offer.diff_ids(links)),
            now: session.clock().as_second(),
            progress: &Listener::new(session),
            cancelled: session.cancelled(),
        };
        session.daemons()?.push(&work, &session.store).map_err(|error| match error {
            PushError::Solve(error) => failed(error, compiled, sources),
            PushError::NoFile(number) => match commands::result_files(compiled).nth(number) {
                Some((_, check, file)) => Error::NoResults { check: check.name.clone(), path: file.path.clone() },
                None => Error::Mistake("a file was wanted that no check leaves".into()),
            },
            PushError::Daemon(error) => Error::Daemon(error.to_string()),
        })
    }

    /// How the daemon is to make layers, in the words of its exporter.
    fn attrs(&self, kept: Vec<Digest>) -> BTreeMap<String, String> {
        let packing = self.of.compiled.recipe.packing;
        let config = |diff_ids| {
            let config = ImageConfig {
                created: None,
                author: None,
                platform: self.platform().clone(),
                config: crate::oci::Config::default(),
                rootfs: RootFs { kind: "layers".into(), diff_ids },
                history: Vec::new(),
            };
            String::from_utf8_lossy(&to_json(&config)).into_owned()
        };
        let (name, level) = match packing.compression {
            Compression::Gzip => ("gzip", packing.level.map(|level| i64::from(level).min(HIGHEST_GZIP))),
            Compression::Zstd => ("zstd", packing.level.map(i64::from)),
        };
        let attrs = [
            ("compression", Some(name.to_owned())),
            ("compression-level", level.map(|level| level.to_string())),
            ("oci-mediatypes", Some("true".to_owned())),
            ("source-date-epoch", Some(self.latest().to_string())),
            ("rewrite-timestamp", Some("true".to_owned())),
            ("containerimage.config", Some(config(Vec::new()))),
            // What this says that the image begins with is kept as it is.
            ("containerimage.base.config", Some(config(kept))),
        ];
        attrs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// The image that the layers make, as kiln tells of it.
    fn put_together(&self, arrived: &Arrived, solution: &Solution) -> Result<Made, Error> {
        let Assembly { session, leveled, revision, .. } = self.of;
        let tree = arrived.tree();
        let recipe = Recipe {
            platform: self.platform().clone(),
            author: None,
            config: self.of.config(&tree)?,
            steps: arrived.steps.clone(),
            annotations: annotations(leveled, revision),
        };
        let image = put_together(&recipe, &session.store, revision.epoch)?;
        let facts = Facts {
            tree: tree.save(&session.store)?,
            files: tree.iter().filter(|(_, entry)| !entry.is_dir()).count(),
            unpacked_size: tree.iter().map(|(_, entry)| entry.size()).sum(),
            created_by: arrived.created_by.clone(),
            ran: solution.ran.clone(),
            results: solution.results.clone(),
        };
        Ok(Made { image, facts, contexts: BTreeMap::new(), read: Read::new() })
    }
}
