//! `kiln rescan` with what other tools attach, and with registries that mean no good.

use super::{Judged, advisory};
use crate::support::program::Call;
use crate::support::registry::{Fault, Manner, Options, Registry, What};
use kiln::evidence::{Bundle, Identity};
use kiln::oci::{Descriptor, Digest, Index, Manifest, Platform, media_type};
use serde_json::{Value, json};

const CYCLONEDX: &str = "https://cyclonedx.org/bom";
const SPDX: &str = "https://spdx.dev/Document";

/// A machine that knows of a hole in `left`.
struct Rescan {
    judged: Judged,
    registry: Registry,
}

impl Rescan {
    fn new(options: Options) -> Self {
        let judged = Judged::new("");
        judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
        Rescan { judged, registry: Registry::start(options) }
    }

    fn call(&self, more: &[&str]) -> Call {
        let repository = format!("{}/acme/app", self.registry.host());
        let all = ["rescan", &repository, "--progress", "quiet", "--as-of", "2026-12-01", "--format", "json"];
        self.judged.world.kiln(all.into_iter().chain(more.iter().copied()))
    }

    #[track_caller]
    fn report(&self, more: &[&str], code: i32) -> Value {
        serde_json::from_str(&self.call(more).run().code(code).stdout).unwrap()
    }

    fn image(&self, layer: &[u8], tags: &[&str]) -> Descriptor {
        self.registry.put_image("acme/app", "linux/amd64", &[layer], tags)
    }
}

/// A bill of materials that names npm packages.
fn cyclonedx(packages: &[&str]) -> Value {
    let component = |name: &&str| json!({ "type": "library", "name": name, "version": "1.0.0", "purl": format!("pkg:npm/{name}@1.0.0") });
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": packages.iter().map(component).collect::<Vec<_>>() })
}

fn spdx(package: &str) -> Value {
    json!({ "spdxVersion": "SPDX-2.3", "packages": [{ "SPDXID": "SPDXRef-1", "name": package, "versionInfo": "1.0.0",
        "externalRefs": [{ "referenceType": "purl", "referenceLocator": format!("pkg:npm/{package}@1.0.0") }] }] })
}

pub(super) fn statement(about: &Digest, kind: &str, predicate: Value) -> Vec<u8> {
    let subject = json!([{ "name": "app", "digest": { "sha256": about.hex() } }]);
    let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": kind, "predicate": predicate });
    statement.to_string().into_bytes()
}

/// A bundle that nobody signed.
pub(super) fn bundle(payload: Vec<u8>) -> Vec<u8> {
    let signer = Identity::Key { hint: "nobody".into() };
    let payload_type = media_type::IN_TOTO.to_owned();
    Bundle { payload_type, payload, signature: vec![0], signer, log_entries: 0, timestamps: 0 }.to_json()
}

fn attach(registry: &Registry, image: &Descriptor, kind: &str, predicate: Value) {
    let bundle = bundle(statement(&image.digest, kind, predicate));
    registry.put_referrer("acme/app", image, media_type::SIGSTORE_BUNDLE, &bundle);
}

#[test]
fn all_tags_of_a_repository_are_looked_at_each_image_once() {
    for referrers in [true, false] {
        let rescan = Rescan::new(Options { referrers, page: 2, ..Options::default() });
        let one = rescan.image(b"one", &["1.0", "1", "latest"]);
        let two = rescan.image(b"two", &["2.0"]);
        attach(&rescan.registry, &one, CYCLONEDX, cyclonedx(&["left"]));
        attach(&rescan.registry, &two, SPDX, spdx("left"));
        // CycloneDX counts before SPDX, and of several bills none hides what another one names.
        attach(&rescan.registry, &one, SPDX, spdx("right"));
        attach(&rescan.registry, &one, CYCLONEDX, cyclonedx(&["right"]));
        rescan.registry.put_referrer("acme/app", &one, "text/plain", b"something else");
        let report = rescan.report(&[], 0);
        let images = report["images"].as_array().unwrap();
        assert_eq!((images.len(), &report["totals"]["new"]), (2, &json!(2)), "{report:#}");
        let first = images.iter().find(|image| image["digest"] == json!(one.digest)).unwrap();
        assert_eq!(first["tags"], json!(["1", "1.0", "latest"]));
        assert_eq!((&first["packages"], first["bills"].as_array().unwrap().len()), (&json!(2), 2));
        assert_eq!(first["holes"][0]["id"], "GHSA-aaaa-bbbb-cccc");
        rescan.report(&["--deny-new"], 5);
    }
}

