//! Relations between packages: `libc6 (>= 2.38), default-mta | mail-transport-agent`.

use super::version;
use std::cmp::Ordering;
use std::fmt;

/// How a version must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>>`
    Greater,
}

impl Operator {
    /// Whether `version` stands in this relation to `limit`.
    pub fn holds(self, version: &str, limit: &str) -> bool {
        let order = version::compare(version, limit);
        match self {
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
            Operator::AtLeast => order != Ordering::Less,
            Operator::Greater => order == Ordering::Greater,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Operator::Less => "<<",
            Operator::AtMost => "<=",
            Operator::Equal => "=",
            Operator::AtLeast => ">=",
            Operator::Greater => ">>",
        }
    }
}

/// One alternative of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom<'a> {
    /// The package's name, without architecture.
    pub name: &'a str,
    /// What follows the name's colon: `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    /// The limit on the version.
    pub limit: Option<(Operator, &'a str)>,
}

impl fmt::Display for Atom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        match self.limit {
            Some((operator, version)) => write!(f, " ({} {version})", operator.text()),
            None => Ok(()),
        }
    }
}

impl<'a> Atom<'a> {
    /// Reads `name`, `name:any`, `name (>= 1.0)`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        let end = text.find(|c: char| c.is_ascii_whitespace() || "([<".contains(c)).unwrap_or(text.len());
        let (full, rest) = text.split_at(end);
        let (name, qualifier) = match full.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (full, None),
        };
        let limit = match rest.trim_ascii_start().strip_prefix('(') {
            Some(inner) => Some(limit(inner.split_once(')')?.0.trim_ascii())?),
            None => None,
        };
        (!name.is_empty() && qualifier != Some("")).then_some(Atom { name, qualifier, limit })
    }

    /// Whether a version meets the limit.
    pub fn accepts(&self, version: &str) -> bool {
        self.limit.is_none_or(|(operator, limit)| operator.holds(version, limit))
    }
}

fn limit(text: &str) -> Option<(Operator, &str)> {
    const OPERATORS: [(&str, Operator); 7] = [
        ("<<", Operator::Less),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        (">>", Operator::Greater),
        ("=", Operator::Equal),
        // The first Debians wrote these, and meant the ones with the sign of equality.
        ("<", Operator::AtMost),
        (">", Operator::AtLeast),
    ];
    let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| text.starts_with(sign))?;
    let version = text[sign.len()..].trim_ascii();
    (!version.is_empty()).then_some((operator, version))
}

/// Alternatives, any of which will do; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause<'a>(pub Vec<Atom<'a>>);

impl fmt::Display for Clause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, atom) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{atom}")?;
        }
        Ok(())
    }
}

/// The clauses of a field, all of which must hold. Parts that make no sense are passed over, as apt does not
/// let them into an archive.
pub fn clauses(field: &str) -> impl Iterator<Item = Clause<'_>> {
    field.split(',').filter_map(|part| {
        let atoms: Vec<_> = part.split('|').filter_map(Atom::parse).collect();
        (!atoms.is_empty()).then_some(Clause(atoms))
    })
}

/// The single atoms of a field without alternatives: Conflicts, Breaks, Replaces, Provides.
pub fn atoms(field: &str) -> impl Iterator<Item = Atom<'_>> {
    field.split([',', '|']).filter_map(Atom::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read() {
        let field = "libc6 (>= 2.38), default-mta | mail-transport-agent,\n python3:any (<< 3.14~), a(=1:2-3)|b [amd64] <!x>, , c (bad)";
        let texts: Vec<String> = clauses(field).map(|clause| clause.to_string()).collect();
        assert_eq!(
            texts,
            ["libc6 (>= 2.38)", "default-mta | mail-transport-agent", "python3:any (<< 3.14~)", "a (= 1:2-3) | b"]
        );
        let old = Atom::parse("x (> 1)").unwrap();
        assert!(old.accepts("1") && old.accepts("2") && !old.accepts("0.9"));
        for bad in ["", ":any", "a:", "a (", "a ()", "a (>=)", "(>= 1)"] {
            assert!(Atom::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let holds = |text: &str, version: &str| Atom::parse(text).unwrap().accepts(version);
        assert!(holds("a (<< 2)", "1.9") && !holds("a (<< 2)", "2"));
        assert!(holds("a (<= 2)", "2") && !holds("a (<= 2)", "2+b1"));
        assert!(holds("a (= 2)", "2-0") && !holds("a (= 2)", "2-1"));
        assert!(holds("a (>> 2)", "2.1") && !holds("a (>> 2)", "2") && holds("a (>> 2~)", "2"));
        assert!(holds("a", "anything"));
    }
}
