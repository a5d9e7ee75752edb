//! Composer's `installed.json`: a list of packages, since version 2 in the field `packages`.

use super::content::whole;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;

/// The longest list, in bytes. A large shop has 4 MiB.
const LONGEST: u64 = 16 << 20;

const WHAT: &str = "list of Composer's packages";

#[derive(Deserialize)]
struct Installed {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Option<Box<RawValue>>,
}

/// The packages that are installed.
pub(super) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let bytes = whole(content, LONGEST, WHAT)?;
    let packages = match bytes.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(&bytes),
        _ => serde_json::from_slice(&bytes).map(|installed: Installed| installed.packages),
    };
    let packages: Vec<Package> = packages
        .map_err(|_| CatalogError::Damaged { what: WHAT, reason: "it is no JSON of the form that Composer writes" })?;
    Ok(packages.into_iter().filter_map(found).collect())
}

fn found(package: Package) -> Option<Found> {
    let (namespace, name) = match package.name.split_once('/') {
        Some((vendor, name)) => (Some(vendor.to_owned()), name),
        None => (None, package.name.as_str()),
    };
    let licence = package.license.as_deref().and_then(licence);
    let found = Found::new(Kind::Composer, Cataloguer::ComposerInstalled, name, &package.version);
    (!package.version.is_empty()).then_some(Found { namespace, licence, ..found })
}

/// One licence, or several of which any may be chosen.
fn licence(json: &RawValue) -> Option<String> {
    let one = || serde_json::from_str::<String>(json.get()).ok();
    let several = || serde_json::from_str::<Vec<String>>(json.get()).ok().map(|names| names.join(" OR "));
    one().or_else(several)
}