#[test]
fn the_images_of_an_index_are_judged_one_by_one() {
    let rescan = Rescan::new(Options::default());
    let image = rescan.image(b"one", &[]);
    let statement = statement(&image.digest, SPDX, spdx("left"));
    let registry = &rescan.registry;
    registry.put_blob("acme/app", statement.clone());
    registry.put_blob("acme/app", "{}");
    let config = Descriptor::of(media_type::CONFIG, b"{}");
    let manifest = Manifest::image(config, vec![Descriptor::of(media_type::IN_TOTO, &statement)]);
    let told = serde_json::to_vec(&manifest).unwrap();
    let mut told = registry.put_manifest("acme/app", media_type::MANIFEST, &told, &[]);
    told.platform = Some(Platform { architecture: "unknown".into(), os: "unknown".into(), variant: None });
    told.annotations = [
        ("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned()),
        ("vnd.docker.reference.digest".to_owned(), image.digest.to_string()),
    ]
    .into();
    let inner = registry.put_index("acme/app", &[image.clone(), told], &[]);
    let outer = serde_json::to_vec(&Index::new(vec![inner])).unwrap();
    registry.put_manifest("acme/app", media_type::INDEX, &outer, &["latest"]);
    let report = rescan.report(&[], 0);
    assert_eq!(report["totals"]["images"], 1, "{report:#}");
    let found = &report["images"][0];
    assert_eq!((&found["digest"], &found["platform"]["architecture"]), (&json!(image.digest), &json!("amd64")));
    assert_eq!((&found["tags"], &found["holes"][0]["id"]), (&json!(["latest"]), &json!("GHSA-aaaa-bbbb-cccc")));
}

const SCAN: &str = "https://in-toto.io/attestation/vulns/v0.2";

/// A scan of a day that found a hole in `left`.
fn scan(day: &str, id: &str) -> Value {
    let time = format!("{day}T00:00:00Z");
    json!({
        "scanner": { "uri": "pkg:generic/other", "db": { "lastUpdate": time },
            "result": [{ "id": id, "severity": [], "annotations": [{ "package": "pkg:npm/left@1.0.0" }] }] },
        "metadata": { "scanStartedOn": time, "scanFinishedOn": time },
    })
}

/// Scans look into files, which bills of materials may not do.
#[test]
fn packages_of_the_last_scan_are_not_forgotten() {
    let rescan = Rescan::new(Options::default());
    let image = rescan.image(b"one", &["1"]);
    attach(&rescan.registry, &image, CYCLONEDX, cyclonedx(&["right"]));
    attach(&rescan.registry, &image, SCAN, scan("2026-11-30", "GHSA-aaaa-bbbb-cccc"));
    attach(&rescan.registry, &image, SCAN, scan("2026-11-29", "CVE-2026-9"));
    attach(&rescan.registry, &image, SCAN, json!({ "scanner": 1 }));
    let outcome = rescan.call(&[]).run().done();
    assert!(outcome.stderr.contains("is left out, as it cannot be read"), "{}", outcome.stderr);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let image = &report["images"][0];
    assert_eq!(image["last"]["time"], "2026-11-30T00:00:00Z", "{report:#}");
    assert_eq!((&image["holes"][0]["id"], &image["holes"][0]["new"]), (&json!("GHSA-aaaa-bbbb-cccc"), &json!(false)));
    assert_eq!((&image["packages"], &image["gone"]), (&json!(1), &json!([])));
}

#[test]
fn a_hole_is_known_by_any_of_its_names() {
    let rescan = Rescan::new(Options::default());
    let mut renamed = advisory("GHSA-aaaa-bbbb-cccc", "left");
    renamed["aliases"] = json!(["CVE-2026-77"]);
    rescan.judged.database(&[renamed, advisory("CVE-2026-78", "left")]);
    for (known, gone) in [("GHSA-aaaa-bbbb-cccc", 0), ("CVE-2026-77", 0), ("CVE-2026-9", 1)] {
        let image = rescan.image(known.as_bytes(), &["1"]);
        attach(&rescan.registry, &image, CYCLONEDX, cyclonedx(&["left"]));
        attach(&rescan.registry, &image, SCAN, scan("2026-11-30", known));
        let report = rescan.report(&[], 0);
        let totals = &report["totals"];
        assert_eq!((&totals["new"], &totals["gone"]), (&json!(1 + gone), &json!(gone)), "{known}: {report:#}");
    }
}

#[test]
fn an_image_that_nobody_can_judge_does_not_look_clean() {
    let rescan = Rescan::new(Options::default());
    let (good, bad) = (rescan.image(b"one", &["1"]), rescan.image(b"two", &["2"]));
    attach(&rescan.registry, &good, CYCLONEDX, cyclonedx(&["left"]));
    let report = rescan.report(&[], 5);
    assert_eq!((&report["totals"]["unjudged"], &report["totals"]["new"]), (&json!(1), &json!(1)), "{report:#}");
    rescan.report(&["--allow-unjudged"], 0);
    // One that is about another image, and one that is larger than any.
    let bundle = bundle(statement(&good.digest, CYCLONEDX, cyclonedx(&["right"])));
    rescan.registry.put_referrer("acme/app", &bad, media_type::SIGSTORE_BUNDLE, &bundle);
    let huge = Descriptor::new(media_type::SIGSTORE_BUNDLE, Digest::of("huge"), 1 << 40);
    let mut manifest = Manifest::artifact(media_type::SIGSTORE_BUNDLE, huge);
    manifest.subject = Some(bad.clone());
    rescan.registry.put_manifest("acme/app", media_type::MANIFEST, &serde_json::to_vec(&manifest).unwrap(), &[]);
    assert_eq!(rescan.report(&[], 5)["totals"]["unjudged"], 1);
    attach(&rescan.registry, &bad, CYCLONEDX, json!({ "components": 7 }));
    let report = rescan.report(&["--allow-unjudged"], 7);
    assert_eq!((&report["totals"]["unreadable"], &report["totals"]["new"]), (&json!(1), &json!(1)), "{report:#}");
    // Nothing is judged without a database.
    let other = Judged::new("");
    let repository = format!("{}/acme/app", rescan.registry.host());
    let outcome = other.world.kiln(["rescan", &repository]).run().code(3);
    assert!(outcome.stderr.contains("kiln db update") && outcome.stderr.contains("kiln db pull"), "{}", outcome.stderr);
    let outcome = other.world.kiln(["rescan", "hello"]).run().code(3);
    assert!(outcome.stdout.is_empty());
    let outcome = rescan.judged.world.kiln(["rescan", "hello"]).run().code(2);
    assert!(outcome.stderr.contains("named with its registry"), "{}", outcome.stderr);
}

#[test]
fn what_a_registry_does_wrong_stops_no_other_image() {
    let next = "</v2/acme/app/tags/list?n=1>; rel=\"next\"".to_owned();
    let faults = [
        Fault::on("GET", What::Blob, Manner::OtherBytes).always(),
        Fault::on("GET", What::Blob, Manner::OtherLength(1)).always(),
        Fault::on("GET", What::Referrers, Manner::Status(403)).always(),
        Fault::on("GET", What::Referrers, Manner::Endless).always(),
        Fault::on("HEAD", What::Manifest, Manner::Status(403)).always(),
        Fault::on("GET", What::Tags, Manner::With("Link", next)).always(),
        Fault::on("GET", What::Tags, Manner::Status(404)).always(),
    ];
    for fault in faults {
        let rescan = Rescan::new(Options::default());
        let image = rescan.image(b"one", &["1"]);
        attach(&rescan.registry, &image, CYCLONEDX, cyclonedx(&["left"]));
        let sound = rescan.registry.put_image("acme/sound", "linux/amd64", &[b"two"], &["1"]);
        let bill = bundle(statement(&sound.digest, CYCLONEDX, cyclonedx(&["left"])));
        rescan.registry.put_referrer("acme/sound", &sound, media_type::SIGSTORE_BUNDLE, &bill);
        let case = format!("{fault:?}");
        rescan.registry.misbehave(fault.at("acme/app"));
        let sound = format!("{}/acme/sound", rescan.registry.host());
        let outcome = rescan.call(&[&sound]).run();
        assert_eq!(outcome.code, Some(7), "{case}: {}{}", outcome.stdout, outcome.stderr);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(
            (&report["totals"]["unreadable"], &report["totals"]["new"]),
            (&json!(1), &json!(1)),
            "{case}: {report:#}"
        );
    }
}
