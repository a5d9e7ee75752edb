//! The sandbox of this machine, by the library: what a command sees, what is kept of what it does, and what it can not do.

use crate::support::program::KILN;
use crate::support::toolbox;
use kiln::llb::exec::{Limits, Network};
use kiln::oci::Digest;
use kiln::solve::embedded::sandbox::{
    Ended, EnvValue, Listener, Mount, MountKind, Native, Sandbox, SandboxError, Status, Step, Stream, TreeRef, User,
};
use kiln::store::Store;
use kiln::tree::{Entry, Tree, TreePath};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A store with a tree that has a toolbox.
struct Bench {
    _folder: TempDir,
    store: Store,
    tree: Digest,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let program = std::fs::read(toolbox::program()).unwrap();
        let content = store.put(&program).unwrap();
        let mut tree = Tree::new();
        let path = |text: &str| TreePath::new(text).unwrap();
        tree.insert(path("bin"), Entry::dir(0o755)).unwrap();
        tree.insert(path("bin/box"), Entry::file(content, program.len() as u64, 0o755)).unwrap();
        tree.insert(path("bin/sh"), Entry::symlink("box")).unwrap();
        let tree = tree.save(&store).unwrap();
        Bench { _folder: folder, store, tree }
    }

    fn step(&self, text: &str) -> Step {
        let tree = TreeRef { tree: self.tree, history: Vec::new() };
        let kind = MountKind::Tree { tree, selector: TreePath::root(), writable: true };
        Step {
            name: "test".into(),
            args: vec!["/bin/sh".into(), "-c".into(), text.into()],
            env: vec![("GREETING".into(), EnvValue::Plain("hello".into()))],
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

    fn run(&self, step: &Step) -> (Result<Ended, SandboxError>, String) {
        let heard = Heard::default();
        let ended = Native::new(KILN.into()).run(step, &self.store, &heard);
        (ended, String::from_utf8(heard.said.into_inner().unwrap()).unwrap())
    }

    #[track_caller]
    fn done(&self, text: &str) -> (Ended, String) {
        let (ended, said) = self.run(&self.step(text));
        let ended = ended.unwrap_or_else(|error| panic!("{error}\n{said}"));
        assert_eq!(ended.status, Status::Exited(0), "{said}");
        (ended, said)
    }
}

#[derive(Default)]
struct Heard {
    said: Mutex<Vec<u8>>,
    cancelled: AtomicBool,
}

impl Listener for Heard {
    fn output(&self, _: Stream, bytes: &[u8]) {
        self.said.lock().unwrap().extend_from_slice(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[test]
fn a_command_runs_and_what_it_changed_is_told() {
    let bench = Bench::new();
    let (ended, said) = bench.done("echo $GREETING; id; hostname; pwd; umask; write /made text; mkdir /d");
    assert_eq!(said, "hello\n0:0\nkiln\n/\n0022\n");
    let change = ended.changes[0].as_ref().unwrap();
    let paths: Vec<String> = change.entries.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(
        paths,
        ["", "d", "made"].map(|p| if p.is_empty() { "/".to_owned() } else { format!("/{p}") })[1..],
        "{paths:?}"
    );
    assert!(change.takes_nothing_away());
}
