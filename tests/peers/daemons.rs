//! Commands in BuildKit daemons: what they leave is what the sandbox of this machine finds, down to the evidence.

use super::buildkit::Docker;
use super::tools::Tools;
use crate::stages::Site;
use crate::support::files;
use crate::support::program::{Outcome, World};
use std::fs;
use std::path::Path;

/// All that a command can ask for and a daemon can give, and what is hard to bring back.
const SPEC: &str = r#"
arg "n" type="int" default=0
stage "first" {
    base "tools"
    env N="${n}"
    cache "/c" sharing="locked"
    tmpfs "/t"
    secret "token" env="TOKEN"
    secret "token" file="/run/secret" mode="0440"
    mount "src" to="/in"
    run "echo hello $N; write /made $N; ln /made /twice; mkdir /d; write /d/x y; chown 7 /d/x; chmod 4755 /d/x"
    run "append /c/n x; write /t/n x; cat /run/secret; cp /in/a /copied; touch /copied 100000000; rm /twice"
}
stage "second" {
    base "first"
    mount "src" to="/work" writable=#true
    run "rm /work/b; write /work/c gamma; rm /d/x; rm /d; symlink /made /link; exists /copied"
}
stage "fourth" {
    base "first"
    mkdir "/d/place" mode="0711"
    copy "." from="src" to="/d/place/"
    remove "/copied" "/made"
    run "chmod 1777 /d; chmod 0700 /d/place; write /d/z x; chmod 0640 /d/place/a"
    run "rm /d/place/b; chmod 0600 /d/place/a"
}
stage "third" {
    base "first"
    workdir "/home/deep"
    user 1000
    run "pwd; id; write /home/deep/mine x"
}
stage "fifth" {
    base "first"
    run "mkdir /out; write /out/app a; ln /out/app /out/same; ln /out/app /kept; mkdir /out/deep; write /out/deep/x x; chown 7 /out/deep; touch /out/deep/x 200000000; symlink /out/deep /through; write /out/junk leave me there"
}
stage "sixth" {
    base "fifth"
    run "mkdir /new; write /new/y y; write /new/junk and me; symlink /new /way; rm /out/junk"
}
image "x" {
    copy "/out/app" "/out/same" "/out/deep" from="fifth" to="/out/"
    copy "/way/y" from="sixth" to="/"
    copy "/home" from="third" to="/"
    copy "." from="fourth" to="/fourth/"
    copy "/made" "/copied" "/link" from="second" to="/"
    copy "." from="first" to="/first/"
    copy "/work" from="second" to="/"
}
"#;

const GIVEN: [&str; 2] = ["--secret", "token=env:TOKEN"];

pub fn build(site: &Site, daemon: Option<&Docker>, arguments: &[&str]) -> Outcome {
    let engine = daemon.map_or(vec!["--engine", "embedded"], |_| vec!["--engine", "buildkit:docker://"]);
    let call = site.build(&[arguments, &engine, &["--progress", "plain"]].concat());
    let call = call.env("TOKEN", "correct-horse-battery-staple");
    call.env("DOCKER_HOST", daemon.map(Docker::address).unwrap_or_default()).run()
}

/// A layout that is built with an engine and a store of its own.
fn layout(site: &Site, name: &str, daemon: Option<&Docker>) -> Vec<String> {
    let (output, store) =
        (format!("oci:{}", site.world.path(name).display()), site.world.path(format!("store-{name}")));
    let store = store.display().to_string();
    let all = ["-o", &output, "--store", &store];
    let outcome = build(site, daemon, &[&all[..], &GIVEN].concat()).done();
    for said in ["hello 0", "/home/deep", "1000:0", "***"] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("correct-horse"), "{}", outcome.stderr);
    files::contents(&site.world.path(name))
}

