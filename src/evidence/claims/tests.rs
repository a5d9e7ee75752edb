use super::*;
use crate::evidence::fixtures::{inventory, staged};
use crate::evidence::sbom::Graph;
use crate::evidence::{Statement, Subject};
use serde_json::{Value, json};

fn statement(form: &str, predicate: impl serde::Serialize) -> Vec<u8> {
    let subject = vec![Subject::new(&Digest::of("image"))];
    serde_json::to_vec(&Statement::new(subject, form, predicate)).unwrap()
}

fn names(statement: &[u8], form: &str) -> Vec<String> {
    packages(statement, form).unwrap().into_iter().map(|package| package.name).collect()
}

#[test]
fn packages_of_kilns_own_documents_are_found_in_both_forms() {
    let expected = ["base-files", "docs", "libssl3t64"];
    // Of what was built with, only what something is copied of.
    let with_stages = ["base-files", "docs", "libgcc-s1", "libssl3t64"];
    for (inventory, expected) in [(inventory(), expected.as_slice()), (staged(), &with_stages)] {
        let graph = Graph::new(&inventory).unwrap();
        let cyclonedx = statement(predicate::CYCLONEDX, graph.cyclonedx());
        let spdx = statement(predicate::SPDX, graph.spdx());
        assert_eq!(names(&cyclonedx, predicate::CYCLONEDX), expected);
        assert_eq!(packages(&cyclonedx, predicate::CYCLONEDX), packages(&spdx, predicate::SPDX));
    }
}

#[test]
fn tools_are_no_packages_unless_they_are_contained() {
    let package = |id: &str| json!({ "SPDXID": id, "name": id, "externalRefs": [{ "referenceType": "purl", "referenceLocator": format!("pkg:deb/{id}") }] });
    let row =
        |a: &str, kind: &str, b: &str| json!({ "spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b });
    let packages = ["shell", "compiler", "linter", "loose"].map(package);
    let document = json!({
        "packages": packages,
        "relationships": [
            row("compiler", "BUILD_TOOL_OF", "image"),
            row("shell", "BUILD_TOOL_OF", "image"),
            row("image", "CONTAINS", "shell"),
            row("linter", "TEST_TOOL_OF", "image"),
            row("linter", "DEPENDS_ON", "shell"),
        ],
    });
    assert_eq!(names(&statement(predicate::SPDX, document), predicate::SPDX), ["loose", "shell"]);
}

#[test]
fn what_is_no_package_is_passed_over() {
    let document = json!({ "components": [
        { "type": "library", "name": "a", "version": "1", "components": [{ "type": "library", "name": "inner", "purl": "pkg:npm/inner@1" }] },
        { "type": "library", "name": "nothing more is known" },
        { "type": "container", "name": "image", "version": "1" },
        { "type": "library", "name": "image", "purl": "pkg:oci/image@sha256:1" },
        { "type": "library", "name": "steers\u{1b}[0m", "version": "1" },
        { "type": "library", "name": "n".repeat(2000), "version": "1" },
        { "type": "library", "name": "other name", "version": "2", "purl": "pkg:npm/inner@1" },
        { "type": "library", "name": "odd", "version": "1", "purl": "javascript:1" },
    ] });
    let statement = statement(predicate::CYCLONEDX, document);
    assert_eq!(names(&statement, predicate::CYCLONEDX), ["a", "inner", "odd"]);
    assert_eq!(packages(&statement, predicate::CYCLONEDX).unwrap()[2].purl, None);
}

#[test]
fn documents_about_other_images_and_of_other_forms_are_of_no_use() {
    let images = [Digest::of("index"), Digest::of("image")];
    assert_eq!(form(&statement(predicate::SPDX, json!({})), &images, &OF_USE), Some(predicate::SPDX));
    assert_eq!(form(&statement(predicate::SPDX, json!({})), &images[..1], &OF_USE), None);
    assert_eq!(form(&statement("https://example.com/other", json!({})), &images, &OF_USE), None);
    let mut other: Value = serde_json::from_slice(&statement(predicate::SPDX, json!({}))).unwrap();
    other["_type"] = json!("something");
    assert_eq!(form(other.to_string().as_bytes(), &images, &OF_USE), None);
    assert_eq!(form(b"{", &images, &OF_USE), None);
}

#[test]
fn malformed_documents_are_refused_in_words() {
    for wrong in [json!(null), json!({ "components": 1 }), json!({ "components": [{}] })] {
        assert!(packages(&statement(predicate::CYCLONEDX, wrong), predicate::CYCLONEDX).is_err());
    }
    assert!(packages(b"[]", predicate::SPDX).is_err());
}
