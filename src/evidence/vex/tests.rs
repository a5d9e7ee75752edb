use super::{Image, Status, VexError, read};
use crate::evidence::scan::Weight;
use crate::oci::Digest;
use jiff::civil::{Date, date};
use serde_json::json;

fn hole(package: &str) -> Weight {
    Weight {
        id: "CVE-2026-1".into(),
        aliases: vec!["GHSA-aaaa-bbbb-cccc".into()],
        package: package.into(),
        ..Weight::default()
    }
}

const OPENSSL: &str = "pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl";
const DAY: Date = date(2026, 11, 30);
const IMAGE: &str = "registry.example.com/acme/hello";

fn image() -> Image<'static> {
    Image { name: IMAGE, digests: &[] }
}

/// Whether a document with one OpenVEX statement waives a hole of OpenSSL.
fn waives(statement: serde_json::Value) -> bool {
    let document = json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "statements": [statement] });
    let statements = read(document.to_string().as_bytes()).expect("a document").statements;
    statements.iter().any(|said| said.is_about(&hole(OPENSSL), &image()) && said.waives(DAY))
}

#[test]
fn products_are_packages_or_images_with_parts() {
    let of = |products: serde_json::Value| {
        waives(json!({ "vulnerability": { "name": "CVE-2026-1" }, "products": products, "status": "not_affected" }))
    };
    assert!(of(json!([{ "@id": OPENSSL }])));
    assert!(of(json!([{ "@id": "pkg:deb/debian/libssl3t64" }])));
    assert!(of(json!([{ "@id": "pkg:deb/debian/libssl3t64@3.5.1-1" }])));
    assert!(of(json!([{ "@id": "pkg:deb/debian/libssl3t64?distro=debian-13" }])));
    assert!(of(json!([{ "@id": "other", "identifiers": { "purl": "pkg:deb/debian/libssl3t64" } }])));
    assert!(!of(json!([{ "@id": "pkg:deb/debian/libssl3t64@3.5.1-2" }])));
    assert!(!of(json!([{ "@id": "pkg:deb/debian/libssl3t64?distro=debian-12" }])));
    assert!(!of(json!([{ "@id": "pkg:deb/debian/libssl3" }])));
    assert!(!of(json!([{ "@id": "no purl at all" }])));
    // Of an image all packages are meant, or those that are named.
    assert!(of(json!([{ "@id": IMAGE }])));
    assert!(of(json!([{ "@id": "pkg:oci/hello@sha256%3Aab?repository_url=registry.example.com%2Facme%2Fhello" }])));
    assert!(!of(json!([{ "@id": "pkg:oci/hello?repository_url=registry.example.com%2Fothers%2Fhello" }])));
    assert!(of(json!([{ "@id": "pkg:oci/hello", "subcomponents": [{ "@id": "pkg:deb/debian/libssl3t64" }] }])));
    assert!(!of(json!([{ "@id": "pkg:oci/hello", "subcomponents": [{ "@id": "pkg:deb/debian/zlib1g" }] }])));
    assert!(!of(json!([{ "@id": "pkg:oci/others", "subcomponents": [{ "@id": "pkg:deb/debian/libssl3t64" }] }])));
}

#[test]
fn a_hole_is_known_by_all_its_names_and_only_two_states_waive() {
    let of = |name: &str, status: &str| waives(json!({ "vulnerability": { "name": name }, "status": status }));
    assert!(of("CVE-2026-1", "not_affected"));
    assert!(of("GHSA-aaaa-bbbb-cccc", "fixed"));
    assert!(!of("CVE-2026-2", "fixed"));
    assert!(!of("CVE-2026-1", "affected"));
    assert!(!of("CVE-2026-1", "under_investigation"));
    assert!(waives(json!({ "vulnerability": "CVE-2026-1", "status": "fixed" })), "as before 0.0.2");
    let aliases = json!({ "name": "X-1", "aliases": ["CVE-2026-1"] });
    assert!(waives(json!({ "vulnerability": aliases, "status": "fixed" })));
}

