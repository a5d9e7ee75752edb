//! Reads a definition that nobody vouches for.

use super::exec::{self, LIMITS};
use super::graph::{Graph, Place, SourceText, Vertex};
use super::{LlbError, Output, pb, validate, wire::Scanner};
use crate::oci::Digest;
use prost::Message;
use std::collections::{BTreeMap, HashMap};

/// The most that a definition may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub bytes: usize,
    /// Operations.
    pub operations: usize,
    /// Bytes of one operation, the content of inline files included.
    pub operation: usize,
    /// Fields in all messages together.
    pub fields: usize,
    /// Bytes of one text.
    pub text: usize,
}

impl Default for Limits {
    /// Far above any real build, far below what would hurt.
    fn default() -> Self {
        Limits { bytes: 64 << 20, operations: 1 << 16, operation: 32 << 20, fields: 1 << 20, text: 1 << 20 }
    }
}

/// Reads and checks a definition, within the default limits.
pub fn read(bytes: &[u8]) -> Result<Graph, LlbError> {
    read_with(bytes, &Limits::default())
}

/// Reads and checks a definition, within other limits.
pub fn read_with(bytes: &[u8], limits: &Limits) -> Result<Graph, LlbError> {
    let mut scanner = Scanner::new(limits);
    let operations = scanner.definition(bytes)?;
    if operations.len() > limits.operations {
        return Err(LlbError::TooMany { what: "operations", limit: limits.operations });
    }
    operations.iter().try_for_each(|operation| scanner.operation(operation))?;
    let (last, operations) = operations.split_last().ok_or(LlbError::Empty)?;
    let output = read_output(last)?;

    let message = pb::Definition::decode(bytes).map_err(|_| LlbError::Malformed { message: "Definition" })?;
    let source = message.source.unwrap_or_default();
    let texts = source.infos.iter().map(|info| SourceText { name: info.filename.clone(), data: info.data.clone() });
    let texts: Vec<SourceText> = texts.collect();

    let mut vertices = Vec::with_capacity(operations.len());
    for operation in operations {
        let digest = Digest::of(operation);
        let op = validate::decode(operation)?;
        let inputs = validate::vertex(&digest, &op)?;
        let op_kind = op.op.ok_or(LlbError::NoOperation { vertex: digest })?;
        let metadata = message.metadata.get(&digest.to_string());
        let description = metadata.map(|metadata| metadata.description.clone()).unwrap_or_default();
        vertices.push(Vertex {
            digest,
            op: op_kind,
            inputs,
            platform: op.platform,
            limits: step_limits(&description)
                .ok_or_else(|| LlbError::Invalid { vertex: digest, problem: format!("its `{LIMITS}` are none") })?,
            description,
            places: places(source.locations.get(&digest.to_string()), texts.len()),
            ignore_cache: metadata.is_some_and(|metadata| metadata.ignore_cache),
        });
    }
    let vertices = sort(vertices, output)?;
    let index: HashMap<Digest, usize> = vertices.iter().enumerate().map(|(i, vertex)| (vertex.digest, i)).collect();
    let graph = Graph { vertices, index, output, texts };
    check_outputs(&graph)?;
    Ok(graph)
}

/// The bounds of a step, which are JSON; none where they are malformed.
fn step_limits(description: &BTreeMap<String, String>) -> Option<exec::Limits> {
    description.get(LIMITS).map_or(Some(exec::Limits::default()), |text| serde_json::from_str(text).ok())
}

/// The last operation: one input and nothing else.
fn read_output(bytes: &[u8]) -> Result<Output, LlbError> {
    let op = validate::decode(bytes)?;
    let only_input = op.op.is_none() && op.platform.is_none() && op.constraints.is_none();
    match op.inputs.as_slice() {
        [input] if only_input => {
            let vertex = input.digest.parse().map_err(|_| LlbError::NoOutput)?;
            Ok(Output { vertex, index: u32::try_from(input.index).map_err(|_| LlbError::NoOutput)? })
        }
        _ => Err(LlbError::NoOutput),
    }
}

/// Every edge ends at an output that exists.
fn check_outputs(graph: &Graph) -> Result<(), LlbError> {
    let from_vertices =
        graph.vertices.iter().flat_map(|vertex| vertex.inputs.iter().map(|input| (vertex.digest, *input)));
    for (of, input) in from_vertices.chain([(graph.output.vertex, graph.output)]) {
        let vertex = graph.vertex(&input.vertex).ok_or(LlbError::MissingInput { digest: input.vertex, of })?;
        if input.index >= vertex.outputs() {
            let problem = format!("there is no output {} of vertex {}", input.index, input.vertex);
            return Err(LlbError::Invalid { vertex: of, problem });
        }
    }
    Ok(())
}

/// Brings inputs before the vertices that take them, whatever order the definition has.
///
/// The walk keeps its own stack: a chain of sixty thousand operations is no reason to crash.
fn sort(vertices: Vec<Vertex>, output: Output) -> Result<Vec<Vertex>, LlbError> {
    let mut position = HashMap::with_capacity(vertices.len());
    for (i, vertex) in vertices.iter().enumerate() {
        if position.insert(vertex.digest, i).is_some() {
            return Err(LlbError::Duplicate { vertex: vertex.digest });
        }
    }
    if !position.contains_key(&output.vertex) {
        return Err(LlbError::MissingInput { digest: output.vertex, of: output.vertex });
    }
    let mut order = Vec::with_capacity(vertices.len());
    let mut state = vec![State::New; vertices.len()];
    for start in 0..vertices.len() {
        let mut path = if state[start] == State::New { vec![(start, 0)] } else { continue };
        while let Some((i, next)) = path.pop() {
            state[i] = State::Open;
            let Some(input) = vertices[i].inputs.get(next) else {
                state[i] = State::Done;
                order.push(i);
                continue;
            };
            path.push((i, next + 1));
            let missing = LlbError::MissingInput { digest: input.vertex, of: vertices[i].digest };
            let input = *position.get(&input.vertex).ok_or(missing)?;
            match state[input] {
                State::New => path.push((input, 0)),
                State::Open => return Err(LlbError::Cycle { vertex: vertices[input].digest }),
                State::Done => {}
            }
        }
    }
    let mut vertices: Vec<Option<Vertex>> = vertices.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|i| vertices[i].take()).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// The places of a vertex; those that point into no text are dropped, as they are for people only.
fn places(locations: Option<&pb::Locations>, texts: usize) -> Vec<Place> {
    let mut places = Vec::new();
    for location in locations.iter().flat_map(|locations| &locations.locations) {
        let Some(text) = usize::try_from(location.source_index).ok().filter(|text| *text < texts) else { continue };
        for range in &location.ranges {
            let position = |position: Option<pb::Position>| {
                let position = position.unwrap_or_default();
                (u32::try_from(position.line).unwrap_or(0), u32::try_from(position.character).unwrap_or(0))
            };
            places.push(Place { text, start: position(range.start), end: position(range.end) });
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}
