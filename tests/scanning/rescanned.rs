//! `kiln rescan`: images that kiln released, judged again when more is known.

use super::advisory_of;
use crate::release::Releasing;
use crate::support::http::{Reply, Server};
use crate::support::program::{Call, Outcome};
use crate::support::registry::{Options, Registry, What};
use kiln::oci::{Digest, Manifest};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const POLICY: &str = "kiln 1\npolicy { deny \"vulnerability\" severity=\"high\"; warn \"old-database\" age=\"90d\" }\n";

/// Two released images with a package of Debian's, and what is known of it.
struct Published {
    releasing: Releasing,
    key: String,
}

impl Published {
    fn new(registry: Registry) -> Self {
        let releasing = Releasing::to(registry);
        releasing.site.world.write("policy.kdl", POLICY);
        let key = releasing.public_key();
        let published = Published { releasing, key };
        published.known(&[("CVE-2026-1", "other", "2026-11-20")]);
        published
    }

    /// The images, judged on the day of their release.
    fn released(registry: Registry) -> Self {
        let published = Published::new(registry);
        let judged = ["--policy", "policy.kdl", "--as-of", "2026-11-30"];
        published.releasing.release("1.0", &judged).run().done();
        published.releasing.site.world.write("app/main.py", "print('more')\n");
        published.releasing.release("2.0", &judged).run().done();
        published
    }

    /// Makes a database of holes of Debian's packages: names, packages and days.
    fn known(&self, holes: &[(&str, &str, &str)]) {
        let feed: Vec<Value> =
            holes.iter().map(|(id, package, day)| advisory_of(id, "Debian:13", package, day)).collect();
        self.releasing.site.world.write("osv.json", Value::from(feed).to_string());
        self.releasing.site.world.kiln(["db", "update", "--from", "osv.json"]).run().done();
    }

    fn repository(&self) -> String {
        format!("{}/acme/hello", self.releasing.registry.host())
    }

    fn rescan(&self, day: &str, more: &[&str]) -> Call {
        let repository = self.repository();
        let arguments = ["rescan", &repository, "--progress", "quiet", "--policy", "policy.kdl", "--as-of", day];
        self.releasing.site.world.kiln(arguments.into_iter().chain(more.iter().copied()))
    }

    /// A rescan by the key's word, as JSON.
    #[track_caller]
    fn report(&self, day: &str, more: &[&str], code: i32) -> Value {
        let arguments = [&["--key", &self.key, "--format", "json"], more].concat();
        read(&self.rescan(day, &arguments).run().code(code))
    }

    /// The digests of configurations and layers of all images.
    fn contents_of_images(&self) -> BTreeSet<Digest> {
        let registry = &self.releasing.registry;
        let images = registry.tags("acme/hello").into_values();
        let manifests = images.map(|image| registry.content("acme/hello", &image).unwrap());
        let manifests = manifests.map(|bytes| serde_json::from_slice::<Manifest>(&bytes).unwrap());
        manifests
            .flat_map(|manifest| manifest.layers.into_iter().chain([manifest.config]))
            .map(|row| row.digest)
            .collect()
    }
}

