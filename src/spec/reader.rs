//! Reads one node: hands out its values, and complains about what nobody asked for.

use super::expand::{Cx, Given, Item};
use super::node::image::Pair;
use super::vocabulary::Form;
use super::{Spanned, mistake};
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::{Argument, Node};

/// A node being read. Ask for everything it may hold, then call [`finish`](Self::finish).
pub(super) struct Reader<'r, 'n> {
    pub(super) cx: &'r mut Cx<'n>,
    pub(super) item: Item<'n>,
    form: Form,
    next: usize,
    known: Vec<&'static str>,
    /// Whether the properties' names are the user's own.
    free: bool,
    block: bool,
}

impl<'r, 'n> Reader<'r, 'n> {
    pub(super) fn new(cx: &'r mut Cx<'n>, item: &Item<'n>, form: Form) -> Self {
        let mut reader = Reader { cx, item: item.clone(), form, next: 0, known: Vec::new(), free: false, block: false };
        if let Some(annotation) = &item.node.annotation {
            reader.report(mistake::annotation(annotation.span, &annotation.text));
        }
        reader
    }

    /// The node's own span.
    pub(super) fn span(&self) -> Span {
        self.node().span
    }

    /// The span of the node's name, for what is missing in it.
    pub(super) fn name_span(&self) -> Span {
        self.node().name.span
    }

