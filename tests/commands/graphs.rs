//! `kiln graph` as a user meets it.

use crate::support::program::World;
use kiln::llb;

const SPEC: &str = r#"kiln 1
source "app" { context "app" { exclude "*.o" } }
image "example.com/x" {
    group "app" gid=1000
    account "app" uid=1000
    copy "a" from="app" to="/a"
    remove "/a"
}
"#;

fn world() -> World {
    let world = World::new();
    world.write("kiln.kdl", SPEC);
    world.write("app/a", "1\n");
    world.write("app/.dockerignore", "# not this\n/ignored\n");
    world
}

const MERMAID: &str = r#"flowchart LR
  v0(["oci-layout://kiln.local/accounts@sha256:[digest]…"])
  v1(["source app"])
  v2["copy from app to /a"]
  v3["remove /a"]
  v0 --> v2
  v1 --> v2
  v2 --> v3
  v3 --> output((output))
"#;

#[test]
fn it_is_shown_as_a_flowchart() {
    let shown = world().kiln(["graph", "--progress", "quiet"]).run().done();
    // Of the digest as much as fits.
    let start = shown.stdout.find("sha256:").unwrap() + "sha256:".len();
    let end = shown.stdout.find('…').unwrap();
    assert_eq!(shown.stdout.replace(&shown.stdout[start..end], "[digest]"), MERMAID);
    shown.warns("");
}

#[test]
fn with_its_dependencies_in_a_layout_any_buildkit_knows_its_sources() {
    let world = world();
    let graph = |format, deps| world.kiln(["graph", "--format", format, "--deps", deps, "--progress", "quiet"]).run();
    let json = graph("json", "kiln-out/deps").done().warns("").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let op = |at: usize| json["vertices"][at]["op"].clone();
    assert_eq!(op(0)["attrs"], serde_json::json!({ "oci.store": "kiln" }));
    let patterns = "[\"ignored\",\"**/*.o\",\"kiln-out\"]";
    let attrs = serde_json::json!({ "local.excludepatterns": patterns, "local.sharedkeyhint": "app" });
    assert_eq!(op(1)["attrs"], attrs);
    assert_eq!(op(3)["actions"][0]["rm"]["allowNotFound"], true);

    // What it names is an image with layers in the layout.
    let manifest = op(0)["identifier"].as_str().unwrap().rsplit_once("@sha256:").unwrap().1.to_owned();
    let manifest = world.read(&format!("kiln-out/deps/blobs/sha256/{manifest}"));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    assert!(!world.read(&format!("kiln-out/deps/blobs/sha256/{layer}")).is_empty());

    // The same again, in a folder that is there.
    let again = graph("json", "kiln-out/deps").done();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.stdout).unwrap(), json);
    graph("llb", "kiln-out/deps").done();
}

#[test]
fn images_are_in_the_layout_as_they_are() {
    let world = World::new();
    world.write("kiln.kdl", "kiln 1\nimage \"base\" { mkdir \"/a\"; mkdir \"/b\" }\n");
    world.kiln(["build", "-o", "oci:base"]).run().done();
    world
        .write("kiln.kdl", "kiln 1\nsource \"below\" { oci \"base\" }\nimage \"x\" { base \"below\"; mkdir \"/c\" }\n");
    let json = world.kiln(["graph", "--format", "json", "--deps", "deps"]).run().done().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let named = json["vertices"][0]["op"]["identifier"].as_str().unwrap();
    let manifest = named.strip_prefix("oci-layout://kiln.local/below@sha256:").unwrap();
    let manifest = format!("blobs/sha256/{manifest}");
    assert_eq!(world.read(&format!("deps/{manifest}")), world.read(&format!("base/{manifest}")));
}

#[test]
fn llb_is_what_an_engine_reads() {
    let world = world();
    let mut child = world.kiln(["graph", "--format", "llb", "--deps", "deps"]).start();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let graph = llb::read(&bytes).unwrap();
    assert_eq!(
        graph.vertices().iter().map(|vertex| vertex.kind()).collect::<Vec<_>>(),
        ["source", "source", "file", "file"]
    );
}

#[test]
fn dependencies_are_written_to_no_other_place() {
    let world = world();
    world.write("other/mine", "mine\n");
    let graph = |deps| world.kiln(["graph", "--deps", deps, "--progress", "quiet"]).run();
    graph("app/deps").code(2).says("").warns(
        "error: the output app/deps lies in the source \"app\", which it would change: choose another place, or leave it out \
         of the source with `exclude \"deps\"`\n",
    );
    graph("other").code(1).says("").warns(
        "error: other is left alone: it holds something that is not part of an OCI layout; remove it or choose another \
         place\n",
    );
    assert_eq!(world.read("other/mine"), b"mine\n");
}
