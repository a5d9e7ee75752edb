//! A spec's files: its own and what it includes, as one list of nodes.

use super::loader::Loader;
use super::mistake;
use super::vocabulary::page;
use crate::diagnostic::{Diagnostic, FileId, Sources, Span};
use crate::syntax::{self, Node, Value};
use std::collections::BTreeSet;

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;
/// How many mistakes are reported.
const MAX_MISTAKES: usize = 100;
/// How many files a spec may have.
const MAX_FILES: usize = 64;

/// The files of a spec.
pub(super) struct Files {
    /// Their texts, the spec's own first, behind those that were there before.
    pub(super) sources: Sources,
    /// Their nodes, those of an included file where its `include` stands; neither `kiln` nor `include` is among them.
    pub(super) nodes: Vec<Node>,
    /// The spec's own file.
    pub(super) main: FileId,
}

impl Files {
    /// Reads a file and all that it includes. A file that cannot be read whole spoils all: what it would have
    /// brought would be missed everywhere.
    pub(super) fn read(loader: &dyn Loader, name: &str, sources: Sources) -> Result<Self, (Vec<Diagnostic>, Sources)> {
        let mut walk =
            Walk { loader, sources, nodes: Vec::new(), mistakes: Vec::new(), chain: Vec::new(), seen: BTreeSet::new() };
        let main = walk.main(name);
        match main {
            Some(main) if walk.mistakes.is_empty() => Ok(Files { sources: walk.sources, nodes: walk.nodes, main }),
            _ => Err((walk.mistakes, walk.sources)),
        }
    }
}

struct Walk<'l> {
    loader: &'l dyn Loader,
    sources: Sources,
    nodes: Vec<Node>,
    mistakes: Vec<Diagnostic>,
    /// The files that are being read, outermost first.
    chain: Vec<String>,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    fn main(&mut self, name: &str) -> Option<FileId> {
        match self.loader.read(name) {
            Ok(bytes) => self.file(name, &bytes),
            Err(error) => {
                let file = self.sources.add(self.loader.shown(name), "");
                let shown = self.loader.shown(name);
                let mistake = mistake::unreadable_spec(Span::new(file, 0, 0), &shown, &error.to_string());
                self.mistakes.push(mistake.with_page(page("README")));
                None
            }
        }
    }

    /// Reads a file's nodes; as deep as [`MAX_DEPTH`].
    fn file(&mut self, path: &str, bytes: &[u8]) -> Option<FileId> {
        self.seen.insert(path.to_owned());
        let shown = self.loader.shown(path);
        let parsed = syntax::add(&mut self.sources, &shown, bytes)
            .and_then(|file| Ok((file, syntax::parse(file, self.sources.file(file).text())?)));
        let (file, nodes) = parsed.map_err(|mistakes| self.mistakes.extend(mistakes)).ok()?;
        if let Err(mistake) = version(file, &nodes) {
            self.mistakes.push(mistake.with_page(page("kiln")));
            return None;
        }
        self.chain.push(path.to_owned());
        for node in nodes.into_iter().skip(1) {
            if self.mistakes.len() > MAX_MISTAKES {
                break;
            }
            match node.name.text.as_str() {
                "include" => self.include(&node),
                "kiln" => self.mistakes.push(mistake::second_version(node.span).with_page(page("kiln"))),
                _ => self.nodes.push(node),
            }
        }
        self.chain.pop();
        Some(file)
    }

    fn include(&mut self, node: &Node) {
        if let Err(mistake) = self.try_include(node) {
            self.mistakes.push(mistake.with_page(page("include")));
        }
    }

    fn try_include(&mut self, node: &Node) -> Result<(), Diagnostic> {
        let (text, span) = included_path(node)?;
        let Some(path) = self.resolve(text) else { return Err(mistake::include_outside(span, text)) };
        let mut chain = self.chain.clone();
        chain.push(path.clone());
        if self.chain.contains(&path) {
            return Err(mistake::include_cycle(span, &chain));
        }
        if self.chain.len() == MAX_DEPTH {
            return Err(mistake::include_too_deep(span, &chain, MAX_DEPTH));
        }
        if self.seen.contains(&path) {
            // What two files share is there once.
            return Ok(());
        }
        if self.seen.len() == MAX_FILES {
            return Err(mistake::too_many_files(span, MAX_FILES));
        }
        let bytes =
            self.loader.read(&path).map_err(|error| mistake::unreadable_include(span, text, &error.to_string()))?;
        self.file(&path, &bytes);
        Ok(())
    }

    /// A path as the including file means it, relative to the spec's folder; none if it leads out of it.
    fn resolve(&self, path: &str) -> Option<String> {
        let folder = self.chain.last().and_then(|file| file.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let whole = format!("{folder}/{path}");
        if path.is_empty() || path.starts_with('/') {
            None
        } else {
            super::check::shortest(whole.trim_start_matches('/'))
        }
    }
}

/// Checks that a file begins with `kiln 1`.
fn version(file: FileId, nodes: &[Node]) -> Result<(), Diagnostic> {
    let Some(first) = nodes.first().filter(|node| node.name.text == "kiln") else {
        let span = nodes.first().map_or(Span::new(file, 0, 0), |node| node.name.span);
        return Err(mistake::no_version(span, nodes.first().map(|node| node.name.text.as_str())));
    };
    match first.args.first().map(|argument| &argument.value) {
        Some(Value::Int(1)) if first.args.len() == 1 && first.props.is_empty() && first.children.is_none() => Ok(()),
        Some(Value::Int(other)) if *other != 1 => Err(mistake::other_version(first.args[0].span, &other.to_string())),
        Some(Value::String { text, .. }) if text != "1" => Err(mistake::other_version(first.args[0].span, text)),
        _ => Err(mistake::no_version(first.span, Some("something else"))),
    }
}

fn included_path(node: &Node) -> Result<(&str, Span), Diagnostic> {
    let form = super::vocabulary::Form::new("include", "include \"team/common.kdl\"");
    let Some(argument) = node.args.first() else {
        return Err(mistake::missing_argument(node.name.span, form, "the path of a file"));
    };
    let Value::String { text, raw } = &argument.value else {
        return Err(mistake::wrong_type(argument.span, "a string", argument.value.kind()));
    };
    if let Some(extra) = node.args.get(1) {
        return Err(mistake::extra_argument(extra.span, form).with_help("write one `include` for each file"));
    }
    if let Some(property) = node.props.first() {
        return Err(mistake::unknown_property(property.name.span, &property.name.text, form, &[]));
    }
    if node.children.is_some() {
        return Err(mistake::no_block(node.name.span, form));
    }
    if !raw && text.contains("${") {
        return Err(mistake::fixed_text(argument.span, "what is included"));
    }
    Ok((text, argument.span))
}
