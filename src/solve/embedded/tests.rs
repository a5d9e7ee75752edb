//! Whole graphs.

use super::*;
use crate::diagnostic::Sources;
use crate::llb::{Action, Builder, Copy, FileOp, Mkdir, Mkfile, Note, Owner, Remove, attr};
use crate::oci::{Config, Descriptor, ImageConfig, Manifest, Platform, RootFs, media_type, to_json};
use crate::solve::{ContextRead, FetchError, Progress};
use crate::tree::{Entry, Tree, TreePath};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Bench {
    dir: tempfile::TempDir,
    store: Store,
    builder: Builder,
    fetch: Arc<Fetcher>,
    contexts: BTreeMap<String, PathBuf>,
    parallelism: usize,
}

/// Serves files from a map and counts.
#[derive(Default)]
struct Fetcher {
    files: BTreeMap<String, Vec<u8>>,
    asked: AtomicUsize,
}

impl Fetch for Fetcher {
    fn fetch(&self, url: &str, digest: &Digest, store: &Store) -> Result<(), FetchError> {
        use std::io::Write;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let content = self.files.get(url).ok_or_else(|| FetchError::Offline { url: url.to_owned() })?;
        let mut writer = store.writer()?;
        writer.write_all(content).unwrap();
        writer.commit_as(digest)?;
        Ok(())
    }
}

/// Remembers how each vertex ended.
#[derive(Default)]
struct Log {
    ended: Mutex<Vec<(String, Outcome)>>,
    read: Mutex<ContextRead>,
}

impl Progress for Log {
    fn finished(&self, vertex: &Vertex, outcome: Outcome) {
        self.ended.lock().unwrap().push((vertex.name(), outcome));
    }

    fn context(&self, _: &Vertex, read: ContextRead) {
        *self.read.lock().unwrap() = read;
    }
}

impl Log {
    fn count(&self, outcome: Outcome) -> usize {
        self.ended.lock().unwrap().iter().filter(|(_, o)| *o == outcome).count()
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        let context = dir.path().join("app");
        std::fs::create_dir(&context).unwrap();
        Bench {
            dir,
            store,
            builder: Builder::new(Platform::linux("amd64", None)),
            fetch: Arc::default(),
            contexts: BTreeMap::from([("app".to_owned(), context)]),
            parallelism: 2,
        }
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.dir.path().join("app").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn local(&mut self) -> Output {
        self.builder.source("local://app", BTreeMap::new(), Note::named("context"))
    }

    fn file(&mut self, base: Option<Output>, actions: Vec<Action>) -> Output {
        self.builder.file(FileOp { base, accounts: None, actions }, Note::default())
    }

    fn mkfile(&mut self, base: Option<Output>, path: &str, content: &str) -> Output {
        self.file(base, vec![Action::Mkfile(Mkfile::new(path, 0o644, content))])
    }

    fn solve_with(&self, targets: &[Output], progress: &dyn Progress) -> Result<Solution, SolveError> {
        let graph = self.builder.finish(targets[0], &Sources::default()).unwrap().graph().unwrap();
        let engine = Embedded::new(self.store.clone(), self.fetch.clone());
        let contexts = &self.contexts;
        let parallelism = self.parallelism;
        engine.solve(&Request { contexts, progress, parallelism, ..Request::new(&graph, targets) })
    }

    fn solve(&self, target: Output) -> (Vec<String>, Log) {
        let log = Log::default();
        let solution = self.solve_with(&[target], &log).unwrap();
        (self.show(&solution.results[0].tree), log)
    }

    fn fail(&self, target: Output) -> String {
        self.solve_with(&[target], &()).unwrap_err().to_string()
    }

    fn show(&self, tree: &Tree) -> Vec<String> {
        let line = |(path, entry): (&TreePath, &Entry)| match entry.content() {
            Some(content) => {
                format!("{path} {}", String::from_utf8_lossy(&self.store.read(content, 1000).unwrap()))
            }
            None => path.to_string(),
        };
        tree.iter().map(line).collect()
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.path().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..])
    }
}

