//! All that one file system holds, from what its files tell.

use super::found::{Cataloguer, Found, Kind};
use super::os_release::OsRelease;
use super::purl::{purl, python_name};
use crate::tree::TreePath;
use std::collections::{BTreeMap, BTreeSet};

/// A package of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The package URL, which is its identity: no two packages of a list have the same.
    pub purl: String,
    /// What it is.
    pub kind: Kind,
    /// The name as advisories have it: `@babel/core`, `org.apache.commons:commons-lang3`, `github.com/Azure/autorest`.
    pub name: String,
    /// The version as written, of an rpm with its epoch in front. Empty where no file knows it.
    pub version: String,
    /// The architecture, where the package has one.
    pub architecture: Option<String>,
    /// What it was built from, where that is another: `gcc-14@14.2.0-19`.
    pub upstream: Option<String>,
    /// The licence in its own words.
    pub licence: Option<String>,
    /// Who made it, in its own words.
    pub supplier: Option<String>,
    /// Where it is told, in order, each place once; one at least.
    pub places: Vec<Place>,
}

/// A place that tells of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: TreePath,
    /// The way from there where the package is inside of archives.
    pub inside: Vec<String>,
    /// The linker's id of the file, if it is an ELF file with one.
    pub build_id: Option<String>,
    /// Who found it there.
    pub by: Cataloguer,
}

/// Puts the answers for the files of one file system together, ordered by package URL.
///
/// `os` is the distribution that the file system names; it stands in the package URLs of its packages. A file that a
/// package of a distribution owns, by a database in the file system or because `is_owned` says so, tells of nothing
/// else: what is in it comes with that package, whose distributor mends it. Databases themselves always tell.
///
/// What several files tell of is one package with several places. The result does not depend on the order of `files`.
pub fn assemble<'a>(
    files: impl IntoIterator<Item = (&'a TreePath, Vec<Found>)>,
    os: Option<&OsRelease>,
    is_owned: impl Fn(&TreePath) -> bool,
) -> Vec<Package> {
    let mut files: Vec<(&TreePath, Vec<Found>)> = files.into_iter().collect();
    files.sort_by_key(|(path, _)| *path);
    let owned = owned_paths(&files);
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for (path, found) in files {
        let is_told_elsewhere = owned.contains(&merged(path.as_bytes())) || is_owned(path);
        for found in found {
            let tells = if found.by.is_database() { found.by != Cataloguer::DpkgFiles } else { !is_told_elsewhere };
            if tells {
                add(&mut packages, path, found, os);
            }
        }
    }
    for package in packages.values_mut() {
        package.places.sort();
        package.places.dedup();
    }
    packages.into_values().collect()
}

fn add(packages: &mut BTreeMap<String, Package>, path: &TreePath, found: Found, os: Option<&OsRelease>) {
    let purl = purl(&found, os);
    let package = packages.entry(purl.clone()).or_insert_with(|| Package {
        purl,
        kind: found.kind,
        name: name(&found),
        version: version(&found),
        architecture: found.architecture.clone(),
        upstream: found.upstream.clone(),
        licence: None,
        supplier: None,
        places: Vec::new(),
    });
    package.licence = package.licence.take().or(found.licence);
    package.supplier = package.supplier.take().or(found.supplier);
    package.places.push(Place { path: path.clone(), inside: found.inside, build_id: found.build_id, by: found.by });
}

fn name(found: &Found) -> String {
    match (found.kind, &found.namespace) {
        (Kind::Python, _) => python_name(&found.name),
        (Kind::Java, Some(group)) => format!("{group}:{}", found.name),
        (Kind::Npm | Kind::Composer, Some(namespace)) => format!("{namespace}/{}", found.name),
        _ => found.name.clone(),
    }
}

fn version(found: &Found) -> String {
    match found.epoch {
        Some(epoch) => format!("{epoch}:{}", found.version),
        None => found.version.clone(),
    }
}

/// The paths of files that tell of something and that a package of a database owns.
fn owned_paths(files: &[(&TreePath, Vec<Found>)]) -> BTreeSet<Vec<u8>> {
    let tells = |found: &Found| !found.by.is_database();
    let candidates: BTreeSet<Vec<u8>> =
        files.iter().filter(|(_, found)| found.iter().any(tells)).map(|(path, _)| merged(path.as_bytes())).collect();
    let mut owned = BTreeSet::new();
    for (path, found) in files.iter().filter(|(_, found)| !found.iter().all(tells)) {
        let root = root_of_database(path.as_bytes());
        for file in found.iter().flat_map(|found| &found.files) {
            let whole = merged(&[root, file.as_bytes()].concat());
            if candidates.contains(&whole) {
                owned.insert(whole);
            }
        }
    }
    owned
}

/// Where databases stand below the root that they describe.
const DATABASES: [&[u8]; 6] =
    [b"var/lib/dpkg/", b"usr/lib/apk/", b"lib/apk/", b"var/lib/rpm/", b"usr/lib/sysimage/rpm/", b"usr/share/rpm/"];

/// What stands before a database's own place, with a slash behind it: empty for that of the whole file system.
fn root_of_database(path: &[u8]) -> &[u8] {
    let find = |place: &&[u8]| path.windows(place.len()).rposition(|part| part == *place);
    let start = DATABASES.iter().find_map(find).unwrap_or_default();
    &path[..start]
}

/// A path with one spelling for `/lib` and `/usr/lib`, and the other folders that distributions have merged: lists of
/// files have either.
fn merged(path: &[u8]) -> Vec<u8> {
    const MERGED: [&[u8]; 6] = [b"bin/", b"sbin/", b"lib/", b"lib32/", b"lib64/", b"libx32/"];
    let is_merged = |rest: &&[u8]| MERGED.iter().any(|folder| rest.starts_with(folder));
    path.strip_prefix(b"usr/").filter(is_merged).unwrap_or(path).to_vec()
}
