//! Graphs that others made.

use super::build::retried;
use super::error::Error;
use super::failure::Failure;
use super::listening::Listener;
use super::output;
use super::place::Transfer;
use super::report::{OutputReport, SolveReport};
use super::session::Session;
use crate::image::layout::Layout;
use crate::image::output::Output;
use crate::llb::{self, Graph, Vertex, pb, read};
use crate::oci::{Digest, Platform, Reference};
use crate::registry::{self, Name, Want};
use crate::solve::{Engine, Request, Solved};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which graph is solved, and how.
#[derive(Debug, Clone)]
pub struct SolveOptions {
    /// The definition, as BuildKit's clients marshal one.
    pub definition: Vec<u8>,
    /// The folders behind its `local://` sources, by name.
    pub contexts: BTreeMap<String, PathBuf>,
    /// Where the files go: `tree:DIR` or `tar:FILE`; nowhere for none.
    pub outputs: Vec<String>,
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<i64>,
}

/// Solves a definition that any client made.
///
/// What it names by tags is taken as it is today: such a graph has no lock.
pub fn solve(session: &Session<'_>, options: &SolveOptions) -> Result<SolveReport, Error> {
    retried(session, || solve_once(session, options))
}

fn solve_once(session: &Session<'_>, options: &SolveOptions) -> Result<SolveReport, Error> {
    let outputs = options.outputs.iter().map(|text| Ok(text.parse()?)).collect::<Result<Vec<Output>, Error>>()?;
    session.phase("reading the graph");
    let graph = read(&options.definition)?;
    let brought = bring(session, &graph)?;
    session.phase("solving");
    let solved = run(session, options, &graph, &brought)?;
    session.phase("writing");
    let epoch = options.epoch.unwrap_or(0);
    let outputs = outputs.iter().map(|output| output::write_files(session, output, &solved.tree, epoch));
    Ok(SolveReport {
        tree: solved.tree_digest,
        files: solved.tree.iter().filter(|(_, entry)| !entry.is_dir()).count(),
        unpacked_size: solved.tree.iter().map(|(_, entry)| entry.size()).sum(),
        outputs: outputs.collect::<Result<Vec<OutputReport>, Error>>()?,
        warnings: session.warnings(),
    })
}

fn run(
    session: &Session<'_>,
    options: &SolveOptions,
    graph: &Graph,
    brought: &BTreeMap<String, Digest>,
) -> Result<Solved, Error> {
    let (targets, listener) = ([graph.output()], Listener::new(session));
    let request = Request { contexts: &options.contexts, brought, ..session.request(graph, &targets, &listener) };
    let mut solved = session.engine()?.solve(&request).map_err(|error| {
        let vertex = error.vertex().and_then(|digest| graph.vertex(&digest));
        let place = vertex.and_then(|vertex| place(graph, vertex));
        Error::Solve(Box::new(Failure::at(error, place)))
    })?;
    Ok(solved.results.swap_remove(0))
}

/// Where the graph's own text asks for a vertex.
fn place(graph: &Graph, vertex: &Vertex) -> Option<String> {
    let place = vertex.places.first()?;
    Some(format!("{}:{}", graph.texts().get(place.text)?.name, place.start.0))
}

/// Brings the images of registries that a graph names into the store: their manifests by the sources' identifiers.
fn bring(session: &Session<'_>, graph: &Graph) -> Result<BTreeMap<String, Digest>, Error> {
    let mut brought = BTreeMap::new();
    for vertex in graph.vertices() {
        let pb::op::Op::Source(source) = &vertex.op else { continue };
        let Some(image) = source.identifier.strip_prefix("docker-image://") else { continue };
        if brought.is_empty() {
            session.phase("fetching");
        }
        let reference: Reference =
            image.parse().map_err(|error| Error::Usage(format!("the graph names no image by `{image}`: {error}")))?;
        brought.insert(source.identifier.clone(), pull(session, &reference, &llb::platform(vertex.platform.as_ref()))?);
    }
    Ok(brought)
}

fn pull(session: &Session<'_>, reference: &Reference, platform: &Platform) -> Result<Digest, Error> {
    let repository = session.registries()?.repository(reference)?;
    let name = match (&reference.digest, &reference.tag) {
        (Some(digest), _) => Name::Digest(*digest),
        (None, Some(tag)) => Name::Tag(tag.clone()),
        (None, None) => Name::Tag("latest".into()),
    };
    let want = Want { platform: Some(platform), layers: true, ..Want::default() };
    let pulled = session.wait(registry::pull(&repository, &name, want, &session.store, &Transfer(session)))?;
    Ok(Layout::of_store(&session.store, Vec::new()).platform(&pulled.image, platform)?.digest)
}