    pub(super) fn node(&self) -> &'n Node {
        self.item.node
    }

    pub(super) fn report(&mut self, mistake: Diagnostic) {
        self.cx.report(mistake, self.form, &self.item.scope);
    }

    /// Reports a name that leads nowhere, unless something that was not read might have brought it.
    pub(super) fn report_unless_cut(&mut self, mistake: Diagnostic) {
        self.cx.report_unless_cut(mistake, self.form, &self.item.scope);
    }

    /// Reports a property that must be there.
    pub(super) fn missing_property(&mut self, name: &str) {
        self.report(mistake::missing_property(self.name_span(), self.form, name));
    }

    // Arguments.

    /// The next argument, if there is one.
    pub(super) fn next(&mut self) -> Option<&'n Argument> {
        let argument = self.node().args.get(self.next)?;
        self.next += 1;
        Some(argument)
    }

    /// The next argument, which must be there.
    pub(super) fn required(&mut self, what: &str) -> Option<&'n Argument> {
        let argument = self.next();
        if argument.is_none() {
            self.report(mistake::missing_argument(self.name_span(), self.form, what));
        }
        argument
    }

    /// The next argument as text, which must be there.
    pub(super) fn word(&mut self, what: &str) -> Option<Spanned<String>> {
        let argument = self.required(what)?;
        self.text(argument)
    }

    /// All further arguments as texts; there must be one.
    pub(super) fn words(&mut self, what: &str) -> Vec<Spanned<String>> {
        let mut words = Vec::new();
        let mut argument = self.required(what);
        while let Some(given) = argument {
            words.extend(self.text(given));
            argument = if self.cx.full() { None } else { self.next() };
        }
        words
    }

    // Properties.

    /// The value of a property, if it was given.
    pub(super) fn property(&mut self, name: &'static str) -> Option<&'n Argument> {
        self.known.push(name);
        self.node().props.iter().find(|property| property.name.text == name).map(|property| &property.value)
    }

    pub(super) fn text_property(&mut self, name: &'static str) -> Option<Spanned<String>> {
        let argument = self.property(name)?;
        self.text(argument)
    }

    /// A property that must be given, as text.
    pub(super) fn required_text(&mut self, name: &'static str) -> Option<Spanned<String>> {
        match self.property(name) {
            Some(argument) => self.text(argument),
            None => {
                self.missing_property(name);
                None
            }
        }
    }

    pub(super) fn flag_property(&mut self, name: &'static str) -> Option<bool> {
        let argument = self.property(name)?;
        self.flag(argument)
    }

    pub(super) fn number_property(&mut self, name: &'static str, low: i64, high: i64) -> Option<i64> {
        let argument = self.property(name)?;
        self.number(argument, &format!("`{name}`"), low, high)
    }

    /// A property that is one of some words.
    pub(super) fn choice_property<T: Copy>(
        &mut self,
        name: &'static str,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let word = self.text_property(name)?;
        self.choice(&word, what, choices)
    }

    /// All properties as texts with names of the user's own; there must be one.
    pub(super) fn pairs(&mut self, what: &str) -> Vec<Pair> {
        self.free = true;
        if self.node().props.is_empty() {
            self.report(mistake::missing_argument(self.name_span(), self.form, what));
        }
        let mut pairs = Vec::new();
        for property in &self.node().props {
            if self.cx.full() {
                break;
            }
            let name = Spanned::new(property.name.text.clone(), property.name.span);
            pairs.extend(self.text(&property.value).map(|value| Pair { name, value }));
        }
        pairs
    }

    // Values.

    /// A value as text.
    pub(super) fn text(&mut self, argument: &Argument) -> Option<Spanned<String>> {
        let text = match self.value(argument)? {
            Given::Text(text) => text,
            Given::AnyInt(number) => number.to_string(),
            Given::AnyBool(flag) => flag.to_string(),
            other => {
                let mistake = mistake::wrong_type(argument.span, "a string", other.kind());
                self.report(match other {
                    Given::Int(number) => mistake.with_help(format!("write `\"{number}\"`")),
                    Given::Bool(flag) => mistake.with_help(format!("write `\"{flag}\"`")),
                    _ => mistake,
                });
                return None;
            }
        };
        // KDL allows NUL as an escape; no path, name or variable of an image can hold one.
        if text.contains('\0') {
            self.report(mistake::bad_value(argument.span, "a text holds a NUL character", "remove it"));
            return None;
        }
        Some(Spanned::new(text, argument.span))
    }

    /// A value as a truth value.
    pub(super) fn flag(&mut self, argument: &Argument) -> Option<bool> {
        match self.value(argument)? {
            Given::Bool(flag) | Given::AnyBool(flag) => Some(flag),
            other => {
                self.report(mistake::wrong_type(argument.span, "`#true` or `#false`", other.kind()));
                None
            }
        }
    }

    /// A value as a whole number within bounds.
    pub(super) fn number(&mut self, argument: &Argument, what: &str, low: i64, high: i64) -> Option<i64> {
        let number = match self.value(argument)? {
            Given::Int(number) => i64::try_from(number).ok(),
            Given::AnyInt(number) => Some(number),
            other => {
                let mistake = mistake::wrong_type(argument.span, "a whole number", other.kind());
                self.report(match other {
                    Given::Text(text) if text.parse::<i64>().is_ok() => mistake.with_help(format!("write `{text}`")),
                    _ => mistake,
                });
                return None;
            }
        };
        let fitting = number.filter(|number| (low..=high).contains(number));
        if fitting.is_none() {
            self.report(mistake::out_of_range(argument.span, what, low, high));
        }
        fitting
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        word: &Spanned<String>,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == word.value).map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.report(mistake::unknown_choice(word.span, what, word, &names));
        }
        found
    }

    /// A value in whatever form it was given, with the args in place.
    pub(super) fn value(&mut self, argument: &Argument) -> Option<Given> {
        if let Some(annotation) = &argument.annotation {
            self.report(mistake::annotation(annotation.span, &annotation.text));
        }
        self.cx.value(argument, self.form, &self.item.scope)
    }

    // The block.

    /// The nodes of the block, which may be missing.
    pub(super) fn children(&mut self) -> Vec<Item<'n>> {
        self.block = true;
        let nodes = self.node().children.as_deref().unwrap_or_default();
        if self.cx.full() || !self.cx.afford_nodes(nodes.len(), self.name_span()) {
            return Vec::new();
        }
        nodes.iter().map(|node| Item { node, scope: self.item.scope.clone() }).collect()
    }

    /// The nodes of the block, which must be there.
    pub(super) fn required_children(&mut self, what: &str) -> Vec<Item<'n>> {
        if self.node().children.as_deref().unwrap_or_default().is_empty() {
            self.report(mistake::missing_block(self.name_span(), self.form, what));
        }
        self.children()
    }

    /// Reports a child that has no business here.
    pub(super) fn unknown_child(&mut self, child: &Item<'n>, allowed: &[&str]) {
        let name = &child.node.name;
        self.report(mistake::unknown_node(name.span, &name.text, Some(self.form.name), allowed));
    }

    /// As [`finish`](Self::finish) where all properties were looked at one by one.
    pub(super) fn leave(mut self) {
        self.free = true;
        self.finish();
    }

    /// Complains about all that was given and not asked for.
    pub(super) fn finish(mut self) {
        let node = self.node();
        // One is enough: those after it are part of the same mistake.
        if let Some(argument) = node.args.get(self.next) {
            self.report(mistake::extra_argument(argument.span, self.form));
        }
        let props = if self.free { &[][..] } else { &node.props };
        for (i, property) in props.iter().enumerate() {
            if self.cx.full() {
                break;
            }
            if !self.known.contains(&property.name.text.as_str()) {
                let known = self.known.clone();
                self.report(mistake::unknown_property(property.name.span, &property.name.text, self.form, &known));
            } else if let Some(first) = node.props[..i].iter().find(|other| other.name.text == property.name.text) {
                self.report(mistake::repeated_property(property.span, first.span, &property.name.text));
            }
        }
        if let (Some(_), false) = (&node.children, self.block) {
            self.report(mistake::no_block(self.name_span(), self.form));
        }
    }
}
