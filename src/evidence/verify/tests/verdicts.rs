//! Verdicts that are attached, and provenance of builders that kiln does not know.

use super::*;
use crate::evidence::provenance;

/// The text of a policy.
fn policy(text: &str) -> Digest {
    Digest::of(text)
}

/// A verdict of kiln's own form; each policy with whether it stood above the spec's.
fn verdict(day: &str, result: &str, policies: &[(&str, bool)]) -> Value {
    let told: Vec<Value> = policies
        .iter()
        .map(|(text, above)| json!({ "uri": format!("{text}.kdl"), "digest": { "sha256": policy(text).hex() }, "above": above }))
        .collect();
    json!({ "verifier": { "id": "urn:kiln:verifier:v1" }, "timeVerified": format!("{day}T00:00:00Z"),
        "resourceUri": "registry.example.com/acme/hello", "policy": { "uri": "urn:kiln:policy:list" },
        "verificationResult": result, "verifiedLevels": [], "kiln_policies": told })
}

fn with(verdicts: &[Value]) -> World {
    let mut world = World::complete();
    for verdict in verdicts {
        let about = vec![Subject::new(&world.image.digest)];
        world.attach(sign(&key(1), &Statement::new(about, predicate::VERDICT, verdict.clone())).unwrap());
    }
    world
}

#[test]
fn a_verdict_is_told_and_one_that_failed_is_a_denial() {
    let report = with(&[]).verify();
    assert!(report.verified && report.checks.iter().all(|check| check.id != ids::VERDICT));
    let report = with(&[verdict("2026-11-30", "PASSED", &[("company", true)])]).verify();
    assert!(report.verified, "{report:#?}");
    assert_eq!(outcome(&report, ids::VERDICT), (Outcome::Passed, "by company.kdl".into()));
    assert_eq!(outcome(&report, ids::VERDICT_PASSED), (Outcome::Passed, "of 2026-11-30T00:00:00Z".into()));
    // The newest counts, whatever was attached last.
    let (passed, failed) = (verdict("2026-11-29", "PASSED", &[]), verdict("2026-11-30", "FAILED", &[]));
    let mut world = with(&[failed.clone(), passed]);
    let report = world.verify();
    assert_eq!(outcome(&report, ids::VERDICT_PASSED).1, "it says FAILED of 2026-11-30T00:00:00Z");
    assert!(!report.verified && report.is_denied());
    world.referrers.remove(0);
    assert!(!world.verify().is_denied(), "something else is wrong too");
    let report = with(&[failed, verdict("2026-12-01", "PASSED", &[])]).verify();
    assert!(report.verified && !report.is_denied());
    // What nobody understands says nothing.
    let report = with(&[json!({ "verificationResult": "FAILED" })]).verify();
    assert!(report.verified);
    assert_eq!(outcome(&report, ids::VERDICT).0, Outcome::NotDone);
}

#[test]
fn a_verdict_must_be_by_the_policy_that_is_asked_for() {
    let wanted = [policy("company")];
    let by = |verdicts: &[Value]| {
        let report = with(verdicts).verify_by(Some(&wanted));
        (report.verified, outcome(&report, ids::VERDICT).1)
    };
    let others = "the verdict is not by this policy, above the spec's own, but by ";
    assert_eq!(by(&[]), (false, "there is no verdict of this key for this image".into()));
    let day = "2026-11-30";
    assert_eq!(
        by(&[verdict(day, "PASSED", &[("kiln", false), ("company", true)])]),
        (true, "by kiln.kdl, company.kdl".into())
    );
    assert_eq!(by(&[verdict(day, "PASSED", &[("other", true)])]), (false, format!("{others}other.kdl")));
    // A spec that includes the policy can accept what it denies.
    assert_eq!(by(&[verdict(day, "PASSED", &[("company", false)])]), (false, format!("{others}company.kdl")));
    // A newer verdict by others takes nothing away.
    let both = [verdict("2026-12-01", "FAILED", &[("other", true)]), verdict(day, "PASSED", &[("company", true)])];
    assert!(by(&both).0);
    // Other verifiers tell the one policy by which they judged.
    let mut foreign = verdict(day, "PASSED", &[]);
    foreign["policy"] = json!({ "uri": "https://example.com/policy", "digest": { "sha256": policy("company").hex() } });
    assert_eq!(by(&[foreign]), (true, "by https://example.com/policy".into()));
    // What another key signed is no verdict.
    let mut world = World::complete();
    let about = vec![Subject::new(&world.image.digest)];
    let passed = verdict(day, "PASSED", &[("company", true)]);
    world.attach(sign(&key(2), &Statement::new(about, predicate::VERDICT, passed)).unwrap());
    assert!(!world.verify_by(Some(&wanted)).verified);
}

#[test]
fn builders_of_all_kinds_of_provenance_are_read() {
    let payload = |kind: &str, predicate: Value| {
        serde_json::to_vec(&Statement::new(vec![Subject::new(&Digest::of("x"))], kind, predicate)).unwrap()
    };
    let of = |kind: &str, predicate: Value| provenance::builder(&payload(kind, predicate));
    let v1 = json!({ "buildDefinition": { "buildType": "https://actions.github.io/buildtypes/workflow/v1" },
        "runDetails": { "builder": { "id": "https://github.com/actions/runner/github-hosted" } } });
    assert_eq!(
        of(predicate::PROVENANCE, v1.clone()),
        Ok(("https://github.com/actions/runner/github-hosted".into(), false))
    );
    let v02 = json!({ "builder": { "id": "https://mobyproject.org/buildkit@v1" }, "buildType": "x" });
    assert_eq!(of(predicate::PROVENANCE_0_2, v02.clone()), Ok(("https://mobyproject.org/buildkit@v1".into(), false)));
    assert!(of(predicate::PROVENANCE, v02).is_err(), "the form of the other version");
    assert!(of(predicate::SPDX, v1).is_err());
    let own = serde_json::to_value(Provenance::of(&build())).unwrap();
    assert!(of(predicate::PROVENANCE, own).unwrap().1);
}

#[test]
fn provenance_counts_where_the_key_signed_it() {
    let mut world = World::complete();
    let about = || vec![Subject::new(&Digest::of("another image"))];
    let v02 = json!({ "builder": { "id": "https://example.com/builder" } });
    let own = vec![Subject::new(&world.image.digest)];
    world.attach(sign(&key(1), &Statement::new(own.clone(), predicate::PROVENANCE_0_2, v02.clone())).unwrap());
    world.attach(sign(&key(2), &Statement::new(own, predicate::PROVENANCE_0_2, v02.clone())).unwrap());
    world.attach(sign(&key(1), &Statement::new(about(), predicate::PROVENANCE_0_2, v02)).unwrap());
    let target = Target { digest: world.image.digest, kind: Kind::Index, referrers: world.referrers.clone() };
    let blob =
        |digest: &Digest, _: u64| world.blobs.borrow().get(digest).cloned().ok_or(io::ErrorKind::NotFound.into());
    let kinds = |number| {
        let key = key(number);
        let request = Request { key: key.public_key(), targets: Vec::new(), policy: None, blob: &blob };
        let found = provenance_of(&request, &target).into_iter();
        found.map(|statement| statement.predicate_type).collect::<Vec<_>>()
    };
    assert_eq!(kinds(1), [predicate::PROVENANCE, predicate::PROVENANCE_0_2]);
    assert_eq!(kinds(2), [predicate::PROVENANCE_0_2]);
}
