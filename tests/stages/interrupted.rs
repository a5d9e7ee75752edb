//! Builds that are interrupted while their commands run.

use super::Site;
use crate::support::program::processes_within;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Commands in a row and beside one another, with a cache that one at a time may use and a writable source.
const SPEC: &str = r#"
arg "n" type="int" default=0
stage "first" {
    base "tools"
    env N="${n}"
    cache "/c" sharing="locked"
    run "sleep 20; write /one $N; append /c/all $N"
    run "sleep 20; cp /one /two; fill /large 1"
}
stage "second" {
    base "tools"
    env N="${n}"
    cache "/c" sharing="locked"
    mount "src" to="/src" writable=#true
    run "sleep 20; write /src/made $N; append /c/all $N"
}
stage "third" {
    base "first"
    check "all" "sleep 20; exists /two"
}
image "x" {
    copy "/two" from="third" to="/"
    copy "/src/made" from="second" to="/"
}
"#;

/// Interrupts builds at so many random moments; nothing is left of them, and the same build then succeeds.
fn interrupted_at(moments: u32) {
    let site = Site::new(SPEC);
    let tree = site.world.path("tree");
    let build = |n: u32| {
        let _ = fs::remove_dir_all(&tree);
        let (arg, output) = (format!("n={n}"), format!("tree:{}", tree.display()));
        site.build(&["--arg", &arg, "-o", &output])
    };
    // The first makes what all others find, and takes longer.
    build(moments).run().done();
    let started = Instant::now();
    build(moments + 1).run().done();
    let whole = started.elapsed();
    let (mut ended, mut finished) = (0, 0);
    for moment in 0..moments {
        let mut running = build(moment).start();
        // Not on a grid, and in no order: the clock is as random as need be.
        let random = u32::from(started.elapsed().subsec_nanos().to_le_bytes()[0]);
        std::thread::sleep(whole * random / 256);
        let signal = ["INT", "TERM", "KILL"][moment as usize % 3];
        let status = interrupt(&mut running, signal);
        match (status.code(), status.signal()) {
            (Some(0), _) => finished += 1,
            // Before kiln listens, the signal does what it always does.
            (Some(130), _) | (None, Some(2 | 9 | 15)) => ended += 1,
            other => panic!("moment {moment}, {signal}: {other:?}"),
        }
        nothing_is_left_of(site.world.path("").as_path());
        build(moment).run().done();
        for path in ["two", "made"] {
            assert_eq!(fs::read_to_string(tree.join(path)).unwrap(), format!("{moment}\n"), "moment {moment}");
        }
        let names = |folder: &str| fs::read_dir(site.world.path(folder)).unwrap().map(|e| e.unwrap().path());
        let files: Vec<_> = names("store/tmp").chain(names("store/locks")).collect();
        assert_eq!(files, Vec::<std::path::PathBuf>::new(), "moment {moment}, {signal}");
    }
    assert!(ended > finished, "{ended} were interrupted, {finished} had ended");
}

/// Sends a signal to a build, and waits for its end.
fn interrupt(build: &mut Child, signal: &str) -> std::process::ExitStatus {
    let number = build.id().to_string();
    // It may have ended already.
    Command::new("kill").args(["-s", signal, &number]).output().unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = build.try_wait().unwrap() {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on after {signal}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sees that no process works below a folder any more, and that nothing is mounted there.
///
/// What kiln started is killed by the kernel, which takes a moment.
fn nothing_is_left_of(root: &Path) {
    let began = Instant::now();
    loop {
        let left = processes_within(root);
        if left.is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{left:?} live on");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(root.to_str().unwrap()), "{mounts}");
}

#[test]
fn a_build_that_is_interrupted_leaves_nothing_and_the_next_succeeds() {
    interrupted_at(9);
}

#[test]
#[ignore = "takes long"]
fn a_build_that_is_interrupted_two_hundred_times_leaves_nothing() {
    interrupted_at(200);
}
