//! VEX in CycloneDX: `vulnerabilities` with an `analysis` (CycloneDX 1.4 and later).

use super::product::Product;
use super::{Statement, Status, VexError, why};
use crate::rules::Justification;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default)]
    reference: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
}

#[derive(Deserialize)]
struct Analysis {
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum State {
    Resolved,
    ResolvedWithPedigree,
    Exploitable,
    InTriage,
    FalsePositive,
    NotAffected,
}

pub(super) fn read(document: &[u8]) -> Result<Vec<Statement>, VexError> {
    let document: Document = serde_json::from_slice(document)?;
    let mut purls = BTreeMap::new();
    for component in &document.components {
        collect(component, &mut purls);
    }
    Ok(document.vulnerabilities.into_iter().filter_map(|said| statement(said, &purls)).collect())
}

fn collect<'c>(component: &'c Component, purls: &mut BTreeMap<&'c str, &'c str>) {
    if let (Some(reference), Some(purl)) = (&component.reference, &component.purl) {
        purls.insert(reference, purl);
    }
    component.components.iter().for_each(|inner| collect(inner, purls));
}

/// None for a vulnerability that nobody analysed.
fn statement(said: Vulnerability, purls: &BTreeMap<&str, &str>) -> Option<Statement> {
    let analysis = said.analysis?;
    let status = match analysis.state? {
        State::Resolved | State::ResolvedWithPedigree => Status::Fixed,
        State::FalsePositive | State::NotAffected => Status::NotAffected,
        State::Exploitable => Status::Affected,
        State::InTriage => Status::UnderInvestigation,
    };
    let names: Vec<String> = said.id.into_iter().chain(said.references.into_iter().filter_map(|r| r.id)).collect();
    let product = |affected: &Affected| {
        // A document of its own names components of another by a BOM link, at whose end is the reference there.
        let reference = affected.reference.rsplit_once('#').map_or(affected.reference.as_str(), |(_, end)| end);
        let name = purls.get(affected.reference.as_str()).copied().unwrap_or(reference);
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
        Product { names: vec![name.to_owned(), decoded], parts: Vec::new() }
    };
    let products = said.affects.iter().map(product).collect();
    let justification = analysis.justification.as_deref().and_then(Justification::named);
    let why = why([analysis.detail.as_deref(), analysis.justification.as_deref()]);
    Some(Statement { names, products, status, justification, why, until: None })
}
