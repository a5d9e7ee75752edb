//! Mermaid, as it is shown in Markdown.

use super::{edges, label};
use crate::llb::Graph;

/// The graph in the language of Mermaid.
pub fn mermaid(graph: &Graph) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for (i, vertex) in graph.vertices().iter().enumerate() {
        let (open, close) = match vertex.kind() {
            "source" => ("([", "])"),
            "exec" => ("[[", "]]"),
            "merge" | "diff" => ("{{", "}}"),
            _ => ("[", "]"),
        };
        lines.push(format!("  v{i}{open}\"{}\"{close}", escape(&label(vertex))));
    }
    for (from, to, index) in edges(graph) {
        let arrow = if index == 0 { "-->".to_owned() } else { format!("-->|{index}|") };
        lines.push(format!("  v{from} {arrow} v{to}"));
    }
    if let Some(output) = graph.position(&graph.output().vertex) {
        lines.push(format!("  v{output} --> output((output))"));
    }
    lines.join("\n") + "\n"
}

/// Everything that Mermaid or the HTML around it could take for more than text, as its number.
fn escape(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' | '{' | '}' | '[' | ']' | '|' | '%' | '*' | '_' => {
            format!("#{};", u32::from(c))
        }
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}
