//! Commands in a sandbox that is a function: what they are told, what becomes of what they leave, and what is run at all.

mod caches;
mod explaining;
mod failing;
mod fixtures;
mod foreign;
mod foreseen;
mod keys;
mod mounts;
mod packs;
mod parts;
mod steps;

use super::super::sandbox::Status;
use super::super::{Embedded, SolveError};
use crate::diagnostic::Sources;
use crate::llb::exec::{Limits, Mount, MountKind, Network};
use crate::llb::{Action, Builder, Exec, ExecOutputs, FileOp, Graph, Mkdir, Mkfile, Note, Output, Vertex, pb};
use crate::oci::{Digest, Platform};
use crate::solve::{Engine, Offline, Outcome, Progress, Request, Secrets, Solution, Stream};
use crate::store::Store;
use fixtures::{Fake, Shell};
use prost::Message;
use secrecy::SecretSlice;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A store, a graph in the making, and a sandbox.
struct Bench {
    dir: tempfile::TempDir,
    store: Store,
    builder: Builder,
    fake: Arc<Fake>,
    secrets: Secrets,
}

/// What is asked for beside the graph.
#[derive(Clone, Copy)]
struct Ask<'a> {
    progress: &'a dyn Progress,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    agents: &'a BTreeMap<String, PathBuf>,
    network: Network,
    explain: bool,
    twice: bool,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        static NONE: BTreeMap<String, PathBuf> = BTreeMap::new();
        let (network, explain, twice) = (Network::None, false, false);
        Ask { progress: &(), cancelled: &|| false, agents: &NONE, network, explain, twice }
    }
}

