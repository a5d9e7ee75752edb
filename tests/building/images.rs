//! Builds upon images of a registry: pinned, checked, fetched once.

use crate::support::files::layer as archive;
use crate::support::program::{Call, World};
use crate::support::registry::{Options, Registry, What};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kiln::evidence::sign::{LocalKey, Signed, Signer as _, generate, sign};
use kiln::evidence::{Referrer, Statement, Subject, predicate};
use kiln::oci::{Descriptor, Digest, Manifest, media_type};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

const BASE: &str = "acme/base";
const TOOLS: &str = "acme/tools";

/// A user with a project whose image stands on one of a registry and copies from another.
struct Site {
    world: World,
    registry: Registry,
    /// The images of the base: an index, and what it holds.
    base: Descriptor,
    amd64: Descriptor,
    layer: Vec<u8>,
}

fn key_pair() -> (LocalKey, String) {
    let passphrase = SecretString::from("a passphrase of a test");
    let pair = generate(&passphrase);
    (LocalKey::from_pem(pair.private_pem.as_bytes(), Some(&passphrase)).unwrap(), pair.public_pem)
}

impl Site {
    fn new() -> Self {
        Site::of(Registry::start(Options::default()))
    }

    fn of(registry: Registry) -> Self {
        let mut world = World::new();
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        let key = world.path("config/own.key");
        world.kiln(["key", "generate", "--output", key.with_extension("").to_str().unwrap()]).run().done();
        world.set("KILN_KEY", key.to_str().unwrap());
        let layer = archive("etc/base", "amd64");
        let amd64 = registry.put_image(BASE, "linux/amd64", &[&layer], &[]);
        let arm64 = registry.put_image(BASE, "linux/arm64", &[&archive("etc/base", "arm64")], &[]);
        let base = registry.put_index(BASE, &[amd64.clone(), arm64], &["1"]);
        registry.put_image(TOOLS, "linux/amd64", &[&archive("bin/tool", "a tool")], &["2"]);
        let site = Site { world, registry, base, amd64, layer };
        site.spec("");
        site
    }

    /// Writes the spec, with more said of the base.
    fn spec(&self, more: &str) {
        let host = self.registry.host();
        let spec = format!(
            "kiln 1\n\nimage \"registry.test/hello\" {{\n    base \"{host}/{BASE}:1\" {more}\n    \
             copy \"bin/tool\" from=\"image {host}/{TOOLS}:2\" to=\"/usr/bin/\"\n    entrypoint \"/usr/bin/tool\"\n}}\n"
        );
        self.world.write("kiln.kdl", spec);
    }

    fn layout(&self) -> PathBuf {
        self.world.path("layout")
    }

    fn build<const N: usize>(&self, more: [&str; N]) -> Call {
        let output = format!("oci:{}", self.layout().display());
        self.world.kiln(["build", "--progress", "quiet", "-o", &output].into_iter().chain(more))
    }

    /// Builds with what is there, and nothing else.
    fn build_offline(&self) -> Call {
        self.build(["--locked", "--offline"])
    }

    /// The manifest of the image that was built.
    fn built(&self) -> Manifest {
        let read = |digest: &Digest| fs::read(self.layout().join("blobs/sha256").join(digest.hex())).unwrap();
        let index: Value = serde_json::from_slice(&fs::read(self.layout().join("index.json")).unwrap()).unwrap();
        let rows = index["manifests"].as_array().unwrap();
        let image = rows.iter().find(|row| row["artifactType"].is_null()).unwrap();
        serde_json::from_slice(&read(&image["digest"].as_str().unwrap().parse().unwrap())).unwrap()
    }

    fn lock(&self) -> String {
        String::from_utf8(self.world.read("kiln.lock")).unwrap()
    }

    /// Attaches a bundle to an image of the base, as cosign does.
    fn attach(&self, signed: Signed, subject: &Descriptor) {
        let referrer = Referrer::new(signed, subject, 0);
        for (_, blob) in referrer.blobs {
            self.registry.put_blob(BASE, blob);
        }
        self.registry.put_manifest(BASE, media_type::MANIFEST, &referrer.manifest, &[]);
    }