#[test]
fn a_local_copy() {
    let mut bench = Bench::new();
    bench.write("bin/hello", "hi");
    let context = bench.local();
    let copied = bench.file(None, vec![Action::Copy(Copy::new(Some(context), "/bin/hello", "/usr/bin/"))]);
    let (shown, log) = bench.solve(copied);
    assert_eq!(shown, ["/usr", "/usr/bin", "/usr/bin/hello hi"]);
    assert_eq!((log.count(Outcome::Done), log.count(Outcome::Cached)), (2, 0));
}

#[test]
fn what_was_done_is_not_done_again() {
    let mut bench = Bench::new();
    bench.write("f", "one");
    std::thread::sleep(std::time::Duration::from_millis(80));
    let context = bench.local();
    let copied = bench.file(None, vec![Action::Copy(Copy::new(Some(context), "/f", "/f"))]);
    let made = bench.mkfile(Some(copied), "/g", "two");
    let (first, log) = bench.solve(made);
    assert_eq!(log.count(Outcome::Done), 3);
    let (second, log) = bench.solve(made);
    assert_eq!((log.count(Outcome::Done), log.count(Outcome::Cached)), (0, 3));
    assert_eq!(log.read.lock().unwrap().read, 0);
    assert_eq!(first, second);
    // The same operation in another place of another graph, under another name, on another platform.
    bench.builder = Builder::new(Platform::linux("arm64", None));
    let context = bench.builder.source("local://app", attr::Local::default().attrs(), Note::default());
    let actions = vec![Action::Copy(Copy::new(Some(context), "/f", "/f"))];
    let copied = bench.builder.file(FileOp { base: None, accounts: None, actions }, Note::named("renamed"));
    assert_eq!(bench.solve(copied).1.count(Outcome::Cached), 2);
    // Other content, other result.
    bench.write("f", "ONE");
    let (third, log) = bench.solve(copied);
    assert_eq!(log.count(Outcome::Done), 2);
    assert_eq!(third, ["/f ONE"]);
}

#[test]
fn damage_and_loss_in_the_store_heal() {
    let mut bench = Bench::new();
    bench.write("f", "one");
    std::thread::sleep(std::time::Duration::from_millis(80));
    let context = bench.local();
    let copied = bench.file(None, vec![Action::Copy(Copy::new(Some(context), "/f", "/f"))]);
    let made = bench.mkfile(Some(copied), "/g", "two");
    let removed = bench.file(
        Some(made),
        vec![Action::Remove(Remove { path: "/f".into(), allow_not_found: false, allow_wildcard: false })],
    );
    let targets = [removed, copied, made];
    let solution = bench.solve_with(&targets, &()).unwrap();
    let blobs: Vec<Digest> = solution.results.iter().map(|solved| solved.tree_digest).collect();
    let contents = [Digest::of("one"), Digest::of("two")];
    for digest in blobs.iter().chain(&contents) {
        for damage in [0, 1, 2] {
            match damage {
                0 => std::fs::remove_file(bench.blob(digest)).unwrap(),
                1 => std::fs::write(bench.blob(digest), b"").unwrap(),
                // Contents of files with the right size but other bytes are found out by who reads them.
                _ if contents.contains(digest) => continue,
                _ => {
                    let mut bytes = std::fs::read(bench.blob(digest)).unwrap();
                    *bytes.last_mut().unwrap() ^= 1;
                    std::fs::write(bench.blob(digest), bytes).unwrap();
                }
            }
            bench.store = Store::open(bench.store.root()).unwrap();
            // Trees are read by the engine, contents by whoever wants them.
            if contents.contains(digest) {
                bench.store.read(digest, 10).unwrap_err();
            }
            let again = bench.solve_with(&targets, &()).unwrap();
            assert_eq!(again.results, solution.results);
            assert!(contents.iter().all(|content| bench.store.read(content, 10).is_ok()));
        }
    }
}

