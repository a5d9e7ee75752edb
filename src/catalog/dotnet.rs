//! .NET programs: the packages whose assemblies they bring (`*.deps.json`), and the runtime where they bring one
//! (`*.runtimeconfig.json`).

use super::content::whole;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::io::Read;

/// The longest file, in bytes. Large programs have 2 MiB.
const LONGEST: u64 = 8 << 20;

const DEPS: &str = "list of a .NET program's packages";

#[derive(Deserialize)]
struct Deps {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    r#type: String,
}

type Assets = Option<BTreeMap<String, IgnoredAny>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    runtime: Assets,
    runtime_targets: Assets,
    native: Assets,
    resources: Assets,
}

impl Target {
    fn has_assets(&self) -> bool {
        [&self.runtime, &self.runtime_targets, &self.native, &self.resources]
            .into_iter()
            .any(|assets| assets.as_ref().is_some_and(|assets| !assets.is_empty()))
    }
}

/// The packages that a program brings files of.
///
/// A package that stands in the list without a file was replaced by the runtime's own or was only built against, so
/// its holes are not in the program.
pub(super) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let bytes = whole(content, LONGEST, DEPS)?;
    let deps: Deps = serde_json::from_slice(&bytes)
        .map_err(|_| CatalogError::Damaged { what: DEPS, reason: "it is no JSON of the form that .NET writes" })?;
    let is_brought = |key: &str| {
        let mut of_package = deps.targets.values().filter_map(|target| target.get(key)).peekable();
        of_package.peek().is_none() || of_package.any(Target::has_assets)
    };
    let packages = deps.libraries.iter().filter(|(_, library)| matches!(&*library.r#type, "package" | "runtimepack"));
    Ok(packages.filter(|(key, _)| is_brought(key)).filter_map(|(key, _)| package(key)).collect())
}

/// `Newtonsoft.Json/13.0.3`; a runtime that came by a package of its own has `runtimepack.` in front.
fn package(key: &str) -> Option<Found> {
    let (name, version) = key.split_once('/')?;
    let name = name.strip_prefix("runtimepack.").unwrap_or(name);
    Some(Found::new(Kind::Dotnet, Cataloguer::DotnetDeps, name, version))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    runtime_options: Option<Options>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    included_frameworks: Option<Vec<Framework>>,
}

#[derive(Deserialize)]
struct Framework {
    name: String,
    version: String,
}

/// The frameworks that a program brings. Those that it only needs are not in it, and tell of themselves where they are.
pub(super) fn runtimes(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let bytes = whole(content, LONGEST, "configuration of a .NET program")?;
    // Developers write this file by hand, with comments that JSON does not have: such a one names no framework.
    let Ok(config) = serde_json::from_slice::<Config>(&bytes) else { return Ok(Vec::new()) };
    let frameworks = config.runtime_options.and_then(|options| options.included_frameworks).unwrap_or_default();
    let found = |f: Framework| Found::new(Kind::Dotnet, Cataloguer::DotnetDeps, f.name, f.version);
    Ok(frameworks.into_iter().map(found).collect())
}
