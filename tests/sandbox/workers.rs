//! The processes that wait for steps: they serve again, are replaced, and end with the sandbox.

use super::room::Room;
use crate::support::program::processes_within;
use kiln::solve::embedded::sandbox::{Sandbox, SandboxError};
use rustix::process::{Pid, Signal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The numbers of the workers in a store.
fn workers(store: &Path) -> Vec<i32> {
    let is_worker = |process: &PathBuf| {
        let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).nth(1) == Some(b"sandbox-worker")
    };
    let processes = processes_within(store).into_iter().filter(is_worker);
    processes.map(|process| process.file_name().unwrap().to_str().unwrap().parse().unwrap()).collect()
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it never happened");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a process, and waits until all its threads have ended; whoever started it has yet to notice.
fn kill(process: i32) {
    rustix::process::kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
    let status = || std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    wait_until(|| status().contains("State:\tZ") && status().contains("Threads:\t1\n"));
}

#[test]
fn steps_in_a_row_use_one_worker() {
    let room = Room::new();
    room.out(&room.step(&["nothing"]));
    let first = workers(room.store.root());
    assert_eq!(first.len(), 1);
    for args in [&["exit", "1"][..], &["put", "/x", "x"], &["nothing"]] {
        room.run(&room.step(args));
        assert_eq!(workers(room.store.root()), first);
    }
}

#[test]
fn a_worker_that_was_prepared_is_used() {
    let room = Room::new();
    room.native.prepare(&room.store);
    room.native.prepare(&room.store);
    wait_until(|| !workers(room.store.root()).is_empty());
    let prepared = workers(room.store.root());
    room.out(&room.step(&["nothing"]));
    assert_eq!(workers(room.store.root()), prepared);
}

#[test]
fn each_store_has_workers_of_its_own() {
    let (room, other) = (Room::new(), Room::new());
    let step = other.step(&["nothing"]);
    room.out(&room.step(&["nothing"]));
    room.native.run(&step, &other.store, &super::room::Ear::default()).unwrap();
    assert_eq!((workers(room.store.root()).len(), workers(other.store.root()).len()), (1, 1));
}

#[test]
fn a_worker_that_was_killed_is_replaced() {
    let room = Room::new();
    room.out(&room.step(&["nothing"]));
    let first = workers(room.store.root())[0];
    kill(first);
    room.out(&room.step(&["nothing"]));
    let second = workers(room.store.root());
    assert!(second.len() == 1 && second[0] != first, "{first}, {second:?}");
}

#[test]
fn after_a_step_that_could_not_run_another_worker_serves() {
    let room = Room::new();
    let mut missing = room.step(&["nothing"]);
    missing.args = vec!["/missing".into()];
    assert!(matches!(room.try_run(&missing), Err(SandboxError::Program { .. })));
    assert!(workers(room.store.root()).is_empty());
    room.out(&room.step(&["nothing"]));
}

#[test]
fn nothing_is_left_after_the_sandbox() {
    let room = Room::new();
    let root = room.store.root().to_owned();
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| room.out(&room.step(&["put", "/x", "x"])));
        }
    });
    room.native.prepare(&room.store);
    assert!(!workers(&root).is_empty());
    drop(room.native);
    assert_eq!(processes_within(&root), Vec::<PathBuf>::new());
    // Unfinished work stands below the folder of a stay, in folders by number.
    let folders = |above: PathBuf| std::fs::read_dir(above).unwrap().map(|e| e.unwrap().path()).filter(|e| e.is_dir());
    let left: Vec<PathBuf> = folders(root.join("tmp")).flat_map(folders).flat_map(folders).collect();
    assert!(left.is_empty(), "{left:?}");
}