/// What a user meets who runs commands in a daemon.
fn commands_run_in(docker: &Docker, spec: &str) {
    let site = Site::new(spec);
    let own = layout(&site, "own", None);
    assert_eq!(layout(&site, "theirs", Some(docker)), own);
    // Once more: what the daemon knows of the first time changes nothing.
    assert_eq!(layout(&site, "again", Some(docker)), own);

    // Two runs are two, whatever the daemon remembers.
    site.spec("stage \"s\" { base \"tools\"; run \"now /n; write /same x\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = build(&site, Some(docker), &["--check-reproducible"]).code(4);
    assert!(outcome.stdout.ends_with("two runs differ in /n: content\n"), "{}", outcome.stdout);

    // A mistake in a command is told as ever.
    site.spec("stage \"s\" { base \"tools\"; run \"echo all is well; exit 7\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = build(&site, Some(docker), &[]).code(4);
    for said in ["all is well", "exit code 7", "╭─[kiln.kdl:"] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    // So is one that takes too long,
    site.spec("stage \"s\" { base \"tools\"; limits time=\"1s\"; run \"sleep 60000\" }\nimage \"x\" { base \"s\" }\n");
    let outcome = build(&site, Some(docker), &[]).code(4);
    assert!(outcome.stderr.contains("1 s"), "{}", outcome.stderr);
    // and one that leaves a secret behind, of which nothing is kept.
    let leaking = "base \"tools\"; secret \"token\" file=\"/s\"; run \"cp /s /x\"";
    site.spec(&format!("stage \"s\" {{ {leaking} }}\nimage \"x\" {{ base \"s\" }}\n"));
    let outcome = build(&site, Some(docker), &GIVEN).code(4);
    assert!(outcome.stderr.contains("leaves the value of the secret /s in /"), "{}", outcome.stderr);
    assert!(!files::holds(&site.world.path("store"), b"correct-horse-battery-staple"));
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn commands_in_docker_with_its_new_store_of_images_leave_the_same() {
    commands_run_in(&Docker::start(Tools::docker(), &["--feature=containerd-snapshotter=true"]), SPEC);
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn commands_in_docker_that_copies_its_trees_leave_the_same() {
    let native = ["--feature=containerd-snapshotter=true", "--storage-driver=native"];
    commands_run_in(&Docker::start(Tools::docker(), &native), SPEC);
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn commands_in_docker_with_its_old_store_of_images_leave_the_same() {
    commands_run_in(&Docker::start(Tools::docker(), &["--storage-driver=overlay2"]), SPEC);
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn commands_in_docker_of_bookworm_leave_the_same() {
    let docker = Docker::start(Tools::docker_of_bookworm(), &["--storage-driver=overlay2"]);
    let in_a_variable = "    secret \"token\" env=\"TOKEN\"\n";
    commands_run_in(&docker, &SPEC.replace(in_a_variable, ""));
    // What it cannot do, it says.
    let outcome = build(&Site::new(SPEC), Some(&docker), &GIVEN).code(4);
    let said = "it is too old for this command: it does not know `exec.secretenv`, secrets in variables";
    let words: Vec<&str> =
        outcome.stderr.split(|c: char| c.is_whitespace() || c == '│').filter(|w| !w.is_empty()).collect();
    assert!(words.join(" ").contains(said), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn what_no_image_takes_of_a_stage_stays_in_the_daemon() {
    let docker = Docker::start(Tools::docker(), &["--feature=containerd-snapshotter=true"]);
    let made = "mkdir /out; write /out/app a; write /out/junk leave-me-there; ln /out/app /link; rm /bin/old";
    let tools = "symlink \"/bin/old\" to=\"box\"";
    let stage = |name: &str, more: &str| {
        format!(
            "stage \"{name}\" {{ base \"tools\"; {tools}; run \"{made}; {more}\" }}\nimage \"x\" {{ copy \"/out/app\" from=\"{name}\" to=\"/\" }}\n"
        )
    };
    let site = Site::new(&stage("s", "true"));
    let layouts = [("own", None), ("theirs", Some(&docker))].map(|(name, daemon)| {
        let output = format!("oci:{}", site.world.path(name).display());
        let store = site.world.path(format!("store-{name}")).display().to_string();
        build(&site, daemon, &["-o", &output, "--store", &store]).done();
        files::contents(&site.world.path(name))
    });
    assert_eq!(layouts[0], layouts[1]);
    let left = b"leave-me-there\n";
    let holds = |store: &str| files::holds(&site.world.path(store).join("blobs"), left);
    assert_eq!((holds("store-own"), holds("store-theirs")), (true, false));
    // It comes when it is needed: the way to what is taken leads through a link.
    site.spec(&stage("s", "symlink /out /way").replace("copy \"/out/app\"", "copy \"/way/app\""));
    let store = site.world.path("store-theirs").display().to_string();
    build(&site, Some(&docker), &["--store", &store]).done();
    assert!(holds("store-theirs"));
}

/// The examples that run commands.
const EXAMPLES: [&str; 4] = ["c", "node", "python-web", "rust"];

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn examples_are_the_same_with_each_daemon() {
    let new = Docker::start(Tools::docker(), &["--feature=containerd-snapshotter=true"]);
    let old = Docker::start(Tools::docker_of_bookworm(), &["--storage-driver=overlay2"]);
    let golden = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/digests.txt")).unwrap();
    for (example, docker) in EXAMPLES.iter().flat_map(|example| [(example, &new), (example, &old)]) {
        let mut world = World::with_kept_store();
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        world.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example));
        let store = world.path("store-of-engine").display().to_string();
        let report = world.path("tmp/report.json").display().to_string();
        let own = ["build", "--locked", "--engine", "buildkit:docker://", "--store", &store, "--report", &report];
        world.kiln(own).env("DOCKER_HOST", docker.address()).run().done();
        let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        let digest = report["images"][0]["digest"].as_str().unwrap();
        assert!(golden.contains(&format!("examples/{example} {digest}\n")), "{example}: {digest}\n{golden}");
    }
}