#[test]
fn the_same_graph_gives_the_same_trees_with_any_number_of_threads() {
    let mut bench = Bench::new();
    bench.write("a/b", "x");
    let context = bench.local();
    let trees: Vec<Output> = (0..20)
        .map(|i| {
            let base = bench.mkfile(None, &format!("/{i}"), "x");
            bench.file(Some(base), vec![Action::Copy(Copy::new(Some(context), "/a", format!("/d{}", i % 3)))])
        })
        .collect();
    let merged = bench.builder.merge(&trees, Note::default()).unwrap();
    let mut digests = Vec::new();
    for parallelism in [1, 2, 8] {
        let fresh = Store::open(bench.dir.path().join(format!("store{parallelism}"))).unwrap();
        (bench.store, bench.parallelism) = (fresh, parallelism);
        digests.push(bench.solve_with(&[merged], &()).unwrap().results[0].digest);
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

#[test]
fn differences_take_away_and_merges_lay_over() {
    let mut bench = Bench::new();
    let base = bench.file(
        None,
        vec![
            Action::Mkdir(Mkdir::new("/etc", 0o755)),
            Action::Mkfile(Mkfile::new("/etc/a", 0o644, "1")),
            Action::Mkfile(Mkfile::new("/etc/b", 0o644, "2")),
        ],
    );
    let remove =
        |path: &str| Action::Remove(Remove { path: path.into(), allow_not_found: false, allow_wildcard: false });
    let changed = bench.file(Some(base), vec![remove("/etc/a"), Action::Mkfile(Mkfile::new("/etc/c", 0o644, "3"))]);
    let diff = bench.builder.diff(Some(base), Some(changed), Note::default()).unwrap();
    let other = bench.file(
        None,
        vec![
            Action::Mkdir(Mkdir::new("/etc", 0o700)),
            Action::Mkfile(Mkfile::new("/etc/a", 0o644, "4")),
            Action::Mkfile(Mkfile::new("/x", 0o644, "5")),
        ],
    );
    let over_other = bench.builder.merge(&[other, diff], Note::default()).unwrap();
    let over_changed = bench.builder.merge(&[other, changed], Note::default()).unwrap();
    let nothing = bench.builder.diff(Some(changed), None, Note::default()).unwrap();
    let targets = [over_other, diff, over_changed, nothing];
    let all = bench.builder.merge(&targets, Note::default()).unwrap();
    let graph = bench.builder.finish(all, &Sources::default()).unwrap().graph().unwrap();
    let engine = Embedded::new(bench.store.clone(), bench.fetch.clone());
    let request = Request { contexts: &bench.contexts, parallelism: 2, ..Request::new(&graph, &targets) };
    for _ in 0..2 {
        let results = engine.solve(&request).unwrap().results;
        let paths = |set: &BTreeSet<TreePath>| set.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(bench.show(&results[0].tree), ["/etc", "/etc/c 3", "/x 5"]);
        assert_eq!(bench.show(&results[1].tree), ["/etc", "/etc/c 3"]);
        assert_eq!(paths(&results[1].removed), ["/etc/a"]);
        assert!(!results[1].is_plain() && results[1].digest != results[1].tree_digest);
        assert_eq!(results[1].to_change().removed.len(), 1);
        assert_eq!(bench.show(&results[2].tree), ["/etc", "/etc/b 2", "/etc/c 3", "/x 5"]);
        assert_eq!(paths(&results[3].removed), ["/etc"]);
        assert!(results[3].tree.is_empty());
    }
}

#[test]
fn downloads_are_checked_named_and_kept() {
    let mut bench = Bench::new();
    let url = "https://example.com/a%20b.tgz?token=secret";
    bench.fetch =
        Arc::new(Fetcher { files: BTreeMap::from([(url.into(), b"content".to_vec())]), ..Fetcher::default() });
    let digest = Digest::of("content");
    let plain = bench.builder.source(url, attr::http(&digest, None, None), Note::default());
    let named = bench.builder.source(url, attr::http(&digest, Some("f"), Some(0o755)), Note::default());
    let both = bench.builder.merge(&[plain, named], Note::default()).unwrap();
    let solution = bench.solve_with(&[both], &()).unwrap();
    let tree = &solution.results[0].tree;
    assert_eq!(bench.show(tree), ["/a b.tgz content", "/f content"]);
    let modes: Vec<u16> = tree.iter().map(|(_, entry)| entry.mode).collect();
    assert_eq!(modes, [0o600, 0o755]);
    let asked = bench.fetch.asked.load(Ordering::Relaxed);
    bench.solve_with(&[both], &()).unwrap();
    assert_eq!(bench.fetch.asked.load(Ordering::Relaxed), asked, "what is there is not fetched");

    let wrong = bench.builder.source(url, attr::http(&Digest::of("other"), None, None), Note::default());
    assert!(bench.fail(wrong).contains("expected content with digest"), "{}", bench.fail(wrong));
    let unpinned = bench.builder.source(url, BTreeMap::new(), Note::default());
    assert!(bench.fail(unpinned).contains("has no digest"));
    assert!(!bench.fail(unpinned).contains("secret"));
    for name in ["../f", "a/b", "..", "."] {
        let evil = bench.builder.source(url, attr::http(&digest, Some(name), None), Note::default());
        assert!(bench.fail(evil).contains("is refused"), "{name}");
    }
    for (name, value) in [(attr::HTTP_PERM, "9"), (attr::HTTP_UID, "-1"), (attr::HTTP_CHECKSUM, "md5:00")] {
        let mut attrs = attr::http(&digest, None, None);
        attrs.insert(name.to_owned(), value.to_owned());
        let odd = bench.builder.source(url, attrs, Note::default());
        assert!(bench.fail(odd).contains(name), "{name}");
    }
}

fn artifact(bench: &Bench, tree: &Tree) -> Digest {
    let digest = tree.save(&bench.store).unwrap();
    let layer = Descriptor::new(media_type::TREE, digest, tree.encode().len() as u64);
    bench.store.put(&to_json(&Manifest::artifact(media_type::TREE, layer))).unwrap()
}

#[test]
fn a_tree_in_the_store_is_a_source() {
    let mut bench = Bench::new();
    let content = bench.store.put(b"x").unwrap();
    let tree: Tree =
        [(TreePath::new("f").unwrap(), Entry::file(content, 1, 0o644).owned_by(3, 4))].into_iter().collect();
    let manifest = artifact(&bench, &tree);
    let source =
        bench.builder.source(&attr::oci_layout("kiln.local/packages", &manifest), BTreeMap::new(), Note::default());
    let solution = bench.solve_with(&[source], &()).unwrap();
    assert_eq!(*solution.results[0].tree, tree);
    assert_eq!(solution.results[0].digest, tree.digest());

    for (reference, words) in [
        (attr::oci_layout("a", &Digest::of("absent")), "not in the store"),
        (attr::oci_layout("a", &content), "is no image manifest"),
        ("oci-layout://a:latest".to_owned(), "names no image"),
        ("oci-layout://a@sha256:00".to_owned(), "names no image"),
    ] {
        let source = bench.builder.source(&reference, BTreeMap::new(), Note::default());
        assert!(bench.fail(source).contains(words), "{reference}: {}", bench.fail(source));
    }
}

/// A tar archive of files; names that begin with `.wh.` are whiteouts.
fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).unwrap();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn layers_of_images_are_unpacked_once_and_over_one_another() {
    let mut bench = Bench::new();
    let layers = [
        layer(&[("etc/a", "1"), ("etc/b", "2"), ("opt/x", "3")]),
        layer(&[("etc/.wh.a", ""), ("etc/c", "4"), ("opt/.wh..wh..opq", "")]),
    ];
    let layers: Vec<Descriptor> = layers
        .iter()
        .map(|bytes| {
            bench.store.put(bytes).unwrap();
            Descriptor::of(media_type::LAYER, bytes)
        })
        .collect();
    let manifest = stored(&bench.store, &layers);
    let identifier = attr::oci_layout("base", &manifest);
    let image = bench.builder.source(&identifier, BTreeMap::new(), Note::default());
    let (shown, log) = bench.solve(image);
    assert_eq!(shown, ["/etc", "/etc/b 2", "/etc/c 4", "/opt"]);
    assert_eq!(log.count(Outcome::Done), 1);
    assert_eq!(bench.solve(image).1.count(Outcome::Cached), 1);
    // A file of it is lost, and somebody notices: the layers are unpacked again.
    std::fs::remove_file(bench.blob(&Digest::of("2"))).unwrap();
    bench.store.read(&Digest::of("2"), 1).unwrap_err();
    let (shown, log) = bench.solve(image);
    assert_eq!((shown.len(), log.count(Outcome::Done)), (4, 1));

    let attrs = BTreeMap::from([(attr::OCI_LAYER_LIMIT.to_owned(), "1".to_owned())]);
    let lowest = bench.builder.source(&identifier, attrs, Note::default());
    assert_eq!(bench.solve(lowest).0, ["/etc", "/etc/a 1", "/etc/b 2", "/opt", "/opt/x 3"]);

    let mut odd = layers[0].clone();
    odd.media_type = "application/zip".into();
    let manifest = stored(&bench.store, &[odd]);
    let source = bench.builder.source(&attr::oci_layout("odd", &manifest), BTreeMap::new(), Note::default());
    assert!(bench.fail(source).contains("application/zip"));
}

#[test]
fn an_image_whose_configuration_names_other_layers_is_refused() {
    let mut bench = Bench::new();
    let bytes = layer(&[("a", "1")]);
    bench.store.put(&bytes).unwrap();
    let blob = Descriptor::of(media_type::LAYER, &bytes);
    let mut fails = |diff_ids: &[Digest]| {
        let manifest = stored_with(&bench.store, std::slice::from_ref(&blob), diff_ids);
        let source = bench.builder.source(&attr::oci_layout("other", &manifest), BTreeMap::new(), Note::default());
        bench.fail(source)
    };
    assert!(fails(&[]).contains("it has 1 layers, and its configuration names 0"));
    assert!(fails(&[Digest::of("something else")]).contains("unpacks to content with digest"));
}

/// An image of the store with plain layers.
fn stored(store: &Store, layers: &[Descriptor]) -> Digest {
    stored_with(store, layers, &layers.iter().map(|layer| layer.digest).collect::<Vec<_>>())
}

fn stored_with(store: &Store, layers: &[Descriptor], diff_ids: &[Digest]) -> Digest {
    let config = to_json(&ImageConfig {
        created: None,
        author: None,
        platform: Platform::linux("amd64", None),
        config: Config::default(),
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids: diff_ids.to_vec() },
        history: Vec::new(),
    });
    store.put(&config).unwrap();
    let config = Descriptor::of(media_type::CONFIG, &config);
    store.put(&to_json(&Manifest::image(config, layers.to_vec()))).unwrap()
}

