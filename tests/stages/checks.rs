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