    fn sign(&self, key: &LocalKey, subject: &Descriptor) {
        self.attach(sign(key, &Statement::signature(&subject.digest)).unwrap(), subject);
    }

    /// Signs in the form of cosign before version 3.
    fn sign_simply(&self, key: &LocalKey, subject: &Descriptor) {
        let document = json!({ "critical": {
            "identity": { "docker-reference": "" },
            "image": { "docker-manifest-digest": subject.digest.to_string() },
            "type": "cosign container image signature"
        }, "optional": null });
        let document = document.to_string().into_bytes();
        let mut row = Descriptor::of("application/vnd.dev.cosign.simplesigning.v1+json", &document);
        let signature = STANDARD.encode(key.sign(&Digest::of(&document)).unwrap());
        row.annotations.insert("dev.cosignproject.cosign/signature".into(), signature);
        self.registry.put_blob(BASE, document);
        self.registry.put_blob(BASE, "{}");
        let manifest = Manifest::image(Descriptor::of(media_type::CONFIG, b"{}"), vec![row]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let tag = format!("sha256-{}.sig", subject.digest.hex());
        self.registry.put_manifest(BASE, media_type::MANIFEST, &manifest, &[&tag]);
    }

    /// Asks that the base is signed by a key.
    fn demand(&self, public_key: &str) {
        self.world.write("keys/base.pub", public_key);
        self.spec("signed-by=\"keys/base.pub\"");
    }

    /// Whether anything of the base's content was asked for.
    fn has_sent_layers(&self) -> bool {
        let layer = Digest::of(&self.layer).to_string();
        self.registry.seen("GET", What::Any).iter().any(|seen| seen.target.contains(&layer))
    }
}

#[test]
fn layers_of_a_base_are_kept_and_files_of_another_image_are_copied() {
    let site = Site::new();
    site.build([]).run().done();
    let layers = site.built().layers;
    assert_eq!(layers.len(), 2);
    assert_eq!((layers[0].digest, layers[0].media_type.as_str()), (Digest::of(&site.layer), media_type::LAYER));
    let lock = site.lock();
    let (host, pinned) = (site.registry.host(), site.base.digest.hex());
    assert!(lock.contains(&format!("image \"{host}/{BASE}:1\" sha256=\"{pinned}\"")), "{lock}");
    assert!(lock.contains(&format!("image \"{host}/{TOOLS}:2\"")), "{lock}");
    let arm64 = Digest::of(archive("etc/base", "arm64")).to_string();
    let asked = site.registry.seen("GET", What::Any);
    assert!(asked.iter().all(|seen| !seen.target.contains(&arm64)), "nothing is fetched for other platforms");
}

#[test]
fn what_is_there_is_not_asked_for_again() {
    let site = Site::new();
    site.build([]).run().done();
    let first = super::contents(&site.layout());
    site.registry.clear_log();
    fs::remove_dir_all(site.layout()).unwrap();
    site.build_offline().run().done();
    assert_eq!(super::contents(&site.layout()), first);
    site.build([]).run().done();
    assert_eq!(site.registry.log().len(), 0);
}

#[test]
fn a_tag_that_moves_changes_nothing_before_the_lock_does() {
    let site = Site::new();
    site.build([]).run().done();
    let (lock, first) = (site.lock(), super::contents(&site.layout()));
    let newer = archive("etc/base", "newer");
    site.registry.put_image(BASE, "linux/amd64", &[&newer], &["1"]);
    site.build(["--locked"]).run().done();
    assert_eq!(super::contents(&site.layout()), first);
    fs::remove_dir_all(site.world.path("store")).unwrap();
    fs::remove_dir_all(site.layout()).unwrap();
    site.build(["--locked"]).run().done();
    assert_eq!(super::contents(&site.layout()), first, "and with an empty store");
    site.world.kiln(["lock", "--update", "no-such-image"]).run().code(3);
    site.world.kiln(["lock", "--update", &format!("{}/{TOOLS}:2", site.registry.host())]).run().done();
    assert_eq!(site.lock(), lock, "only what is named is asked for again");
    site.world.kiln(["lock", "--update"]).run().done();
    assert_ne!(site.lock(), lock);
    site.build(["--locked"]).run().done();
    assert_eq!(site.built().layers[0].digest, Digest::of(&newer));
}

#[test]
fn a_reference_with_a_digest_stays_where_it_is() {
    let site = Site::new();
    let host = site.registry.host();
    let spec = format!("kiln 1\nimage \"x\" {{\n base \"{host}/{BASE}:1@{}\"\n user 0\n}}\n", site.amd64.digest);
    site.world.write("kiln.kdl", spec);
    site.build([]).run().done();
    site.registry.put_image(BASE, "linux/amd64", &[&archive("etc/base", "newer")], &["1"]);
    site.world.kiln(["lock", "--update"]).run().done();
    site.build(["--locked"]).run().done();
    assert_eq!(site.built().layers[0].digest, Digest::of(&site.layer));
}

#[test]
fn images_that_are_not_there_and_platforms_that_are_not_in_them_are_told() {
    let site = Site::new();
    let host = site.registry.host();
    let spec = |rest: &str| site.world.write("kiln.kdl", format!("kiln 1\nimage \"x\" {{\n{rest}\n}}\n"));
    spec(&format!("base \"{host}/{BASE}:9\""));
    let outcome = site.build([]).run().code(3);
    assert!(outcome.stderr.contains(&format!("{host}/{BASE}:9")), "{}", outcome.stderr);
    spec(&format!("platform \"linux/riscv64\"\nbase \"{host}/{BASE}:1\""));
    let outcome = site.build([]).run().code(2);
    assert!(outcome.stderr.contains("linux/riscv64"), "{}", outcome.stderr);
}

#[test]
fn what_the_lock_names_and_the_registry_has_lost_is_told() {
    let site = Site::new();
    site.world.kiln(["lock"]).run().done();
    let gone = site.lock().replace(&site.base.digest.hex(), &Digest::of("gone").hex());
    site.world.write("kiln.lock", gone);
    let outcome = site.build(["--locked"]).run().code(3);
    assert!(outcome.stderr.contains(&Digest::of("gone").hex()), "{}", outcome.stderr);
    site.build_offline().run().code(1);
}

#[test]
fn mirrors_are_asked_first_and_change_nothing() {
    let site = Site::new();
    site.build([]).run().done();
    let first = site.built().layers;
    let mirror = Registry::start(Options::default());
    let put = |name: &str| {
        for digest in site.registry.blobs(name) {
            mirror.put_blob(&format!("hub/{name}"), site.registry.content(name, &digest).unwrap());
        }
        for digest in site.registry.manifests(name) {
            let bytes = site.registry.content(name, &digest).unwrap();
            let kind: Value = serde_json::from_slice(&bytes).unwrap();
            mirror.put_manifest(&format!("hub/{name}"), kind["mediaType"].as_str().unwrap(), &bytes, &[]);
        }
    };
    put(BASE);
    put(TOOLS);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    let node = format!("registry \"{}\" {{ mirror \"{}/hub\" plain-http=#true }}", site.registry.host(), mirror.host());
    site.world.write("kiln.kdl", spec.replacen("kiln 1\n", &format!("kiln 1\n{node}\n"), 1));
    fs::remove_dir_all(site.world.path("store")).unwrap();
    site.registry.clear_log();
    site.build(["--locked"]).run().done();
    assert_eq!(site.registry.log().len(), 0, "all is in the mirror");
    assert_eq!(site.built().layers, first);
}

#[test]
fn images_that_docker_pushed_are_built_upon() {
    let site = Site::new();
    let plain = archive("etc/base", "docker");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let layer = gzip.finish().unwrap();
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Env": ["A=b"], "User": "7" },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&plain).to_string()] },
        "history": [{ "created_by": "COPY" }, { "created_by": "ENV A=b", "empty_layer": true }] });
    let config = serde_json::to_vec(&config).unwrap();
    let rows = vec![Descriptor::of(media_type::DOCKER_LAYER_GZIP, &layer)];
    let mut manifest = Manifest::image(Descriptor::of(media_type::DOCKER_CONFIG, &config), rows);
    manifest.media_type = media_type::DOCKER_MANIFEST.into();
    let manifest = serde_json::to_vec(&manifest).unwrap();
    site.registry.put_blob(BASE, layer.clone());
    site.registry.put_blob(BASE, config);
    site.registry.put_manifest(BASE, media_type::DOCKER_MANIFEST, &manifest, &["1"]);
    site.build([]).run().done();
    let built = site.built();
    assert_eq!(
        (built.media_type.as_str(), built.config.media_type.as_str()),
        (media_type::MANIFEST, media_type::CONFIG)
    );
    assert_eq!(
        (built.layers[0].digest, built.layers[0].media_type.as_str()),
        (Digest::of(&layer), media_type::LAYER_GZIP)
    );
}