#[test]
fn cyclonedx_names_components_by_reference() {
    let document = json!({
        "bomFormat": "CycloneDX",
        "components": [{ "bom-ref": "outer", "components": [{ "bom-ref": "ssl", "purl": OPENSSL }] }],
        "vulnerabilities": [
            { "id": "CVE-2026-1", "analysis": { "state": "not_affected", "justification": "code_not_reachable",
              "detail": "never called" }, "affects": [{ "ref": "ssl" }] },
            { "id": "CVE-2026-2", "affects": [{ "ref": "ssl" }] },
            { "id": "X-3", "references": [{ "id": "CVE-2026-1" }], "analysis": { "state": "resolved" },
              "affects": [{ "ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:deb/debian/libssl3t64" }] },
            { "id": "CVE-2026-1", "analysis": { "state": "exploitable" }, "affects": [{ "ref": "elsewhere" }] },
        ],
    });
    let statements = read(document.to_string().as_bytes()).expect("a document").statements;
    let about: Vec<bool> = statements.iter().map(|said| said.is_about(&hole(OPENSSL), &image())).collect();
    assert_eq!(about, [true, true, false], "what nobody analysed says nothing");
    assert_eq!(statements[0].why.as_deref(), Some("never called"));
    assert_eq!((statements[0].status, statements[1].status), (Status::NotAffected, Status::Fixed));
}

#[test]
fn what_is_no_such_document_is_refused() {
    let refused = |text: &str| read(text.as_bytes()).expect_err("no document").to_string();
    assert_eq!(refused("{}"), "it is neither OpenVEX nor CycloneDX, in JSON");
    assert_eq!(refused(r#"{"@context": ["https://openvex.dev/ns"]}"#), "it is neither OpenVEX nor CycloneDX, in JSON");
    assert!(refused("").starts_with("it cannot be read: "));
    let said = json!({ "vulnerability": "CVE-2026-1", "status": "probably_fine" });
    let document = json!({ "@context": "https://openvex.dev/ns", "statements": [said] });
    assert!(refused(&document.to_string()).contains("unknown variant `probably_fine`"));
    let said = json!({ "vulnerability": "CVE-2026-1", "status": "fixed" });
    let document = json!({ "@context": "https://openvex.dev/ns", "statements": vec![said; 10_001] });
    assert!(matches!(read(document.to_string().as_bytes()), Err(VexError::TooMany(10_000))));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(refused(&deep).starts_with("it cannot be read: "));
}

#[test]
fn kilns_own_statements_end() {
    let of = |notes: &str| {
        let said = json!({ "vulnerability": "CVE-2026-1", "status": "not_affected", "status_notes": notes });
        let document =
            json!({ "@context": "https://openvex.dev/ns", "timestamp": "2026-11-01T00:00:00Z", "statements": [said] });
        let document = read(document.to_string().as_bytes()).expect("a document");
        assert_eq!(document.written, Some("2026-11-01T00:00:00Z".parse().unwrap()));
        document.statements[0].waives(DAY)
    };
    assert!(of("accepted until 2026-11-30") && of("accepted until 2026-12-01, or later"));
    assert!(!of("accepted until 2026-11-29"));
    assert!(of("accepted until further notice") && of("until 2020-01-01"));
}

#[test]
fn an_image_is_known_by_its_digest_whatever_it_is_called() {
    let of = |digest: &Digest| {
        let product = format!(
            "pkg:oci/hello@{}?repository_url=registry.example.com%2Facme%2Fhello",
            digest.to_string().replace(':', "%3A")
        );
        let said = json!({ "vulnerability": "CVE-2026-1", "status": "fixed", "products": [{ "@id": product }] });
        let document = json!({ "@context": "https://openvex.dev/ns", "statements": [said] });
        let known = [Digest::of("image")];
        let mirrored = Image { name: "mirror.example.com/others", digests: &known };
        read(document.to_string().as_bytes()).expect("a document").statements[0].is_about(&hole(OPENSSL), &mirrored)
    };
    assert!(of(&Digest::of("image")) && !of(&Digest::of("another")));
}
