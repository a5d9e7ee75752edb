//! What a policy does to a build.

use super::{Judged, advisory, npm, private_key};
use crate::release::Releasing;
use crate::support::files;

#[test]
fn what_is_denied_goes_nowhere() {
    let judged = Judged::new("policy { deny \"secret\" }");
    judged.build(&["-o", "oci:before"]).run().done();
    judged.world.write("app/key.pem", private_key());
    let outcome = judged.build(&["-o", "oci:after", "-o", "oci:before", "--report", "report.json"]).run().code(5);
    assert!(!judged.world.project().join("after").exists());
    assert!(outcome.stdout.contains("DENIED on 2026-11-30: 1 denied"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("/srv/key.pem"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("kiln.kdl:4"), "the line that copies it: {}", outcome.stdout);
    // What stood there before stands there still.
    assert!(!files::holds(&judged.world.project().join("before"), b"key.pem"));
    let report: serde_json::Value = serde_json::from_slice(&judged.world.read("report.json")).unwrap();
    assert_eq!(report["images"], serde_json::json!([]));
    assert_eq!(report["verdicts"][0]["verdict"]["passed"], false);
    // The secret itself is told nowhere.
    let secret = private_key().lines().nth(3).unwrap().to_owned();
    assert!(!outcome.stdout.contains(&secret) && !report.to_string().contains(&secret));
    // The same again, which is remembered, is no better.
    judged.build(&["-o", "oci:after"]).run().code(5);
    judged.world.write("app/key.pem", "no key any more\n");
    judged.build(&["-o", "oci:after"]).run().done();
}

#[test]
fn nothing_of_a_denied_image_reaches_a_registry() {
    let releasing = Releasing::new();
    let project = releasing.site.world.project();
    let spec = std::fs::read_to_string(project.join("kiln.kdl")).unwrap();
    releasing.site.world.write("kiln.kdl", format!("{spec}\npolicy {{ deny \"missing-healthcheck\" }}\n"));
    releasing.registry.clear_log();
    let outcome = releasing.release("1.0", &[]).run().code(5);
    assert!(outcome.stdout.contains("missing-healthcheck"), "{}", outcome.stdout);
    assert_eq!(releasing.tag("1.0"), None);
    let writes: Vec<_> =
        releasing.registry.log().into_iter().filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD")).collect();
    assert!(writes.is_empty(), "{writes:?}");
    // As a warning it is told, and the verdict goes with the release.
    releasing.site.world.write("kiln.kdl", format!("{spec}\npolicy {{ warn \"missing-healthcheck\" }}\n"));
    let outcome = releasing.release("1.0", &[]).run().done();
    assert!(outcome.stdout.contains("PASSED") && outcome.stdout.contains("1 warned"), "{}", outcome.stdout);
    releasing.site.world.kiln(["verify", &releasing.reference("1.0"), "--key", &releasing.public_key()]).run().done();
}

#[test]
fn a_spec_cannot_weaken_a_policy_that_stands_above_it() {
    let accept = "accept \"missing-healthcheck\" reason=\"a command, not a service\"";
    let judged = Judged::new(&format!("policy {{ {accept} }}"));
    judged.world.write("company/policy.kdl", "kiln 1\npolicy { deny \"missing-healthcheck\" }\n");
    let above = ["--policy", "company/policy.kdl", "-o", "oci:out"];
    let outcome = judged.build(&above).run().code(5);
    assert!(outcome.stdout.contains("policy.kdl:2"), "{}", outcome.stdout);
    judged.world.write("company/policy.kdl", "kiln 1\npolicy { deny \"missing-healthcheck\" waivable=#true }\n");
    judged.build(&above).run().done();
    judged.world.write("company/policy.kdl", format!("kiln 1\npolicy {{ deny \"missing-healthcheck\"; {accept} }}\n"));
    judged.build(&above).run().done();
    // A policy that cannot be read is no policy that is met.
    judged.world.write("company/policy.kdl", "kiln 1\npolicy { deny \"missing-healthchek\" }\n");
    let outcome = judged.build(&above).run().code(2);
    assert!(outcome.stderr.contains("did you mean `missing-healthcheck`?"), "{}", outcome.stderr);
    judged.build(&["--policy", "nowhere.kdl"]).run().code(2);
    // A spec is none.
    let outcome = judged.build(&["--policy", "kiln.kdl"]).run().code(2);
    assert!(
        outcome.stderr.contains("`source` stands in a spec, and this is a policy of its own"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_acceptance_ends() {
    let judged = Judged::new(
        "policy { deny \"missing-healthcheck\"\naccept \"missing-healthcheck\" until=\"2026-11-30\" reason=\"soon\" }",
    );
    judged.build(&["-o", "oci:out"]).run().done();
    let outcome = judged.build(&["-o", "oci:out", "--as-of", "2026-12-01"]).run();
    assert_eq!(outcome.code, Some(2), "said twice: {}", outcome.stderr);
    let late = ["build", "--progress", "quiet", "--as-of", "2026-12-01", "-o", "oci:out"];
    let outcome = judged.world.kiln(late).run().code(5);
    assert!(outcome.stdout.contains("2026-11-30"), "{}", outcome.stdout);
}

#[test]
fn the_lock_pins_what_is_known_of_holes() {
    let judged = Judged::new("policy { deny \"vulnerability\" severity=\"critical\" }");
    let outcome = judged.build(&["-o", "oci:out"]).run().code(3);
    assert!(outcome.stderr.contains("make one with `kiln db update`"), "{}", outcome.stderr);
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.2"));
    judged.world.write("app/node_modules/right/package.json", npm("right", "1.2.3"));
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "other")]);
    judged.build(&["-o", "oci:out", "--locked"]).run().code(3);
    judged.build(&["-o", "oci:out"]).run().done();
    let lock = String::from_utf8(judged.world.read("kiln.lock")).unwrap();
    assert!(lock.contains("\nadvisories date=\"2026-11-20\" sha256=\""), "{lock}");
    // What was found out since is not known to a locked build: its verdict can be had again.
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left"), advisory("CVE-2026-7", "right")]);
    judged.build(&["-o", "oci:out", "--locked"]).run().done();
    judged.world.kiln(["lock", "--update", "advisories"]).run().done();
    let outcome = judged.build(&["-o", "oci:out", "--locked"]).run().code(5);
    assert!(outcome.stdout.contains("GHSA-aaaa-bbbb-cccc"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("update left to 1.2.3 or later"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("CVE-2026-7"), "it is fixed: {}", outcome.stdout);
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.2.3"));
    judged.build(&["-o", "oci:out", "--locked"]).run().done();
}

#[test]
fn a_document_says_that_a_hole_does_not_matter() {
    let judged = Judged::new("policy { deny \"vulnerability\"; vex \"app.openvex.json\" }");
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.0.0"));
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    let document = |status: &str| {
        let said = serde_json::json!({ "vulnerability": { "name": "GHSA-aaaa-bbbb-cccc" }, "status": status,
            "products": [{ "@id": "pkg:npm/left" }], "impact_statement": "never called" });
        serde_json::json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "statements": [said] }).to_string()
    };
    judged.build(&["-o", "oci:out"]).run().code(2);
    judged.world.write("app.openvex.json", document("affected"));
    judged.build(&["-o", "oci:out"]).run().code(5);
    judged.world.write("app.openvex.json", document("not_affected"));
    judged.build(&["-o", "oci:out"]).run().done();
    judged.world.write("app.openvex.json", "{}");
    let outcome = judged.build(&["-o", "oci:out"]).run().code(2);
    assert!(outcome.stderr.contains("neither OpenVEX nor CycloneDX"), "{}", outcome.stderr);
}

#[test]
fn two_builds_say_the_same_of_an_image() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" \"vulnerability\" \"root-user\" }");
    judged.world.write("app/node_modules/left/package.json", npm("left", "1.0.0"));
    // With one key: what is attached is told by digest, and signatures of others are other bytes.
    let statements = |jobs: &str| {
        judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
        judged.build(&["-j", jobs, "-o", "oci:out", "--verdict", "json:verdict.json"]).run().done();
        std::fs::remove_dir_all(judged.world.path("store")).unwrap();
        judged.world.read("verdict.json")
    };
    let first = statements("1");
    assert_eq!(first, statements("4"));
    assert!(String::from_utf8(first).unwrap().contains("GHSA-aaaa-bbbb-cccc"));
}
