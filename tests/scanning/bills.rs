//! Packages that files of an image tell of, in the bills of materials that every build attaches.

use super::{Judged, advisory, npm};
use crate::support::catalog::elf::{Elf, go_inline};
use crate::support::catalog::zip::zip;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const POM: &[u8] = b"version=3.12.0\ngroupId=org.apache.commons\nartifactId=commons-lang3\n";
const PURLS: [&str; 6] = [
    "pkg:golang/example.com/net@v0.1.0",
    "pkg:golang/example.com/tool",
    "pkg:golang/stdlib@1.22.3",
    "pkg:maven/org.apache.commons/commons-lang3@3.12.0",
    "pkg:npm/left@1.2.2",
    "pkg:pypi/requests@2.31.0",
];

/// A project whose context has packages of several worlds, and no policy.
fn project() -> Judged {
    let judged = Judged::new("");
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.2"));
    judged.world.write("app/node_modules/other/node_modules/left/package.json", npm("left", "1.2.2"));
    judged.world.write("app/lib/requests-2.31.0.dist-info/METADATA", "Name: requests\nVersion: 2.31.0\nLicense: MIT\n");
    let jar = zip(&[("META-INF/maven/org.apache.commons/commons-lang3/pom.properties", POM)]);
    judged.world.write("app/lib/commons-lang3-3.12.0.jar", jar);
    let modules = "path\texample.com/tool\ndep\texample.com/net\tv0.1.0\th1:x=\n";
    let sections = vec![(".text", vec![0x90; 64]), (".go.buildinfo", go_inline("go1.22.3", modules))];
    judged.world.write("app/lib/tool.so", Elf::new(sections).bytes());
    judged
}

/// A document that is attached to the image in a folder.
fn bill(judged: &Judged, image: &str, form: &str) -> Value {
    let outcome = judged.world.kiln(["sbom", image, "--format", form]).run().done();
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The package URLs in a CycloneDX document, images left aside; each component's.
fn purls(document: &Value) -> Vec<String> {
    let components = document["components"].as_array().unwrap().iter();
    let mut purls: Vec<String> = components.filter_map(|c| c["purl"].as_str().map(str::to_owned)).collect();
    purls.sort();
    purls
}

#[test]
fn every_build_tells_of_them_in_both_forms() {
    let judged = project();
    judged.build(&["-o", "oci:out"]).run().done();
    let cyclonedx = bill(&judged, "out", "cyclonedx");
    assert_eq!(purls(&cyclonedx), PURLS);
    let components = cyclonedx["components"].as_array().unwrap();
    let left = components.iter().find(|component| component["name"] == "left").unwrap();
    let places = ["/srv/node_modules/left/package.json", "/srv/node_modules/other/node_modules/left/package.json"];
    assert_eq!(left["evidence"]["occurrences"], json!(places.map(|place| json!({ "location": place }))));
    let dependencies = cyclonedx["dependencies"].as_array().unwrap();
    let of_app = dependencies.iter().find(|row| row["ref"] == "source:app").unwrap();
    assert_eq!(of_app["dependsOn"], json!(PURLS));
    let spdx = bill(&judged, "out", "spdx");
    let links =
        spdx["packages"].as_array().unwrap().iter().flat_map(|p| p["externalRefs"].as_array().into_iter().flatten());
    let told: BTreeSet<&str> = links.filter_map(|link| link["referenceLocator"].as_str()).collect();
    assert!(PURLS.iter().all(|purl| told.contains(purl)), "{told:?}");

    // The files are still all accounted for, each once.
    let key = judged.world.path("data/kiln/keys/local.pub").display().to_string();
    judged.world.kiln(["verify", "out", "--key", &key]).run().done();
    let listed = judged.world.kiln(["sbom", "out"]).run().done().stdout;
    assert!(listed.contains("requests 2.31.0  MIT  (in /srv/lib/requests-2.31.0.dist-info/METADATA)"), "{listed}");
    let why = judged.world.kiln(["why", "out", "/srv/lib"]).run().done().stdout;
    assert!(
        why.contains("source     app") && why.contains("tells of   requests 2.31.0, pkg:pypi/requests@2.31.0"),
        "{why}"
    );
}

#[test]
fn a_policy_changes_nothing_in_them_and_neither_does_the_store() {
    let judged = project();
    judged.build(&["-o", "oci:out"]).run().done();
    let documents = || ["cyclonedx", "spdx"].map(|form| bill(&judged, "out", form));
    let expected = documents();
    judged.policy("policy { warn \"licence\" { refuse \"AGPL-3.0-only\" } }");
    judged.build(&["-o", "oci:out"]).run().done();
    assert_eq!(purls(&bill(&judged, "out", "cyclonedx")), PURLS);
    judged.policy("");
    std::fs::remove_dir_all(judged.world.path("store")).unwrap();
    judged.build(&["-o", "oci:out", "-j", "1"]).run().done();
    assert_eq!(documents(), expected);
}

#[test]
fn a_bill_has_the_holes_of_its_image() {
    let judged = project();
    let of_pypi = |mut advisory: Value| {
        advisory["affected"][0]["package"] = json!({ "ecosystem": "PyPI", "name": "requests" });
        advisory["affected"][0]["ranges"][0] =
            json!({ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "2.32.0" }] });
        advisory
    };
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left"), of_pypi(advisory("GHSA-dddd-eeee-ffff", "requests"))]);
    judged.build(&["-o", "oci:out"]).run().done();
    let holes = |what: &str| -> BTreeSet<String> {
        let outcome = judged.scan(what, &["--format", "json"]).run().done().stdout;
        ["GHSA-aaaa-bbbb-cccc", "GHSA-dddd-eeee-ffff"]
            .map(str::to_owned)
            .into_iter()
            .filter(|id| outcome.contains(id))
            .collect()
    };
    assert_eq!(holes("out").len(), 2);
    for form in ["cyclonedx", "spdx"] {
        judged.world.write(&format!("{form}.json"), bill(&judged, "out", form).to_string());
        assert_eq!(holes(&format!("{form}.json")), holes("out"), "{form}");
    }
}

