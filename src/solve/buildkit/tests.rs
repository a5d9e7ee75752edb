//! Several daemons, as far as it matters who is asked: those of the fixture end commands with a code of their own.

use super::fixtures::{Answer, FakeDaemon};
use super::*;
use crate::llb::exec::{Limits, Network};
use crate::oci::Platform;
use crate::solve::embedded::sandbox::{Mount, MountKind, Stream, TreeRef, User};
use crate::tree::{Tree, TreePath};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const AMD64: &[&str] = &["linux/amd64", "linux/386"];
const ARM64: &[&str] = &["linux/arm64"];
const BOTH: &[&str] = &["linux/amd64", "linux/arm64"];

/// Hears nothing, and may want the work to end.
#[derive(Default)]
struct Ear {
    is_cancelled: AtomicBool,
}

impl Listener for Ear {
    fn output(&self, _: Stream, _: &[u8]) {}

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

struct Room {
    folder: TempDir,
    store: Store,
    runtime: Runtime,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Room { folder, store, runtime: Runtime::new().unwrap() }
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fake(&self, name: &str, platforms: &'static [&'static str], answer: Answer) -> FakeDaemon {
        FakeDaemon::at(&self.socket(name), platforms, answer)
    }

    /// These daemons, each of which runs two commands at once at most.
    fn pool(&self, names: &[&str]) -> BuildKit {
        let at = |name: &&str| DaemonAt { address: Address::Unix(self.socket(name)), tls: None };
        BuildKit::new(names.iter().map(at).collect(), 2, self.runtime.handle().clone())
    }

    fn step(&self, platform: &str) -> Step {
        let tree = TreeRef { tree: Tree::new().save(&self.store).unwrap(), history: Vec::new() };
        let kind = MountKind::Tree { tree, selector: TreePath::root(), writable: true, part: None };
        Step {
            name: "make".into(),
            platform: platform.parse().unwrap(),
            args: vec!["make".into()],
            env: Vec::new(),
            cwd: "/".into(),
            user: User::default(),
            hostname: "kiln".into(),
            hosts: Vec::new(),
            network: Network::None,
            limits: Limits::default(),
            mounts: vec![Mount { target: "/".into(), kind }],
            interactive: false,
        }
    }

    fn run(&self, pool: &BuildKit, platform: &str) -> Ended {
        pool.run(&self.step(platform), &self.store, &Ear::default()).unwrap()
    }

    /// What is said, with the names of sockets alone.
    fn error(&self, pool: &BuildKit, platform: &str) -> String {
        let error = pool.run(&self.step(platform), &self.store, &Ear::default()).unwrap_err().to_string();
        error.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn a_command_runs_where_its_platform_is_at_home() {
    let room = Room::new();
    let _daemons = [
        room.fake("both", BOTH, Answer::Exit(1)),
        room.fake("arm", ARM64, Answer::Exit(2)),
        room.fake("intel", AMD64, Answer::Exit(3)),
    ];
    let pool = room.pool(&["both", "arm", "intel"]);
    assert_eq!(room.run(&pool, "linux/amd64").status, Status::Exited(1));
    assert_eq!(room.run(&pool, "linux/arm64").status, Status::Exited(2));
    assert_eq!(room.run(&pool, "linux/386").status, Status::Exited(3));
    let said = "the BuildKit daemon at unix://both, unix://arm, unix://intel: no commands run there for linux/s390x, only \
                at unix://both for linux/amd64, linux/arm64; at unix://arm for linux/arm64; at unix://intel for \
                linux/amd64, linux/386";
    assert_eq!(room.error(&pool, "linux/s390x"), said);
}

#[test]
fn commands_are_shared_by_load_and_wait_where_all_are_busy() {
    let room = Room::new();
    let daemons = [room.fake("a", AMD64, Answer::Exit(1)), room.fake("b", AMD64, Answer::Exit(1))];
    let pool = room.pool(&["a", "b"]);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..10).map(|_| scope.spawn(|| room.run(&pool, "linux/amd64").status)).collect();
        for run in running {
            assert_eq!(run.join().unwrap(), Status::Exited(1));
        }
    });
    for daemon in &daemons {
        assert_eq!(daemon.most_at_once(), 2);
        assert!(daemon.asked() >= 4, "{}", daemon.asked());
    }
}

