//! `arg`: what may be set when the build is started.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Given, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use crate::syntax::{Argument, Value};

/// A value of the spec that `--arg NAME=VALUE` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// What `${…}` calls it.
    pub name: Spanned<String>,
    /// What it holds in this run.
    pub value: ArgValue,
    /// Who said so.
    pub origin: ArgOrigin,
    /// The whole node.
    pub span: Span,
}

/// The types that an arg can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Any text; what an arg is where nothing is said.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
}

/// A value of an arg or of a template's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgValue {
    /// Text.
    String(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

/// Where an arg's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgOrigin {
    /// `default=` in the spec.
    Default,
    /// `--arg` on the command line.
    CommandLine,
}

const ARG: Form = Form::new("arg", "arg \"version\" default=\"1.0\"");

/// An `arg` node as it was declared.
#[derive(Debug, Clone)]
pub(in crate::spec) struct Declared {
    pub(in crate::spec) name: Spanned<String>,
    pub(in crate::spec) kind: ArgKind,
    pub(in crate::spec) default: Option<ArgValue>,
    pub(in crate::spec) span: Span,
}

impl ArgKind {
    const NAMES: [(&str, ArgKind); 3] = [("string", ArgKind::String), ("int", ArgKind::Int), ("bool", ArgKind::Bool)];

    /// For messages.
    pub(in crate::spec) fn describe(self) -> &'static str {
        match self {
            ArgKind::String => "a string",
            ArgKind::Int => "a whole number",
            ArgKind::Bool => "`true` or `false`",
        }
    }

    /// A value of this type from a text of the command line.
    pub(in crate::spec) fn parse(self, text: &str) -> Option<ArgValue> {
        match self {
            ArgKind::String => (!text.contains('\0')).then(|| ArgValue::String(text.to_owned())),
            ArgKind::Int => text.parse().ok().map(ArgValue::Int),
            ArgKind::Bool => text.parse().ok().map(ArgValue::Bool),
        }
    }
}

/// Reads `arg`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Declared> {
    let mut reader = Reader::new(cx, item, ARG);
    let name = variable_name(&mut reader, "an arg");
    let (kind, default) = kind_and_default(&mut reader);
    let span = reader.span();
    reader.finish();
    Some(Declared { name: name?, kind, default, span })
}

/// The name of an arg or a parameter.
pub(in crate::spec) fn variable_name(reader: &mut Reader, whose: &str) -> Option<Spanned<String>> {
    let name = reader.word("a name")?;
    let valid = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !valid {
        let rule = "letters, digits, `_` and `-`, beginning with a letter or `_`, at most 64";
        reader.report(mistake::bad_name(name.span, whose, &name, rule));
    }
    valid.then_some(name)
}

/// The properties `type` and `default`.
pub(in crate::spec) fn kind_and_default(reader: &mut Reader) -> (ArgKind, Option<ArgValue>) {
    let kind = reader.choice_property("type", "type", &ArgKind::NAMES).unwrap_or(ArgKind::String);
    let Some(argument) = reader.property("default") else { return (kind, None) };
    if is_variable(argument) {
        reader.report(mistake::fixed_text(argument.span, "a default"));
        return (kind, Some(kind.something()));
    }
    let value = typed(reader, argument, kind, None);
    (kind, Some(value.unwrap_or_else(|| kind.something())))
}

impl ArgKind {
    /// A value to go on with after a mistake.
    fn something(self) -> ArgValue {
        match self {
            ArgKind::String => ArgValue::String(String::new()),
            ArgKind::Int => ArgValue::Int(0),
            ArgKind::Bool => ArgValue::Bool(false),
        }
    }
}

fn is_variable(argument: &Argument) -> bool {
    matches!(&argument.value, Value::String { text, raw: false } if text.replace("$${", "").contains("${"))
}

/// A value that must be of a type.
pub(in crate::spec) fn typed(
    reader: &mut Reader,
    argument: &Argument,
    kind: ArgKind,
    declared: Option<&Spanned<String>>,
) -> Option<ArgValue> {
    let given = reader.value(argument)?;
    let value = match (kind, given) {
        (ArgKind::String, Given::Text(text)) if !text.contains('\0') => Some(ArgValue::String(text)),
        (ArgKind::String, Given::AnyInt(number)) => Some(ArgValue::String(number.to_string())),
        (ArgKind::String, Given::AnyBool(flag)) => Some(ArgValue::String(flag.to_string())),
        (ArgKind::Int, Given::Int(number)) => i64::try_from(number).ok().map(ArgValue::Int),
        (ArgKind::Int, Given::AnyInt(number)) => Some(ArgValue::Int(number)),
        (ArgKind::Bool, Given::Bool(flag) | Given::AnyBool(flag)) => Some(ArgValue::Bool(flag)),
        _ => None,
    };
    if value.is_none() {
        let name = declared.map_or("default", |name| name.as_str());
        reader.report(mistake::bad_arg(argument.span, name, kind.describe(), declared.map(|name| name.span)));
    }
    value
}
