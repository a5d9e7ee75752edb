//! Java archives: what Maven wrote into them, what their manifest says, and what they are called; and the archives
//! inside of them.

mod archive;
mod file_name;
mod groups;
mod manifest;
mod pom;

use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use archive::{Archive, Budget};
use file_name::FileName;
use groups::known_group;
use manifest::Manifest;
use pom::Coordinates;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};

/// How deep archives are looked into: an ear holds wars, which hold jars, and some of these hold others.
const DEEPEST: usize = 6;

/// The most packages of one file, with all that is inside.
const MOST_PACKAGES: usize = 20_000;

/// The most bytes of one `pom.properties`, one manifest and one `pom.xml`.
const LONGEST_PROPERTIES: u64 = 64 << 10;
const LONGEST_MANIFEST: u64 = 4 << 20;
const LONGEST_POM: u64 = 4 << 20;

pub(super) const WHAT: &str = "Java archive";

/// The artefacts in an archive called `name`, those of archives in it included.
pub(super) fn packages(content: &mut (impl Read + Seek), name: &str) -> Result<Vec<Found>, CatalogError> {
    let budget = Budget::new();
    let mut found = Vec::new();
    let mut archive = Archive::open(content, &budget)?;
    read(&mut archive, name, &mut Vec::new(), &budget, &mut found)?;
    Ok(found)
}

/// Adds what is in `archive`; `way` leads to it from the file.
fn read<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    name: &str,
    way: &mut Vec<String>,
    budget: &Budget,
    found: &mut Vec<Found>,
) -> Result<(), CatalogError> {
    if way.len() > DEEPEST {
        return Err(CatalogError::TooMuch { what: WHAT, limit: DEEPEST as u64, unit: "archives in each other" });
    }
    let manifest = match archive.find_manifest() {
        Some(path) => Some(Manifest::parse(&archive.text(&path, LONGEST_MANIFEST)?)),
        None => None,
    };
    let artefacts = artefacts(archive)?;
    let file = FileName::parse(name);
    found.extend(main_package(&file, manifest.as_ref(), &artefacts, way));
    for (path, artefact) in artefacts {
        let mut inside = way.clone();
        inside.push(path);
        let licence = artefact.licence.or_else(|| manifest.as_ref()?.licence());
        let package = Found::new(Kind::Java, Cataloguer::JavaArchive, artefact.name, artefact.version);
        found.push(Found { namespace: Some(artefact.group), licence, inside, ..package });
    }
    if found.len() > MOST_PACKAGES {
        return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_PACKAGES as u64, unit: "packages" });
    }
    for path in archive.nested() {
        let Some(bytes) = archive.nested_bytes(&path)? else { continue };
        let size = bytes.len() as u64;
        // What only calls itself an archive, such as a sample of a test, is passed over.
        let nested = match Archive::open(Cursor::new(bytes), budget) {
            Ok(mut nested) => {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                way.push(path);
                let result = read(&mut nested, &name, way, budget, found);
                way.pop();
                result
            }
            Err(CatalogError::Damaged { .. }) => Ok(()),
            Err(error) => Err(error),
        };
        budget.release(size);
        nested?;
    }
    Ok(())
}

/// What Maven says, by the path of the file that says it: of one artefact `pom.properties`, or else `pom.xml`.
fn artefacts<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<Vec<(String, Coordinates)>, CatalogError> {
    let mut by_folder: BTreeMap<String, (String, Coordinates)> = BTreeMap::new();
    for path in archive.maven_files("pom.properties") {
        if let Some(artefact) = pom::properties(&archive.text(&path, LONGEST_PROPERTIES)?) {
            by_folder.insert(folder(&path).to_owned(), (path, artefact));
        }
    }
    for path in archive.maven_files("pom.xml") {
        let Some(project) = pom::project(&archive.text(&path, LONGEST_POM)?) else { continue };
        match by_folder.get_mut(folder(&path)) {
            Some((_, artefact)) => artefact.licence = project.licence,
            None => {
                by_folder.insert(folder(&path).to_owned(), (path, project));
            }
        }
    }
    Ok(by_folder.into_values().collect())
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The archive itself, where none of the artefacts in it is that: a shaded jar, or one that Maven did not make. One
/// with a manifest is told of even where nothing knows its version.
fn main_package(
    file: &FileName,
    manifest: Option<&Manifest>,
    artefacts: &[(String, Coordinates)],
    way: &[String],
) -> Option<Found> {
    let is_file = |(_, artefact): &(String, Coordinates)| {
        let with_version = || format!("{}-{}", artefact.name, artefact.version);
        let is_called = |name: &str| name == artefact.name;
        // `log4j-1.2-api` looks like a name and a version, and is a name.
        is_called(&file.stem) || file.name.as_deref().is_some_and(is_called) || file.stem.starts_with(&with_version())
    };
    // A file with another version is another artefact, which has the one inside.
    let may_be_renamed = |(_, artefact): &(String, Coordinates)| {
        file.version.as_deref().is_none_or(|version| version.starts_with(&*artefact.version))
    };
    if artefacts.iter().any(is_file) || matches!(artefacts, [only] if may_be_renamed(only)) {
        return None;
    }
    let version = file.version.clone().or_else(|| manifest?.version());
    if manifest.is_none() && version.is_none() {
        return None;
    }
    let name = file.name.clone().or_else(|| manifest?.name())?;
    let version = version.unwrap_or_default();
    let known = known_group(&name, &version).map(str::to_owned);
    let group = known.or_else(|| manifest?.group(&name)).unwrap_or_else(|| name.clone());
    let package = Found::new(Kind::Java, Cataloguer::JavaArchive, name, version);
    Some(Found {
        namespace: Some(group),
        licence: manifest.and_then(Manifest::licence),
        supplier: manifest.and_then(Manifest::vendor),
        inside: way.to_vec(),
        ..package
    })
}
