//! SPDX expressions in a canonical form: flat, sorted, each part once.

use std::collections::BTreeSet;
use std::fmt;

/// An expression; the order of its parts is that of their text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expression {
    /// A name, with `WITH …` where there is an exception.
    Licence(String),
    All(BTreeSet<Expression>),
    Any(BTreeSet<Expression>),
}

impl Expression {
    pub(super) fn licence(name: impl Into<String>) -> Self {
        Expression::Licence(name.into())
    }

    /// All of them apply; none where there are none.
    pub(super) fn all(parts: Vec<Expression>) -> Option<Self> {
        Self::join(parts, Expression::All, |part| match part {
            Expression::All(parts) => Ok(parts),
            other => Err(other),
        })
    }

    /// One of them may be chosen; none where there are none.
    pub(super) fn any(parts: Vec<Expression>) -> Option<Self> {
        Self::join(parts, Expression::Any, |part| match part {
            Expression::Any(parts) => Ok(parts),
            other => Err(other),
        })
    }

    fn join(
        parts: Vec<Expression>,
        whole: impl Fn(BTreeSet<Expression>) -> Expression,
        open: impl Fn(Expression) -> Result<BTreeSet<Expression>, Expression>,
    ) -> Option<Self> {
        let mut flat = BTreeSet::new();
        for part in parts {
            match open(part) {
                Ok(inner) => flat.extend(inner),
                Err(other) => drop(flat.insert(other)),
            }
        }
        if flat.len() > 1 { Some(whole(flat)) } else { flat.pop_first() }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Expression::Licence(name) => return f.write_str(name),
            Expression::All(parts) => (parts, " AND "),
            Expression::Any(parts) => (parts, " OR "),
        };
        for (i, part) in parts.iter().enumerate() {
            f.write_str(if i > 0 { word } else { "" })?;
            match part {
                Expression::Licence(name) => f.write_str(name)?,
                other => write!(f, "({other})")?,
            }
        }
        Ok(())
    }
}
