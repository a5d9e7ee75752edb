//! Results of commands that one machine shares and another uses.

use super::Site;
use crate::support::program::Outcome;
use crate::support::registry::{Options, Registry};
use std::fs;
use std::path::{Path, PathBuf};

/// What the commands leave says when they ran: equal files come from one run.
const SPEC: &str = r#"
stage "first" {
    base "tools"
    cache "/c"
    run "now /c/n; cp /c/n /n; fill /large 2"
}
stage "second" {
    base "first"
    mount "src" to="/src"
    run "cp /src/a /a; mkdir /folder; symlink /n /folder/n"
}
image "x" {
    copy "/n" "/a" "/folder" from="second" to="/"
}
"#;

/// Machines of one team: what they build is signed with one key.
pub struct Team {
    key: PathBuf,
    pub first: Site,
}

impl Team {
    pub fn new() -> Self {
        let mut first = Site::new(SPEC);
        let key = first.world.path("config/team.key");
        let stem = key.with_extension("");
        first.world.kiln(["key", "generate", "--output", stem.to_str().unwrap()]).run().done();
        first.world.set("KILN_KEY", key.to_str().unwrap());
        Team { key, first }
    }

    /// Another machine with the same project.
    pub fn machine(&self) -> Site {
        let mut site = Site::new(SPEC);
        site.world.set("KILN_KEY", self.key.to_str().unwrap());
        site
    }

    /// The same with the environment of another.
    pub fn machine_with(&self, other: &Site) -> Site {
        let mut site = self.machine();
        for (name, value) in &other.world.environment {
            if !site.world.environment.contains_key(name) {
                site.world.set(name, value.as_str());
            }
        }
        site
    }

    /// The file with the key that verifies what they build.
    pub fn public_key(&self) -> String {
        self.key.with_extension("pub").display().to_string()
    }
}

/// What the build's first command left, and how the build went.
pub fn built(site: &Site, arguments: &[&str]) -> (String, Outcome) {
    let (tree, outcome) = site.tree_with(&[&["--progress", "plain"], arguments].concat());
    assert_eq!(fs::read_to_string(tree.join("a")).unwrap(), "alpha\n");
    assert_eq!(fs::read_link(tree.join("folder/n")).unwrap(), Path::new("/n"));
    (fs::read_to_string(tree.join("n")).unwrap(), outcome)
}

pub fn commands(outcome: &Outcome) -> usize {
    outcome.stderr.lines().filter(|line| line.trim_start().starts_with('[') && line.contains("run ")).count()
}

#[test]
fn commands_whose_results_were_shared_do_not_run() {
    let registry = Registry::start(Options::default());
    let team = Team::new();
    let folder = team.first.world.path("results");
    let places = [format!("oci:{}", folder.display()), format!("{}/acme/hello:results", registry.host())];
    let (expected, outcome) = built(&team.first, &["--cache-to", &places[0], "--cache-to", &places[1]]);
    assert_eq!(commands(&outcome), 2);
    for place in &places {
        let told = format!("shared       2 results of commands in {place}\n");
        assert!(
            outcome.stdout.contains(&told.replace(&team.first.world.path("").display().to_string(), "[root]/")),
            "{}",
            outcome.stdout
        );
    }
    for place in places {
        let other = team.machine();
        let (found, outcome) = built(&other, &["--cache-from", &place]);
        assert_eq!((found, commands(&outcome)), (expected.clone(), 0), "{}", outcome.stderr);
        // What changed since runs, on top of what did not.
        other.world.write("src/b", "changed");
        let third = team.machine();
        third.world.write("src/b", "changed");
        let (found, outcome) = built(&third, &["--cache-from", &place]);
        assert_eq!((found, commands(&outcome)), (expected.clone(), 1), "{}", outcome.stderr);
    }
}

