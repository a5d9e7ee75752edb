//! What of a graph depends on no command: kiln makes that itself, whoever runs the commands.

use crate::llb::{Graph, Output, Vertex, pb};
use crate::oci::Digest;
use std::collections::BTreeSet;

/// How far kiln comes by itself.
pub(super) struct Reach<'g> {
    graph: &'g Graph,
    /// The commands, and what takes anything of them.
    beyond: BTreeSet<Digest>,
}

impl<'g> Reach<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let mut beyond = BTreeSet::new();
        for vertex in graph.vertices() {
            let is_command = matches!(vertex.op, pb::op::Op::Exec(_));
            if is_command || vertex.inputs.iter().any(|input| beyond.contains(&input.vertex)) {
                beyond.insert(vertex.digest);
            }
        }
        Reach { graph, beyond }
    }

    /// Whether kiln makes an output itself.
    pub(super) fn holds(&self, output: &Output) -> bool {
        !self.beyond.contains(&output.vertex)
    }

    /// Whether kiln makes all outputs of a vertex itself.
    pub(super) fn holds_vertex(&self, vertex: &Vertex) -> bool {
        !self.beyond.contains(&vertex.digest)
    }

    /// What kiln makes itself and something beyond takes, with what the graph yields if that is so.
    pub(super) fn border(&self) -> BTreeSet<Output> {
        let beyond = self.graph.vertices().iter().filter(|vertex| !self.holds_vertex(vertex));
        let taken = beyond.flat_map(|vertex| &vertex.inputs).copied().chain([self.graph.output()]);
        taken.filter(|output| self.holds(output)).collect()
    }
}
