//! What commands find around them, and what becomes of what they do.

use super::Site;
use crate::support::program::Outcome;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_program_is_made_in_a_stage_and_copied_into_the_image() {
    let site = Site::new(
        r#"
stage "compile" {
    base "tools"
    mount "src" to="/src"
    run "cp /src/a /out; append /out and more"
}
image "hello" { copy "/out" from="compile" to="/srv/" }
"#,
    );
    assert_eq!(site.text("srv/out"), "alpha\nand more\n");
    let names: Vec<_> = fs::read_dir(site.world.path("tree")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["srv"], "nothing else of the stage is in the image");
}

#[test]
fn every_command_sees_the_same_machine() {
    let site = Site::new(
        r#"
stage "look" {
    base "tools"
    env GREETING="hello" PATH="/bin"
    workdir "/work/deep"
    run "env; hostname; pwd; id; umask" { env OWN="1" }
}
image "hello" { copy "/work" from="look" to="/work" }
"#,
    );
    let (_, outcome) = site.tree_with(&["--progress", "plain"]);
    for line in [
        "GREETING=hello",
        "PATH=/bin",
        "LANG=C.UTF-8",
        "TZ=UTC",
        "SOURCE_DATE_EPOCH=315532800",
        "OWN=1",
        "kiln",
        "/work/deep",
        "0:0",
        "0022",
    ] {
        assert!(outcome.stderr.lines().any(|said| said.ends_with(line)), "{line}: {}", outcome.stderr);
    }
    for own in ["KILN_KEY_PASSWORD", "XDG_DATA_HOME", "LC_ALL"] {
        assert!(!outcome.stderr.contains(own), "{own} is the caller's: {}", outcome.stderr);
    }
}

#[test]
fn several_words_are_a_program_with_arguments() {
    let site = Site::new(
        r#"
stage "one" {
    base "tools"
    run "/bin/box" "write" "/a b; c" "$HOME" "x;y"
}
image "hello" { copy "a b; c" from="one" to="/out" }
"#,
    );
    assert_eq!(site.text("out"), "$HOME x;y\n");
}

#[test]
fn what_a_command_of_an_image_changes_is_a_layer() {
    let site = Site::new(
        r#"
image "hello" {
    base "tools"
    file "/etc/motd" "welcome\n"
    run "write /made here; rm /etc/motd; rm /tmp; ln /made /twice"
}
"#,
    );
    let tree = site.tree();
    assert_eq!(fs::read_to_string(tree.join("twice")).unwrap(), "here\n");
    assert!(!tree.join("etc/motd").exists() && !tree.join("tmp").exists());
    assert!(tree.join("bin/box").exists(), "what the stage has is there");
    let out = site.build(&["-o", "oci:layout"]).run().done();
    assert_eq!(out.stdout.matches("  layer ").count().max(2), 2, "{}", out.stdout);
}

