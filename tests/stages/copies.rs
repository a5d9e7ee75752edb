//! What is copied from stages, and what they mount.

use super::Site;

#[test]
fn what_a_writable_mount_holds_is_copied_by_its_path() {
    let site = Site::new(
        r#"
stage "compile" {
    base "tools"
    mount "src" to="/src" writable=#true
    workdir "/src"
    run "cp a made; append made by the first"
    run "append made by the second"
}
image "x" {
    copy "/src/made" from="compile" to="/one"
    copy "/src" from="compile" to="/all"
}
"#,
    );
    assert_eq!(site.text("one"), "alpha\nby the first\nby the second\n");
    assert_eq!(site.text("all/b"), "beta\n");
    assert_eq!(site.world.read("src/a"), b"alpha\n", "the source stays as it is");
    assert!(!site.world.project().join("src/made").exists());
}

#[test]
fn what_is_mounted_is_read_only_unless_the_spec_says_otherwise() {
    let site = Site::new(
        r#"
stage "s" { base "tools"; mount "src" to="/src"; run "write /src/new x" }
image "x" { base "s" }
"#,
    );
    let outcome = site.build(&[]).run().code(4);
    assert!(outcome.stderr.contains("Read-only file system"), "{}", outcome.stderr);
    site.spec("stage \"s\" { base \"tools\"; mount \"src\" to=\"/src\"; run \"true\" }\nimage \"x\" { copy \"/src/a\" from=\"s\" to=\"/a\" }\n");
    let outcome = site.build(&[]).run().code(2);
    assert!(outcome.stderr.contains("is what it mounts of \"src\", and no part of it"), "{}", outcome.stderr);
}

#[test]
fn a_part_of_a_source_and_a_stage_can_be_mounted() {
    let site = Site::new(
        r#"
stage "data" { base "tools"; run "mkdir /d; mkdir /d/e; write /d/e/f deep; write /g top" }
stage "s" {
    base "tools"
    mount "data" to="/in" path="d/e"
    run "cp /in/f /out; absent /in/g"
}
image "x" { copy "/out" from="s" to="/" }
"#,
    );
    assert_eq!(site.text("out"), "deep\n");
}

#[test]
fn mount_points_leave_no_trace() {
    let site = Site::new(
        r#"
stage "s" {
    base "tools"
    mount "src" to="/deep/er/src"
    cache "/var/cache/things"
    tmpfs "/scratch"
    run "write /scratch/x y; write /var/cache/things/x y; exists /deep/er/src/a; write /made z"
}
image "x" { copy "." from="s" to="/" }
"#,
    );
    let tree = site.tree();
    let names: Vec<_> =
        std::fs::read_dir(&tree).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["bin", "made", "tmp"]);
}

#[test]
fn stages_stand_on_stages_and_changes_of_one_are_not_seen_by_another() {
    let site = Site::new(
        r#"
stage "below" { base "tools"; run "write /f below; write /keep x" }
stage "left" { base "below"; run "write /f left; rm /keep" }
stage "right" { base "below"; run "append /f right; exists /keep" }
image "x" {
    copy "/f" from="left" to="/left"
    copy "/f" from="right" to="/right"
    copy "/f" from="below" to="/below"
}
"#,
    );
    assert_eq!(site.text("left"), "left\n");
    assert_eq!(site.text("right"), "below\nright\n");
    assert_eq!(site.text("below"), "below\n");
}
