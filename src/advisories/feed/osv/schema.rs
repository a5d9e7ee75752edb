//! The fields of OSV's form that are read, in the order of the schema. Some exporters write `null` for what is missing.

use super::super::document::{lenient, nullable};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An advisory.
#[derive(Deserialize)]
pub struct Advisory<'a> {
    pub id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub modified: String,
    #[serde(default, deserialize_with = "nullable")]
    pub published: String,
    #[serde(default, deserialize_with = "nullable")]
    pub withdrawn: String,
    #[serde(default, deserialize_with = "nullable")]
    pub aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub upstream: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub summary: String,
    #[serde(default, deserialize_with = "nullable")]
    pub details: String,
    #[serde(default, deserialize_with = "nullable")]
    pub severity: Vec<Severity>,
    #[serde(default, borrow, deserialize_with = "nullable")]
    pub affected: Vec<Affected<'a>>,
    #[serde(default, deserialize_with = "nullable")]
    pub references: Vec<Reference>,
    #[serde(default, borrow)]
    pub database_specific: Option<&'a RawValue>,
}

/// How bad it is, in one way of telling.
#[derive(Deserialize)]
pub struct Severity {
    #[serde(rename = "type")]
    pub kind: String,
    pub score: String,
}

/// What is affected of a package.
#[derive(Deserialize)]
pub struct Affected<'a> {
    #[serde(default, deserialize_with = "nullable")]
    pub package: Package,
    #[serde(default, deserialize_with = "nullable")]
    pub severity: Vec<Severity>,
    #[serde(default, deserialize_with = "nullable")]
    pub ranges: Vec<Range>,
    #[serde(default, deserialize_with = "nullable")]
    pub versions: Vec<String>,
    #[serde(default, borrow)]
    pub ecosystem_specific: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub database_specific: Option<&'a RawValue>,
}

/// A package.
#[derive(Default, Deserialize)]
pub struct Package {
    #[serde(default, deserialize_with = "nullable")]
    pub ecosystem: String,
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
}

/// A range.
#[derive(Deserialize)]
pub struct Range {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub events: Vec<Event>,
}

/// An event, which has one of these.
#[derive(Deserialize)]
pub struct Event {
    pub introduced: Option<String>,
    pub fixed: Option<String>,
    pub last_affected: Option<String>,
    pub limit: Option<String>,
}

/// An address.
#[derive(Deserialize)]
pub struct Reference {
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: String,
    pub url: String,
}

/// What is inside of the objects that each database and ecosystem fills in its own way. A field that has another
/// type than expected is another field.
#[derive(Default, Deserialize)]
pub struct Inside {
    /// GitHub's and others' word for how bad it is.
    #[serde(default, deserialize_with = "lenient")]
    pub severity: Option<String>,
    /// Debian's word for how urgent it is.
    #[serde(default, deserialize_with = "lenient")]
    pub urgency: Option<String>,
    /// RustSec's kind of notice.
    #[serde(default, deserialize_with = "lenient")]
    pub informational: Option<String>,
    /// GitHub's weaknesses.
    #[serde(default, deserialize_with = "lenient")]
    pub cwe_ids: Vec<String>,
    /// Go's packages inside of a module.
    #[serde(default, deserialize_with = "lenient")]
    imports: Vec<Import>,
    /// RustSec's.
    #[serde(default, deserialize_with = "lenient")]
    affects: Affects,
}

#[derive(Default, Deserialize)]
struct Import {
    #[serde(default, deserialize_with = "lenient")]
    path: String,
    #[serde(default, deserialize_with = "lenient")]
    symbols: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Affects {
    #[serde(default, deserialize_with = "lenient")]
    functions: Vec<String>,
}

impl Inside {
    /// What is inside of an object; nothing where it is no object.
    pub fn of(object: Option<&RawValue>) -> Inside {
        object.and_then(|object| serde_json::from_str(object.get()).ok()).unwrap_or_default()
    }

    /// The functions that have the hole, with their paths, sorted.
    pub fn functions(&self) -> Vec<String> {
        let of_import = |import: &Import| {
            let path = import.path.clone();
            import.symbols.iter().map(move |symbol| format!("{path}.{symbol}")).collect::<Vec<_>>()
        };
        let mut functions: Vec<String> =
            self.imports.iter().flat_map(of_import).chain(self.affects.functions.iter().cloned()).collect();
        functions.retain(|function| function.chars().all(|c| c.is_ascii_graphic()));
        functions.sort_unstable();
        functions.dedup();
        functions
    }
}