#[test]
fn an_unsigned_base_is_refused_before_its_content_is_asked_for() {
    let site = Site::new();
    let (_, public) = key_pair();
    site.demand(&public);
    let outcome = site.build([]).run().code(6);
    assert!(outcome.stderr.contains("nothing is attached to it"), "{}", outcome.stderr);
    assert!(!site.has_sent_layers());
    assert!(!site.world.project().join("kiln.lock").exists(), "and it is not pinned");
}

#[test]
fn a_lock_from_elsewhere_does_not_make_an_unsigned_base_a_signed_one() {
    let site = Site::new();
    site.world.kiln(["lock"]).run().done();
    site.registry.clear_log();
    let (_, public) = key_pair();
    site.demand(&public);
    site.build(["--locked"]).run().code(6);
    assert!(!site.has_sent_layers());
}

#[test]
fn what_is_attached_counts_only_if_it_is_a_signature_of_the_key_for_the_image() {
    let site = Site::new();
    let ((key, public), (other, _)) = (key_pair(), key_pair());
    site.demand(&public);
    site.sign(&other, &site.base);
    site.sign_simply(&other, &site.base);
    let about_other = sign(&key, &Statement::signature(&Digest::of("another image"))).unwrap();
    site.attach(about_other, &site.base);
    let bill = Statement::new(vec![Subject::new(&site.base.digest)], predicate::CYCLONEDX, json!({}));
    let bill = Signed { predicate_type: predicate::SIGNATURE.into(), ..sign(&key, &bill).unwrap() };
    site.attach(bill, &site.base);
    site.registry.put_referrer(BASE, &site.base, media_type::SIGSTORE_BUNDLE, b"{}");
    let said = site.build([]).run().code(6).stderr;
    for reason in ["not one of this key", "another image", "not a signature", "not a sigstore bundle"] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert!(!site.has_sent_layers());
}

