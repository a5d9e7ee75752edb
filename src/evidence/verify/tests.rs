use super::*;
use crate::evidence::fixtures::{inventory, key, staged};
use crate::evidence::inventory::Inventory;
use crate::evidence::provenance::Provenance;
use crate::evidence::provenance::tests::{build, staged_build};
use crate::evidence::sbom::Graph;
use crate::evidence::sign::{LocalKey, Signed, Signer as _, sign};
use crate::evidence::statement::{Nothing, Statement, Subject};
use crate::evidence::{Bundle, Identity, Referrer};
use serde_json::{Value, json};
use std::cell::RefCell;

mod verdicts;

/// An image with evidence, as it would lie in a registry that an attacker may write to.
struct World {
    image: Descriptor,
    inventory: Inventory,
    referrers: Vec<Descriptor>,
    blobs: RefCell<BTreeMap<Digest, Vec<u8>>>,
    files: Option<BTreeMap<String, Digest>>,
    index: bool,
}

impl World {
    fn bare() -> Self {
        let inventory = inventory();
        World {
            image: Descriptor::new(media_type::MANIFEST, inventory.image.digest, 12),
            files: Some(inventory.files.iter().map(|file| (file.path.clone(), file.sha256)).collect()),
            inventory,
            referrers: Vec::new(),
            blobs: RefCell::default(),
            index: false,
        }
    }

    /// Everything that a build attaches.
    fn complete() -> Self {
        let mut world = World::bare();
        for signed in world.evidence(&key(1)) {
            world.attach(signed);
        }
        world
    }

    fn evidence(&self, key: &LocalKey) -> [Signed; 4] {
        let graph = Graph::new(&self.inventory).unwrap();
        let subject = || vec![Subject::new(&self.image.digest)];
        let sign = |statement| sign(key, statement).unwrap();
        [
            sign(&Statement::signature(&self.image.digest)),
            super::super::sign::sign(key, &Statement::new(subject(), predicate::CYCLONEDX, graph.cyclonedx())).unwrap(),
            super::super::sign::sign(key, &Statement::new(subject(), predicate::SPDX, graph.spdx())).unwrap(),
            super::super::sign::sign(key, &Statement::new(subject(), predicate::PROVENANCE, Provenance::of(&build())))
                .unwrap(),
        ]
    }

    fn attach(&mut self, signed: Signed) {
        let referrer = Referrer::new(signed, &self.image, 0);
        self.put(&referrer.manifest);
        referrer.blobs.iter().for_each(|(_, blob)| {
            self.put(blob);
        });
        self.referrers.push(referrer.descriptor);
    }

    /// Attaches a test result of the right key.
    fn attach_result(&mut self, predicate: Value) {
        let about = vec![Subject::new(&self.image.digest)];
        self.attach(sign(&key(1), &Statement::new(about, predicate::TEST_RESULT, predicate)).unwrap());
    }

    /// Attaches any bytes as a bundle, with an honest manifest around them.
    fn attach_bytes(&mut self, bundle: Vec<u8>) {
        let digest = Digest::of(&bundle);
        self.attach(Signed {
            predicate_type: predicate::SIGNATURE.into(),
            predicate: Digest::of("{}"),
            bundle,
            digest,
        });
    }

    fn attach_manifest(&mut self, manifest: &[u8]) {
        self.put(manifest);
        self.referrers.push(Descriptor::of(media_type::MANIFEST, manifest));
    }

    fn put(&self, blob: &[u8]) -> Digest {
        let digest = Digest::of(blob);
        self.blobs.borrow_mut().insert(digest, blob.to_vec());
        digest
    }

    fn verify(&self) -> Report {
        self.verify_by(None)
    }

    fn verify_by(&self, policy: Option<&[Digest]>) -> Report {
        let key = key(1);
        let kind = if self.index { Kind::Index } else { Kind::Image { files: self.files.clone() } };
        let target = Target { digest: self.image.digest, kind, referrers: self.referrers.clone() };
        let blob = |digest: &Digest, limit: u64| {
            let blobs = self.blobs.borrow();
            let blob = blobs.get(digest).ok_or(io::ErrorKind::NotFound)?;
            if blob.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(blob.clone()) }
        };
        verify(&Request { key: key.public_key(), targets: vec![target], policy, blob: &blob })
    }
}

