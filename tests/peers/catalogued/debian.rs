//! The packages of Debian in bills of materials and verdicts, against dpkg-query.

use super::images::{Image, decoded, text};
use super::installed::run;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A package as each of them tells of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    name: String,
    version: String,
    architecture: String,
    source: String,
    source_version: String,
}

/// What dpkg-query tells of a database, all of it installed and configured.
fn queried(database: &Path) -> BTreeSet<Row> {
    const FORMAT: &str =
        "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n";
    let mut query = Command::new("dpkg-query");
    let rows = run(query.arg("--admindir").arg(database).args(["--show", "--showformat", FORMAT]));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [state, name, version, architecture, source, source_version] = fields[..] else { panic!("{line}") };
        assert_eq!(state, "ii ", "{line}");
        let [name, version, architecture, source, source_version] =
            [name, version, architecture, source, source_version].map(str::to_owned);
        Row { name, version, architecture, source, source_version }
    };
    rows.lines().map(row).collect()
}

/// A database of dpkg out of a list of single files: they have all that stands in the one file that dpkg reads.
fn database_of(list: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = fs::read_dir(list).unwrap().map(|file| file.unwrap().path());
    let paragraphs = files.filter(|path| path.extension().is_none_or(|end| end != "md5sums"));
    let paragraphs = paragraphs.map(|path| format!("{}\n\n", fs::read_to_string(path).unwrap().trim_end()));
    fs::write(folder.path().join("status"), paragraphs.collect::<String>()).unwrap();
    for name in ["info", "updates"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

/// The architecture in a package URL.
fn architecture(purl: &str) -> String {
    qualifier(purl, "arch").unwrap_or_else(|| panic!("{purl}"))
}

fn qualifier(purl: &str, name: &str) -> Option<String> {
    let (_, qualifiers) = purl.split_once('?')?;
    qualifiers.split('&').find_map(|pair| Some(decoded(pair.strip_prefix(name)?.strip_prefix('=')?)))
}

fn of_cyclonedx(bill: &Value) -> BTreeSet<Row> {
    let components = bill["components"].as_array().unwrap().iter();
    let packages = components.filter(|component| component["purl"].as_str().is_some_and(|p| p.starts_with("pkg:deb/")));
    let row = |package: &Value| {
        let property = |name: &str| {
            let all = package["properties"].as_array().unwrap();
            text(all.iter().find(|property| property["name"] == name).unwrap(), "value").to_owned()
        };
        Row {
            name: text(package, "name").to_owned(),
            version: text(package, "version").to_owned(),
            architecture: architecture(text(package, "purl")),
            source: property("kiln:source"),
            source_version: property("kiln:source-version"),
        }
    };
    packages.map(row).collect()
}

fn of_spdx(bill: &Value) -> BTreeSet<Row> {
    let packages = bill["packages"].as_array().unwrap().iter();
    let row = |package: &Value| {
        let references =
            package["externalRefs"].as_array()?.iter().map(|reference| text(reference, "referenceLocator"));
        let purl = references.into_iter().find(|locator| locator.starts_with("pkg:deb/"))?;
        let source = text(package, "sourceInfo").strip_prefix("built from the source package ").unwrap();
        let (source, source_version) = source.split_once(' ').unwrap();
        Some(Row {
            name: text(package, "name").to_owned(),
            version: text(package, "versionInfo").to_owned(),
            architecture: architecture(purl),
            source: source.to_owned(),
            source_version: source_version.to_owned(),
        })
    };
    packages.filter_map(row).collect()
}

/// What is found in the image without its bills: all of it, as these images hold nothing but packages.
fn of_files(image: &Image) -> BTreeSet<Row> {
    let row = |(purl, _): (String, Vec<String>)| {
        let named = purl.strip_prefix("pkg:deb/debian/").unwrap_or_else(|| panic!("{purl}"));
        let (named, _) = named.split_once('?').unwrap();
        let (name, version) = named.split_once('@').unwrap();
        let (name, version) = (decoded(name), decoded(version));
        let upstream = qualifier(&purl, "upstream").unwrap_or_else(|| name.clone());
        let (source, source_version) = match upstream.split_once('@') {
            Some((source, version)) => (source.to_owned(), version.to_owned()),
            None => (upstream, version.clone()),
        };
        Row { name, version, architecture: architecture(&purl), source, source_version }
    };
    image.scanned().into_iter().map(row).collect()
}

#[track_caller]
fn same(about: &str, theirs: &BTreeSet<Row>, ours: &BTreeSet<Row>) {
    let (lacking, more): (Vec<_>, Vec<_>) = (theirs.difference(ours).collect(), ours.difference(theirs).collect());
    assert!(lacking.is_empty() && more.is_empty(), "{about} lacks {lacking:#?}\nand has {more:#?}");
}

fn compare(image: &Image, database: &Path, at_least: usize) {
    let queried = queried(database);
    assert!(queried.len() >= at_least, "{}: {queried:#?}", image.name);
    same(&format!("{}: CycloneDX", image.name), &queried, &of_cyclonedx(&image.bill("cyclonedx")));
    same(&format!("{}: SPDX", image.name), &queried, &of_spdx(&image.bill("spdx")));
    same(&format!("{}: the catalogue", image.name), &queried, &of_files(image));
}

#[test]
#[ignore = "needs a Debian mirror"]
fn a_list_of_single_files_is_what_dpkg_query_tells() {
    let image = Image::python();
    let database = database_of(&image.tree().join("var/lib/dpkg/status.d"));
    compare(image, database.path(), 30);
}

#[test]
#[ignore = "needs a Debian mirror"]
fn databases_are_what_dpkg_query_tells() {
    for image in [Image::nginx(), Image::java()] {
        compare(image, &image.tree().join("var/lib/dpkg"), 25);
    }
}

/// Here dpkg itself has installed the packages, so that nothing in its database is of kiln's own making.
#[test]
#[ignore = "needs a Debian mirror, and root"]
fn what_dpkg_installed_is_what_dpkg_query_tells() {
    let image = Image::postgresql();
    compare(image, &image.tree().join("var/lib/dpkg"), 100);
}
