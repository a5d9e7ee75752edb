//! What daemons are asked that are to push, and what they say then.

use super::super::fixtures::{Answer, FakeDaemon};
use super::super::{Address, DaemonAt};
use super::*;
use crate::llb::{Builder, Exec, Note};
use crate::registry::fixtures::{Options, Registry};
use crate::registry::{Registries, Settings};
use secrecy::SecretSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const AMD64: &[&str] = &["linux/amd64"];
const ARM64: &[&str] = &["linux/arm64"];
const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

struct Room {
    folder: TempDir,
    store: Store,
    runtime: Runtime,
    registry: Registry,
    is_cancelled: AtomicBool,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let (runtime, registry) = (Runtime::new().unwrap(), Registry::start(Options::default()));
        Room { folder, store, runtime, registry, is_cancelled: AtomicBool::new(false) }
    }

    fn fake(&self, name: &str, platforms: &'static [&'static str], answer: Answer) -> FakeDaemon {
        FakeDaemon::at(&self.folder.path().join(name), platforms, answer)
    }

    /// Lets one of these daemons push what a command makes, after as many checks; what is said has the names of sockets alone.
    fn push(&self, names: &[&str], checks: usize) -> Result<Pushed, String> {
        self.push_with(names, checks, 0)
    }

    /// The same where as many files should come back.
    fn push_with(&self, names: &[&str], checks: usize, files: usize) -> Result<Pushed, String> {
        let mut builder = Builder::new("linux/amd64".parse().unwrap());
        let made = builder.exec(Exec::new(None, ["make"]), Note::named("make it")).root.unwrap();
        let image = builder.finish_without_places(made).unwrap();
        let graph = image.graph().unwrap();
        let reference = format!("{}/acme/image", self.registry.host()).parse().unwrap();
        let secrets = [("token".to_owned(), SecretSlice::from(b"open sesame".to_vec()))].into();
        let work = Work {
            graph: &graph,
            first: &vec![image.clone(); checks],
            files: &vec![(made.vertex, image.clone()); files],
            image: &image,
            folders: &BTreeMap::new(),
            contents: &BTreeSet::new(),
            secrets: &secrets,
            agents: &BTreeMap::new(),
            repository: &Registries::new(Settings::default()).unwrap().repository(&reference).unwrap(),
            attrs: [("compression".to_owned(), "zstd".to_owned()), ("push".to_owned(), "false".to_owned())].into(),
            now: 0,
            progress: &(),
            cancelled: &|| self.is_cancelled.load(Ordering::SeqCst),
        };
        let at = |name: &&str| DaemonAt { address: Address::Unix(self.folder.path().join(name)), tls: None };
        let pool = BuildKit::new(names.iter().map(at).collect(), 2, self.runtime.handle().clone());
        let said = |error: PushError| error.to_string().replace(&format!("{}/", self.folder.path().display()), "");
        pool.push(&work, &self.store).map_err(said)
    }
}

#[test]
fn a_daemon_is_asked_to_push_without_a_name_after_the_checks() {
    let room = Room::new();
    let daemon = room.fake("a", AMD64, Answer::Push(DIGEST));
    let pushed = room.push(&["a"], 2).unwrap();
    assert_eq!((pushed.manifest.to_string().as_str(), pushed.milliseconds.len()), (DIGEST, 0));
    assert_eq!(daemon.asked(), 4);
    let asked = daemon.last().unwrap();
    assert_eq!(asked.exporter_deprecated, "image");
    let mut attrs: Vec<(&str, &str)> =
        asked.exporter_attrs_deprecated.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    attrs.sort_unstable();
    let name = format!("{}/acme/image", room.registry.host());
    let expected = [
        ("compression", "zstd"),
        ("name", name.as_str()),
        ("push", "true"),
        ("push-by-digest", "true"),
        ("registry.insecure", "true"),
        ("store", "false"),
    ];
    assert_eq!(attrs, expected);
    assert!(asked.entitlements.is_empty());
}

#[test]
fn what_is_no_digest_is_not_taken_for_one() {
    for (garbage, shown) in [
        ("", ""),
        ("latest", "latest"),
        ("sha256:2c26", "sha256:2c26"),
        ("sha256:../../../etc/passwd", "sha256:../../../etc/passwd"),
        ("\u{1b}[2J", "\u{fffd}[2J"),
        ("open sesame", "***"),
    ] {
        let room = Room::new();
        let _daemon = room.fake("a", AMD64, Answer::Push(garbage));
        let said = format!("the BuildKit daemon at unix://a: it does not say what it pushed, but `{shown}`");
        assert_eq!(room.push(&["a"], 0).unwrap_err(), said);
    }
}

#[test]
fn nothing_is_pushed_where_a_file_does_not_come_back() {
    let room = Room::new();
    // It says that all is done, and sends nothing.
    let daemon = room.fake("a", AMD64, Answer::Push(DIGEST));
    let said = room.push_with(&["a"], 1, 2).unwrap_err();
    assert!(said.contains("the file that it sends cannot be read: the archive is cut short"), "{said}");
    assert_eq!((daemon.asked(), daemon.last().unwrap().exporter_deprecated.as_str()), (3, "tar"));
}

#[test]
fn what_a_daemon_refuses_is_told_without_secrets() {
    for (refusal, told) in [
        ("failed to push: 403 for open sesame", "failed to push: 403 for ***"),
        (
            "exporter \"image\" could not be found",
            "it cannot make an image of this graph and push it: BuildKit 0.11 and newer can, and Docker with its new store of \
             images (`\"features\": {\"containerd-snapshotter\": true}`); without `--engine-output` it runs commands all the same",
        ),
        (
            "unknown API capability exec.secretenv",
            "it is too old for this command: it does not know `exec.secretenv`, secrets in variables; BuildKit 0.10 and \
             Docker 23 do",
        ),
    ] {
        let room = Room::new();
        let _daemon = room.fake("a", AMD64, Answer::Refuse(refusal));
        assert_eq!(room.push(&["a"], 0).unwrap_err(), format!("the BuildKit daemon at unix://a: {told}"));
    }
}

#[test]
fn one_that_is_gone_or_runs_no_such_commands_is_passed_over() {
    let room = Room::new();
    let other = room.fake("arm", ARM64, Answer::Push("wrong"));
    let dies = room.fake("dies", AMD64, Answer::Die);
    let last = room.fake("last", AMD64, Answer::Push(DIGEST));
    assert_eq!(room.push(&["gone", "arm", "dies", "last"], 0).unwrap().manifest.to_string(), DIGEST);
    assert_eq!((other.asked(), dies.asked(), last.asked()), (0, 1, 2));
    drop(last);
    let said = room.push(&["arm"], 0).unwrap_err();
    assert_eq!(
        said,
        "the BuildKit daemon at unix://arm: no commands run there for linux/amd64, only at unix://arm for linux/arm64"
    );
    let said = room.push(&["gone", "arm"], 0).unwrap_err();
    assert!(said.starts_with("the BuildKit daemon at unix://gone: No such file"), "{said}");
}

#[test]
fn nobody_waits_for_a_daemon_that_pushes_when_the_build_ends() {
    let room = Room::new();
    let _busy = room.fake("a", AMD64, Answer::Exit(1));
    room.is_cancelled.store(true, Ordering::SeqCst);
    assert_eq!(room.push(&["a"], 0).unwrap_err(), "the build was stopped; what was finished is kept");
}
