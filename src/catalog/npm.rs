//! npm packages: every `package.json` that has a name and a version.
//!
//! Where it stands does not count. Packages that were bundled, or moved out of `node_modules`, are as vulnerable as
//! others, and a project's own is a package too; what tests bring as samples has mostly no version.

use super::content::whole;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::Read;

/// The longest `package.json`, in bytes.
const LONGEST: u64 = 4 << 20;

/// The package of a `package.json`. What is no JSON object, or has no name and version that are texts, is no package.
pub(super) fn package(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let bytes = whole(content, LONGEST, "package.json")?;
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(&bytes) else { return Ok(Vec::new()) };
    let text = |key: &str| field::<String>(&fields, key).map(|text| text.trim().to_owned());
    let (Some(full_name), Some(version)) = (text("name"), text("version")) else { return Ok(Vec::new()) };
    let (namespace, name) = match full_name.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((scope, name)) => (Some(format!("@{scope}")), name.to_owned()),
        None => (None, full_name),
    };
    if version.is_empty() {
        return Ok(Vec::new());
    }
    let found = Found {
        namespace,
        licence: licence(&fields),
        supplier: field::<Person>(&fields, "author").and_then(Person::name),
        ..Found::new(Kind::Npm, Cataloguer::NpmPackage, name, version)
    };
    Ok(vec![found])
}

/// `"MIT"`, and the older forms `{"type": "MIT"}` and a list of these in `licenses`.
fn licence(fields: &BTreeMap<String, &RawValue>) -> Option<String> {
    let several = || {
        let names: Vec<String> = field::<Vec<Licence>>(fields, "licenses")?.into_iter().map(Licence::name).collect();
        (!names.is_empty()).then(|| names.join(" OR "))
    };
    field::<Licence>(fields, "license").map(Licence::name).or_else(several)
}

fn field<T: DeserializeOwned>(fields: &BTreeMap<String, &RawValue>, key: &str) -> Option<T> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Licence {
    Name(String),
    Object { r#type: String },
}

impl Licence {
    fn name(self) -> String {
        match self {
            Licence::Name(name) | Licence::Object { r#type: name } => name,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Person {
    Text(String),
    Object { name: String },
}

impl Person {
    fn name(self) -> Option<String> {
        match self {
            Person::Text(text) => text.split(['<', '(']).next().map(|name| name.trim().to_owned()),
            Person::Object { name } => Some(name),
        }
    }
}
