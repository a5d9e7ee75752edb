//! The way to a signed release that README shows, on a machine of continuous integration.

use crate::building::{Site, archive};
use crate::support::deb::Mirror;

#[test]
fn without_a_key_it_is_an_error_that_says_what_to_do() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    let outcome = site.build().env("CI", "true").run().code(2);
    for word in ["kiln key generate", "--key", "KILN_KEY", "KILN_KEY_PASSWORD"] {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    assert!(!site.layout().exists());
    assert!(!site.world.path("data/kiln").exists());
}

#[test]
fn a_first_build_elsewhere_makes_a_local_key_and_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    let outcome = site.build().run().done();
    assert!(outcome.stdout.contains("a local key, made just now"), "{}", outcome.stdout);
    let key = site.world.path("data/kiln/keys/local.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    let layout = site.layout().to_str().unwrap().to_owned();
    let public = key.with_extension("pub");
    site.world.kiln(["verify", &layout, "--key", public.to_str().unwrap()]).run().done();
    let provenance = site.world.kiln(["provenance", &layout, "--format", "json"]).run().done().stdout;
    assert!(provenance.contains("urn:kiln:builder:local"), "{provenance}");
}

#[test]
fn from_nothing_to_a_verified_release() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    // Once, on somebody's machine.
    site.world.kiln(["key", "generate", "--output", "release"]).run().done();
    site.world.kiln(["lock"]).run().done();
    // In every run of CI: the key is a secret of the service, the rest is in the repository.
    let key = site.world.project().join("release.key").to_str().unwrap().to_owned();
    let release = ["build", "--locked", "-o", "oci-archive:hello.tar", "--report", "report.json"];
    site.world.kiln(release).env("CI", "true").env("KILN_KEY", &key).run().done();
    site.world.kiln(["verify", "hello.tar", "--key", "release.pub"]).run().done();
    let report: serde_json::Value = serde_json::from_slice(&site.world.read("report.json")).unwrap();
    assert!(report["images"][0]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(report["images"][0]["signer"]["local"], false);
    // Another key did not sign it, and a changed archive is another one.
    site.world.kiln(["key", "generate", "--output", "other"]).run().done();
    site.world.kiln(["verify", "hello.tar", "--key", "other.pub"]).run().code(6);
}
