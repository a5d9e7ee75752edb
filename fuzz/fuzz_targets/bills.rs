//! Documents of others about images and checks: bills of materials, statements, bundles, VEX, and results of tests.
#![no_main]

use kiln::evidence::scan::Weight;
use kiln::evidence::sign::PublicKey;
use kiln::evidence::test_result::{Form, Report};
use kiln::evidence::verify::{check_signed, check_simple};
use kiln::evidence::{Bundle, Statement, Subject, claims, predicate, provenance, vex};
use kiln::oci::Digest;
use kiln_fuzz::{plant, within};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The image that documents are about.
const IMAGE: &str = "registry.example.com/acme/hello";

/// The key of the bundle among the seeds.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    PublicKey::from_pem(include_bytes!("../../src/evidence/sign/testdata/cosign.pub")).expect("it is a key")
});

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let Some((first, document)) = input.split_first() else { return };
    // A document of 1 MiB may be all small things.
    within(96, || match first % 10 {
        0 => claimed(claims::packages_of_document(document).ok().flatten()),
        1 => claimed(claims::packages(document, predicate::CYCLONEDX).ok()),
        2 => claimed(claims::packages(document, predicate::SPDX).ok()),
        3 => drop(claims::form(document, &[Digest::of("image")], &claims::OF_USE)),
        4 => statements(document),
        5 => bundle(document),
        6 => simple(document),
        7 => report(Form::Junit, document),
        8 => report(Form::Sarif, document),
        _ => drop(provenance::read(document)),
    });
});

fn claimed(packages: Option<Vec<claims::ClaimedPackage>>) {
    let packages = packages.unwrap_or_default();
    assert!(packages.is_sorted(), "{packages:?}");
    for package in packages {
        assert!(!package.name.is_empty() && !package.name.contains(char::is_control), "{package:?}");
    }
}

fn statements(document: &[u8]) {
    let hole = Weight {
        id: "CVE-2026-1".into(),
        package: "pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl".into(),
        ..Weight::default()
    };
    for statement in vex::read(document).into_iter().flat_map(|read| read.statements) {
        let _ = statement.is_about(&hole, &vex::Image { name: IMAGE, digests: &[] });
    }
}

fn bundle(document: &[u8]) {
    let _ = check_signed(document, &KEY);
    let Ok(bundle) = Bundle::from_json(document) else { return };
    let written = bundle.to_json();
    let again = Bundle::from_json(&written).expect("what was written can be read");
    // What logs and timestamps say is not written again.
    assert_eq!(Bundle { log_entries: 0, timestamps: 0, ..bundle }, again);
    assert!(
        again.read_back(&written).expect("what was written can be read").is_some_and(|read| read == again.signature)
    );
}

fn simple(document: &[u8]) {
    let (signature, document) = document.split_at(document.len().min(96));
    let signature = String::from_utf8_lossy(signature);
    assert!(check_simple(document, &signature, &KEY, &Digest::of("image")).is_err(), "nobody signed it");
}

fn report(form: Form, document: &[u8]) {
    let digest = Digest::of(document);
    if let Ok(report) = Report::read(form, digest, document) {
        assert_eq!(Ok(report), Report::read(form, digest, document).map_err(|error| error.to_string()));
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let golden = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    let cyclonedx = golden(include_str!("../../tests/golden/evidence/cyclonedx.json"));
    let spdx = golden(include_str!("../../tests/golden/evidence/spdx.json"));
    let provenance = golden(include_str!("../../tests/golden/evidence/provenance.json"));
    let product = json!([{ "@id": IMAGE, "subcomponents": [{ "@id": "pkg:deb/debian/libssl3t64" }] }]);
    let said =
        |status: &str| json!({ "vulnerability": { "name": "CVE-2026-1" }, "products": product, "status": status });
    let open_vex =
        json!({ "@context": "https://openvex.dev/ns/v0.2.0", "statements": [said("not_affected"), said("fixed")] });
    let vex = json!({
        "bomFormat": "CycloneDX",
        "components": [{ "bom-ref": "outer", "components": [{ "bom-ref": "ssl", "purl": "pkg:deb/debian/libssl3t64" }] }],
        "vulnerabilities": [{
            "id": "X-3", "references": [{ "id": "CVE-2026-1" }], "affects": [{ "ref": "ssl" }],
            "analysis": { "state": "not_affected", "justification": "code_not_reachable", "detail": "never called" },
        }],
    });
    let sarif = json!({ "version": "2.1.0", "runs": [{
        "tool": { "driver": { "name": "lint", "rules": [{ "id": "E1" }] } },
        "results": [
            { "ruleId": "E1", "level": "error", "suppressions": [{ "kind": "external", "status": "underReview" }] },
            { "ruleIndex": 0, "kind": "pass" }, { "rule": { "id": "R2" } },
        ],
        "invocations": [{ "executionSuccessful": false }],
    }] });
    let simple = json!({ "critical": {
        "identity": { "docker-reference": IMAGE }, "image": { "docker-manifest-digest": Digest::of("image").to_string() },
        "type": "cosign container image signature",
    } });
    const JUNIT: &[u8] = br#"<?xml version="1.0"?><testsuites tests="3"><testsuite name="unit">
        <testcase classname="a" name="b &amp; c"><failure message="&lt;no&gt;"><![CDATA[why]]></failure></testcase>
        <testcase name="d"><skipped/></testcase><testcase name="e" status="notrun"/></testsuite></testsuites>"#;
    const BUNDLE: &[u8] = include_bytes!("../../src/evidence/sign/testdata/cosign-bundle.json");
    let documents = [
        (0, cyclonedx.clone()),
        (0, spdx.clone()),
        (1, statement(predicate::CYCLONEDX, cyclonedx)),
        (2, statement(predicate::SPDX, spdx)),
        (3, statement(predicate::PROVENANCE, json!({}))),
        (4, open_vex),
        (4, vex),
        (8, sarif),
        (9, provenance),
    ];
    let documents = documents.into_iter().map(|(reader, document)| (reader, document.to_string().into_bytes()));
    let signed = ["=".repeat(96), simple.to_string()].concat().into_bytes();
    let others = [(5, BUNDLE.to_vec()), (6, signed), (7, JUNIT.to_vec())];
    documents.chain(others).map(|(reader, document)| [&[reader], document.as_slice()].concat()).collect()
}

fn statement(form: &str, predicate: Value) -> Value {
    serde_json::to_value(Statement::new(vec![Subject::new(&Digest::of("image"))], form, predicate)).expect("it is JSON")
}
