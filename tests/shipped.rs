//! Everything that is shipped as a spec, the examples and the base images, builds; as anybody, to the digests that
//! `tests/golden/digests.txt` holds. They are the promise over time: a change of them is a change that users see.
//! `KILN_BLESS=1` writes them anew.

use crate::support::files;
use crate::support::program::World;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// The folders with a spec below `examples/` and `base-images/`, by `examples/hello` and the like.
fn shipped() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for kind in ["examples", "base-images"] {
        for entry in std::fs::read_dir(Path::new(PROJECT).join(kind)).into_iter().flatten().map(Result::unwrap) {
            if entry.path().join("kiln.kdl").exists() {
                found.insert(format!("{kind}/{}", entry.file_name().display()), entry.path());
            }
        }
    }
    found
}

/// Digests by image, as the golden file has them.
fn golden() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(golden_path()).unwrap_or_default();
    let rows = text.lines().filter_map(|line| line.split_once(' '));
    rows.map(|(name, digest)| (name.to_owned(), digest.trim().to_owned())).collect()
}

fn golden_path() -> PathBuf {
    Path::new(PROJECT).join("tests/golden/digests.txt")
}

/// What statements on results of tests are: they say how long a check took, and differ with every run.
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// Builds one in a world; returns the image's digest and all that the layout holds, or, where there are checks, the
/// evidence that is not theirs.
fn build(world: &World, folder: &Path, options: &[&str]) -> (String, Vec<String>) {
    world.copy_from(folder);
    let (layout, report) = (world.path("layout"), world.path("tmp/report.json"));
    let output = format!("oci:{}", layout.display());
    let arguments = ["build", "--locked", "-o", &output, "--report", report.to_str().unwrap()];
    let call = world.kiln(arguments.into_iter().chain(options.iter().copied()));
    call.umask(if options.is_empty() { 0o022 } else { 0o077 }).run().done();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let image = &report["images"][0];
    let platforms = image["platforms"].as_array().unwrap().iter();
    let statements: Vec<_> = platforms.flat_map(|one| one["attestations"].as_array().unwrap()).collect();
    let lasting: Vec<_> = statements.iter().filter(|one| one["predicate_type"] != TEST_RESULT).collect();
    let same = match lasting.len() == statements.len() {
        true => files::contents(&layout),
        false => lasting.iter().map(ToString::to_string).collect(),
    };
    (image["digest"].as_str().unwrap().to_owned(), same)
}

#[test]
fn every_shipped_spec_is_right_formatted_and_locked() {
    let world = World::new();
    for (name, folder) in shipped() {
        let place = folder.to_str().unwrap();
        world.kiln(["check", place]).run().done();
        world.kiln(["fmt", "--check", place]).run().done();
        assert!(folder.join("kiln.lock").exists(), "{name} has no lock");
        world.kiln(["lock", "--check", "--offline", place]).run().done();
        assert!(folder.join("README.md").exists(), "{name} does not say what it is");
    }
}

#[test]
#[ignore = "needs a Debian mirror, and root to become somebody else"]
fn everybody_builds_the_same_of_every_shipped_spec() {
    let mut digests = BTreeMap::new();
    let key = World::new();
    key.kiln(["key", "generate", "--output", "test"]).env("KILN_KEY_PASSWORD", "of a test").run().done();
    let key = key.read("test.key");
    for (name, folder) in shipped() {
        let mut root = World::with_kept_store();
        let mut user = World::of_user(54321).with_network();
        for world in [&mut root, &mut user] {
            let place = world.write("../config/test.key", &key);
            world.set("KILN_KEY", place.to_str().unwrap()).set("KILN_KEY_PASSWORD", "of a test");
        }
        user.set("TZ", "America/St_Johns").set("LC_ALL", "ar_EG.UTF-8");
        let (digest, files) = build(&root, &folder, &[]);
        let (other, others) = build(&user, &folder, &["-j", "1"]);
        assert_eq!(other, digest, "{name}");
        assert_eq!(others, files, "{name}");
        digests.insert(name, digest);
    }
    if std::env::var_os("KILN_BLESS").is_some() {
        let text: String = digests.iter().map(|(name, digest)| format!("{name} {digest}\n")).collect();
        std::fs::write(golden_path(), text).unwrap();
    }
    assert_eq!(digests, golden());
}
