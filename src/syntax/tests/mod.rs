mod attacks;
mod formatting;
mod kdl_crate;
mod mistakes;
mod nodes;

use super::*;
use crate::diagnostic::{Diagnostics, Sources};

/// The nodes of a text, or its diagnostics.
fn read(text: &str) -> Result<Vec<Node>, Diagnostics> {
    read_bytes(text.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> Result<Vec<Node>, Diagnostics> {
    let mut sources = Sources::default();
    let result = add(&mut sources, "t.kdl", bytes).and_then(|file| parse(file, sources.file(file).text()));
    result.map_err(|list| Diagnostics::new(list, sources))
}

/// The diagnostics of a text that must be refused, one a line.
fn refused(text: &str) -> String {
    match read(text) {
        Ok(nodes) => panic!("accepted: {nodes:?}"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}
