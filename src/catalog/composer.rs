//! Composer's `installed.json`: a list of packages, since version 2 in the field `packages`.

use super::content::whole;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use serde::Deserialize;
use std::io::Read;

/// The longest list, in bytes. A large shop has 2 MiB.
const LONGEST: u64 = 32 << 20;

const WHAT: &str = "list of Composer's packages";

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Second { packages: Vec<Package> },
    First(Vec<Package>),
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Option<Licence>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Licence {
    One(String),
    /// Any of them may be chosen.
    Several(Vec<String>),
}

/// The packages that are installed.
pub(super) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let bytes = whole(content, LONGEST, WHAT)?;
    let installed = serde_json::from_slice(&bytes)
        .map_err(|_| CatalogError::Damaged { what: WHAT, reason: "it is no JSON of the form that Composer writes" })?;
    let (Installed::First(packages) | Installed::Second { packages }) = installed;
    Ok(packages.into_iter().filter_map(found).collect())
}

fn found(package: Package) -> Option<Found> {
    let (namespace, name) = match package.name.split_once('/') {
        Some((vendor, name)) => (Some(vendor.to_owned()), name),
        None => (None, package.name.as_str()),
    };
    let licence = match package.license {
        Some(Licence::One(name)) => Some(name),
        Some(Licence::Several(names)) if !names.is_empty() => Some(names.join(" OR ")),
        _ => None,
    };
    let found = Found::new(Kind::Composer, Cataloguer::ComposerInstalled, name, &package.version);
    (!package.version.is_empty()).then_some(Found { namespace, licence, ..found })
}