#[test]
fn an_index_is_entered_by_the_vertexs_platform() {
    let mut bench = Bench::new();
    let mut rows = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let content = bench.store.put(architecture.as_bytes()).unwrap();
        let entry = Entry::file(content, 5, 0o644);
        let manifest = artifact(&bench, &[(TreePath::new("arch").unwrap(), entry)].into_iter().collect());
        let mut row = Descriptor::new(media_type::MANIFEST, manifest, bench.store.size(&manifest).unwrap());
        row.platform = Some(Platform::linux(architecture, None));
        rows.push(row);
    }
    let index = bench.store.put(&to_json(&crate::oci::Index::new(rows))).unwrap();
    for architecture in ["arm64", "amd64"] {
        bench.builder = Builder::new(Platform::linux(architecture, None));
        let source = bench.builder.source(&attr::oci_layout("i", &index), BTreeMap::new(), Note::default());
        assert_eq!(bench.solve(source).0, [format!("/arch {architecture}")]);
    }
    bench.builder = Builder::new(Platform::linux("s390x", None));
    let source = bench.builder.source(&attr::oci_layout("i", &index), BTreeMap::new(), Note::default());
    assert!(bench.fail(source).contains("has no image for linux/s390x; it has linux/amd64, linux/arm64"));
}

#[test]
fn failures_name_the_vertex() {
    let mut bench = Bench::new();
    let context = bench.local();
    let copy = Action::Copy(Copy::new(Some(context), "/missing", "/"));
    let failing =
        bench.builder.file(FileOp { base: None, accounts: None, actions: vec![copy] }, Note::named("the copy"));
    let log = Log::default();
    let error = bench.solve_with(&[failing], &log).unwrap_err();
    assert_eq!(error.to_string(), "`the copy` failed: /missing does not exist");
    assert_eq!(error.vertex(), Some(failing.vertex));
    assert_eq!(log.count(Outcome::Failed), 1);

    bench.contexts.clear();
    assert!(bench.fail(context).contains("the context `app` was not given"));
    let absent = Output { vertex: context.vertex, index: 7 };
    let graph = bench.builder.finish(context, &Sources::default()).unwrap().graph().unwrap();
    let engine = Embedded::new(bench.store.clone(), bench.fetch.clone());
    let targets = [absent];
    let request = Request { contexts: &bench.contexts, ..Request::new(&graph, &targets) };
    assert!(matches!(engine.solve(&request), Err(SolveError::NoTarget { index: 7, .. })));
}