/// What was heard.
#[derive(Default)]
struct Log {
    ended: Mutex<Vec<(String, Outcome)>>,
    written: Mutex<Vec<(Stream, String)>>,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Log {
    fn finished(&self, vertex: &Vertex, outcome: Outcome) {
        self.ended.lock().unwrap().push((vertex.name(), outcome));
    }

    fn output(&self, _: &Vertex, stream: Stream, bytes: &[u8]) {
        self.written.lock().unwrap().push((stream, String::from_utf8_lossy(bytes).into_owned()));
    }

    fn warning(&self, _: &Vertex, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }
}

impl Log {
    fn text(&self) -> String {
        self.written.lock().unwrap().iter().map(|(_, text)| text.as_str()).collect()
    }
}

impl Bench {
    /// With a sandbox in which every command does this.
    fn new(run: impl Fn(&mut Shell<'_>) -> Status + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        let builder = Builder::new(Platform::host());
        Bench { dir, store, builder, fake: Arc::new(Fake::new(run)), secrets: Secrets::new() }
    }

    /// The same store, and another sandbox.
    fn now(&mut self, run: impl Fn(&mut Shell<'_>) -> Status + Send + Sync + 'static) {
        self.fake = Arc::new(Fake::new(run));
    }

    fn engine(&self) -> Embedded {
        Embedded::new(self.store.clone(), Arc::new(Offline)).with_sandbox(self.fake.clone())
    }

    fn secret(&mut self, name: &str, value: &[u8]) {
        self.secrets.insert(name.to_owned(), SecretSlice::from(value.to_vec()));
    }

    /// A tree with these files, and their folders.
    fn tree(&mut self, files: &[(&str, &str)]) -> Output {
        self.tree_on(None, files)
    }

    fn tree_on(&mut self, base: Option<Output>, files: &[(&str, &str)]) -> Output {
        let mut actions = Vec::new();
        for (path, content) in files {
            if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
                actions.push(Action::Mkdir(Mkdir::new(folder, 0o755)));
            }
            actions.push(Action::Mkfile(Mkfile::new(*path, 0o644, *content)));
        }
        self.builder.file(FileOp { base, accounts: None, actions }, Note::default())
    }

    fn exec(&mut self, exec: Exec) -> ExecOutputs {
        let name = exec.args.join(" ");
        self.builder.exec(exec, Note::named(name))
    }

    /// A command whose root is its output.
    fn run(&mut self, root: Option<Output>, args: &[&str]) -> Output {
        self.exec(command(root, args)).root.unwrap()
    }

    fn solve_with(&self, targets: &[Output], ask: Ask<'_>) -> Result<Solution, SolveError> {
        let graph = crate::llb::read(&self.graph_of(targets)).unwrap();
        let Ask { progress, cancelled, agents, network, explain, twice } = ask;
        let (secrets, parallelism) = (&self.secrets, 2);
        let request = Request::new(&graph, targets);
        self.engine().solve(&Request {
            progress,
            cancelled,
            agents,
            network,
            explain,
            twice,
            secrets,
            parallelism,
            ..request
        })
    }

    /// The definition of a graph with all of these.
    fn graph_of(&self, targets: &[Output]) -> Vec<u8> {
        let parts: Vec<_> =
            targets.iter().map(|target| self.builder.finish(*target, &Sources::default()).unwrap()).collect();
        let mut whole = parts[0].message().clone();
        let last = whole.def.pop().unwrap();
        for part in &parts[1..] {
            let vertices = part.message().def.split_last().unwrap().1;
            whole.def.extend(vertices.iter().filter(|op| !whole.def.contains(op)).cloned().collect::<Vec<_>>());
            whole.metadata.extend(part.message().metadata.clone());
        }
        whole.def.push(last);
        whole.encode_to_vec()
    }

    /// The graph of a command, with its operation or what is said of it changed; and what it then yields.
    fn patched(&self, target: Output, change: impl FnOnce(&mut pb::ExecOp, &mut pb::OpMetadata)) -> (Graph, Output) {
        let mut message = self.builder.finish(target, &Sources::default()).unwrap().message().clone();
        let at = message.def.iter().position(|bytes| Digest::of(bytes) == target.vertex).unwrap();
        let mut op = pb::Op::decode(message.def[at].as_slice()).unwrap();
        let mut metadata = message.metadata.remove(&target.vertex.to_string()).unwrap();
        let Some(pb::op::Op::Exec(exec)) = &mut op.op else { panic!("no command") };
        change(exec, &mut metadata);
        message.def[at] = op.encode_to_vec();
        let target = Output { vertex: Digest::of(&message.def[at]), ..target };
        message.metadata.insert(target.vertex.to_string(), metadata);
        let input = pb::Input { digest: target.vertex.to_string(), index: i64::from(target.index) };
        *message.def.last_mut().unwrap() = pb::Op { inputs: vec![input], ..pb::Op::default() }.encode_to_vec();
        (crate::llb::read(&message.encode_to_vec()).unwrap(), target)
    }

    /// Solves a graph as it is.
    fn solve_graph(&self, (graph, target): &(Graph, Output)) -> Result<Solution, SolveError> {
        let targets = [*target];
        self.engine().solve(&Request { secrets: &self.secrets, ..Request::new(graph, &targets) })
    }

    #[track_caller]
    fn solve(&self, target: Output) -> Solution {
        self.solve_with(&[target], Ask::default()).unwrap()
    }

    #[track_caller]
    fn fail(&self, target: Output) -> String {
        self.solve_with(&[target], Ask::default()).unwrap_err().to_string()
    }

    /// The files of a result, with their contents.
    fn shown(&self, solution: &Solution) -> Vec<String> {
        let tree = &solution.results[0].tree;
        let files = tree.iter().filter_map(|(path, entry)| Some((path, entry.content()?)));
        let text = |content: &Digest| String::from_utf8(self.store.read(content, 1 << 20).unwrap()).unwrap();
        files.map(|(path, content)| format!("{path} {}", text(content))).collect()
    }

    /// How often a command ran.
    fn count(&self) -> usize {
        self.fake.count()
    }
}

fn command(root: Option<Output>, args: &[&str]) -> Exec {
    Exec::new(root, args.iter().copied())
}

fn mount(target: &str, kind: MountKind) -> Mount {
    Mount { target: target.to_owned(), kind }
}

fn tree(from: Output, selector: &str, writable: bool) -> MountKind {
    MountKind::Tree { from: Some(from), selector: selector.to_owned(), writable }
}

const GOOD: Status = Status::Exited(0);

/// The real thing is given only what is there for it: without one, a command is refused before anything is done.
#[test]
fn an_engine_without_a_sandbox_runs_no_commands() {
    let mut bench = Bench::new(|_| GOOD);
    let root = bench.tree(&[("/f", "x")]);
    let ran = bench.run(Some(root), &["make"]);
    let graph = crate::llb::read(&bench.graph_of(&[ran])).unwrap();
    let engine = Embedded::new(bench.store.clone(), Arc::new(Offline));
    let error = engine.solve(&Request::new(&graph, &[ran])).unwrap_err();
    assert!(matches!(error, SolveError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("was given no sandbox"), "{error}");
}

#[test]
fn a_command_changes_a_tree() {
    let mut bench = Bench::new(|shell| {
        assert_eq!(shell.read("/in").as_deref(), Some("one"));
        shell.write("/out/file", "two");
        shell.remove("/old");
        GOOD
    });
    let root = bench.tree(&[("/in", "one"), ("/old", "x")]);
    let ran = bench.run(Some(root), &["make"]);
    let solution = bench.solve(ran);
    assert_eq!(bench.shown(&solution), ["/in one", "/out/file two"]);
    assert_eq!(solution.ran.len(), 1);
    let told = &solution.ran[0];
    assert_eq!((told.vertex, told.cached, told.facts.exit_code), (ran.vertex, false, 0));
    assert_eq!(told.outputs, [solution.results[0].tree_digest]);
    assert_eq!(told.inputs.len(), 1);
    // What it took away is taken away where its result is laid over another.
    assert_eq!(solution.results[0].removed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/old"]);

    let again = bench.solve(ran);
    assert_eq!((bench.count(), again.results), (1, solution.results));
    assert_eq!((again.ran[0].cached, &again.ran[0].facts), (true, &told.facts));
}

#[test]
fn a_command_that_changes_nothing_leaves_the_same_tree() {
    let mut bench = Bench::new(|_| GOOD);
    let root = bench.tree(&[("/f", "x")]);
    let ran = bench.run(Some(root), &["true"]);
    let solution = bench.solve_with(&[ran, root], Ask::default()).unwrap();
    assert_eq!(solution.results[0], solution.results[1]);
}
