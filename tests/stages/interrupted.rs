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

/// Interrupts so many builds, each at a random moment; nothing is left of them, and the same build then succeeds.
fn interrupted_at(moments: u32) {
    let site = Site::new(SPEC);
    let tree = site.world.path("tree");
    let build = |n: u32| {
        let _ = fs::remove_dir_all(&tree);
        let (arg, output) = (format!("n={n}"), format!("tree:{}", tree.display()));
        site.build(&["--arg", &arg, "-o", &output])
    };
    // The first makes what all others find, and takes longer.
    build(0).run().done();
    let started = Instant::now();
    build(1).run().done();
    let mut whole = started.elapsed();
    let mut interrupted = 0;
    // Each with a number of its own: nothing of an earlier one answers it.
    for n in 2.. {
        if interrupted == moments {
            break;
        }
        assert!(n < 10 * (moments + 10), "{interrupted} of {n} builds were interrupted");
        let mut running = build(n).start();
        // Not on a grid, and in no order: the clock is as random as need be.
        let random = u32::from(started.elapsed().subsec_nanos().to_le_bytes()[0]);
        // A build that has ended before its moment says how long one takes by now.
        if let Some(took) = ends_within(&mut running, whole * random / 256) {
            whole = took;
            continue;
        }
        let signal = ["INT", "TERM", "KILL"][interrupted as usize % 3];
        let status = interrupt(&mut running, signal);
        match (status.code(), status.signal()) {
            // It ended just as the signal was sent.
            (Some(0), _) => continue,
            // Before kiln listens, the signal does what it always does.
            (Some(130), _) | (None, Some(2 | 9 | 15)) => interrupted += 1,
            other => panic!("build {n}, {signal}: {other:?}"),
        }
        nothing_is_left_of(site.world.path("").as_path());
        build(n).run().done();
        for path in ["two", "made"] {
            assert_eq!(fs::read_to_string(tree.join(path)).unwrap(), format!("{n}\n"), "build {n}");
        }
        let names = |folder: &str| fs::read_dir(site.world.path(folder)).unwrap().map(|e| e.unwrap().path());
        let files: Vec<_> = names("store/tmp").chain(names("store/locks")).collect();
        assert_eq!(files, Vec::<std::path::PathBuf>::new(), "build {n}, {signal}");
    }
}

/// Waits for the end of a build, for so long at most; if it comes, what it took.
fn ends_within(build: &mut Child, time: Duration) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < time {
        if let Some(status) = build.try_wait().unwrap() {
            assert!(status.success(), "{status:?}");
            return Some(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
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

/// A build that is killed just after it has made a layer leaves one of which no record tells.
#[test]
fn a_layer_on_disk_that_nobody_remembers_is_used() {
    let site = Site::new(SPEC);
    let tree = site.world.path("tree");
    for n in ["1", "2"] {
        let _ = fs::remove_dir_all(&tree);
        let (arg, output) = (format!("n={n}"), format!("tree:{}", tree.display()));
        site.build(&["--arg", &arg, "-o", &output]).run().done();
        assert_eq!(fs::read_to_string(tree.join("two")).unwrap(), format!("{n}\n"));
        let records = site.world.path("store/records/tree-layers");
        assert!(records.is_dir());
        fs::remove_dir_all(records).unwrap();
    }
}

#[test]
#[ignore = "takes long"]
fn a_build_that_is_interrupted_two_hundred_times_leaves_nothing() {
    interrupted_at(200);
}
