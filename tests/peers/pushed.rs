//! What kiln releases to registries, under foreign eyes: with a list of referrers and without.

use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use super::layout::Hello;
use super::tools::Tools;
use crate::support::program::World;
use crate::support::registry::{Options, Registry};
use serde_json::Value;
use std::path::Path;

/// The types of the statements that a release carries, by cosign's names, and the signature.
const ATTESTATIONS: [&str; 3] = ["cyclonedx", "spdxjson", "slsaprovenance1"];

/// Pushes examples/hello as 1.0 and latest; gives the reference of 1.0.
fn released(hello: &Hello, host: &str) -> String {
    let (version, latest) = (format!("{host}/acme/hello:1.0"), format!("{host}/acme/hello"));
    let said = hello.kiln(&["push", "oci", &version, &latest, "--key", "hello.pub"]);
    assert!(said.contains("verified there") && said.contains("1.0 (new)") && said.contains("latest (new)"), "{said}");
    version
}

fn check(host: &str, referrers_are_listed: bool) {
    let hello = Hello::built();
    let image = released(hello, host);
    let report = hello.json("report.json");
    let digest = report["images"][0]["digest"].as_str().unwrap();

    // kiln itself, from the registry alone.
    assert!(hello.kiln(&["verify", &image, "--key", "hello.pub"]).ends_with("verified\n"));
    assert_eq!(hello.kiln(&["sbom", &image, "--format", "spdx"]), hello.kiln(&["sbom", "oci", "--format", "spdx"]));
    assert_eq!(hello.kiln(&["provenance", &image]), hello.kiln(&["provenance", "oci"]));
    assert!(hello.kiln(&["why", &image, "/usr/bin/python3"]).contains("python3-minimal"));
    let difference: Value = serde_json::from_str(&hello.kiln(&["diff", "oci", &image, "--format", "json"])).unwrap();
    assert_eq!(difference["same"], true);

    let sid = |arguments: &[&str]| Tools::sid().run(&hello.work(), arguments);
    let cosign = |command: &[&str], image: &str| {
        let flags = ["--key", "hello.pub", "--insecure-ignore-tlog", "--allow-http-registry", image];
        sid(&[&["cosign"], command, flags.as_slice()].concat())
    };
    assert!(cosign(&["verify"], &image).done().stdout.contains(digest));
    for kind in ATTESTATIONS {
        cosign(&["verify-attestation", "--type", kind], &image).done();
    }
    assert_ne!(cosign(&["verify-attestation", "--type", "openvex"], &image).code, Some(0));

    let remote = format!("docker://{image}");
    let skopeo = ["skopeo", "--insecure-policy"];
    let inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &remote];
    let seen = Tools::trixie().run(&hello.work(), &[skopeo.as_slice(), &inspect].concat()).done().stdout;
    assert_eq!(seen.trim(), digest);
    let place = format!("dir:skopeo-{}", host.replace(':', "-"));
    let copy = ["copy", "--src-tls-verify=false", &remote, &place];
    Tools::trixie().run(&hello.work(), &[skopeo.as_slice(), &copy].concat()).done();

    let validated = sid(&["crane", "validate", "--insecure", "--remote", &image]).done();
    assert!(validated.stdout.contains("PASS"), "{validated:?}");

    let api = if referrers_are_listed { "v1.1-referrers-api" } else { "v1.1-referrers-tag" };
    let discover = ["oras", "discover", "--plain-http", "--distribution-spec", api, "--format", "json", &image];
    let listed: Value = serde_json::from_str(&sid(&discover).done().stdout).unwrap();
    let rows = listed["referrers"].as_array().or_else(|| listed["manifests"].as_array()).unwrap();
    assert_eq!(rows.len(), 4, "{listed}");
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    assert!(rows.iter().all(|row| row["artifactType"] == bundle), "{listed}");

    // A second time nothing travels, and tags stay.
    let again = hello.kiln(&["push", "oci", &image, "--key", "hello.pub", "--no-clobber"]);
    assert!(again.contains("all was there") && again.contains("1.0 (unchanged)"), "{again}");
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn a_release_to_a_registry_without_a_list_of_referrers_is_accepted_by_all() {
    check(&DockerRegistry::open().host(), false);
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn a_release_to_a_registry_with_a_list_of_referrers_is_accepted_by_all() {
    check(&Registry::start(Options::default()).host(), true);
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn evidence_that_cosign_adds_stays_and_ours_stays_with_it() {
    let (hello, registry) = (Hello::built(), DockerRegistry::open());
    let image = released(hello, &registry.host());
    let digest = hello.json("report.json")["images"][0]["digest"].as_str().unwrap().to_owned();
    let pinned = format!("{}@{digest}", image.trim_end_matches(":1.0"));
    let flags = ["--key", "hello.key", "--use-signing-config=false", "--tlog-upload=false", "--yes"];
    let attest = ["cosign", "attest", "--allow-http-registry", "--type", "openvex", "--predicate", "vex.json"];
    let vex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:test", "author": "test", "statements": []}"#;
    std::fs::write(hello.work().join("vex.json"), vex).unwrap();
    let command = [attest.as_slice(), &flags, &[&pinned]].concat();
    Tools::sid().run_with(&hello.work(), "COSIGN_PASSWORD=of a test", &command).done();
    let other = format!("{}/acme/hello:2.0", registry.host());
    hello.kiln(&["push", "oci", &other, "--key", "hello.pub"]);
    for kind in ATTESTATIONS.into_iter().chain(["openvex"]) {
        let flags = ["--key", "hello.pub", "--insecure-ignore-tlog", "--allow-http-registry", &other];
        let verify = ["cosign", "verify-attestation", "--type", kind];
        Tools::sid().run(&hello.work(), &[verify.as_slice(), &flags].concat()).done();
    }
    // From registry to registry, to a layout, and back: all of it arrives.
    let second = Registry::start(Options::default());
    let there = format!("{}/mirror/hello:2.0", second.host());
    hello.kiln(&["copy", &other, &there, "oci:with-evidence", "--key", "hello.pub"]);
    hello.kiln(&["verify", "oci:with-evidence", "--key", "hello.pub"]);
    let refers = |manifest: &kiln::oci::Digest| {
        let content = second.content("mirror/hello", manifest).unwrap();
        serde_json::from_slice::<Value>(&content).unwrap()["subject"]["digest"] == digest
    };
    assert_eq!(second.manifests("mirror/hello").iter().filter(|manifest| refers(manifest)).count(), 5);
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn a_registry_with_a_password_and_a_certificate_of_its_own_is_entered_with_both_alone() {
    let (hello, registry) = (Hello::built(), DockerRegistry::locked().trusted());
    let image = format!("{}/acme/hello:1.0", registry.host());
    let layout = hello.work().join("oci").display().to_string();
    let key = hello.work().join("hello.pub").display().to_string();
    let push = ["push", &layout, &image, "--key", &key];
    let mut world = World::new();
    // Without the authority's certificate nobody is spoken to.
    let said = world.kiln(push).run().code(7).stderr;
    assert!(said.contains("certificate"), "{said}");
    world.set("KILN_REGISTRY_CERTS", registry.certificates().display().to_string());
    let said = world.kiln(push).run().code(7).stderr;
    assert!(said.contains("docker login"), "{said}");
    for (variable, value) in [("KILN_REGISTRY", registry.host()), ("KILN_REGISTRY_USER", USER.to_owned())] {
        world.set(variable, value);
    }
    let wrong = world.kiln(push).env("KILN_REGISTRY_PASSWORD", "not-the-password").run().code(7);
    assert!(wrong.stderr.contains("KILN_REGISTRY_PASSWORD") && !wrong.stderr.contains("not-the-password"), "{wrong:?}");
    assert_eq!(registry.blobs(), 0);
    let right = world.kiln(push).env("KILN_REGISTRY_PASSWORD", PASSWORD).run().done();
    assert!(!format!("{right:?}").contains(PASSWORD));
    world.kiln(["verify", &image, "--key", &key]).env("KILN_REGISTRY_PASSWORD", PASSWORD).run().done();
    login(&world, &registry.host());
    let mut logged_in = world.environment.clone();
    logged_in.retain(|name, _| !name.starts_with("KILN_REGISTRY_USER"));
    world.environment = logged_in;
    world.environment.remove("KILN_REGISTRY");
    world.kiln(["verify", &image, "--key", &key]).run().done();
}

/// What `docker login` leaves behind.
fn login(world: &World, host: &str) {
    use base64::Engine as _;
    let folder = world.path("home/.docker");
    std::fs::create_dir_all(&folder).unwrap();
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = serde_json::json!({ "auths": { host: { "auth": auth } } });
    std::fs::write(Path::new(&folder).join("config.json"), config.to_string()).unwrap();
}