fn read(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn a_hole_that_became_known_is_found_without_a_layer() {
    let published = Published::released(Registry::start(Options::default()));
    let registry = &published.releasing.registry;
    registry.clear_log();
    let report = published.report("2026-12-01", &[], 0);
    assert_eq!((&report["totals"]["images"], &report["totals"]["new"]), (&json!(2), &json!(0)), "{report:#}");
    for image in report["images"].as_array().unwrap() {
        assert_eq!(image["standing"], "passed", "{image:#}");
        assert_eq!(image["last"]["time"], "2026-11-30T00:00:00Z");
        assert_eq!((&image["passed_then"], &image["packages"]), (&json!(true), &json!(2)));
        assert_eq!(
            (&image["bills"][0]["form"], &image["bills"][0]["signed"]),
            (&json!("https://cyclonedx.org/bom"), &json!(true))
        );
    }
    let asked = registry.log();
    for content in published.contents_of_images() {
        assert!(!asked.iter().any(|seen| seen.target.contains(&content.to_string())), "{content} was asked for");
    }
    // What was read is not read again.
    registry.clear_log();
    published.report("2026-12-01", &[], 0);
    assert!(registry.seen("GET", What::Blob).is_empty() && registry.seen("GET", What::Manifest).is_empty());

    published.known(&[("CVE-2026-1", "other", "2026-11-20"), ("CVE-2026-2", "hello", "2026-12-02")]);
    let outcome = published.rescan("2026-12-02", &["--key", &published.key]).run().code(5);
    for said in [
        "DENIED: 1 new, 0 known, 0 gone; last judged 2026-11-30T00:00:00Z, and passed then\n",
        "CVE-2026-2           hello 2.10-5, repaired in 99, denied\n",
        "2 images on 2026-12-02: 2 denied, 2 new holes, 0 gone; advisories of 2026-12-02T00:00:00Z\n",
    ] {
        assert!(outcome.stdout.contains(said), "{said}: {}", outcome.stdout);
    }
    // One image alone.
    let one = published.releasing.reference("1.0");
    let world = &published.releasing.site.world;
    let outcome = world.kiln(["rescan", &one, "--key", &published.key, "--as-of", "2026-12-02"]).run().done();
    assert!(outcome.stdout.contains("1 images") && outcome.stdout.contains("1 new holes"), "{}", outcome.stdout);
    world.kiln(["rescan", &one, "--key", &published.key, "--as-of", "2026-12-02", "--deny-new"]).run().code(5);
}

#[test]
fn a_fresh_verdict_is_attached_once() {
    for referrers in [true, false] {
        let published = Published::released(Registry::start(Options { referrers, ..Options::default() }));
        let registry = &published.releasing.registry;
        let tags = |of: &str| registry.tag("acme/hello", of);
        let before = (tags("1.0"), tags("2.0"));
        published.known(&[("CVE-2026-2", "hello", "2026-12-02")]);
        let report = published.report("2026-12-02", &["--attach"], 5);
        for image in report["images"].as_array().unwrap() {
            let kinds: BTreeSet<&str> = image["attached"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["predicate_type"].as_str().unwrap())
                .collect();
            let wanted = ["https://in-toto.io/attestation/vulns/v0.2", "https://slsa.dev/verification_summary/v1"];
            assert_eq!(kinds, BTreeSet::from(wanted), "{image:#}");
        }
        assert_eq!(before, (tags("1.0"), tags("2.0")), "no tag moves");
        let (repository, key) = (published.repository(), &published.key);
        published.releasing.site.world.kiln(["verify", &format!("{repository}:1.0"), "--key", key]).run().code(5);
        // Nothing is new any more, and nothing is written; it is denied all the same.
        registry.clear_log();
        let report = published.report("2026-12-03", &["--attach"], 5);
        assert_eq!((&report["totals"]["new"], &report["totals"]["denied"]), (&json!(0), &json!(2)), "{report:#}");
        assert_eq!(report["images"][0]["passed_then"], false);
        let writes = registry.log().into_iter().filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD"));
        assert_eq!(writes.count(), 0);
        // What was taken back is gone, and then the image passes again, which is said once.
        published.known(&[("CVE-2026-1", "other", "2026-12-04")]);
        let report = published.report("2026-12-04", &["--attach"], 0);
        assert_eq!(
            (&report["totals"]["gone"], &report["images"][0]["gone"][0]["id"]),
            (&json!(2), &json!("CVE-2026-2"))
        );
        let report = published.report("2026-12-05", &["--attach"], 0);
        assert_eq!((&report["totals"]["gone"], &report["images"][0]["attached"]), (&json!(0), &json!([])));
        assert_eq!(report["images"][0]["passed_then"], true);
    }
}

#[test]
fn what_another_key_signed_counts_for_nothing() {
    let published = Published::released(Registry::start(Options::default()));
    let other = published.releasing.site.world.path("config/other");
    published.releasing.site.world.kiln(["key", "generate", "--output", other.to_str().unwrap()]).run().done();
    let other = format!("{}.pub", other.display());
    let report = read(&published.rescan("2026-12-01", &["--key", &other, "--format", "json"]).run().code(5));
    assert_eq!((&report["totals"]["unjudged"], &report["images"][0]["bills"]), (&json!(2), &json!([])), "{report:#}");
    published.rescan("2026-12-01", &["--key", &other, "--allow-unjudged"]).run().done();
    // Both keys count where both are named.
    published.rescan("2026-12-01", &["--key", &other, "--key", &published.key]).run().done();
    // What is signed rests on what was signed.
    let refused = published.rescan("2026-12-01", &["--attach"]).run().code(2);
    assert!(refused.stderr.contains("--key"), "{}", refused.stderr);
}

#[test]
fn a_policy_that_asks_for_more_than_bills_tell_is_not_said_to_be_passed() {
    let published = Published::new(Registry::start(Options::default()));
    published.releasing.release("1.0", &[]).run().done();
    let world = &published.releasing.site.world;
    world.write(
        "policy.kdl",
        "kiln 1\npolicy { deny \"vulnerability\" \"secret\"; require \"signature\"; require \"sbom\" }\n",
    );
    let report = published.report("2026-12-01", &["--attach"], 0);
    assert_eq!((&report["totals"]["never_judged"], &report["images"][0]["last"]), (&json!(1), &Value::Null));
    let attached = report["images"][0]["attached"].as_array().unwrap();
    assert_eq!(attached.len(), 1, "{attached:?}");
    assert_eq!(attached[0]["predicate_type"], "https://in-toto.io/attestation/vulns/v0.2");
    // Without a key nobody vouches for what the policy requires.
    let outcome = published.rescan("2026-12-01", &[]).run().code(5);
    assert!(outcome.stdout.contains("the image is not signed"), "{}", outcome.stdout);
}

#[test]
fn a_webhook_hears_of_what_is_new() {
    let published = Published::released(Registry::start(Options::default()));
    let server = Server::start(|seen| if seen.before == 0 { Reply::new(503, "") } else { Reply::ok("") });
    let url = server.url("/hooks/a-secret").secret().to_string();
    let call = |day: &str| {
        published
            .rescan(day, &["--key", &published.key, "--webhook", &url, "--format", "json"])
            .env("KILN_WEBHOOK_TOKEN", "the token")
    };
    call("2026-12-01").run().done();
    assert!(server.seen().is_empty(), "there is nothing to tell");
    published.known(&[("CVE-2026-2", "hello", "2026-12-02")]);
    let outcome = call("2026-12-02").run().code(5);
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "once more after a passing failure");
    assert_eq!((seen[1].method.as_str(), seen[1].headers["authorization"].as_str()), ("POST", "Bearer the token"));
    assert_eq!(serde_json::from_slice::<Value>(&seen[1].body).unwrap(), read(&outcome));
    // Where nobody hears it, the result is told all the same; neither the address nor the token are.
    let deaf = Server::start(|_| Reply::new(400, ""));
    let url = deaf.url("/hooks/a-secret").secret().to_string();
    let outcome =
        published.rescan("2026-12-02", &["--webhook", &url]).env("KILN_WEBHOOK_TOKEN", "the token").run().code(7);
    assert!(outcome.stdout.contains("CVE-2026-2"), "{}", outcome.stdout);
    assert!(!outcome.stderr.contains("a-secret") && !outcome.stderr.contains("the token"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("the webhook at http://127.0.0.1"), "{}", outcome.stderr);
    let plain = ["--webhook", "http://hooks.example.com/x"];
    let outcome = published.rescan("2026-12-02", &plain).env("KILN_WEBHOOK_TOKEN", "the token").run().code(2);
    assert!(outcome.stderr.contains("in the clear"), "{}", outcome.stderr);
    published.rescan("2026-12-02", &["--webhook", "file:///etc/passwd"]).run().code(2);
}