#[test]
fn what_this_version_cannot_run_is_said_before_anything_is_done() {
    let mut bench = Bench::new();
    bench.write("f", "x");
    let context = bench.local();
    let git = bench.builder.source("git://example.com/a.git", BTreeMap::new(), Note::default());
    let both = bench.builder.merge(&[context, git], Note::default()).unwrap();
    let log = Log::default();
    let error = bench.solve_with(&[both], &log).unwrap_err();
    assert!(error.to_string().contains("reads no `git` sources"), "{error}");
    assert!(log.ended.lock().unwrap().is_empty());
    // What the targets do not take does not matter.
    let graph = bench.builder.finish(both, &Sources::default()).unwrap().graph().unwrap();
    let engine = Embedded::new(bench.store.clone(), bench.fetch.clone());
    let targets = [context];
    let request = Request { contexts: &bench.contexts, ..Request::new(&graph, &targets) };
    assert!(engine.solve(&request).is_ok());
}

#[test]
fn exec_operations_are_named() {
    use prost::Message;
    let meta = pb::Meta { args: vec!["/bin/true".into()], ..pb::Meta::default() };
    let mount = pb::Mount { input: -1, dest: "/".into(), ..pb::Mount::default() };
    let exec = pb::ExecOp { meta: Some(meta), mounts: vec![mount], ..pb::ExecOp::default() };
    let op = pb::Op { op: Some(pb::op::Op::Exec(exec)), ..pb::Op::default() }.encode_to_vec();
    let input = pb::Input { digest: Digest::of(&op).to_string(), index: 0 };
    let last = pb::Op { inputs: vec![input], ..pb::Op::default() }.encode_to_vec();
    let bytes = pb::Definition { def: vec![op, last], ..pb::Definition::default() }.encode_to_vec();
    let graph = crate::llb::read(&bytes).unwrap();
    let bench = Bench::new();
    let engine = Embedded::new(bench.store.clone(), bench.fetch.clone());
    let targets = [graph.output()];
    let error = engine.solve(&Request::new(&graph, &targets)).unwrap_err().to_string();
    assert_eq!(error, "`/bin/true`: it is a command, and this engine was given no sandbox to run commands in");
}

