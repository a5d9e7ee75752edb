//! Projects that stand in a git repository.

use crate::support::git::Repo;
use crate::support::program::World;
use serde_json::{Value, json};
use std::fs;

const SPEC: &str = r#"kiln 1
source "files" { context "files" }
image "registry.test/x" {
    copy "." from="files" to="/"
}
"#;

/// What an image says of the commit that it is of: its time, its labels, and the row of its provenance.
struct Told {
    created: Value,
    labels: Value,
    commit: Option<Value>,
}

fn built(world: &World) -> Told {
    let layout = world.path("home/layout");
    let output = format!("oci:{}", layout.display());
    world.kiln(["build", "--progress", "quiet", "-o", &output]).run().done();
    let blob = |row: &Value| {
        let digest = row["digest"].as_str().unwrap().trim_start_matches("sha256:");
        serde_json::from_slice::<Value>(&fs::read(layout.join("blobs/sha256").join(digest)).unwrap()).unwrap()
    };
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let config = blob(&blob(&index["manifests"][0])["config"]);
    let provenance = world.kiln(["provenance", layout.to_str().unwrap(), "--format", "json"]).run().done().stdout;
    let provenance: Value = serde_json::from_str(&provenance).unwrap();
    let rows = provenance["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let commit = rows.iter().find(|row| row["digest"]["gitCommit"].is_string()).cloned();
    Told { created: config["created"].clone(), labels: config["config"]["Labels"].clone(), commit }
}

#[test]
#[ignore = "needs git"]
fn an_image_tells_of_which_commit_it_is_where_it_is_of_one() {
    let mut world = World::new();
    world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
    world.write("kiln.kdl", SPEC);
    world.write("files/page.txt", "a page\n");
    let told = built(&world);
    assert_eq!((told.created, told.labels, told.commit), (json!("1970-01-01T00:00:00Z"), Value::Null, None));

    let repo = Repo::around(world.project());
    // There is no commit yet.
    assert_eq!(built(&world).created, "1970-01-01T00:00:00Z");
    repo.git(&["remote", "add", "origin", "https://user:token@git.test/acme/x.git?key=1"], b"");
    let commit = repo.commit_files();
    let told = built(&world);
    assert_eq!(told.created, "2023-11-14T22:13:20Z");
    let labels = json!({
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.source": "https://git.test/acme/x.git",
    });
    assert_eq!(told.labels, labels);
    let row = told.commit.unwrap();
    assert_eq!((&row["uri"], &row["digest"]["gitCommit"]), (&json!("git+https://git.test/acme/x.git"), &json!(commit)));

    // What is not committed is of no commit, and the time is still that of the last one.
    for (path, text) in [("files/page.txt", "another page\n"), ("new", "")] {
        world.write(path, text);
        let told = built(&world);
        assert_eq!((told.created, told.labels), (json!("2023-11-14T22:13:20Z"), Value::Null), "{path}");
        assert_eq!(told.commit, None);
        repo.git(&["stash", "--quiet", "--include-untracked"], b"");
    }
    assert_eq!(built(&world).labels, labels);
}

#[test]
#[ignore = "needs git"]
fn a_repository_whose_configuration_starts_programs_starts_none() {
    let mut world = World::new();
    world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
    world.write("kiln.kdl", SPEC);
    world.write("files/page.txt", "a page\n");
    let repo = Repo::around(world.project());
    let commit = repo.commit_files();
    let started = world.path("home/started");
    let program = world.write(".git/hooks/program", format!("#!/bin/sh\ntouch {}\n", started.display()));
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = program.to_str().unwrap();
    for name in ["core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "alias.status", "alias.rev-list"] {
        let value = if name.starts_with("alias") { format!("!{program}") } else { program.to_owned() };
        repo.git(&["config", name, &value], b"");
    }
    assert_eq!(built(&world).labels["org.opencontainers.image.revision"], commit);
    assert!(!started.exists());
}