#[test]
fn a_command_that_fails_ends_the_build_and_its_words_are_shown() {
    let site = Site::new(
        r#"
stage "compile" {
    base "tools"
    run "echo all is well; exit 7"
}
image "hello" { copy "/bin" from="compile" to="/bin" }
"#,
    );
    let outcome = site.build(&["-o", "oci:layout", "--progress", "plain"]).run().code(4);
    assert!(outcome.stderr.contains("all is well"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("kiln.kdl:12"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("exit code 7"), "{}", outcome.stderr);
    assert!(!site.world.project().join("layout").exists());
    let killed = Site::new("stage \"s\" { base \"tools\"; run \"die 9\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = killed.build(&[]).run().code(4);
    assert!(outcome.stderr.contains("signal 9"), "{}", outcome.stderr);
}

#[test]
fn programs_are_told_of_failures_by_events() {
    let events = |outcome: &Outcome| -> Vec<Value> {
        outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let site =
        Site::new("stage \"s\" { base \"tools\"; run \"echo all is well; exit 7\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = site.build(&["--progress", "json"]).run().code(4);
    let events_of_run = events(&outcome);
    let output = events_of_run.iter().find(|event| event["event"] == "output").unwrap();
    assert_eq!(output["text"], "all is well\n");
    let last = events_of_run.last().unwrap();
    assert_eq!((&last["event"], &last["exit"]), (&json!("error"), &json!(4)));
    let [diagnostic] = last["diagnostics"].as_array().unwrap().as_slice() else { panic!("{last:#}") };
    assert_eq!(last["message"], diagnostic["message"]);
    assert_eq!(diagnostic["places"][0]["file"], "kiln.kdl");
    // Where no text is to blame.
    let outcome = site.build(&["--progress", "json", "-o", "oci:layout", "--image", "y"]).run().code(2);
    let message = "the spec has no image `y`, only docker.io/library/x";
    assert_eq!(
        *events(&outcome).last().unwrap(),
        json!({ "event": "error", "exit": 2, "message": message, "diagnostics": [] })
    );
}

#[test]
fn what_two_runs_leave_differently_is_shown_and_not_released() {
    let site = Site::new(
        r#"
stage "s" { base "tools"; cache "/c"; run "now /c/n; cp /c/n /n; write /same x" }
image "127.0.0.1:1/x" { copy "/n" "/same" from="s" to="/" }
"#,
    );
    let told = "stage s: run now /c/n; cp /c/n /n; write /same x: two runs differ in /n: content\n";
    let outcome = site.build(&["--check-reproducible", "--target", "s", "-o", "tree:out"]).run().code(4);
    assert!(outcome.stdout.ends_with(told), "{}", outcome.stdout);
    let outcome = site.build(&["--check-reproducible", "--push"]).run().code(4);
    assert!(outcome.stdout.ends_with(told), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("nothing is pushed, as two runs of a command left different files"),
        "{}",
        outcome.stderr
    );
    let outcome = site.build(&["--why", "all", "--target", "s", "-o", "tree:again"]).run().done();
    assert!(outcome.stdout.ends_with("no command of that name ran: earlier results were used\n"), "{}", outcome.stdout);
}

#[test]
fn nothing_is_reached_over_the_network_and_no_program_is_found_that_is_not_there() {
    let site = Site::new("stage \"s\" { base \"tools\"; run \"/bin/nothing\" \"x\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = site.build(&[]).run().code(4);
    assert!(outcome.stderr.contains("/bin/nothing"), "{}", outcome.stderr);
}

#[test]
fn times_of_files_do_not_tell_when_a_command_ran() {
    let spec = r#"
stage "s" {
    base "tools"
    run "write /new a; write /old b; touch /old 86400"
}
image "x" { copy "/new" "/old" from="s" to="/" }
"#;
    let digest = |site: &Site| {
        let out = site.build(&["-o", "oci:layout"]).env("SOURCE_DATE_EPOCH", "1700000000").run().done().stdout;
        out.lines().find_map(|line| line.trim().strip_prefix("digest ")).unwrap().trim().to_owned()
    };
    let (first, second) = (Site::new(spec), Site::new(spec));
    assert_eq!(digest(&first), digest(&second));
    let tree = first.world.path("tree");
    let output = format!("tree:{}", tree.display());
    first.build(&["-o", &output]).env("SOURCE_DATE_EPOCH", "1700000000").run().done();
    let seconds = |path: &str| std::os::unix::fs::MetadataExt::mtime(&fs::metadata(tree.join(path)).unwrap());
    assert_eq!(seconds("old"), 86400, "a time that a command sets is content");
}

#[test]
fn a_stage_by_itself_goes_to_a_folder_or_an_archive() {
    let site = Site::new(
        r#"
stage "one" { base "tools"; run "write /one 1" }
stage "unused" { base "one"; run "write /two 2" }
image "x" { base "one" }
"#,
    );
    let outcome = site.build(&["--target", "unused", "-o", "tree:two", "-o", "tar:two.tar"]).run().done();
    assert!(outcome.stdout.starts_with("stage unused (linux/amd64)\n"), "{}", outcome.stdout);
    assert_eq!(site.world.read("two/two"), b"2\n");
    let listed =
        std::process::Command::new("tar").arg("tf").arg(site.world.project().join("two.tar")).output().unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().lines().any(|line| line == "one"));
    let wrong = site.build(&["--target", "unuse", "-o", "tree:three"]).run().code(2);
    assert!(wrong.stderr.contains("did you mean `unused`?"), "{}", wrong.stderr);
    let nowhere = site.build(&["--target", "one"]).run().code(2);
    assert!(nowhere.stderr.contains("say where the stage goes"), "{}", nowhere.stderr);
    let kind = site.build(&["--target", "one", "-o", "oci:x"]).run().code(2);
    assert!(kind.stderr.contains("a stage is no image"), "{}", kind.stderr);
}
