//! A store, a sandbox and a file system with one static program in it.

use kiln::llb::exec::{Limits, Network};
use kiln::oci::{Digest, Platform};
use kiln::solve::embedded::sandbox::{
    Ended, EnvValue, Listener, Mount, MountKind, Native, Sandbox, SandboxError, Status, Step, Stream, TreeRef, User,
};
use kiln::store::Store;
use kiln::tree::{Entry, Tree, TreePath};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

pub struct Room {
    pub store: Store,
    pub native: Native,
    /// After the store, which is in it.
    _folder: Option<TempDir>,
}

/// What a step said and how it ended.
#[derive(Debug)]
pub struct Seen {
    pub ended: Ended,
    pub out: String,
    pub err: String,
}

/// Keeps all that a step writes; ends it when it is told to.
#[derive(Default)]
pub struct Ear {
    pub out: Mutex<Vec<u8>>,
    pub err: Mutex<Vec<u8>>,
    pub is_over: AtomicBool,
}

impl Listener for Ear {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let to = if stream == Stream::Out { &self.out } else { &self.err };
        to.lock().unwrap().extend_from_slice(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A C program of this folder, compiled without any library that a file system would need.
pub fn compiled(source: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox").join(source);
    let output = Command::new("cc").args(["-static", "-O1", "-w", "-o"]).arg(&out).arg(source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(out).unwrap()
}

pub fn tool() -> &'static [u8] {
    static TOOL: OnceLock<Vec<u8>> = OnceLock::new();
    TOOL.get_or_init(|| compiled("tool.c"))
}

pub fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

impl Room {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::at(folder.path());
        Room { _folder: Some(folder), ..room }
    }

    /// A room in a folder that stays.
    pub fn at(folder: &Path) -> Self {
        let store = Store::open(folder.join("store")).unwrap();
        Room { _folder: None, store, native: Native::new(env!("CARGO_BIN_EXE_kiln")) }
    }

    pub fn without_overlays() -> Self {
        let mut room = Room::new();
        room.native = room.native.without_overlays();
        room
    }

    /// A tree with the program as `/tool`, and what a test adds.
    pub fn tree(&self, more: impl IntoIterator<Item = (TreePath, Entry)>) -> Tree {
        let content = self.store.put(tool()).unwrap();
        let mut tree = Tree::new();
        tree.insert(path("tool"), Entry::file(content, tool().len() as u64, 0o755)).unwrap();
        for (path, entry) in more {
            tree.insert(path, entry).unwrap();
        }
        tree
    }

    pub fn file(&self, content: &str) -> Entry {
        Entry::file(self.store.put(content.as_bytes()).unwrap(), content.len() as u64, 0o644)
    }

    /// A step that calls the program in a file system with nothing else.
    pub fn step(&self, args: &[&str]) -> Step {
        self.step_in(&self.tree([]), args)
    }

    pub fn step_in(&self, tree: &Tree, args: &[&str]) -> Step {
        self.step_at(tree.save(&self.store).unwrap(), args)
    }

    pub fn step_at(&self, tree: Digest, args: &[&str]) -> Step {
        Step {
            name: "test".into(),
            platform: Platform::host(),
            args: std::iter::once("/tool").chain(args.iter().copied()).map(str::to_owned).collect(),
            env: vec![("PATH".into(), EnvValue::Plain("/bin".into()))],
            cwd: "/".into(),
            user: User::default(),
            hostname: "kiln".into(),
            hosts: Vec::new(),
            network: Network::None,
            limits: Limits::default(),
            mounts: vec![Mount {
                target: "/".into(),
                kind: MountKind::Tree {
                    tree: TreeRef { tree, history: Vec::new() },
                    selector: TreePath::root(),
                    writable: true,
                    part: None,
                },
            }],
            interactive: false,
        }
    }

    pub fn try_run(&self, step: &Step) -> Result<Seen, SandboxError> {
        let ear = Ear::default();
        let ended = self.native.run(step, &self.store, &ear)?;
        let text = |bytes: Mutex<Vec<u8>>| String::from_utf8(bytes.into_inner().unwrap()).unwrap();
        Ok(Seen { ended, out: text(ear.out), err: text(ear.err) })
    }

    pub fn run(&self, step: &Step) -> Seen {
        self.try_run(step).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Runs a step that must succeed; what it wrote to standard output.
    pub fn out(&self, step: &Step) -> String {
        let seen = self.run(step);
        assert_eq!(seen.ended.status, Status::Exited(0), "{seen:?}");
        assert_eq!(seen.err, "");
        seen.out
    }
}
