//! The evidence of examples/hello as it lies in the layout, under foreign eyes.

use super::layout::Hello;
use super::sbom::Validators;
use super::tools::Tools;
use serde_json::Value;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn blob(digest: &Value) -> String {
    format!("oci/blobs/{}", digest.as_str().unwrap().replace(':', "/"))
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn cosign_verifies_everything_that_is_signed() {
    let hello = Hello::built();
    let mut kinds = vec![];
    for row in hello.json("oci/index.json")["manifests"].as_array().unwrap() {
        if row["artifactType"] != BUNDLE {
            continue;
        }
        let manifest = hello.json(&blob(&row["digest"]));
        let kind = row["annotations"]["dev.sigstore.bundle.predicateType"].as_str().unwrap();
        let (bundle, image) = (blob(&manifest["layers"][0]["digest"]), blob(&manifest["subject"]["digest"]));
        let verify = |key: &str| {
            let flags = ["--key", key, "--bundle", &bundle, "--type", kind, "--insecure-ignore-tlog", &image];
            Tools::sid().run(&hello.work(), &[&["cosign", "verify-blob-attestation"], flags.as_slice()].concat())
        };
        verify("hello.pub").done();
        kinds.push(kind.to_owned());
    }
    kinds.sort();
    let expected = [
        "https://cyclonedx.org/bom",
        "https://sigstore.dev/cosign/sign/v1",
        "https://slsa.dev/provenance/v1",
        "https://spdx.dev/Document",
    ];
    assert_eq!(kinds, expected);
}

#[test]
#[ignore = "needs root, a Debian mirror and the Python package index"]
fn the_bills_of_materials_satisfy_the_official_schemas() {
    let hello = Hello::built();
    let place = |name: &str| hello.work().join(name);
    for format in ["cyclonedx", "spdx"] {
        std::fs::write(place(format), hello.kiln(&["sbom", "oci", "--format", format])).unwrap();
    }
    std::fs::rename(place("cyclonedx"), place("cyclonedx.json")).unwrap();
    std::fs::rename(place("spdx"), place("spdx.json")).unwrap();
    Validators::install().check(&place("cyclonedx.json"), &place("spdx.json")).unwrap();
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn kiln_verifies_what_it_signed_and_explains_it() {
    let hello = Hello::built();
    hello.kiln(&["verify", "oci", "--key", "hello.pub"]);
    let verdict: Value =
        serde_json::from_str(&hello.kiln(&["verify", "oci", "--key", "hello.pub", "--format", "json"])).unwrap();
    assert!(verdict.is_object());
    assert!(hello.kiln(&["why", "oci", "/usr/bin/python3"]).contains("python3-minimal"));
    assert!(hello.kiln(&["why", "oci", "/srv/hello/hello.py"]).contains("project"));
    assert!(hello.kiln(&["provenance", "oci"]).contains("kiln.kdl"));
}
