//! `kiln scan`: images as they are, and bills of materials.

use super::{Judged, advisory, npm, private_key};
use kiln::oci::{Descriptor, media_type};
use serde_json::{Value, json};

#[test]
fn an_image_is_scanned_whoever_built_it() {
    let judged = Judged::new("");
    judged.world.write("app/key.pem", private_key());
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.2"));
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    judged.world.kiln(["build", "-o", "oci:out"]).run().done();
    let outcome = judged.scan("out", &[]).run().done();
    for said in ["GHSA-aaaa-bbbb-cccc", "/srv/key.pem", "update left to 1.2.3 or later", "PASSED"] {
        assert!(outcome.stdout.contains(said), "{said}: {}", outcome.stdout);
    }
    // Without a policy everything is told and nothing denied.
    judged.world.write("policy.kdl", "kiln 1\npolicy { deny \"vulnerability\" fixable=#true }\n");
    let outcome = judged.scan("out", &["--policy", "policy.kdl"]).run().code(5);
    assert!(outcome.stdout.contains("DENIED"), "{}", outcome.stdout);
    judged.world.write("policy.kdl", "kiln 1\npolicy { require \"sbom\"; require \"provenance\" }\n");
    // What anybody can attach proves nothing.
    let outcome = judged.scan("out", &["--policy", "policy.kdl"]).run().code(5);
    assert!(outcome.stdout.contains("the image has no bill of materials"), "{}", outcome.stdout);
    let key = judged.world.path("data/kiln/keys/local.pub").display().to_string();
    judged.scan("out", &["--policy", "policy.kdl", "--key", &key]).run().done();
}

#[test]
fn without_a_database_all_else_is_told() {
    let judged = Judged::new("");
    judged.world.write("app/key.pem", private_key());
    judged.world.kiln(["build", "-o", "oci:out"]).run().done();
    let outcome = judged.scan("out", &["--progress", "plain"]).run();
    assert_eq!(outcome.code, Some(2), "said twice");
    let outcome = judged.world.kiln(["scan", "out", "--as-of", "2026-11-30"]).run().done();
    assert!(outcome.stderr.contains("make one with `kiln db update`"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("/srv/key.pem"), "{}", outcome.stdout);
    // A verdict needs something that judges.
    let outcome = judged.build(&["--verdict", "json:x.json"]).run().code(2);
    assert!(outcome.stderr.contains("nothing judges the images"), "{}", outcome.stderr);
}

/// A bill of materials that anybody wrote does not take packages out of sight.
#[test]
fn what_an_image_says_of_itself_hides_nothing() {
    let judged = Judged::new("");
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.2"));
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    judged.world.kiln(["build", "-o", "oci:out"]).run().done();
    let whole = judged.scan("out", &["--format", "json"]).run().done().stdout;
    assert!(whole.contains("GHSA-aaaa-bbbb-cccc"), "{whole}");
    // The evidence says where the file comes from.
    let verdict: Value = serde_json::from_str(&whole).unwrap();
    assert!(verdict.to_string().contains("kiln.kdl"), "{whole}");
}

#[test]
fn a_bill_of_materials_is_enough_for_holes() {
    let judged = Judged::new("");
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    let left = "pkg:npm/left@1.0.0";
    let cyclonedx = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5",
        "components": [{ "type": "library", "name": "left", "version": "1.0.0", "purl": left }] });
    let spdx = json!({ "spdxVersion": "SPDX-2.3", "packages": [{ "SPDXID": "SPDXRef-left", "name": "left", "versionInfo": "1.0.0",
        "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": left }] }],
        "relationships": [{ "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-left" }] });
    for document in [cyclonedx, spdx] {
        judged.world.write("bill.json", document.to_string());
        let outcome = judged.scan("bill.json", &["--format", "json"]).run().done();
        let verdict: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert!(verdict.to_string().contains("GHSA-aaaa-bbbb-cccc"), "{}", outcome.stdout);
    }
    judged.world.write("bill.json", "{\"a\": 1}");
    judged.scan("bill.json", &[]).run().code(1);
    judged.world.write("bill.json", "{\"bomFormat\": \"CycloneDX\", \"components\": 7}");
    let outcome = judged.scan("bill.json", &[]).run().code(1);
    assert!(outcome.stderr.contains("cannot read the bill of materials"), "{}", outcome.stderr);
}

