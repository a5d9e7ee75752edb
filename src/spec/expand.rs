//! Values of args and parameters in texts, and templates in place of `use`. Both are bounded: a few lines of
//! either could otherwise stand for more than a machine holds.

use super::node::arg::{ArgKind, ArgValue};
use super::node::source::Source;
use super::vocabulary::{Form, page};
use super::{Spanned, mistake};
use crate::diagnostic::{Diagnostic, Sources, Span};
use crate::syntax::{Argument, Node, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many nodes a spec may have with all templates in place.
pub(super) const MAX_NODES: usize = 20_000;
/// How many bytes of text a spec may have with all args in place.
pub(super) const MAX_TEXT: usize = 8 << 20;
/// How many mistakes are reported.
const MAX_MISTAKES: usize = 200;

/// What is known of a spec while it is read.
pub(super) struct Cx<'n> {
    sources: &'n Sources,
    mistakes: Vec<Diagnostic>,
    /// The templates of the whole spec.
    pub(super) templates: BTreeMap<&'n str, Template<'n>>,
    /// Names of args and templates that were used.
    pub(super) used: BTreeSet<(&'static str, String)>,
    /// The images of registries that were named where they are used, in the order of their first mention.
    pub(super) named: Vec<Source>,
    nodes: usize,
    text: usize,
    /// Whether an expansion was cut short: what was not read then cannot be blamed for missing.
    pub(super) cut: bool,
}

/// A `template` node: what is put in place of `use`.
#[derive(Debug, Clone)]
pub(super) struct Template<'n> {
    /// Its name.
    pub(super) name: Spanned<String>,
    /// Its parameters in the order of their declaration.
    pub(super) params: Vec<Param>,
    /// Its nodes.
    pub(super) body: Vec<&'n Node>,
}

/// A parameter of a template.
#[derive(Debug, Clone)]
pub(super) struct Param {
    pub(super) name: Spanned<String>,
    pub(super) kind: ArgKind,
    pub(super) default: Option<ArgValue>,
}

/// What `${…}` can name at some place, and how reading came there.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The args of the spec; those without a value are the command line's mistake, reported there.
    args: Rc<BTreeMap<String, Option<ArgValue>>>,
    /// The parameters of the template being used; they hide args of their name.
    params: BTreeMap<String, ArgValue>,
    /// The templates being used, outermost first, with the `use` nodes.
    uses: Vec<(String, Span)>,
}

impl Scope {
    /// The scope at the top of a spec.
    pub(super) fn top(args: impl IntoIterator<Item = (String, Option<ArgValue>)>) -> Rc<Self> {
        Rc::new(Scope { args: Rc::new(args.into_iter().collect()), ..Scope::default() })
    }

    /// The scope in a template's body: it sees the args and its own parameters.
    pub(super) fn within(&self, template: &str, used: Span, params: BTreeMap<String, ArgValue>) -> Rc<Self> {
        let mut uses = self.uses.clone();
        uses.push((template.to_owned(), used));
        Rc::new(Scope { args: Rc::clone(&self.args), params, uses })
    }

    /// The templates that are being used, outermost first.
    pub(super) fn chain(&self) -> impl Iterator<Item = &str> {
        self.uses.iter().map(|(name, _)| name.as_str())
    }
}

/// A node that is to be read, with the scope in which it stands.
#[derive(Clone)]
pub(super) struct Item<'n> {
    pub(super) node: &'n Node,
    pub(super) scope: Rc<Scope>,
}

impl<'n> Cx<'n> {
    pub(super) fn new(sources: &'n Sources) -> Self {
        Cx {
            sources,
            mistakes: Vec::new(),
            templates: BTreeMap::new(),
            used: BTreeSet::new(),
            named: Vec::new(),
            nodes: 0,
            text: 0,
            cut: false,
        }
    }

    /// Reports a mistake met in some scope.
    pub(super) fn report(&mut self, mut mistake: Diagnostic, form: Form, scope: &Scope) {
        if self.full() {
            return;
        }
        if mistake.page.is_none() {
            mistake = mistake.with_page(form.path());
        }
        // The innermost uses say where the values come from; more would only fill the screen.
        for (name, span) in scope.uses.iter().rev().take(3) {
            mistake = mistake.with_label(*span, format!("in this use of `{name}`"));
        }
        self.add(mistake);
    }

    /// Reports a name that leads nowhere, unless something that was not read might have brought it.
    pub(super) fn report_unless_cut(&mut self, mistake: Diagnostic, form: Form, scope: &Scope) {
        if !self.cut {
            self.report(mistake, form, scope);
        }
    }

    /// Reports a mistake that no node's reader met.
    pub(super) fn add(&mut self, mistake: Diagnostic) {
        let same = |other: &Diagnostic| {
            other.code == mistake.code && other.span() == mistake.span() && other.message == mistake.message
        };
        if self.mistakes.len() > MAX_MISTAKES || self.mistakes.iter().any(same) {
            return;
        }
        if self.mistakes.len() == MAX_MISTAKES {
            if let Some(span) = mistake.span() {
                self.mistakes.push(mistake::too_many(span).with_page(page("README")));
            }
            self.cut = true;
            return;
        }
        self.mistakes.push(mistake);
    }

    /// Whether looking on is of no use: no further mistake would be reported.
    pub(super) fn full(&self) -> bool {
        self.mistakes.len() > MAX_MISTAKES
    }

    /// All mistakes so far.
    pub(super) fn into_mistakes(self) -> Vec<Diagnostic> {
        self.mistakes
    }