#[test]
fn a_stage_by_itself_is_shared_too_and_places_can_be_said_in_buildkits_words() {
    let team = Team::new();
    let place = team.first.world.path("results").display().to_string();
    let stage = ["--target", "second", "-o", "tree:out"];
    let to = format!("type=local,dest={place},mode=max");
    team.first.build(&[&stage[..], &["--cache-to", &to]].concat()).run().done();
    let other = team.machine();
    let from = format!("type=local,src={place}");
    let outcome = other.build(&[&stage[..], &["--progress", "plain", "--cache-from", &from]].concat()).run().done();
    assert_eq!(commands(&outcome), 0, "{}", outcome.stderr);
    assert_eq!(team.first.world.read("out/n"), other.world.read("out/n"));
}

#[test]
fn a_list_can_be_named_by_its_digest() {
    let team = Team::new();
    let place = team.first.world.path("results").display().to_string();
    built(&team.first, &["--cache-to", &format!("type=local,dest={place}"), "--report", "report.json"]);
    let report: serde_json::Value = serde_json::from_slice(&team.first.world.read("report.json")).unwrap();
    let digest = report["shared"][0]["digest"].as_str().unwrap();
    for (digest, ran) in [(digest.to_owned(), 0), (format!("sha256:{}", "0".repeat(64)), 2)] {
        let from = format!("type=local,src={place},digest={digest}");
        let (_, outcome) = built(&team.machine(), &["--cache-from", &from]);
        assert_eq!(commands(&outcome), ran, "{}", outcome.stderr);
    }
}

#[test]
fn results_that_another_key_signed_are_not_used() {
    let (team, stranger) = (Team::new(), Team::new());
    let place = format!("oci:{}", stranger.first.world.path("results").display());
    built(&stranger.first, &["--cache-to", &place]);
    let (_, outcome) = built(&team.first, &["--cache-from", &place]);
    assert_eq!(commands(&outcome), 2);
    let said = "its list is not signed by the key of this build";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    // Nor a list without any signature.
    fs::remove_dir_all(stranger.first.world.path("results")).unwrap();
    let outcome = team.machine().build(&["--cache-from", &place, "-o", "tree:out"]).run().done();
    assert!(outcome.stderr.contains("no results of commands are taken from"), "{}", outcome.stderr);
}

#[test]
fn results_that_were_damaged_on_their_way_are_not_used() {
    let team = Team::new();
    let folder = team.first.world.path("results");
    let place = format!("oci:{}", folder.display());
    built(&team.first, &["--cache-to", &place]);
    for blob in fs::read_dir(folder.join("blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()) {
        let mut content = fs::read(&blob).unwrap();
        // A pack is compressed; all else is text.
        if content.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let middle = content.len() / 2;
            content[middle] ^= 1;
            fs::remove_file(&blob).unwrap();
            fs::write(&blob, content).unwrap();
        }
    }
    let (_, outcome) = built(&team.machine(), &["--cache-from", &place]);
    assert_eq!(commands(&outcome), 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("cannot be used: "), "{}", outcome.stderr);
}

#[test]
fn a_place_that_cannot_be_is_a_mistake() {
    let site = Site::new(SPEC);
    for (place, said) in [
        ("results", "`results` is no place for results of commands: write `oci:DIR` for a folder"),
        ("type=gha", "`type=gha` needs ACTIONS_RESULTS_URL, which GitHub shows to actions and not to commands"),
        ("type=registry", "`type=registry` needs the field `ref`: add `ref=…`"),
        ("type=regstry,ref=a", "`regstry` is no type of a place for results of commands; did you mean `registry`?"),
        ("type=s3,bucket=b,token=hunter2", "`type=s3` has no field `token`"),
        ("registry.test/a:b:c", "`registry.test/a:b` is not an image name"),
    ] {
        let outcome = site.build(&["--cache-to", place]).run().code(2);
        assert!(outcome.stderr.contains(said), "{place}: {}", outcome.stderr);
    }
}