#[test]
fn every_form_is_written() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" }");
    let forms = ["text", "json", "sarif", "cyclonedx", "junit", "gitlab", "markdown", "html"];
    let outputs: Vec<String> = forms.iter().map(|form| format!("{form}:verdict.{form}")).collect();
    let arguments: Vec<&str> = outputs.iter().flat_map(|output| ["--verdict", output]).collect();
    judged.build(&[&["-o", "oci:out"], arguments.as_slice()].concat()).run().done();
    for form in forms {
        let text = String::from_utf8(judged.world.read(&format!("verdict.{form}"))).unwrap();
        // Two of them tell of holes alone.
        assert!(["cyclonedx", "gitlab"].contains(&form) || text.contains("healthcheck"), "{form}: {text}");
        if ["json", "sarif", "cyclonedx", "gitlab"].contains(&form) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
    let sarif: Value = serde_json::from_slice(&judged.world.read("verdict.sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&json!("kiln.kdl"), &json!(3)));
    judged.build(&["--verdict", "yaml:x"]).run().code(2);
}

/// A file that a layer above takes away can be read all the same.
#[test]
fn secrets_of_covered_layers_are_found() {
    let judged = Judged::new("");
    judged.world.write("app/key.pem", private_key());
    judged.world.kiln(["build", "-o", "oci:base"]).run().done();
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    let spec = "kiln 1\nsource \"below\" { oci \"base\" }\nimage \"registry.example.com/acme/above\" {\n    base \"below\"\n    \
                remove \"/srv/key.pem\"\n}\npolicy { deny \"secret\" }\n";
    judged.world.write("kiln.kdl", spec);
    let outcome = judged.build(&["-o", "oci:out"]).run().code(5);
    assert!(outcome.stdout.contains("/srv/key.pem"), "{}", outcome.stdout);
    judged.world.write("kiln.kdl", spec.replace("policy { deny \"secret\" }", ""));
    judged.world.kiln(["build", "-o", "oci:out"]).run().done();
    let outcome = judged.scan("out", &[]).run().done();
    assert!(outcome.stdout.contains("/srv/key.pem"), "{}", outcome.stdout);
}

/// An image as Docker would have built it: one layer, and lines of history.
fn foreign(judged: &Judged, history: &Value, annotations: &Value) {
    let layout = judged.world.project().join("foreign");
    std::fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    let put = |kind: &str, content: Vec<u8>| {
        let row = Descriptor::of(kind, &content);
        std::fs::write(layout.join("blobs/sha256").join(row.digest.hex()), content).unwrap();
        row
    };
    let layer = put(media_type::LAYER, tar::Builder::new(Vec::new()).into_inner().unwrap());
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "User": "65532" },
        "rootfs": { "type": "layers", "diff_ids": [layer.digest.to_string()] }, "history": history });
    let config = put(media_type::CONFIG, config.to_string().into_bytes());
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer],
        "annotations": annotations });
    let manifest = put(media_type::MANIFEST, manifest.to_string().into_bytes());
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    std::fs::write(layout.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
}

#[test]
fn the_history_of_an_image_of_others_is_judged() {
    let judged = Judged::new("");
    let history = json!([
        { "created_by": "ADD http://example.net/a.tgz /opt/ # buildkit" },
        { "created_by": "RUN /bin/sh -c curl -fsSL https://example.com/i.sh | sh # buildkit", "empty_layer": true },
        { "created_by": "CMD [\"/bin/sh\"]", "empty_layer": true },
    ]);
    foreign(&judged, &history, &json!({ "org.opencontainers.image.base.name": "docker.io/library/debian:latest" }));
    judged.world.write(
        "policy.kdl",
        "kiln 1\npolicy {\n    deny \"http-source\" \"network\" \"latest-tag\" \"unpinned-input\" \"unsigned-base\"\n    \
         deny \"foreign-host\" { only \"*.example.org\" \"docker.io\" \"example.com\" }\n}\n",
    );
    let outcome = judged.scan("foreign", &["--policy", "policy.kdl", "--format", "json"]).run().code(5);
    let verdict: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let denied = verdict["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] == "denied");
    let denied: Vec<(&str, &str)> = denied
        .map(|finding| (finding["rule"].as_str().unwrap(), finding["places"][0]["part"].as_str().unwrap()))
        .collect();
    let mut expected = vec![
        ("foreign-host", "history 1"),
        ("http-source", "history 1"),
        ("latest-tag", "annotation org.opencontainers.image.base.name"),
        ("network", "history 2"),
        ("unpinned-input", "annotation org.opencontainers.image.base.name"),
        ("unpinned-input", "history 1"),
        ("unpinned-input", "history 2"),
    ];
    let mut found = denied.clone();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{denied:?}");
    // kiln's own lines tell nothing: its provenance does.
    judged.build(&["-o", "oci:out"]).run().done();
    judged.scan("out", &["--policy", "policy.kdl"]).run().done();
}