    /// Counts nodes that are about to be read; false if they are too many, which is reported.
    pub(super) fn afford_nodes(&mut self, count: usize, span: Span) -> bool {
        let before = self.nodes;
        self.nodes = self.nodes.saturating_add(count);
        if self.nodes > MAX_NODES && before <= MAX_NODES {
            self.cut = true;
            self.add(mistake::expansion_too_large(span, MAX_NODES).with_page(page("use")));
        }
        self.nodes <= MAX_NODES
    }

    fn afford_text(&mut self, bytes: usize, span: Span) -> bool {
        let before = self.text;
        self.text = self.text.saturating_add(bytes);
        if self.text > MAX_TEXT && before <= MAX_TEXT {
            self.cut = true;
            self.add(mistake::text_too_large(span, MAX_TEXT).with_page(page("arg")));
        }
        self.text <= MAX_TEXT
    }

    /// A value with the args in place. What is not text stays as it is.
    pub(super) fn value(&mut self, argument: &Argument, form: Form, scope: &Scope) -> Option<Given> {
        match &argument.value {
            Value::String { text, raw: false } if text.contains("${") => self.interpolate(argument, text, form, scope),
            Value::String { text, .. } => {
                let afforded = self.afford_text(text.len(), argument.span);
                afforded.then(|| Given::Text(text.clone()))
            }
            Value::Int(number) => Some(Given::Int(*number)),
            Value::Bool(flag) => Some(Given::Bool(*flag)),
            other => Some(Given::Other(other.kind())),
        }
    }

    fn interpolate(&mut self, argument: &Argument, text: &str, form: Form, scope: &Scope) -> Option<Given> {
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(nth) => {
                let span = self.variable_span(argument.span, text, nth, "${");
                self.report(mistake::open_variable(span), form, scope);
                return None;
            }
        };
        if let [Piece::Variable(name, nth)] = pieces.as_slice() {
            return match self.look_up(argument, text, name, *nth, form, scope)? {
                ArgValue::String(text) => self.afford_text(text.len(), argument.span).then_some(Given::Text(text)),
                ArgValue::Int(number) => Some(Given::AnyInt(number)),
                ArgValue::Bool(flag) => Some(Given::AnyBool(flag)),
            };
        }
        let mut result = String::new();
        let mut complete = true;
        for piece in pieces {
            if self.full() {
                return None;
            }
            let text = match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Variable(name, nth) => match self.look_up(argument, text, name, nth, form, scope) {
                    Some(value) => value.to_string(),
                    None => {
                        complete = false;
                        continue;
                    }
                },
            };
            if !self.afford_text(text.len(), argument.span) {
                return None;
            }
            result.push_str(&text);
        }
        complete.then_some(Given::Text(result))
    }

    fn look_up(
        &mut self,
        argument: &Argument,
        text: &str,
        name: &str,
        nth: usize,
        form: Form,
        scope: &Scope,
    ) -> Option<ArgValue> {
        if let Some(value) = scope.params.get(name) {
            return Some(value.clone());
        }
        if let Some(value) = scope.args.get(name) {
            self.used.insert(("arg", name.to_owned()));
            self.cut |= value.is_none();
            return value.clone();
        }
        let span = self.variable_span(argument.span, text, nth, &format!("${{{name}}}"));
        let known = scope.params.keys().chain(scope.args.keys()).map(String::as_str);
        self.report(mistake::unknown_variable(span, name, known).with_page(page("arg")), form, scope);
        None
    }

    /// The place of the `nth` occurrence of `${` in a string, as far as it can be found in the text of the spec.
    fn variable_span(&self, span: Span, text: &str, nth: usize, token: &str) -> Span {
        let snippet = self.sources.snippet(span);
        // Escapes can write the same characters in other ways: then the whole string is the place.
        if snippet.matches("${").count() != text.matches("${").count() {
            return span;
        }
        match snippet.match_indices("${").nth(nth) {
            Some((at, _)) if snippet[at..].starts_with(token) => {
                let start = span.start as usize + at;
                Span::new(span.file, start, start + token.len())
            }
            _ => span,
        }
    }
}

/// A value with the args in place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// Text.
    Text(String),
    /// A number that was written.
    Int(i128),
    /// A truth value that was written.
    Bool(bool),
    /// The number of an arg, which is wanted as a number or as text.
    AnyInt(i64),
    /// The truth value of an arg, which is wanted as such or as text.
    AnyBool(bool),
    /// Something else, by its kind.
    Other(&'static str),
}

impl Given {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Given::Text(_) => "a string",
            Given::Int(_) | Given::AnyInt(_) => "a whole number",
            Given::Bool(_) | Given::AnyBool(_) => "a boolean",
            Given::Other(kind) => kind,
        }
    }
}

impl std::fmt::Display for ArgValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ArgValue::String(text) => f.write_str(text),
            ArgValue::Int(number) => write!(f, "{number}"),
            ArgValue::Bool(flag) => write!(f, "{flag}"),
        }
    }
}

enum Piece<'t> {
    Text(&'t str),
    /// A name, and how many `${` stand before it.
    Variable(&'t str, usize),
}

/// Splits a text at its variables; the error says how many `${` stand before the one that is never closed.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut seen = 0;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            // `$${` means `${`.
            pieces.push(Piece::Text(before));
            pieces.push(Piece::Text("${"));
            rest = &rest[at + 2..];
        } else {
            let (name, after) = rest[at + 2..].split_once('}').ok_or(seen)?;
            if at > 0 {
                pieces.push(Piece::Text(&rest[..at]));
            }
            pieces.push(Piece::Variable(name, seen));
            rest = after;
        }
        seen += 1;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}
