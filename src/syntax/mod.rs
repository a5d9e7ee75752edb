//! KDL 2 texts as spanned nodes, and back into a tidy text; no vocabulary.
//!
//! Texts come from strangers. Reading one takes time and memory in proportion to its length, and no recursion:
//! the kdl crate's own document parser overflows the stack on nested texts (and on some merely wrong ones) and takes
//! time exponential in nested slashdashes, so it is asked for single values only, and what stands where is
//! read here. A test compares the two on texts that both can read.

mod decode;
mod format;
mod mistake;
mod parse;
mod token;
mod value;

pub use decode::{MAX_TEXT, add, add_up_to};
pub use format::format;
pub use parse::{MAX_DEPTH, parse};

use crate::diagnostic::Span;

/// A word with its place: a node's name, a property's name, a type annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word, without quotes and escapes.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A node with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// Its type annotation.
    pub annotation: Option<Name>,
    /// Its arguments, in order.
    pub args: Vec<Argument>,
    /// Its properties, in order; a name that is written twice is here twice.
    pub props: Vec<Property>,
    /// Its block; an empty block is `Some` of no nodes.
    pub children: Option<Vec<Node>>,
    /// From its first character to its last, block included.
    pub span: Span,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The value.
    pub value: Value,
    /// Its type annotation.
    pub annotation: Option<Name>,
    /// Where it stands, quotes and annotation included.
    pub span: Span,
}

/// A value with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Argument,
    /// From its name's first character to its value's last.
    pub span: Span,
}

/// The values that KDL knows.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text in any of its forms.
    String {
        /// The text that is meant.
        text: String,
        /// Whether it was written as a raw string: `#"…"#`.
        raw: bool,
    },
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
}

impl Value {
    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::String { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::String { .. } => "a string",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a boolean",
            Value::Null => "`#null`",
        }
    }
}

#[cfg(test)]
mod tests;
