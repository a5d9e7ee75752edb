//! Checks: commands whose success decides.

use super::Site;

const SPEC: &str = r#"
stage "s" {
    base "tools"
    mount "src" to="/src"
    run "cp /src/a /out"
    check "is there" "exists /out; write /left behind; cat /src/b"
}
image "x" { copy "." from="s" to="/" }
"#;

#[test]
fn a_check_that_succeeds_changes_nothing() {
    let site = Site::new(SPEC);
    let tree = site.tree();
    assert!(tree.join("out").exists());
    assert!(!tree.join("left").exists());
}

#[test]
fn a_check_that_fails_stops_everything() {
    let site = Site::new(&SPEC.replace("exists /out", "absent /out"));
    let outcome = site.build(&["-o", "oci:layout"]).run().code(4);
    assert!(outcome.stderr.contains("check is there"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("/out is there"), "{}", outcome.stderr);
    assert!(!site.world.project().join("layout").exists());
}

#[test]
fn checks_of_stages_that_an_image_does_not_use_are_not_run() {
    let site =
        Site::new("stage \"s\" { base \"tools\"; check \"never\" \"exit 1\" }\nimage \"x\" { base \"tools\" }\n");
    site.build(&[]).run().done();
    site.build(&["--target", "s", "-o", "tree:out"]).run().code(4);
}

/// In the file system of the stage, in a writable mount, in a part of what is mounted, in a file that is not there.
#[test]
fn results_are_read_where_the_check_leaves_them() {
    const RESULTS: &str = r#"<testsuite name="all" tests="1"><testcase name="one"/></testsuite>"#;
    let site = Site::new("");
    site.world.write("src/in/results", RESULTS);
    let mut outcomes = Vec::new();
    for (mount, left) in [
        (r#"mount "src" to="/src""#, "/results.xml"),
        (r#"mount "src" to="/src" writable=#true"#, "/src/results.xml"),
        (r#"mount "src" to="/src" path="in" writable=#true"#, "/src/results.xml"),
        (r#"mount "src" to="/src""#, "/src/results.xml"),
    ] {
        let from = if mount.contains("path=") { "/src/results" } else { "/src/in/results" };
        site.spec(&format!(
            "stage \"s\" {{ base \"tools\"; {mount}\n check \"c\" \"cp {from} {left}\" junit=\"{left}\"; }}\nimage \"x\" {{ copy \".\" from=\"s\" to=\"/\" }}\n"
        ));
        outcomes.push(site.build(&["-o", "oci:layout"]).run());
        if outcomes.last().unwrap().code == Some(0) {
            let key = site.world.path("data/kiln/keys/local.pub");
            let verified = site.world.kiln(["verify", "layout", "--key", key.to_str().unwrap()]).run().done();
            assert!(verified.stdout.contains("c: 1 tests passed"), "{}", verified.stdout);
        }
    }
    let ends: Vec<Option<i32>> = outcomes.iter().map(|outcome| outcome.code).collect();
    assert_eq!(
        ends,
        [Some(0), Some(0), Some(0), Some(4)],
        "{:#?}",
        outcomes.iter().map(|outcome| &outcome.stderr).collect::<Vec<_>>()
    );
}