fn outcome(report: &Report, id: &str) -> (Outcome, String) {
    let check = report.checks.iter().find(|check| check.id == id).unwrap();
    (check.result, check.detail.clone().unwrap_or_default())
}

/// That a bundle with this content does not count as the image's signature, and for which reason.
#[track_caller]
fn assert_refused(bundle: Vec<u8>, reason: &str) {
    let mut world = World::bare();
    world.attach_bytes(bundle);
    let report = world.verify();
    assert_eq!(outcome(&report, ids::SIGNATURE).0, Outcome::Failed);
    assert!(!report.verified);
    assert!(report.refused[0].reason.contains(reason), "{}", report.refused[0].reason);
}

/// An honest signature, as JSON to be changed.
fn honest() -> Value {
    let world = World::bare();
    serde_json::from_slice(&sign(&key(1), &Statement::signature(&world.image.digest)).unwrap().bundle).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// Signs any payload of any type with the right key.
fn signed_payload(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let key = key(1);
    let digest = crate::evidence::pre_authentication_digest(payload_type, payload);
    let bundle = Bundle {
        payload_type: payload_type.into(),
        payload: payload.to_vec(),
        signature: key.sign(&digest).unwrap(),
        signer: Identity::Key { hint: key.public_key().hint() },
        log_entries: 0,
        timestamps: 0,
    };
    bundle.to_json()
}

#[test]
fn complete_evidence_verifies_and_says_what_was_not_checked() {
    let report = World::complete().verify();
    assert!(report.verified, "{report:#?}");
    assert!(report.refused.is_empty());
    let result = |wanted: Outcome| -> Vec<&str> {
        report.checks.iter().filter(|check| check.result == wanted).map(|check| check.id).collect()
    };
    let done = [
        ids::SIGNATURE,
        ids::PROVENANCE,
        ids::BUILD_TYPE,
        ids::CYCLONEDX,
        ids::CYCLONEDX_FILES,
        ids::SPDX,
        ids::SPDX_FILES,
    ];
    assert_eq!(result(Outcome::Passed), done);
    assert_eq!(result(Outcome::NotDone), [ids::LOG, ids::TIME, ids::REBUILD]);
    assert_eq!(outcome(&report, ids::SPDX_FILES).1, "11 files");
    assert!(report.checks.iter().all(|check| !check.what.is_empty()));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checks"][0]["id"], "signature");
    assert_eq!(json["checks"][0]["result"], "passed");
}

#[test]
fn each_piece_of_evidence_is_missed_when_it_is_gone() {
    for (i, id) in [ids::SIGNATURE, ids::CYCLONEDX, ids::SPDX, ids::PROVENANCE].into_iter().enumerate() {
        let mut world = World::complete();
        world.referrers.remove(i);
        let report = world.verify();
        assert!(!report.verified);
        let failed: Vec<_> = report.checks.iter().filter(|check| check.result == Outcome::Failed).collect();
        assert_eq!(failed.iter().map(|check| check.id).collect::<Vec<_>>(), [id]);
    }
    let report = World::bare().verify();
    assert!(!report.verified);
}

#[test]
fn nothing_to_verify_is_not_verified() {
    let key = key(1);
    let blob = |_: &Digest, _: u64| Err(io::ErrorKind::NotFound.into());
    assert!(!verify(&Request { key: key.public_key(), targets: vec![], policy: None, blob: &blob }).verified);
}

#[test]
fn results_of_checks_are_told_by_name_and_a_failure_is_one() {
    let told = |results: &[Value]| {
        let mut world = World::complete();
        results.iter().for_each(|result| world.attach_result(result.clone()));
        let report = world.verify();
        let checks = report.checks.iter().filter(|check| check.id == ids::TEST_RESULT);
        let told: Vec<_> = checks.map(|check| (check.result, check.detail.clone().unwrap())).collect();
        (report.verified, told)
    };
    let counts = json!({ "passed": 7, "warned": 1, "failed": 2, "skipped": 0, "unlisted": 0 });
    let result = |result: &str, name: &str| json!({ "result": result, "configuration": [], "kiln_check": { "name": name, "command": [], "counts": counts } });
    let numbers = "7 tests passed, 1 warned, 2 failed";
    assert_eq!(told(&[]), (true, vec![]));
    let (verified, both) = told(&[result("PASSED", "unit tests"), result("WARNED", "lint")]);
    let words = |name: &str| (Outcome::Passed, format!("{name}: {numbers}"));
    assert_eq!((verified, both), (true, vec![words("unit tests"), words("lint, with warnings")]));
    let (verified, one) = told(&[result("PASSED", "unit tests"), result("FAILED", "a\u{1b}[31m")]);
    assert_eq!((verified, &one[1]), (false, &(Outcome::Failed, format!("a\u{fffd}[31m: {numbers}"))));
    let foreign = json!({ "result": "FAILED", "configuration": [], "failedTests": ["x"] });
    let expected = "a check without a name: 0 tests passed, 0 warned, 1 failed".to_owned();
    assert_eq!(told(&[foreign]), (false, vec![(Outcome::Failed, expected)]));
    // One that cannot be read is not passed over: it might say that something failed.
    assert!(!told(&[json!({ "result": "FINE" })]).0);
    // Of another key it is nothing.
    let mut world = World::complete();
    let about = vec![Subject::new(&world.image.digest)];
    world.attach(sign(&key(2), &Statement::new(about, predicate::TEST_RESULT, result("FAILED", "x"))).unwrap());
    assert!(world.verify().verified);
}

#[test]
fn evidence_of_stages_verifies_when_each_check_has_its_result() {
    let mut world = World::bare();
    world.inventory = staged();
    world.files = Some(world.inventory.files.iter().map(|file| (file.path.clone(), file.sha256)).collect());
    let about = vec![Subject::new(&world.image.digest)];
    let [signature, cyclonedx, spdx, _] = world.evidence(&key(1));
    let provenance = Statement::new(about, predicate::PROVENANCE, Provenance::of(&staged_build()));
    for signed in [signature, cyclonedx, spdx, sign(&key(1), &provenance).unwrap()] {
        world.attach(signed);
    }
    let result = |stage: Option<&str>| json!({ "result": "PASSED", "configuration": [], "kiln_check": { "name": "unit tests", "stage": stage, "command": [] } });
    // A result of another stage's check is none of this one's.
    world.attach_result(result(None));
    let report = world.verify();
    assert!(!report.verified);
    let failed = report.checks.iter().find(|check| check.result == Outcome::Failed).unwrap();
    assert_eq!(failed.detail.as_deref(), Some("the provenance tells of unit tests, whose result is not there"));
    world.attach_result(result(Some("compile")));
    let report = world.verify();
    assert!(report.verified, "{report:#?}");
    assert_eq!(outcome(&report, ids::CYCLONEDX_FILES).1, "18 files");
}

#[test]
fn an_index_needs_no_bill_of_materials() {
    let mut world = World::complete();
    world.index = true;
    world.referrers.drain(1..3);
    let report = world.verify();
    assert!(report.verified, "{report:#?}");
    assert!(!report.checks.iter().any(|check| check.id == ids::SPDX));
}

#[test]
fn a_signed_bill_of_materials_is_not_the_signature_of_the_image() {
    let mut world = World::complete();
    world.referrers.remove(0);
    // Not even when manifest and descriptor claim that it is.
    let mut sbom = world.evidence(&key(1))[1].clone();
    sbom.predicate_type = predicate::SIGNATURE.into();
    world.attach(sbom);
    assert_eq!(outcome(&world.verify(), ids::SIGNATURE).0, Outcome::Failed);
}

#[test]
fn junk_beside_the_evidence_does_not_stand_in_its_way_and_is_told() {
    let mut world = World::complete();
    world.evidence(&key(2)).into_iter().for_each(|foreign| world.attach(foreign));
    world.attach_bytes(b"not json".to_vec());
    world.attach_manifest(b"not json");
    world.attach_manifest(&crate::oci::to_json(&Manifest::artifact(
        "application/vnd.example",
        Descriptor::of("text/plain", b"x"),
    )));
    world.referrers.push(Descriptor::of(media_type::MANIFEST, b"nowhere"));
    let report = world.verify();
    assert!(report.verified, "{report:#?}");
    assert_eq!(report.refused.len(), 7);
    assert_eq!(outcome(&report, ids::OTHER).0, Outcome::NotDone);
}

#[test]
fn another_key_is_refused_even_under_our_hint() {
    let world = World::bare();
    let statement = Statement::signature(&world.image.digest);
    let mut foreign: Value = serde_json::from_slice(&sign(&key(2), &statement).unwrap().bundle).unwrap();
    assert_refused(bytes(&foreign), "not one of this key");
    foreign["verificationMaterial"]["publicKey"]["hint"] = key(1).public_key().hint().into();
    assert_refused(bytes(&foreign), "not one of this key");
}

#[test]
fn a_signature_for_another_image_is_refused() {
    let other = sign(&key(1), &Statement::signature(&Digest::of("another image"))).unwrap();
    assert_refused(other.bundle, "not about this image");
    let digestless = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#;
    assert_refused(signed_payload(media_type::IN_TOTO, digestless.as_bytes()), "it is about nothing");
    let other_algorithm =
        digestless.replace("{}}]", &format!(r#"{{"md5":"{}"}}}}]"#, World::bare().image.digest.hex()));
    assert_refused(signed_payload(media_type::IN_TOTO, other_algorithm.as_bytes()), "md5:");
}

#[test]
fn a_swapped_subject_breaks_the_signature() {
    let world = World::bare();
    let signed = sign(&key(1), &Statement::signature(&Digest::of("another image"))).unwrap();
    let mut bundle = Bundle::from_json(&signed.bundle).unwrap();
    bundle.payload = serde_json::to_vec(&Statement::signature(&world.image.digest)).unwrap();
    assert_refused(bundle.to_json(), "not one of this key");
}

#[test]
fn every_change_of_a_byte_is_noticed() {
    let world = World::bare();
    let good = sign(&key(1), &Statement::signature(&world.image.digest)).unwrap().bundle;
    let key = key(1);
    let reference = check_signed(&good, key.public_key()).unwrap();
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i] ^= 1;
        // Whatever is still accepted says the same: the hint and unknown fields are not signed.
        if let Ok(statement) = check_signed(&bad, key.public_key()) {
            assert_eq!(statement, reference, "byte {i}");
        }
        assert!(check_signed(&good[..i], key.public_key()).is_err(), "length {i}");
    }
}

#[test]
fn exactly_one_signature_is_allowed() {
    let mut several = honest();
    let signature = several["dsseEnvelope"]["signatures"][0].clone();
    several["dsseEnvelope"]["signatures"] = json!([signature, signature]);
    assert_refused(bytes(&several), "it has 2 signatures");
    several["dsseEnvelope"]["signatures"] = json!([]);
    assert_refused(bytes(&several), "it has 0 signatures");
}

#[test]
fn only_bundles_with_a_key_and_an_envelope_count() {
    let mut certificate = honest();
    certificate["verificationMaterial"] = json!({"certificate": {"rawBytes": "MIIB"}});
    assert_refused(bytes(&certificate), "signed with a certificate");
    certificate["verificationMaterial"]["publicKey"] = json!({"hint": "x"});
    assert_refused(bytes(&certificate), "either a public key or a certificate");
    certificate["verificationMaterial"] = json!({});
    assert_refused(bytes(&certificate), "either a public key or a certificate");
    let mut message = honest();
    message.as_object_mut().unwrap().remove("dsseEnvelope");
    message["messageSignature"] = json!({"signature": "AAAA"});
    assert_refused(bytes(&message), "no DSSE envelope");
    let mut old = honest();
    old["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    assert_refused(bytes(&old), "is not the media type");
    let mut twice = String::from_utf8(bytes(&honest())).unwrap();
    twice.insert_str(1, r#""mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#);
    assert_refused(twice.into_bytes(), "duplicate field");
}

#[test]
fn the_type_of_the_payload_and_of_the_statement_must_be_right() {
    let statement = serde_json::to_vec(&Statement::signature(&World::bare().image.digest)).unwrap();
    assert_refused(signed_payload("application/json", &statement), "it signs a `application/json`");
    assert_refused(signed_payload(media_type::IN_TOTO, b"[]"), "no in-toto statement");
    let other = String::from_utf8(statement).unwrap().replace("Statement/v1", "Statement/v2");
    assert_refused(signed_payload(media_type::IN_TOTO, other.as_bytes()), "Statement/v2");
}

#[test]
fn another_predicate_type_is_not_a_signature() {
    let mut world = World::complete();
    world.referrers.remove(0);
    for kind in ["https://sigstore.dev/cosign/sign/v2", "", "https://cosign.sigstore.dev/attestation/v1"] {
        let statement = Statement::new(vec![Subject::new(&world.image.digest)], kind, Nothing {});
        world.attach(sign(&key(1), &statement).unwrap());
    }
    assert_eq!(outcome(&world.verify(), ids::SIGNATURE).0, Outcome::Failed);
}

#[test]
fn the_malleable_form_of_a_signature_is_no_other_statement() {
    // (r, n - s) verifies too, as everywhere with ECDSA; nothing is named by the bytes of a signature.
    let good = sign(&key(1), &Statement::signature(&Digest::of("x"))).unwrap();
    let mut bundle = Bundle::from_json(&good.bundle).unwrap();
    let signature = p256::ecdsa::Signature::from_der(&bundle.signature).unwrap();
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
    bundle.signature = other.to_der().as_bytes().to_vec();
    let key = key(1);
    let read = check_signed(&bundle.to_json(), key.public_key()).unwrap();
    assert_eq!(read, check_signed(&good.bundle, key.public_key()).unwrap());
}

#[test]
fn manifests_that_lie_are_refused() {
    let honest = sign(&key(1), &Statement::signature(&World::bare().image.digest)).unwrap();
    let refused = |change: &dyn Fn(&mut World, &mut Manifest)| {
        let mut world = World::bare();
        world.attach(honest.clone());
        let old = world.blobs.borrow()[&world.referrers[0].digest].clone();
        let mut manifest: Manifest = serde_json::from_slice(&old).unwrap();
        world.referrers.clear();
        change(&mut world, &mut manifest);
        world.attach_manifest(&crate::oci::to_json(&manifest));
        let report = world.verify();
        assert_eq!(outcome(&report, ids::SIGNATURE).0, Outcome::Failed);
        report.refused[0].reason.clone()
    };
    let other = Descriptor::of(media_type::MANIFEST, b"other");
    assert!(refused(&|_, m| m.subject = Some(other.clone())).contains("refers to another image"));
    assert!(refused(&|_, m| m.subject = None).contains("refers to another image"));
    assert!(refused(&|_, m| m.layers.clear()).contains("0 layers"));
    assert!(refused(&|_, m| m.layers.push(m.layers[0].clone())).contains("2 layers"));
    assert!(refused(&|_, m| m.layers[0].size += 1).contains("another content"));
    assert!(refused(&|_, m| m.layers[0].size -= 1).contains("cannot be read"));
    assert!(refused(&|_, m| m.layers[0].size = u64::MAX).contains("more than the limit"));
    // A registry that gives other bytes than were asked for.
    let lies = |world: &mut World, manifest: &mut Manifest| {
        let mut bundle = world.blobs.borrow()[&manifest.layers[0].digest].clone();
        bundle[100] ^= 1;
        world.blobs.borrow_mut().insert(manifest.layers[0].digest, bundle);
    };
    assert!(refused(&lies).contains("another content"));
    let mut world = World::complete();
    world.referrers.iter_mut().for_each(|referrer| referrer.size = MAX_MANIFEST + 1);
    assert!(!world.verify().verified);
}

#[test]
fn too_many_referrers_end_in_words_not_in_work() {
    let mut world = World::bare();
    let row = Descriptor::of(media_type::MANIFEST, b"nowhere");
    world.referrers = vec![row; MAX_REFERRERS + 5];
    let report = world.verify();
    assert_eq!(report.refused.len(), MAX_REFERRERS);
    assert!(outcome(&report, ids::OTHER).1.starts_with("5 "));
}

#[test]
fn the_listed_files_must_be_those_of_the_image() {
    let check = |change: &dyn Fn(&mut BTreeMap<String, Digest>)| {
        let mut world = World::complete();
        change(world.files.as_mut().unwrap());
        let report = world.verify();
        assert!(!report.verified);
        let (cyclonedx, spdx) = (outcome(&report, ids::CYCLONEDX_FILES), outcome(&report, ids::SPDX_FILES));
        assert_eq!(cyclonedx, spdx);
        assert_eq!(cyclonedx.0, Outcome::Failed);
        cyclonedx.1
    };
    let added = check(&|files| files.extend([("/bin/sh".to_owned(), Digest::of("sh"))]));
    assert_eq!(added, "/bin/sh is not listed");
    assert_eq!(check(&|files| files.retain(|path, _| path != "/srv/app")), "/srv/app is not in the image");
    let changed = check(&|files| files.extend([("/srv/app".to_owned(), Digest::of("evil"))]));
    assert_eq!(changed, "/srv/app has another content");
    assert!(check(&BTreeMap::clear).ends_with("; and 6 more differences"));

    let mut unread = World::complete();
    unread.files = None;
    let report = unread.verify();
    assert!(report.verified);
    assert_eq!(outcome(&report, ids::SPDX_FILES).0, Outcome::NotDone);
}

/// A complete world in which one bill of materials is another, signed with the right key.
fn with_sbom(position: usize, change: &dyn Fn(&mut Value)) -> Report {
    let mut world = World::complete();
    let signed = world.evidence(&key(1))[position].clone();
    let mut statement: Value = serde_json::from_slice(&Bundle::from_json(&signed.bundle).unwrap().payload).unwrap();
    change(&mut statement["predicate"]);
    let bundle = signed_payload(media_type::IN_TOTO, &bytes(&statement));
    world.referrers.remove(position);
    world.attach(Signed { digest: Digest::of(&bundle), bundle, ..signed });
    world.verify()
}

#[test]
fn a_bill_of_materials_about_another_image_does_not_count() {
    let hex = Digest::of("another image").hex();
    let report = with_sbom(1, &|sbom| sbom["metadata"]["component"]["hashes"][0]["content"] = hex.clone().into());
    assert!(outcome(&report, ids::CYCLONEDX).1.contains("another image"));
    let report = with_sbom(2, &|sbom| sbom["packages"][0]["checksums"][0]["checksumValue"] = hex.clone().into());
    assert!(outcome(&report, ids::SPDX).1.contains("another image"));
    // One that says nothing about what it describes.
    let report = with_sbom(1, &|sbom| sbom["metadata"]["component"]["hashes"] = json!([]));
    assert_eq!(outcome(&report, ids::CYCLONEDX).0, Outcome::Failed);
    let report = with_sbom(2, &|sbom| sbom["relationships"][0]["relationshipType"] = "OTHER".into());
    assert_eq!(outcome(&report, ids::SPDX).0, Outcome::Failed);
}

#[test]
fn a_bill_of_materials_of_another_form_does_not_count() {
    let report = with_sbom(1, &|sbom| sbom["specVersion"] = "1.4".into());
    assert!(outcome(&report, ids::CYCLONEDX).1.contains("1.4"));
    let report = with_sbom(2, &|sbom| sbom["spdxVersion"] = "SPDX-2.2".into());
    assert!(outcome(&report, ids::SPDX).1.contains("SPDX-2.2"));
    let report = with_sbom(1, &|sbom| *sbom = json!("nothing"));
    assert_eq!(outcome(&report, ids::CYCLONEDX).0, Outcome::Failed);
}

#[test]
fn a_file_without_owner_or_digest_or_listed_twice_is_noticed() {
    let orphan = |sbom: &mut Value| {
        let rows = sbom["relationships"].as_array_mut().unwrap();
        let last = rows.iter().rposition(|row| row["relationshipType"] == "CONTAINS").unwrap();
        rows.remove(last);
    };
    assert!(outcome(&with_sbom(2, &orphan), ids::SPDX).1.contains("has no owner"));
    let no_digest = |sbom: &mut Value| sbom["files"][0]["checksums"] = json!([]);
    assert!(outcome(&with_sbom(2, &no_digest), ids::SPDX).1.contains("no SHA-256"));
    let twice = |sbom: &mut Value| {
        let file = sbom["files"][0].clone();
        sbom["files"].as_array_mut().unwrap().push(file);
    };
    assert!(outcome(&with_sbom(2, &twice), ids::SPDX).1.contains("listed twice"));
    let no_digest = |sbom: &mut Value| sbom["components"][1]["components"][0]["hashes"] = json!([]);
    assert!(outcome(&with_sbom(1, &no_digest), ids::CYCLONEDX).1.contains("no SHA-256"));
}

#[test]
fn two_bills_of_one_form_must_both_hold() {
    let mut world = World::complete();
    let signed = world.evidence(&key(1))[1].clone();
    let mut statement: Value = serde_json::from_slice(&Bundle::from_json(&signed.bundle).unwrap().payload).unwrap();
    statement["predicate"]["components"] = json!([]);
    let bundle = signed_payload(media_type::IN_TOTO, &bytes(&statement));
    world.attach(Signed { digest: Digest::of(&bundle), bundle, ..signed });
    let report = world.verify();
    assert_eq!(outcome(&report, ids::CYCLONEDX_FILES).0, Outcome::Failed);
    assert_eq!(outcome(&report, ids::SPDX_FILES).0, Outcome::Passed);
}

#[test]
fn provenance_of_another_build_type_or_with_unknown_parameters_is_refused() {
    let report = with_sbom(3, &|provenance| provenance["buildDefinition"]["buildType"] = "https://example.com".into());
    assert!(outcome(&report, ids::BUILD_TYPE).1.contains("its build type is `https://example.com`"));
    let report = with_sbom(3, &|provenance| provenance["buildDefinition"]["externalParameters"]["x"] = 1.into());
    assert!(outcome(&report, ids::BUILD_TYPE).1.contains("unknown field `x`"));
    assert!(!report.verified);
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let mut deep = b"{\"mediaType\":\"x\",\"y\":".to_vec();
    deep.extend(std::iter::repeat_n(b'[', 100_000));
    assert_refused(deep, "not a sigstore bundle");
    let mut payload = serde_json::to_vec(&Statement::signature(&World::bare().image.digest)).unwrap();
    payload.truncate(payload.len() - 3);
    payload.extend(std::iter::repeat_n(b'[', 100_000));
    assert_refused(signed_payload(media_type::IN_TOTO, &payload), "no in-toto statement");
}

#[test]
fn the_page_about_verification_names_every_check() {
    let page = include_str!("../../../specs/verify.md");
    let mut world = World::complete();
    world.attach_manifest(&crate::oci::to_json(&Manifest::artifact("x", Descriptor::of("text/plain", b"x"))));
    world.attach_result(json!({ "result": "PASSED", "configuration": [] }));
    let report = world.verify();
    for check in &report.checks {
        assert!(page.contains(&format!("| `{}` |", check.id)), "{}", check.id);
    }
    let of_verdicts = [ids::VERDICT, ids::VERDICT_PASSED, ids::LEVEL];
    assert!(of_verdicts.iter().all(|id| page.contains(&format!("| `{id}` |"))));
    assert_eq!(page.matches("\n| `").count(), report.checks.len() + of_verdicts.len());
    for result in [Outcome::Passed, Outcome::Failed, Outcome::NotDone] {
        assert!(page.contains(&format!("\"result\": {}", serde_json::to_string(&result).unwrap())));
    }
}
