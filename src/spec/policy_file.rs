//! A policy in a file of its own: what an organisation asks of all specs.

use super::expand::{Cx, Item, Scope};
use super::include::Files;
use super::loader::Loader;
use super::mistake;
use super::node::policy::{self, Policy, Whose};
use super::vocabulary::{self, Form, page};
use crate::diagnostic::{Diagnostics, Severity, Sources, Span};
use std::rc::Rc;

/// What may stand at the top of such a file.
const TOP: &[&str] = &["kiln", "include", "policy"];

/// Reads a file that holds `policy` nodes, and includes others that do. Texts are added to `sources`.
pub fn load_policy(loader: &dyn Loader, name: &str, sources: Sources) -> Result<(Vec<Policy>, Sources), Diagnostics> {
    let files = match Files::read(loader, name, sources) {
        Ok(files) => files,
        Err((mistakes, sources)) => return Err(Diagnostics::new(mistakes, sources)),
    };
    let mut cx = Cx::new(&files.sources);
    let top = Scope::top([]);
    let mut policies = Vec::new();
    for node in &files.nodes {
        let item = Item { node, scope: Rc::clone(&top) };
        match node.name.text.as_str() {
            "policy" => policies.push(policy::read(&mut cx, &item, Whose::Others)),
            name => {
                let mistake = match vocabulary::TOP.contains(&name) {
                    true => mistake::only_in_spec(node.name.span, name),
                    false => mistake::unknown_node(node.name.span, name, None, TOP),
                };
                cx.report(mistake, Form::new("policy", ""), &top);
            }
        }
    }
    if policies.is_empty() && !cx.full() {
        cx.add(mistake::no_policy(Span::new(files.main, 0, 0)).with_page(page("policy")));
    }
    let mistakes = cx.into_mistakes();
    match mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        true => Err(Diagnostics::new(mistakes, files.sources)),
        false => Ok((policies, files.sources)),
    }
}
