//! Graphs for people and for other programs: JSON, Graphviz, Mermaid.
//!
//! All three are functions of the graph alone, so that they can be compared and
//! committed. What comes from the graph is escaped for its language: a definition
//! from outside can neither break out of a label nor reach a terminal's control codes.

mod dot;
mod json;
mod mermaid;

pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;

use super::{Graph, Vertex};

/// The most characters of a name in a drawing.
const LABEL: usize = 100;

/// A name on one line, without control characters, not too long for a drawing.
fn label(vertex: &Vertex) -> String {
    let name = vertex.name();
    let mut clean: String =
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_invisible(*c)).take(LABEL).collect();
    if name.chars().count() > LABEL {
        clean.push('…');
    }
    clean
}

/// Characters that change how the text around them is read.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The edges of a graph as pairs of positions, with the output's number where it is not 0.
fn edges(graph: &Graph) -> Vec<(usize, usize, u32)> {
    let to = |(i, vertex): (usize, &Vertex)| {
        let inputs = vertex.inputs.iter();
        let edges = inputs.filter_map(|input| Some((graph.position(&input.vertex)?, i, input.index)));
        edges.collect::<Vec<_>>()
    };
    graph.vertices().iter().enumerate().flat_map(to).collect()
}
