//! What the evidence says of commits.

use super::Site;
use crate::stages;
use serde_json::Value;

/// What a command writes, as JSON.
fn json(site: &Site, arguments: &[&str]) -> Value {
    let outcome = site.world.kiln(arguments.iter().copied()).run().done();
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
#[ignore = "needs git"]
fn commits_and_their_submodules_are_in_the_evidence() {
    let site = Site::new("git \"https://git.test/docs\" ref=\"main\" submodules=#true");
    let (docs, lib) = (site.repo("docs"), site.repo("lib"));
    let in_lib = lib.manual("of the library\n");
    let commit = docs.with_modules(&[("lib", "../lib", &in_lib)]);
    let layout = site.world.path("home/layout").display().to_string();
    site.build(&["-o", &format!("oci:{layout}")]).run().done();
    assert_eq!(site.text("docs/lib/manual/page.txt"), "of the library\n");
    let lock = site.lock_text();
    let rows: Vec<&str> = lock.lines().skip_while(|line| !line.starts_with("git ")).collect();
    assert_eq!(rows[1], format!("    submodule \"lib\" url=\"https://git.test/lib\" commit=\"{in_lib}\""));
    // Nobody is told of other submodules than those that were read.
    site.world.write("kiln.lock", lock.replace("submodule \"lib\"", "submodule \"bil\""));
    site.build(&["--locked"]).run().code(3).warns(
        "error: source docs: the lock names other submodules than its commit does: it was changed by hand; restore it from \
         version control, or take the source's row out and run `kiln lock`\n",
    );
    site.world.write("kiln.lock", &lock);
    let tree = rows[0].split("tree=\"").nth(1).unwrap().trim_end_matches("\" {");

    let provenance = json(&site, &["provenance", &layout, "--format", "json"]);
    let provenance = if provenance["predicate"].is_object() { provenance["predicate"].clone() } else { provenance };
    let list = provenance["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let of_git: Vec<&Value> = list.iter().filter(|row| row["name"] == "git").collect();
    assert_eq!(of_git[0]["uri"], "git+https://git.test/docs@refs/heads/main");
    assert_eq!(of_git[0]["digest"], serde_json::json!({ "gitCommit": commit }));
    let expected = serde_json::json!({ "source": "docs", "tree": format!("sha256:{tree}") });
    assert_eq!(of_git[0]["annotations"], expected);
    assert_eq!(of_git[1]["uri"], format!("git+https://git.test/lib@{in_lib}"));
    assert_eq!(of_git[1]["annotations"], serde_json::json!({ "source": "docs", "submodule": "lib" }));
    assert_eq!(of_git.len(), 2);

    let bill = json(&site, &["sbom", &layout, "--format", "cyclonedx"]);
    let docs = bill["components"].as_array().unwrap().iter().find(|part| part["name"] == "docs").unwrap();
    assert_eq!(docs["version"], commit);
    assert_eq!(docs["externalReferences"][0]["url"], "https://git.test/docs");
    let file = docs["components"].as_array().unwrap().iter().any(|file| file["name"] == "/docs/lib/manual/page.txt");
    assert!(file, "{docs:#}");

    let why = site.world.kiln(["why", &layout, "/docs/lib/manual/page.txt"]).run().done();
    why.says("/docs/lib/manual/page.txt\n  source     docs [digest]\n  made by    kiln.kdl:3\n");
}

#[test]
#[ignore = "needs git"]
fn commands_see_commits_and_are_told_with_them() {
    let spec = r#"
source "docs" { git "https://git.test/docs" subdir="manual" }
stage "make" { base "tools"; mount "docs" to="/in"; run "cp /in/page.txt /out" }
image "x" { copy "/out" from="make" to="/" }
"#;
    let stage = stages::Site::new(spec);
    let site = Site::within(stage.world, "git \"https://git.test/docs\"");
    let commit = site.repo("docs").manual("seen\n");
    let stage = stages::Site { world: site.world };
    stage.spec(spec);
    let layout = stage.world.path("home/layout").display().to_string();
    let (tree, _) = stage.tree_with(&["-o", &format!("oci:{layout}")]);
    assert_eq!(std::fs::read_to_string(tree.join("out")).unwrap(), "seen\n");
    let site = Site { world: stage.world };
    let bill = json(&site, &["sbom", &layout, "--format", "cyclonedx"]);
    let tools = bill["formulation"][0]["components"].as_array().unwrap();
    let docs = tools.iter().find(|part| part["name"] == "docs").unwrap();
    assert_eq!(docs["version"], commit);
    let provenance = json(&site, &["provenance", &layout, "--format", "json"]);
    let provenance = if provenance["predicate"].is_object() { provenance["predicate"].clone() } else { provenance };
    let list = provenance["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let row = list.iter().find(|row| row["name"] == "git").unwrap();
    assert_eq!(row["uri"], "git+https://git.test/docs@HEAD");
    assert_eq!((&row["annotations"]["stage"], &row["annotations"]["subdir"]), (&"make".into(), &"manual".into()));
}
