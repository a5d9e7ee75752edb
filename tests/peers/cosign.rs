//! cosign 3 reads kiln's keys and verifies kiln's bundles, and the other way round.
//!
//! The program is Debian's, unpacked by kiln.

use super::tools::Tools;
use crate::support::http::{Reply, Seen, Server};
use kiln::evidence::sign::{KeyPair, LocalKey, PublicKey, Signer as _, generate, sign, write_key_pair};
use kiln::evidence::verify::check_signed;
use kiln::evidence::{Nothing, Referrer, Statement, Subject, predicate};
use kiln::oci::{Descriptor, Digest, Index, Manifest, media_type, to_json};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::Path;

const PASSPHRASE: &str = "a passphrase of kiln's tests";

struct Cosign {
    folder: tempfile::TempDir,
}

impl Cosign {
    fn new() -> Self {
        Cosign { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Standard output, or standard error where it refuses.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let passphrase = format!("COSIGN_PASSWORD={PASSPHRASE}");
        let all = [&["cosign"], arguments].concat();
        let outcome = Tools::sid().run_with(self.folder.path(), &passphrase, &all);
        if outcome.code == Some(0) { Ok(outcome.stdout) } else { Err(outcome.stderr) }
    }

    fn new_key(&self) -> (LocalKey, KeyPair) {
        let passphrase = SecretString::from(PASSPHRASE);
        let pair = generate(&passphrase);
        write_key_pair(&pair, &self.path("kiln.key"), &self.path("kiln.pub")).unwrap();
        (LocalKey::from_pem(pair.private_pem.as_bytes(), Some(&passphrase)).unwrap(), pair)
    }
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn cosign_reads_our_key_and_we_read_its() {
    let cosign = Cosign::new();
    let (_, pair) = cosign.new_key();
    assert_eq!(cosign.run(&["public-key", "--key", "kiln.key"]).unwrap().trim(), pair.public_pem.trim());

    cosign.run(&["generate-key-pair"]).unwrap();
    let read = |name: &str| std::fs::read(cosign.path(name)).unwrap();
    let key = LocalKey::from_pem(&read("cosign.key"), Some(&SecretString::from(PASSPHRASE))).unwrap();
    assert_eq!(*key.public_key(), PublicKey::from_pem(&read("cosign.pub")).unwrap());
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn cosign_verifies_our_attestations_and_we_its() {
    let cosign = Cosign::new();
    let (key, _) = cosign.new_key();
    std::fs::write(cosign.path("blob"), "some content").unwrap();
    let kind = "https://example.com/claim/v1";
    let statement = |content: &str| Statement::new(vec![Subject::new(&Digest::of(content))], kind, Nothing {});
    let verify = |bundle: &[u8]| {
        std::fs::write(cosign.path("bundle.json"), bundle).unwrap();
        let flags = ["--key", "kiln.pub", "--bundle", "bundle.json", "--type", kind, "--insecure-ignore-tlog", "blob"];
        cosign.run(&[&["verify-blob-attestation"], flags.as_slice()].concat())
    };
    let good = sign(&key, &statement("some content")).unwrap().bundle;
    verify(&good).unwrap();
    verify(&sign(&key, &statement("other content")).unwrap().bundle).unwrap_err();
    let mut bad = good;
    let place = bad.windows(7).position(|window| window == b"\"sig\":\"").unwrap() + 40;
    bad[place] = if bad[place] == b'A' { b'B' } else { b'A' };
    verify(&bad).unwrap_err();

    std::fs::write(cosign.path("predicate.json"), "{}").unwrap();
    let offline = ["--use-signing-config=false", "--tlog-upload=false", "--yes"];
    let what =
        ["--key", "kiln.key", "--predicate", "predicate.json", "--type", kind, "--bundle", "theirs.json", "blob"];
    cosign.run(&[&["attest-blob"], offline.as_slice(), what.as_slice()].concat()).unwrap();
    let read = check_signed(&std::fs::read(cosign.path("theirs.json")).unwrap(), key.public_key()).unwrap();
    assert!(read.is_about(&Digest::of("some content")));
    assert_eq!(read.predicate_type, kind);
}

/// A registry of one image that only reads, with the referrers API.
fn registry(image: &[u8], blobs: Vec<Vec<u8>>, referrers: Vec<Referrer>) -> Server {
    let rows = Index::new(referrers.iter().map(|referrer| referrer.descriptor.clone()).collect());
    let attached = referrers.into_iter().flat_map(|r| r.blobs.into_iter().map(|(_, blob)| blob).chain([r.manifest]));
    let blobs: BTreeMap<String, Vec<u8>> =
        blobs.into_iter().chain(attached).chain([image.to_vec()]).map(|b| (Digest::of(&b).to_string(), b)).collect();
    Server::start(move |seen: &Seen| {
        let path = seen.target.split('?').next().unwrap_or_default();
        let (place, name) = path.rsplit_once('/').unwrap_or_default();
        let of = |kind: &str, content: Vec<u8>| Reply::ok(content).with("Content-Type", kind);
        match (place, blobs.get(name)) {
            ("/v2", _) => Reply::ok("{}"),
            ("/v2/acme/hello/referrers", _) => of(media_type::INDEX, to_json(&rows)),
            ("/v2/acme/hello/manifests", Some(blob)) => {
                of(media_type::MANIFEST, blob.clone()).with("Docker-Content-Digest", name)
            }
            ("/v2/acme/hello/blobs", Some(blob)) => Reply::ok(blob.clone()),
            _ => Reply::new(404, "{}"),
        }
    })
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn cosign_verifies_our_image_signature_and_attestations_in_a_registry() {
    let cosign = Cosign::new();
    let (key, _) = cosign.new_key();
    let config = br#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    let image = to_json(&Manifest::image(Descriptor::of(media_type::CONFIG, config), vec![]));
    let subject = Descriptor::of(media_type::MANIFEST, &image);
    let document =
        |name| -> serde_json::Value { serde_json::from_slice(&std::fs::read(golden(name)).unwrap()).unwrap() };
    let attest = |kind, predicate| {
        let statement = Statement::new(vec![Subject::new(&subject.digest)], kind, predicate);
        Referrer::new(sign(&key, &statement).unwrap(), &subject, 1_700_000_000)
    };
    let referrers = vec![
        Referrer::new(sign(&key, &Statement::signature(&subject.digest)).unwrap(), &subject, 0),
        attest(predicate::CYCLONEDX, document("stages/cyclonedx.json")),
        attest(predicate::SPDX, document("stages/spdx.json")),
        attest(predicate::PROVENANCE, document("stages/provenance.json")["predicate"].clone()),
        attest(predicate::TEST_RESULT, document("stages/test-result.json")["predicate"].clone()),
    ];
    let server = registry(&image, vec![config.to_vec()], referrers);
    let host = server.url("").to_string().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let name = format!("{host}/acme/hello@{}", subject.digest);
    let flags = ["--key", "kiln.pub", "--insecure-ignore-tlog", "--allow-http-registry"];
    let verified = cosign.run(&[&["verify"], flags.as_slice(), &[&name]].concat()).unwrap();
    assert!(verified.contains(&subject.digest.to_string()), "{verified}");
    // For results of tests cosign has no short name.
    for kind in ["cyclonedx", "spdxjson", "slsaprovenance1", predicate::TEST_RESULT] {
        cosign.run(&[&["verify-attestation", "--type", kind], flags.as_slice(), &[&name]].concat()).unwrap();
    }
    let other = ["verify-attestation", "--type", "openvex"];
    cosign.run(&[other.as_slice(), flags.as_slice(), &[&name]].concat()).unwrap_err();
    // Another key than ours signed nothing here.
    cosign.run(&["generate-key-pair"]).unwrap();
    let foreign = flags.map(|flag| if flag == "kiln.pub" { "cosign.pub" } else { flag });
    cosign.run(&[&["verify"], foreign.as_slice(), &[&name]].concat()).unwrap_err();
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/evidence").join(name)
}
