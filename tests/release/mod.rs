//! Releases: what reaches a registry, in which order, and what it says.

mod access;
mod faults;
mod killed;
mod proxied;
mod told;

use crate::building::{Site, archive};
use crate::support::deb::Mirror;
use crate::support::program::Call;
use crate::support::registry::{Options, Registry};
use kiln::oci::Digest;
use std::sync::OnceLock;

/// A project with a key, whose image goes to a registry.
pub struct Releasing {
    pub site: Site,
    pub registry: Registry,
}

const REPOSITORY: &str = "acme/hello";

impl Releasing {
    pub fn to(registry: Registry) -> Self {
        static MIRROR: OnceLock<Mirror> = OnceLock::new();
        let site = Site::of(MIRROR.get_or_init(|| Mirror::of(&archive()))).with_new_key();
        Releasing { site, registry }
    }

    pub fn new() -> Self {
        Releasing::to(Registry::start(Options::default()))
    }

    pub fn reference(&self, tag: &str) -> String {
        format!("{}/{REPOSITORY}:{tag}", self.registry.host())
    }

    /// Builds and releases under a tag.
    pub fn release(&self, tag: &str, more: &[&str]) -> Call {
        let reference = self.reference(tag);
        let arguments = ["build", "--progress", "quiet", "--push", "-t", &reference];
        self.site.world.kiln(arguments.into_iter().chain(more.iter().copied()))
    }

    pub fn tag(&self, tag: &str) -> Option<Digest> {
        self.registry.tag(REPOSITORY, tag)
    }

    pub fn public_key(&self) -> String {
        self.site.key.with_extension("pub").display().to_string()
    }

    /// A layout with the image, to be pushed.
    pub fn layout(&self) -> String {
        self.site.build().run().done();
        self.site.layout().display().to_string()
    }
}

#[test]
fn a_release_says_what_it_did_and_can_be_verified_from_anywhere() {
    let releasing = Releasing::new();
    let outcome = releasing.release("1.0", &[]).run().done();
    let host = releasing.registry.host();
    assert!(!releasing.site.world.project().join("kiln-out").exists());
    let digest = releasing.tag("1.0").unwrap();
    for said in [
        format!("  pushed     {host}/acme/hello@{digest}\n"),
        "; verified there\n".to_owned(),
        format!("  released   {host}/acme/hello:1.0 (new)\n"),
        format!("kiln verify {host}/acme/hello@{digest} --key"),
    ] {
        assert!(outcome.stdout.contains(&said), "{said}: {}", outcome.stdout);
    }
    // Somebody else, who has nothing but the public key.
    let other = Releasing::new();
    let key = releasing.public_key();
    for name in [releasing.reference("1.0"), format!("{host}/acme/hello@{digest}")] {
        other.site.world.kiln(["verify", &name, "--key", &key]).run().done();
        other.site.world.kiln(["verify", &name, "--key", &other.public_key()]).run().code(6);
    }
    let name = releasing.reference("1.0");
    let show = |arguments: &[&str]| other.site.world.kiln(arguments.iter().copied()).run().done().stdout;
    assert!(show(&["sbom", &name]).contains("libhello1"));
    assert!(show(&["provenance", &name]).contains("kiln.kdl"));
    assert!(show(&["why", &name, "/usr/bin/hello"]).contains("hello"));
    assert!(show(&["diff", &name, &name, "--format", "json"]).contains("\"same\": true"));
}

#[test]
fn a_second_release_of_the_same_sends_nothing_and_moves_nothing() {
    let releasing = Releasing::new();
    releasing.release("1.0", &[]).run().done();
    releasing.registry.clear_log();
    let again = releasing.release("1.0", &["--no-clobber"]).run().done();
    assert!(again.stdout.contains("all was there") && again.stdout.contains(":1.0 (unchanged)"), "{}", again.stdout);
    let writes: Vec<_> = releasing.registry.log().into_iter().filter(|seen| !is_read(&seen.method)).collect();
    assert!(writes.is_empty(), "{writes:?}");
    // A second tag is one write.
    releasing.registry.clear_log();
    releasing.release("latest", &[]).run().done();
    let writes: Vec<_> = releasing.registry.log().into_iter().filter(|seen| !is_read(&seen.method)).collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(releasing.tag("latest"), releasing.tag("1.0"));
}

fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

#[test]
fn tags_move_last_and_several_at_once() {
    let releasing = Releasing::new();
    let second = releasing.reference("latest");
    releasing.release("1.0", &["-t", &second]).run().done();
    let log = releasing.registry.log();
    let is_tag = |target: &str| target.ends_with("/manifests/1.0") || target.ends_with("/manifests/latest");
    let first_tag = log.iter().position(|seen| seen.method == "PUT" && is_tag(&seen.target)).unwrap();
    let last_other = log.iter().rposition(|seen| !is_read(&seen.method) && !is_tag(&seen.target)).unwrap();
    assert!(last_other < first_tag);
    // Between the last write and the first tag everything was read again.
    let between = &log[last_other..first_tag];
    for what in ["/manifests/sha256:", "/referrers/sha256:", "/blobs/sha256:"] {
        assert!(between.iter().any(|seen| seen.target.contains(what) && is_read(&seen.method)), "{what}");
    }
    assert_eq!(releasing.tag("1.0"), releasing.tag("latest"));
}