#[test]
fn another_takes_over_from_one_that_dies() {
    let room = Room::new();
    let dies = room.fake("a", AMD64, Answer::Die);
    let _other = room.fake("b", AMD64, Answer::Exit(5));
    let pool = room.pool(&["a", "b"]);
    let ended = room.run(&pool, "linux/amd64");
    assert_eq!((ended.status, dies.asked()), (Status::Exited(5), 1));
    let [warning] = ended.warnings.as_slice() else { panic!("{:?}", ended.warnings) };
    assert!(warning.contains("/b, as it did not at unix://"), "{warning}");
    assert!(warning.contains("the connection broke: "), "{warning}");
    // It is not waited for again.
    let ended = room.run(&pool, "linux/amd64");
    assert_eq!((ended.status, ended.warnings.len()), (Status::Exited(5), 0));
}

#[test]
fn one_that_is_not_there_or_refuses_is_no_reason_to_fail() {
    let room = Room::new();
    let _full = room.fake("full", AMD64, Answer::Refuse("no space left on device"));
    let other = room.fake("b", AMD64, Answer::Exit(5));
    let pool = room.pool(&["gone", "full", "b"]);
    let ended = room.run(&pool, "linux/amd64");
    assert_eq!(ended.status, Status::Exited(5));
    assert!(ended.warnings[0].ends_with("/full: no space left on device"), "{:?}", ended.warnings);
    drop(other);
    std::fs::remove_file(room.socket("b")).unwrap();
    let said = room.error(&pool, "linux/amd64");
    for part in
        ["unix://full: no space left on device", "; and the one at unix://b: ", "; and the one at unix://gone: "]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_daemon_alone_that_dies_is_looked_for_and_then_told_of() {
    let room = Room::new();
    let dies = room.fake("a", AMD64, Answer::Die);
    let said = room.error(&room.pool(&["a"]), "linux/amd64");
    assert!(said.starts_with("the BuildKit daemon at unix://a: the connection broke: "), "{said}");
    assert!(said.contains("; and then: "), "{said}");
    assert_eq!(dies.asked(), 1);
}

#[test]
fn a_connection_that_broke_is_forgotten_and_a_newer_one_stays() {
    let room = Room::new();
    let _daemon = room.fake("a", AMD64, Answer::Exit(1));
    let pool = room.pool(&["a"]);
    let [daemon] = pool.daemons.as_slice() else { panic!("one daemon") };
    let connected = || room.runtime.block_on(daemon.connected(&room.store)).unwrap_or_else(|why| panic!("{why:?}"));
    let broken = connected();
    daemon.forget(&broken);
    let newer = connected();
    assert!(!Arc::ptr_eq(&broken, &newer));
    daemon.forget(&broken);
    assert!(Arc::ptr_eq(&newer, &connected()));
}

#[test]
fn nobody_waits_for_a_daemon_when_the_build_ends() {
    let room = Room::new();
    let _busy = room.fake("a", AMD64, Answer::Exit(1));
    let pool = room.pool(&["a"]);
    let ear = Ear { is_cancelled: AtomicBool::new(true) };
    let ended = pool.run(&room.step("linux/amd64"), &room.store, &ear).unwrap();
    assert_eq!((ended.status, ended.changes.len()), (Status::Cancelled, 1));
}

#[test]
fn platforms_of_this_machine_are_known_by_their_names() {
    assert!(AMD64.iter().chain(ARM64).all(|name| name.parse::<Platform>().is_ok()));
}
