//! OpenVEX (github.com/openvex/spec, 0.2.0).

use super::product::Product;
use super::{Statement, Status, VexError, why};
use crate::rules::Justification;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    statements: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Vec<Named>,
    status: Word,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    status_notes: Option<String>,
    #[serde(default)]
    impact_statement: Option<String>,
    #[serde(default)]
    action_statement: Option<String>,
}

/// An object since 0.0.2, a text before.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Object {
        name: String,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(String),
    Object(Component),
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "@id", default)]
    id: Option<String>,
    #[serde(default)]
    identifiers: BTreeMap<String, String>,
    #[serde(default)]
    subcomponents: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

pub(super) fn read(document: &[u8]) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_slice(document)?;
    Ok(document.statements.into_iter().map(statement).collect())
}

fn statement(said: Said) -> Statement {
    let names = match said.vulnerability {
        Vulnerability::Name(name) => vec![name],
        Vulnerability::Object { name, aliases } => std::iter::once(name).chain(aliases).collect(),
    };
    let status = match said.status {
        Word::NotAffected => Status::NotAffected,
        Word::Affected => Status::Affected,
        Word::Fixed => Status::Fixed,
        Word::UnderInvestigation => Status::UnderInvestigation,
    };
    let texts = [&said.impact_statement, &said.justification, &said.action_statement];
    let why = why(texts.map(|text| text.as_deref()));
    Statement {
        names,
        products: said.products.into_iter().map(product).collect(),
        status,
        justification: said.justification.as_deref().and_then(Justification::named),
        why,
        until: said.status_notes.as_deref().and_then(ends),
    }
}

/// How the notes of a statement begin that does not count for ever; a day follows. OpenVEX has no field for that.
pub const UNTIL: &str = "accepted until ";

fn ends(notes: &str) -> Option<Date> {
    notes.strip_prefix(UNTIL)?.get(..10)?.parse().ok()
}

fn product(named: Named) -> Product {
    match named {
        Named::Id(id) => Product { names: vec![id], parts: Vec::new() },
        Named::Object(component) => {
            let parts = component.subcomponents.into_iter().flat_map(|part| product(part).names).collect();
            let names = component.id.into_iter().chain(component.identifiers.into_values()).collect();
            Product { names, parts }
        }
    }
}