#[test]
fn owners_can_come_from_another_tree() {
    let mut bench = Bench::new();
    bench.write("f", "x");
    let context = bench.local();
    let accounts = bench.file(
        None,
        vec![
            Action::Mkdir(Mkdir::new("/etc", 0o755)),
            Action::Mkfile(Mkfile::new("/etc/passwd", 0o644, "app:x:10:11::/:\n")),
        ],
    );
    let mut copy = Copy::new(Some(context), "/f", "/f");
    copy.owner = Some(Owner { user: Some(crate::llb::Account::Name("app".into())), group: None });
    let op = FileOp { base: None, accounts: Some(accounts), actions: vec![Action::Copy(copy)] };
    let copied = bench.builder.file(op, Note::default());
    let solution = bench.solve_with(&[copied], &()).unwrap();
    let entry = solution.results[0].tree.get(&TreePath::new("f").unwrap()).unwrap().clone();
    assert_eq!((entry.uid, entry.gid, solution.results[0].tree.len()), (10, 11, 1));
}

#[test]
fn a_long_chain_is_solved_and_read_only_at_its_end() {
    let mut bench = Bench::new();
    let mut tree = None;
    for i in 0..300 {
        tree = Some(bench.mkfile(tree, &format!("/{i:03}"), &i.to_string()));
    }
    let (first, log) = bench.solve(tree.unwrap());
    assert_eq!((first.len(), log.count(Outcome::Done)), (300, 300));
    let (second, log) = bench.solve(tree.unwrap());
    assert_eq!((second, log.count(Outcome::Cached)), (first, 300));
}
