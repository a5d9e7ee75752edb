//! Verdicts as part of what is verified, and what verdicts tell of evidence.

use super::Judged;
use kiln::evidence::sign::{LocalKey, sign};
use kiln::evidence::{Referrer, Statement, Subject, predicate};
use kiln::oci::{Descriptor, Digest};
use serde_json::{Value, json};
use std::fs;

const COMPANY: &str = "kiln 1\npolicy { deny \"secret\" }\n";

impl Judged {
    /// The public key of the user.
    fn key(&self) -> String {
        self.world.path("data/kiln/keys/local.pub").display().to_string()
    }

    /// The outcomes of checks, by id, for each image and index.
    fn checks(&self, arguments: &[&str], code: i32) -> Vec<(String, String)> {
        let key = self.key();
        let all = ["verify", "out", "--key", &key, "--format", "json"];
        let stdout = self.world.kiln(all.into_iter().chain(arguments.iter().copied())).run().code(code).stdout;
        let report: Value = serde_json::from_str(&stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        report["checks"].as_array().unwrap().iter().map(|check| (text(&check["id"]), text(&check["result"]))).collect()
    }
}

fn outcomes<'c>(checks: &'c [(String, String)], id: &str) -> Vec<&'c str> {
    checks.iter().filter(|(of, _)| of == id).map(|(_, outcome)| outcome.as_str()).collect()
}

#[test]
fn an_image_is_verified_by_the_policy_that_it_passed() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" }");
    judged.world.write("company/policy.kdl", COMPANY);
    judged.build(&["-o", "oci:out", "--policy", "company/policy.kdl"]).run().done();
    let checks = judged.checks(&["--policy", "company/policy.kdl"], 0);
    assert_eq!((outcomes(&checks, "verdict"), outcomes(&checks, "verdict-passed")), (vec!["passed"], vec!["passed"]));
    assert_eq!(outcomes(&judged.checks(&[], 0), "verdict"), ["passed"]);
    // By another policy, or another version of it.
    judged.world.write("other.kdl", "kiln 1\npolicy { deny \"secret\" \"setuid\" }\n");
    assert_eq!(outcomes(&judged.checks(&["--policy", "other.kdl"], 6), "verdict"), ["failed"]);
    judged.world.kiln(["verify", "out", "--key", &judged.key(), "--policy", "nowhere.kdl"]).run().code(2);
    // What a spec includes it can also weaken.
    judged.policy("include \"company/policy.kdl\"");
    judged.build(&["-o", "oci:out"]).run().done();
    assert_eq!(outcomes(&judged.checks(&["--policy", "company/policy.kdl"], 6), "verdict"), ["failed"]);
    // Nobody judged it.
    judged.policy("");
    judged.build(&["-o", "oci:out"]).run().done();
    assert_eq!(outcomes(&judged.checks(&[], 0), "verdict"), Vec::<&str>::new());
    judged.checks(&["--policy", "company/policy.kdl"], 6);
}

#[test]
fn a_verdict_that_denies_is_no_failure_of_a_signature() {
    let judged = Judged::new("");
    judged.build(&["-o", "oci:out"]).run().done();
    let layout = judged.world.project().join("out");
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let image = index["manifests"].as_array().unwrap().iter().find(|row| row["artifactType"].is_null()).unwrap();
    let image: Descriptor = serde_json::from_value(image.clone()).unwrap();
    let denied = json!({ "verifier": { "id": "https://example.com/verifier" }, "timeVerified": "2026-11-30T00:00:00Z",
        "resourceUri": "x", "policy": { "uri": "https://example.com/policy" }, "verificationResult": "FAILED",
        "verifiedLevels": ["FAILED"] });
    let key = fs::read(judged.world.path("data/kiln/keys/local.key")).unwrap();
    let key = LocalKey::from_pem(&key, None).unwrap();
    let statement = Statement::new(vec![Subject::new(&image.digest)], predicate::VERDICT, denied);
    let referrer = Referrer::new(sign(&key, &statement).unwrap(), &image, 0);
    let manifest = (Digest::of(&referrer.manifest), referrer.manifest);
    for (digest, blob) in referrer.blobs.into_iter().chain([manifest]) {
        fs::write(layout.join("blobs/sha256").join(digest.hex()), blob).unwrap();
    }
    let mut with = index.clone();
    with["manifests"].as_array_mut().unwrap().push(serde_json::to_value(&referrer.descriptor).unwrap());
    fs::write(layout.join("index.json"), with.to_string()).unwrap();
    let checks = judged.checks(&[], 5);
    assert_eq!((outcomes(&checks, "verdict"), outcomes(&checks, "verdict-passed")), (vec!["passed"], vec!["failed"]));
}

