//! Graphviz.

use super::{edges, label};
use crate::llb::Graph;

/// The graph in the language of Graphviz's `dot`.
pub fn dot(graph: &Graph) -> String {
    let mut lines =
        vec!["digraph llb {".to_owned(), "  rankdir=LR;".to_owned(), "  node [fontname=\"sans-serif\"];".to_owned()];
    for (i, vertex) in graph.vertices().iter().enumerate() {
        let shape = match vertex.kind() {
            "source" => "ellipse",
            "exec" => "box3d",
            "merge" | "diff" => "diamond",
            _ => "box",
        };
        let (text, digest) = (quote(&label(vertex)), vertex.digest);
        lines.push(format!("  v{i} [shape={shape}, label={text}, tooltip={}];", quote(&digest.to_string())));
    }
    for (from, to, index) in edges(graph) {
        let number = if index == 0 { String::new() } else { format!(" [label=\"{index}\"]") };
        lines.push(format!("  v{from} -> v{to}{number};"));
    }
    if let Some(output) = graph.position(&graph.output().vertex) {
        lines.push("  output [shape=plaintext];".to_owned());
        lines.push(format!("  v{output} -> output;"));
    }
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

/// A quoted identifier: a backslash begins an escape in it, a quotation mark ends it.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
