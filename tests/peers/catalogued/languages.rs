//! Packages of languages, against what the languages' own tools find in the projects.

use super::differences::{By, Difference, agree};
use super::images::{Image, Told, decoded, text};
use super::installed::{crates, cyclonedx_npm, python, run};
use super::projects;
use serde_json::Value;
use std::process::Command;

/// The packages of a CycloneDX document, those within others included.
fn of_cyclonedx(component: &Value, told: &mut Told) {
    if let Some(purl) = component["purl"].as_str() {
        let purl = purl.split(['?', '#']).next().unwrap();
        told.insert(decoded(purl), text(component, "bom-ref").to_owned());
    }
    for part in component["components"].as_array().into_iter().flatten() {
        of_cyclonedx(part, told);
    }
}

fn document(text: &str) -> Told {
    let document: Value = serde_json::from_str(text).unwrap();
    let mut told = Told::new();
    of_cyclonedx(&document, &mut told);
    of_cyclonedx(&document["metadata"]["component"], &mut told);
    told
}

#[test]
#[ignore = "installs packages from the Python package index"]
fn an_environment_of_python_is_what_cyclonedx_py_tells() {
    let interpreter = projects::python_project().join("bin/python");
    let mut tool = Command::new(python().join("cyclonedx-py"));
    let bill = run(tool.arg("environment").arg(interpreter).args(["--of", "JSON"]));
    // PEP 503 makes dots in names dashes, which the tool does not.
    let theirs = document(&bill).into_iter().map(|(purl, place)| match purl.split_once('@') {
        Some((name, version)) => (format!("{}@{version}", name.replace('.', "-")), place),
        None => (purl, place),
    });
    let explained = [Difference {
        by: By::Kiln,
        what: r"^pkg:pypi/\S+ \S+/setuptools/_vendor/\S+$",
        reason: "setuptools brings distributions of its own, which are imported but not installed",
    }];
    agree("cyclonedx-py", &Image::projects().told(&["pypi"]), &theirs.collect(), &explained);
}

#[test]
#[ignore = "installs packages from the registry of npm"]
fn a_project_of_npm_is_what_cyclonedx_npm_tells() {
    let project = projects::node();
    let mut tool = Command::new(cyclonedx_npm());
    let bill = run(tool.args(["--output-format", "JSON", "--output-file", "-"]).current_dir(project));
    let explained = [Difference {
        by: By::Kiln,
        what: r"^pkg:npm/(bin|dist)@1\.0\.0 /srv/node/node_modules/terser/(bin|dist)/package\.json$",
        reason: "a package.json within a package that gives itself a name and a version",
    }];
    agree("cyclonedx-npm", &Image::projects().told(&["npm"]), &document(&bill), &explained);
}

#[test]
#[ignore = "builds programs of crates.io"]
fn a_program_of_rust_is_what_the_reader_of_cargo_auditable_tells() {
    let list = run(Command::new(crates().join("rust-audit-info")).arg(projects::rust().join("counter")));
    let list: Value = serde_json::from_str(&list).unwrap();
    let packages = list["packages"].as_array().unwrap().iter();
    let theirs = packages.map(|package| {
        let purl = format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"));
        (purl, package["kind"].as_str().unwrap_or("runtime").to_owned())
    });
    let explained = [Difference {
        by: By::Other,
        what: r"^pkg:cargo/\S+ build$",
        reason: "a crate that only the build script used is not in the program",
    }];
    agree("rust-audit-info", &Image::projects().told(&["cargo"]), &theirs.collect(), &explained);
}
