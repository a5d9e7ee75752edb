//! What is remembered: folders that outlive a build, and steps that need not run again.

use super::Site;
use std::fs;

/// Each run of the command adds a line to a cache.
const SPEC: &str = r#"
stage "s" {
    base "tools"
    mount "src" to="/src" path="a-folder"
    cache "/count"
    run "now /count/times; cp /count/times /times; cp /src/input /out"
}
image "x" { copy "/out" "/times" from="s" to="/" }
"#;

fn site() -> Site {
    let site = Site::new(SPEC);
    site.world.write("src/a-folder/input", "first\n");
    site
}

fn runs(site: &Site) -> usize {
    fs::read_to_string(site.tree().join("times")).unwrap().lines().count()
}

#[test]
fn a_command_runs_again_only_where_what_it_reads_has_changed() {
    let site = site();
    assert_eq!(runs(&site), 1);
    assert_eq!(runs(&site), 1, "nothing changed");
    site.world.write("src/b", "changed, and not mounted\n");
    assert_eq!(runs(&site), 1, "what it does not see does not matter");
    site.world.write("src/a-folder/input", "second\n");
    assert_eq!(runs(&site), 2, "the cache has the line of the first run");
    assert_eq!(site.text("out"), "second\n");
    site.world.write("src/a-folder/input", "first\n");
    assert_eq!(runs(&site), 1, "what was made of the first content is remembered");
}

#[test]
fn bounds_and_secrets_do_not_make_a_command_run_again() {
    let site = site();
    assert_eq!(runs(&site), 1);
    site.spec(&SPEC.replace("cache", "limits memory=\"1GB\" time=\"1h\"\n    cache"));
    assert_eq!(runs(&site), 1);
}

#[test]
fn equal_commands_of_builds_at_the_same_time_run_once() {
    let site = site();
    site.spec(&SPEC.replace("now /count", "sleep 700; now /count"));
    let outputs = ["one", "two", "three"].map(|name| format!("tree:{}", site.world.path(name).display()));
    let running: Vec<_> = outputs.iter().map(|output| site.build(&["-o", output]).start()).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for name in ["one", "two", "three"] {
        assert_eq!(fs::read_to_string(site.world.path(name).join("times")).unwrap().lines().count(), 1);
    }
}

#[test]
fn a_build_that_fails_keeps_what_it_finished() {
    let site = site();
    let run = "run \"now /count/times; cp /count/times /times; cp /src/input /out\"";
    site.spec(&SPEC.replace(run, &format!("{run}\n    run \"exit 1\"")));
    site.build(&[]).run().code(4);
    site.spec(SPEC);
    assert_eq!(runs(&site), 1, "the first command need not run again");
}
