//! Releases to registries that fail: each ends well after another try, or in one clear error with exit code 7, and the
//! tag never moves early.

use super::{REPOSITORY, Releasing};
use crate::support::registry::{Fault, Manner, To, What};
use kiln::oci::Digest;

/// Releases over an older one while the registry misbehaves. Gives the exit code and what was said.
fn release(releasing: &Releasing, fault: Fault) -> (Option<i32>, String) {
    releasing.registry.behave();
    releasing.registry.misbehave(fault);
    let outcome = releasing.release("1.0", &[]).run();
    assert!(releasing.registry.has_misbehaved());
    (outcome.code, outcome.stderr)
}

fn changed(releasing: &Releasing, number: usize) -> Digest {
    releasing.site.world.write("app/main.py", format!("print({number})\n"));
    releasing.tag("1.0").unwrap()
}

#[test]
fn what_passes_is_tried_again() {
    let releasing = Releasing::new();
    releasing.release("1.0", &[]).run().done();
    let passing = [
        Fault::on("HEAD", What::Blob, Manner::Status(500)),
        Fault::on("POST", What::Upload, Manner::Status(503)),
        Fault::on("POST", What::Upload, Manner::StatusWith(429, vec![("Retry-After", "1".into())])),
        Fault::on("PUT", What::Upload, Manner::DropRequest(100)),
        Fault::on("PUT", What::Upload, Manner::Forget),
        Fault::on("PUT", What::Upload, Manner::Unanswered),
        Fault::on("PUT", What::Manifest, Manner::Status(502)),
        Fault::on("PUT", What::Manifest, Manner::Unanswered),
        Fault::on("GET", What::Manifest, Manner::DropAnswer(40)),
        Fault::on("GET", What::Referrers, Manner::DropAnswer(10)),
        Fault::on("GET", What::Blob, Manner::DropAnswer(100)),
    ];
    for (number, fault) in passing.into_iter().enumerate() {
        let before = changed(&releasing, number);
        let text = format!("{fault:?}");
        let (code, said) = release(&releasing, fault);
        assert_eq!(code, Some(0), "{text}: {said}");
        assert_ne!(releasing.tag("1.0"), Some(before), "{text}");
    }
}

#[test]
fn what_lasts_is_one_clear_error_and_the_tag_stands() {
    let releasing = Releasing::new();
    releasing.release("1.0", &[]).run().done();
    let foreign = Digest::of("another image");
    let lasting = [
        (Fault::on("HEAD", What::Blob, Manner::Status(401)).always(), "401"),
        (Fault::on("POST", What::Upload, Manner::Status(403)).always(), "403"),
        (Fault::on("POST", What::Upload, Manner::Status(404)).always(), "404"),
        (Fault::on("PUT", What::Upload, Manner::Status(409)).always(), "409"),
        (Fault::on("POST", What::Upload, Manner::Without("location")).always(), "Location"),
        (Fault::on("HEAD", What::Blob, Manner::Redirect(To::Itself)).always(), "redirect"),
        (Fault::on("GET", What::Manifest, Manner::OtherBytes).at("sha256:").always(), "sha256:"),
        (Fault::on("GET", What::Referrers, Manner::Endless).always(), "referrers"),
    ];
    for (number, (fault, word)) in lasting.into_iter().enumerate() {
        let before = changed(&releasing, number);
        let text = format!("{fault:?}");
        let (code, said) = release(&releasing, fault);
        assert_eq!(code, Some(7), "{text}: {said}");
        assert_eq!(said.trim().lines().count(), said.trim().lines().filter(|line| !line.is_empty()).count(), "{said}");
        assert!(said.to_lowercase().contains(&word.to_lowercase()), "{text}: {said}");
        assert!(said.contains(&releasing.registry.host()), "{text}: {said}");
        assert_eq!(releasing.tag("1.0"), Some(before), "{text}");
    }
    // Somebody else takes the tag at the moment in which it is set.
    releasing.registry.behave();
    releasing.registry.put_manifest(REPOSITORY, "application/vnd.oci.image.manifest.v1+json", b"another image", &[]);
    changed(&releasing, 100);
    let stolen = Fault::on("PUT", What::Manifest, Manner::ThenTag(REPOSITORY, "1.0", foreign)).at("/1.0");
    let (code, said) = release(&releasing, stolen);
    assert_eq!(code, Some(7), "{said}");
    // And without misbehaviour the next run ends it.
    releasing.registry.behave();
    releasing.release("1.0", &[]).run().done();
    assert_ne!(releasing.tag("1.0"), Some(foreign));
}