#[test]
fn each_form_of_signature_is_enough_and_is_asked_for_once() {
    for form in ["bundle", "bundle of the image", "simple", "no interface"] {
        let interface = form != "no interface";
        let site = Site::of(Registry::start(Options { referrers: interface, ..Options::default() }));
        let (key, public) = key_pair();
        site.demand(&public);
        match form {
            "bundle" => site.sign(&key, &site.base),
            "bundle of the image" => site.sign(&key, &site.amd64),
            "simple" => site.sign_simply(&key, &site.base),
            _ => {
                let signed = sign(&key, &Statement::signature(&site.base.digest)).unwrap();
                site.registry.put_referrer(BASE, &site.base, media_type::SIGSTORE_BUNDLE, &signed.bundle);
            }
        }
        site.build([]).run().done();
        let first = super::contents(&site.layout());
        site.registry.clear_log();
        fs::remove_dir_all(site.layout()).unwrap();
        site.build_offline().run().done();
        assert_eq!(super::contents(&site.layout()), first, "{form}");
        let provenance =
            site.world.kiln(["provenance", site.layout().to_str().unwrap(), "--format", "json"]).run().done().stdout;
        let provenance: Value = serde_json::from_str(&provenance).unwrap();
        let text = provenance.to_string();
        assert!(text.contains(&key.public_key().hint()), "{form}: {text}");
        assert!(text.contains(&format!("pkg:oci/base@sha256%3A{}", site.amd64.digest.hex())), "{form}: {text}");
    }
}