#[test]
fn a_tag_that_must_not_move_stays_and_nothing_is_sent() {
    let releasing = Releasing::new();
    releasing.release("1.0", &[]).run().done();
    let before = releasing.tag("1.0");
    releasing.site.world.write("app/main.py", "print('other')\n");
    releasing.registry.clear_log();
    let refused = releasing.release("1.0", &["--no-clobber"]).run().code(1);
    assert!(refused.stderr.contains("--no-clobber"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    assert!(releasing.registry.log().iter().all(|seen| is_read(&seen.method)));
    assert_eq!(releasing.tag("1.0"), before);
    // Without, it moves, and the report says from where.
    let moved = releasing.release("1.0", &[]).run().done();
    assert!(moved.stdout.contains(":1.0 (was sha256:"), "{}", moved.stdout);
    assert_ne!(releasing.tag("1.0"), before);
}

#[test]
fn the_digest_is_the_same_with_evidence_and_without() {
    let releasing = Releasing::new();
    let layout = releasing.layout();
    let (with, without) = (releasing.reference("with"), format!("{}/bare/hello:1", releasing.registry.host()));
    releasing.site.world.kiln(["push", &layout, &with, "--key", &releasing.public_key()]).run().done();
    releasing.site.world.kiln(["copy", &with, &without, "--unverified"]).run().done();
    assert_eq!(releasing.tag("with"), releasing.registry.tag("bare/hello", "1"));
}

#[test]
fn what_the_key_did_not_sign_moves_no_tag() {
    let releasing = Releasing::new();
    let layout = releasing.layout();
    let reference = releasing.reference("1.0");
    let other = Releasing::new();
    let refused = releasing.site.world.kiln(["push", &layout, &reference, "--key", &other.public_key()]).run().code(6);
    assert!(refused.stderr.contains("no tag was moved"), "{}", refused.stderr);
    assert_eq!(releasing.tag("1.0"), None);
    // Nor does it become a layout.
    let copy = ["copy", &layout, "oci:copied", "--key", &other.public_key()];
    releasing.site.world.kiln(copy).run().code(6);
    assert!(!releasing.site.world.project().join("copied").exists());
    // A private key is not what images are verified with.
    let private = releasing.public_key().replace(".pub", ".key");
    let wrong = releasing.site.world.kiln(["push", &layout, &reference, "--key", &private]).run().code(1);
    assert!(wrong.stderr.contains("the public key ") && wrong.stderr.contains("NAME.pub"), "{}", wrong.stderr);
    // Who it must be of has to be said.
    let unsaid = releasing.site.world.kiln(["push", &layout, &reference]).run().code(2);
    assert!(unsaid.stderr.contains("--key") && unsaid.stderr.contains("--unverified"), "{}", unsaid.stderr);
    releasing.site.world.kiln(["push", &layout, &reference, "--unverified"]).run().done();
    assert!(releasing.tag("1.0").is_some());
}

#[test]
fn a_copy_takes_the_evidence_along_and_verifies_at_the_end() {
    let releasing = Releasing::new();
    releasing.release("1.0", &[]).run().done();
    let (from, key) = (releasing.reference("1.0"), releasing.public_key());
    let second = Registry::start(Options { referrers: false, ..Options::default() });
    let there = format!("{}/mirror/hello:1.0", second.host());
    let copy = ["copy", &from, &there, "oci:copied", "oci-archive:copied.tar", "--key", &key];
    let said = releasing.site.world.kiln(copy).run().done().stdout;
    assert!(said.contains("verified there"), "{said}");
    let digest = releasing.tag("1.0");
    assert_eq!(second.tag("mirror/hello", "1.0"), digest);
    for place in [&there, "copied", "copied.tar"] {
        releasing.site.world.kiln(["verify", place, "--key", &key]).run().done();
    }
    // And back, out of the layout.
    let third = format!("{}/third/hello:1.0", releasing.registry.host());
    releasing.site.world.kiln(["copy", "oci:copied", &third, "--key", &key]).run().done();
    assert_eq!(releasing.registry.tag("third/hello", "1.0"), digest);
    // A digest as the target moves no tag.
    let pinned = format!("{}/fourth/hello@{}", releasing.registry.host(), digest.unwrap());
    releasing.site.world.kiln(["copy", "oci:copied", &pinned, "--key", &key]).run().done();
    assert!(releasing.registry.tags("fourth/hello").is_empty());
    releasing.site.world.kiln(["verify", &pinned, "--key", &key]).run().done();
}

#[test]
fn places_that_are_no_places_are_told() {
    let releasing = Releasing::new();
    let layout = releasing.layout();
    let world = &releasing.site.world;
    let wrong = [
        (vec!["push", &layout, "oci:there", "--unverified"], 2, "`kiln copy` writes layouts"),
        (vec!["push", "registry.test/a:1", "registry.test/b:1", "--unverified"], 2, "is in a registry already"),
        (vec!["verify", "debian:13", "--key", "x.pub"], 2, "x.pub"),
        (vec!["sbom", "debian:13"], 1, "named with its registry, as docker.io/library/debian:13"),
        (vec!["push", &layout, "registry.test/Hello:1", "--unverified"], 2, "is not an image name"),
        // Nothing is sent to Docker Hub that was meant for a folder.
        (vec!["copy", &layout, "there", "--unverified"], 2, "write `oci:` or `oci-archive:` before a layout"),
        (vec!["copy", &layout, "docker-archive:there.tar", "--unverified"], 2, "is no place to write to"),
        (vec!["push", &layout, "acme/hello:1", "--unverified"], 2, "the registry's host before an image"),
        (vec!["sbom", "https://registry.test/a:1"], 2, "does not belong to a reference: write registry.test/a:1"),
    ];
    for (arguments, code, said) in wrong {
        let outcome = world.kiln(arguments.iter().copied()).run().code(code);
        assert!(outcome.stderr.contains(said), "{arguments:?}: {}", outcome.stderr);
    }
}
