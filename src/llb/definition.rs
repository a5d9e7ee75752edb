//! A finished definition.

use super::{Graph, LlbError, Output, pb, read};
use crate::diagnostic::Span;
use crate::oci::Digest;
use prost::Message;
use std::collections::BTreeMap;

/// A graph in the form in which engines take it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    message: pb::Definition,
    output: Output,
    spans: BTreeMap<Digest, Vec<Span>>,
}

impl Definition {
    pub(super) fn new(message: pb::Definition, output: Output, spans: BTreeMap<Digest, Vec<Span>>) -> Self {
        Definition { message, output, spans }
    }

    /// The bytes that `buildctl build` reads; the same for the same calls of the builder.
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// The message.
    pub fn message(&self) -> &pb::Definition {
        &self.message
    }

    /// What the definition yields.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Where the spec asks for a vertex, sorted.
    pub fn spans(&self, vertex: &Digest) -> &[Span] {
        self.spans.get(vertex).map_or(&[], Vec::as_slice)
    }

    /// The graph, as an engine reads it.
    pub fn graph(&self) -> Result<Graph, LlbError> {
        read(&self.encode())
    }
}