#[test]
fn what_a_base_has_is_told_and_what_is_hidden_is_not() {
    let judged = project();
    judged.build(&["-o", "oci:base"]).run().done();
    let above = "kiln 1\nsource \"below\" { oci \"base\" }\nimage \"registry.example.com/acme/above\" {\n    base \"below\"\n    \
                 remove \"/srv/node_modules\"\n}\n";
    judged.world.write("kiln.kdl", above);
    judged.build(&["-o", "oci:out"]).run().done();
    let document = bill(&judged, "out", "cyclonedx");
    let still_there: Vec<&str> = PURLS.into_iter().filter(|purl| !purl.starts_with("pkg:npm/")).collect();
    assert_eq!(purls(&document), still_there);
    let all = document["components"].as_array().unwrap();
    let requests = all.iter().find(|component| component["name"] == "requests").unwrap();
    let place = &requests["evidence"]["occurrences"][0]["location"];
    assert_eq!(place, "/srv/lib/requests-2.31.0.dist-info/METADATA");
}

#[test]
fn what_cannot_be_read_is_said() {
    let judged = project();
    judged.world.write("app/lib/broken.jar", b"PK\x03\x04 and no more");
    let outcome = judged.world.kiln(["build", "-o", "oci:out"]).run().done();
    assert!(
        outcome.stderr.contains("the bill of materials lacks what is in /srv/lib/broken.jar"),
        "{}",
        outcome.stderr
    );
    let document = bill(&judged, "out", "cyclonedx");
    assert!(document.to_string().contains("kiln:not-catalogued"));
    let image = &document["metadata"]["component"]["bom-ref"];
    let of_image = document["compositions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["assemblies"].as_array().unwrap().contains(image));
    assert_eq!(of_image.unwrap()["aggregate"], "incomplete");
}

#[test]
fn two_images_differ_in_them() {
    let judged = project();
    judged.build(&["-o", "oci:old"]).run().done();
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.3"));
    judged.build(&["-o", "oci:new"]).run().done();
    let outcome = judged.world.kiln(["diff", "old", "new"]).run().done().stdout;
    // The other place has the older one still.
    assert!(outcome.contains("~ left (npm) 1.2.2 → 1.2.2, 1.2.3"), "{outcome}");
}