#[test]
fn a_level_is_reached_by_the_word_of_the_policy_alone() {
    let judged = Judged::new("policy { builder \"urn:kiln:builder:local\" level=3 }");
    let require = "kiln 1\npolicy { require \"provenance\" level=2 }\n";
    judged.world.write("company/policy.kdl", require);
    let build = ["-o", "oci:out", "--policy", "company/policy.kdl"];
    let outcome = judged.build(&build).run().code(5);
    assert!(outcome.stdout.contains("reaches SLSA level 1 of build, and not 2"), "{}", outcome.stdout);
    judged.world.write("company/policy.kdl", format!("{require}policy {{ builder \"urn:kiln:builder:*\" level=2 }}\n"));
    judged.build(&build).run().done();
    let checks = judged.checks(&["--policy", "company/policy.kdl"], 0);
    assert_eq!(outcomes(&checks, "provenance-level"), ["passed"]);
    let key = judged.key();
    judged.scan("out", &["--policy", "company/policy.kdl", "--key", &key]).run().done();
    judged.scan("out", &["--policy", "company/policy.kdl"]).run().code(5);
    // A key of the policy's own must be the one that signed.
    judged.world.write("company/ci.pub", fs::read(&key).unwrap());
    let of_ci = format!("{require}policy {{ builder \"urn:kiln:builder:local\" level=2 key=\"ci.pub\" }}\n");
    judged.world.write("company/policy.kdl", of_ci);
    judged.scan("out", &["--policy", "company/policy.kdl"]).run().done();
    judged.build(&build).run().done();
    let pair = judged.world.path("config/other");
    judged.world.kiln(["key", "generate", "--output", pair.to_str().unwrap()]).run().done();
    judged.world.write("company/ci.pub", fs::read(pair.with_extension("pub")).unwrap());
    judged.scan("out", &["--policy", "company/policy.kdl", "--key", &key]).run().code(5);
    judged.build(&build).run().code(5);
    assert_eq!(outcomes(&judged.checks(&["--policy", "company/policy.kdl"], 6), "provenance-level"), ["failed"]);
}

#[test]
fn verdicts_tell_what_is_attached() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" }");
    let read = |name: &str| serde_json::from_slice::<Value>(&judged.world.read(name)).unwrap();
    let kinds = |verdict: &Value| {
        let claims = verdict["attestations"].as_array().unwrap().iter();
        claims.map(|claim| claim["predicate"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    judged.build(&["-o", "oci:out", "--verdict", "json:built.json"]).run().done();
    let built = read("built.json");
    assert_eq!(kinds(&built), [predicate::CYCLONEDX, predicate::PROVENANCE, predicate::SPDX]);
    let key = judged.key();
    let pem = fs::read(&key).unwrap();
    let hint = kiln::evidence::sign::PublicKey::from_pem(&pem).unwrap().hint();
    assert_eq!(built["signatures"][0]["by"], json!(hint));
    // The summary names what it is based on, by the digests under which it is attached.
    let blobs = judged.world.project().join("out/blobs/sha256");
    for claim in built["attestations"].as_array().unwrap() {
        let digest = claim["digest"].as_str().unwrap().trim_start_matches("sha256:");
        assert!(blobs.join(digest).is_file(), "{claim}");
    }
    judged.scan("out", &["--key", &key, "--verdict", "json:scanned.json"]).run().done();
    let scanned = read("scanned.json");
    assert!(kinds(&scanned).contains(&predicate::VERDICT.to_owned()), "{scanned}");
    let verified = |verdict: &Value| {
        let claims =
            verdict["attestations"].as_array().unwrap().iter().chain(verdict["signatures"].as_array().unwrap());
        claims.map(|claim| claim["verified"].as_bool()).collect::<Vec<_>>()
    };
    assert!(verified(&scanned).iter().all(|verified| *verified == Some(true)), "{scanned}");
    judged.scan("out", &["--verdict", "json:scanned.json"]).run().done();
    assert!(verified(&read("scanned.json")).iter().all(Option::is_none));
}

#[test]
fn an_index_has_a_verdict_of_its_own() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" }");
    let spec = String::from_utf8(judged.world.read("kiln.kdl")).unwrap();
    let spec = spec.replace("    copy", "    platform \"linux/amd64\" \"linux/arm64\"\n    copy");
    judged.world.write("kiln.kdl", spec);
    judged.build(&["-o", "oci:out"]).run().done();
    let checks = judged.checks(&[], 0);
    assert_eq!(outcomes(&checks, "verdict-passed"), ["passed"; 3]);
}