#[test]
fn packages_of_a_base_are_told_as_its_makers_word() {
    let site = Site::new();
    let (key, public) = key_pair();
    site.demand(&public);
    site.sign(&key, &site.base);
    let bill = |version: &str| {
        let purl = format!("pkg:deb/debian/libc6@{version}?arch=amd64");
        let document =
            json!({ "components": [{ "type": "library", "name": "libc6", "version": version, "purl": purl }] });
        Statement::new(vec![Subject::new(&site.amd64.digest)], predicate::CYCLONEDX, document)
    };
    let (other, _) = key_pair();
    site.attach(sign(&other, &bill("6.6.6")).unwrap(), &site.amd64);
    site.attach(sign(&key, &bill("2.41")).unwrap(), &site.amd64);
    site.build([]).run().done();
    assert_eq!(site.lock().matches("attached sha256").count(), 2, "{}", site.lock());
    let sbom = |site: &Site| {
        let text =
            site.world.kiln(["sbom", site.layout().to_str().unwrap(), "--format", "cyclonedx"]).run().done().stdout;
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let first = sbom(&site);
    let packages: Vec<&Value> =
        first["components"].as_array().unwrap().iter().filter(|part| part["type"] == "library").collect();
    let [libc6] = packages.as_slice() else { panic!("{packages:?}") };
    assert_eq!(
        (&libc6["name"], &libc6["version"]),
        (&json!("libc6"), &json!("2.41")),
        "what its key signed comes first"
    );
    let signed = json!({ "name": "kiln:claimed-by:signed", "value": "true" });
    assert!(libc6["properties"].as_array().unwrap().contains(&signed), "{libc6}");
    // What is attached later is no part of what was pinned.
    site.attach(sign(&key, &bill("9")).unwrap(), &site.amd64);
    fs::remove_dir_all(site.world.path("store")).unwrap();
    site.build(["--locked"]).run().done();
    assert_eq!(sbom(&site), first);
}

#[test]
fn what_buildkit_puts_into_an_index_is_read_and_the_indexs_signature_covers_it() {
    for by_its_key in [true, false] {
        let site = Site::new();
        let (key, public) = key_pair();
        let document = json!({ "packages": [
            { "SPDXID": "SPDXRef-1", "name": "musl", "versionInfo": "1.2.5",
              "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                "referenceLocator": "pkg:apk/alpine/musl@1.2.5" }] }
        ] });
        let about = || vec![Subject::new(&site.amd64.digest)];
        let statements = [
            (predicate::SPDX, serde_json::to_vec(&Statement::new(about(), predicate::SPDX, document)).unwrap()),
            (
                predicate::PROVENANCE,
                serde_json::to_vec(&Statement::new(about(), predicate::PROVENANCE, json!({}))).unwrap(),
            ),
        ];
        let rows = statements.iter().map(|(kind, statement)| {
            site.registry.put_blob(BASE, statement.clone());
            let mut row = Descriptor::of(media_type::IN_TOTO, statement);
            row.annotations.insert("in-toto.io/predicate-type".into(), (*kind).into());
            row
        });
        let config = json!({ "architecture": "unknown", "os": "unknown", "config": {}, "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = serde_json::to_vec(&config).unwrap();
        let manifest = Manifest::image(Descriptor::of(media_type::CONFIG, &config), rows.collect());
        site.registry.put_blob(BASE, config);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let mut attestation = site.registry.put_manifest(BASE, media_type::MANIFEST, &manifest, &[]);
        attestation.platform =
            Some(kiln::oci::Platform { architecture: "unknown".into(), os: "unknown".into(), variant: None });
        attestation.annotations = [
            ("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned()),
            ("vnd.docker.reference.digest".to_owned(), site.amd64.digest.to_string()),
        ]
        .into();
        let index = site.registry.put_index(BASE, &[site.amd64.clone(), attestation], &["1"]);
        if by_its_key {
            site.demand(&public);
            site.sign(&key, &index);
        }
        site.build([]).run().done();
        let layout = site.layout();
        let shown = |arguments: &[&str]| {
            let call = [arguments[0], layout.to_str().unwrap(), "--format", arguments[1]];
            site.world.kiln(call).run().done().stdout
        };
        let bill = shown(&["sbom", "cyclonedx"]);
        assert!(bill.contains("pkg:apk/alpine/musl@1.2.5"), "{bill}");
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let musl = bill["components"].as_array().unwrap().iter().find(|part| part["name"] == "musl").unwrap();
        let signed = json!({ "name": "kiln:claimed-by:signed", "value": by_its_key.to_string() });
        assert!(musl["properties"].as_array().unwrap().contains(&signed), "{musl}");
        let provenance = shown(&["provenance", "json"]);
        for (_, statement) in &statements {
            assert!(provenance.contains(&Digest::of(statement).to_string()), "{provenance}");
        }
        assert_eq!(provenance.contains("provenanceSignedBy"), by_its_key, "{provenance}");
        let own = site.world.path("config/own.pub");
        site.world.kiln(["verify", layout.to_str().unwrap(), "--key", own.to_str().unwrap()]).run().done();
    }
}

#[test]
fn policies_say_who_must_have_signed_images() {
    let site = Site::new();
    let ((key, public), (other, of_other)) = (key_pair(), key_pair());
    let host = site.registry.host();
    let policy = |lines: &str| {
        site.world.write("company/policy.kdl", format!("kiln 1\npolicy {{\n{lines}\n    warn \"unsigned-base\"\n}}\n"))
    };
    let signer = |key: &str| format!("    signer \"{host}/acme/b*\" key=\"keys/{key}.pub\"");
    for (name, pem) in [("own", &public), ("other", &of_other)] {
        site.world.write(&format!("company/keys/{name}.pub"), pem);
    }
    policy(&signer("own"));
    let above = ["--policy", "company/policy.kdl"];
    site.sign(&other, &site.base);
    for call in [site.build(above), site.world.kiln(["lock", "--policy", "company/policy.kdl"])] {
        let said = call.run().code(6).stderr;
        assert!(said.contains("own.pub did not sign it, as the policy asks at policy.kdl:3"), "{said}");
        assert!(!site.has_sent_layers() && !site.world.project().join("kiln.lock").exists());
    }
    // A spec names no key that would count in its place, be it in a policy of its own.
    site.world.write("keys/base.pub", &of_other);
    site.spec("signed-by=\"keys/base.pub\"");
    site.build(above).run().code(6);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    site.world.write("kiln.kdl", format!("{spec}policy {{ signer \"{host}/acme/b*\" key=\"keys/base.pub\" }}\n"));
    site.build(above).run().code(6);
    // One of several keys for a pattern is enough; each pattern counts by itself.
    policy(&format!("{}\n{}", signer("own"), signer("other")));
    let outcome = site.build(above).run().done();
    assert!(!outcome.stdout.contains("unsigned-base"), "{}", outcome.stdout);
    policy(&format!("{}\n    signer \"*/**\" key=\"keys/own.pub\"", signer("other")));
    let said = site.build(above).run().code(6).stderr;
    assert!(said.contains("policy.kdl:4"), "{said}");
    // All images of registries are meant, also those that files are copied from.
    site.sign(&key, &site.base);
    let said = site.build(above).run().code(6).stderr;
    assert!(said.contains(&format!("{host}/{TOOLS}:2")), "{said}");
    // The name of a host has no case, and one that nothing is asked of is left alone.
    policy(&signer("own").replace(host.as_str(), "REGISTRY.invalid"));
    site.spec("");
    let outcome = site.build(above).run().done();
    assert!(outcome.stdout.contains("unsigned-base"), "{}", outcome.stdout);
    // What was verified is told as with `signed-by`.
    policy(&signer("own"));
    let outcome = site.build(above).run().done();
    assert!(!outcome.stdout.contains("unsigned-base"), "{}", outcome.stdout);
    let layout = site.layout();
    let told = site.world.kiln(["provenance", layout.to_str().unwrap(), "--format", "json"]).run().done().stdout;
    assert!(told.contains(&key.public_key().hint()), "{told}");
}
