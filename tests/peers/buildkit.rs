//! Graphs as BuildKit's Dockerfile frontend makes them, solved by kiln, beside what BuildKit itself makes of the
//! Dockerfile: the files must be the same.

use super::tools::{Running, Tools};
use crate::support::program::World;
use kiln::llb::exec::{Exec, Mount, MountKind, Sharing};
use kiln::llb::{Account, Action, Builder, Copy, FileOp, Mkdir, Mode, Note, Output, Owner};
use kiln::oci::{Digest, Platform};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a stage without a base has in its environment.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All Dockerfiles begin with this stage.
const BASE: &str = "\
FROM scratch AS base
COPY root/ /
RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]
RUN chmod 1777 /tmp
";

/// A daemon with BuildKit in it.
pub(super) struct Docker {
    tools: &'static Tools,
    folder: TempDir,
    running: Option<Running>,
}

impl Docker {
    pub(super) fn start(tools: &'static Tools, more: &[&str]) -> Docker {
        Docker::start_in(tempfile::tempdir().unwrap(), tools, "", more)
    }

    /// The same in a folder, which is its `/work`, with a disk of its own of this size, if one is said.
    pub(super) fn start_in(folder: TempDir, tools: &'static Tools, disk: &str, more: &[&str]) -> Docker {
        let daemon = [
            "dockerd",
            "--data-root=/work/data",
            "--exec-root=/work/exec",
            "--host=unix:///work/docker.sock",
            "--pidfile=/work/pid",
            "--iptables=false",
            "--ip6tables=false",
            "--bridge=none",
        ];
        let daemon = [&daemon[..], more].concat();
        let docker = Docker { tools, running: Some(tools.start_with_disk(folder.path(), disk, &daemon)), folder };
        let end = Instant::now() + Duration::from_secs(60);
        while docker.call(&["version"]).code != Some(0) {
            assert!(Instant::now() < end, "dockerd does not answer: {}", docker.log());
            std::thread::sleep(Duration::from_millis(200));
        }
        docker
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends the daemon at once, whatever it does.
    pub(super) fn kill(&self) {
        let running = self.running.as_ref().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&running.0), rustix::process::Signal::KILL)
            .unwrap();
    }

    /// Where it listens, as `DOCKER_HOST` has it.
    pub(super) fn address(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// What it sees as `/work`.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Calls its client.
    pub(super) fn call(&self, arguments: &[&str]) -> crate::support::program::Outcome {
        let all = [&["timeout", "300", "docker", "-H", "unix:///work/docker.sock"], arguments].concat();
        self.tools.run(self.folder.path(), &all)
    }

    /// The files that BuildKit makes of a Dockerfile, as an archive.
    fn build(&self, name: &str, dockerfile: &str) -> PathBuf {
        fs::write(self.folder.path().join("Dockerfile"), dockerfile).unwrap();
        let archive = format!("{name}.tar");
        let output = format!("type=tar,dest=/work/{archive}");
        let build = ["buildx", "build", "--network=host", "--provenance=false", "--output", &output];
        self.call(&[&build[..], &["-f", "/work/Dockerfile", "/work/context"]].concat()).done();
        self.folder.path().join(archive)
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // It ends its containerd only when asked to, and now and then an old one does not even end itself.
        if let Some(running) = self.running.take()
            && !running.ask_to_end()
        {
            let place = self.folder.path().join("exec/containerd/containerd.pid");
            let id =
                fs::read_to_string(place).ok().and_then(|id| rustix::process::Pid::from_raw(id.trim().parse().ok()?));
            // Where it has ended already, all is well.
            let _ = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL));
        }
    }
}

/// The context of all Dockerfiles, with permissions that kiln lets into a tree.
fn context(folder: &Path) {
    let write = |path: &str, content: &str, mode: u32| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    fs::create_dir_all(folder.join("root/bin")).unwrap();
    for place in ["dev", "proc", "sys", "tmp", "etc"] {
        fs::create_dir_all(folder.join("root").join(place)).unwrap();
    }
    fs::copy(Tools::sid().path("usr/bin/busybox"), folder.join("root/bin/busybox")).unwrap();
    write("root/etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n", 0o644);
    write("root/etc/group", "root:x:0:\napp:x:1001:\nstaff:x:50:app\n", 0o644);
    write("root/etc/hosts", "", 0o644);
    write("root/etc/resolv.conf", "", 0o644);
    write("src/main.c", "int main;\n", 0o644);
    write("src/run.sh", "#!/bin/sh\n", 0o755);
    write("src/deep/er/file.h", "1\n", 0o644);
    write("src/deep/notes.md", "2\n", 0o644);
    std::os::unix::fs::symlink("../main.c", folder.join("src/deep/link")).unwrap();
    let mut archive = tar::Builder::new(fs::File::create(folder.join("a.tar")).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o4755);
    header.set_uid(7);
    header.set_gid(8);
    archive.append_data(&mut header, "in/archive", &b"abc"[..]).unwrap();
    archive.finish().unwrap();
}

/// Builds graphs with the operations that the frontend writes.
struct Frontend {
    builder: Builder,
    context: Output,
}

impl Frontend {
    fn new() -> Self {
        let mut builder = Builder::new(Platform::host());
        let attrs = [("local.sharedkeyhint", "context"), ("local.differ", "none")];
        let attrs = attrs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let context = builder.source("local://context", BTreeMap::from(attrs), Note::default());
        Frontend { builder, context }
    }

    fn copy(&mut self, base: Option<Output>, copies: &[Copy]) -> Output {
        let actions = copies.iter().cloned().map(Action::Copy).collect();
        self.builder.file(FileOp { base, accounts: base, actions }, Note::default())
    }

    /// What `COPY` asks of each source.
    fn source(&self, from: Output, source: &str, destination: &str) -> Copy {
        Copy {
            follow_symlink: true,
            contents_only: true,
            allow_wildcard: true,
            allow_empty_wildcard: true,
            ..Copy::new(Some(from), source, destination)
        }
    }

    fn exec(&mut self, root: Output, exec: Exec) -> Output {
        let outputs = self.builder.exec(Exec { root: Some(root), ..exec }, Note::default());
        outputs.root.expect("the root can be written")
    }

    fn base(&mut self) -> Output {
        let root = self.source(self.context, "/root/", "/");
        let root = self.copy(None, &[root]);
        let root = self.exec(root, Exec { args: words(&["/bin/busybox", "--install", "-s", "/bin"]), ..command("") });
        self.exec(root, command("chmod 1777 /tmp"))
    }

    /// The files that kiln makes of a graph, as an archive.
    fn solve(&self, target: Output, folder: &Path) -> PathBuf {
        let world = World::new();
        let definition = self.builder.finish(target, &kiln::diagnostic::Sources::default()).unwrap();
        world.write("definition", definition.encode());
        let context = format!("context={}", folder.display());
        let archive = folder.join("../kiln.tar");
        let output = format!("tar:{}", archive.display());
        world.kiln(["solve", "definition", "--context", &context, "-o", &output]).run().done();
        archive
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// What `RUN` makes of a line.
fn command(line: &str) -> Exec {
    Exec { env: vec![PATH.to_owned()], ..Exec::new(None, ["/bin/sh", "-c", line]) }
}

/// What is compared of a file; times are those of the build, and left aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct File {
    kind: String,
    mode: u32,
    owner: (u64, u64),
    target: Option<PathBuf>,
    content: Digest,
}

/// The files of an archive, and which of them are one.
pub(super) fn files(archive: &Path) -> (BTreeMap<PathBuf, File>, BTreeSet<BTreeSet<PathBuf>>) {
    let mut files: BTreeMap<PathBuf, File> = BTreeMap::new();
    let mut links: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path: PathBuf =
            entry.path().unwrap().components().filter(|part| *part != std::path::Component::CurDir).collect();
        let target = entry.link_name().unwrap().map(|target| target.into_owned());
        let header = entry.header().clone();
        if header.entry_type() == tar::EntryType::Link {
            let first: PathBuf = target
                .unwrap()
                .strip_prefix("/")
                .map(Path::to_owned)
                .unwrap_or_else(|_| entry.link_name().unwrap().unwrap().into_owned());
            let file = files[&first].clone();
            files.insert(path.clone(), file);
            links.entry(first.clone()).or_insert_with(|| [first].into()).insert(path);
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let file = File {
            kind: format!("{:?}", header.entry_type()),
            mode: header.mode().unwrap() & 0o7777,
            owner: (header.uid().unwrap(), header.gid().unwrap()),
            target,
            content: Digest::of(content),
        };
        files.insert(path, file);
    }
    files.remove(Path::new(""));
    (files, links.into_values().collect())
}

/// A name, what is told of it, and what makes it.
type Case = (&'static str, &'static str, fn(&mut Frontend) -> Output);

/// Dockerfiles, and the graphs that the frontend makes of them.
fn cases() -> Vec<Case> {
    vec![
        (
            "commands",
            "FROM base\nWORKDIR /w/x\nENV A=1\n\
             RUN echo $A > a && ln a b && chmod 4755 a && mkdir -p d/e && touch d/e/f && ln -s ../a d/l && mkfifo p\n\
             RUN rm -r d/e && rm /bin/vi && mv b c && chown -R 3:4 . && mkdir -m 1777 t && umask > u\n\
             USER app:staff\nRUN id > /tmp/id && touch /tmp/mine\n",
            |frontend| {
                let base = frontend.base();
                let actions = vec![Action::Mkdir(Mkdir::new("/w/x", 0o755))];
                let root = frontend.builder.file(FileOp { base: Some(base), accounts: None, actions }, Note::default());
                let env = vec![PATH.to_owned(), "A=1".to_owned()];
                let with = |line: &str| Exec { env: env.clone(), cwd: "/w/x".to_owned(), ..command(line) };
                let line = "echo $A > a && ln a b && chmod 4755 a && mkdir -p d/e && touch d/e/f && ln -s ../a d/l && mkfifo p";
                let root = frontend.exec(root, with(line));
                let line = "rm -r d/e && rm /bin/vi && mv b c && chown -R 3:4 . && mkdir -m 1777 t && umask > u";
                let root = frontend.exec(root, with(line));
                let line = "id > /tmp/id && touch /tmp/mine";
                frontend.exec(root, Exec { user: "app:staff".to_owned(), ..with(line) })
            },
        ),
        (
            "copies",
            "FROM base AS made\nRUN mkdir -p /o/p && echo 1 > /o/p/q && ln -s p/q /o/r && chmod 0711 /o/p\n\
             FROM base\n\
             COPY src /all/\nCOPY src/*.c src/run.sh /some/\nCOPY --chown=app:staff src/deep /theirs\n\
             COPY --chown=5 --chmod=750 src/run.sh /renamed\nADD a.tar /unpacked/\n\
             COPY --from=made /o /o2\nCOPY --from=made /o/r /followed\n",
            |frontend| {
                let context = frontend.context;
                let base = frontend.base();
                let line = "mkdir -p /o/p && echo 1 > /o/p/q && ln -s p/q /o/r && chmod 0711 /o/p";
                let made = frontend.exec(base, command(line));
                let all = frontend.source(context, "/src", "/all/");
                let root = frontend.copy(Some(base), &[all]);
                let some = ["/src/*.c", "/src/run.sh"].map(|source| frontend.source(context, source, "/some/"));
                let root = frontend.copy(Some(root), &some);
                let name = |name: &str| Some(Account::Name(name.to_owned()));
                let owner = Some(Owner { user: name("app"), group: name("staff") });
                let theirs = Copy { owner, ..frontend.source(context, "/src/deep", "/theirs") };
                let root = frontend.copy(Some(root), &[theirs]);
                let owner = Some(Owner::ids(5, 5));
                let mode = Mode::Bits(0o750);
                let renamed = Copy { owner, mode, ..frontend.source(context, "/src/run.sh", "/renamed") };
                let root = frontend.copy(Some(root), &[renamed]);
                let unpacked = Copy { unpack: true, ..frontend.source(context, "/a.tar", "/unpacked/") };
                let root = frontend.copy(Some(root), &[unpacked]);
                let from_made = frontend.source(made, "/o", "/o2");
                let root = frontend.copy(Some(root), &[from_made]);
                let followed = frontend.source(made, "/o/r", "/followed");
                frontend.copy(Some(root), &[followed])
            },
        ),
        (
            "mounts",
            "FROM base AS made\nRUN mkdir -p /o/p && echo 1 > /o/p/q\n\
             FROM base\n\
             RUN --mount=type=bind,source=src,target=/m/src --mount=type=bind,from=made,source=/o,target=/m/o,rw \
             --mount=type=tmpfs,target=/m/t --mount=type=cache,target=/m/c,id=c \
             cp -r /m/src /m/o /out; echo x > /m/o/new; touch /m/t/x /m/c/y; ls /m > /listed; ! touch /m/src/no\n",
            |frontend| {
                let base = frontend.base();
                let made = frontend.exec(base, command("mkdir -p /o/p && echo 1 > /o/p/q"));
                let line = "cp -r /m/src /m/o /out; echo x > /m/o/new; touch /m/t/x /m/c/y; ls /m > /listed; ! touch /m/src/no";
                let tree = |from: Output, selector: &str, writable: bool| MountKind::Tree {
                    from: Some(from),
                    selector: selector.to_owned(),
                    writable,
                };
                let cache = MountKind::Cache { id: "c".to_owned(), sharing: Sharing::Shared };
                let mounts = [
                    ("/m/src", tree(frontend.context, "/src", false)),
                    ("/m/o", tree(made, "/o", true)),
                    ("/m/t", MountKind::Tmpfs { size: 0 }),
                    ("/m/c", cache),
                ];
                let mounts = mounts.map(|(target, kind)| Mount { target: target.to_owned(), kind }).into();
                frontend.exec(base, Exec { mounts, ..command(line) })
            },
        ),
        (
            "merges",
            "FROM base AS made\nRUN mkdir -p /o/p && echo 1 > /o/p/q\n\
             FROM base\nRUN mkdir /o && echo before > /o/x\nCOPY --link --from=made /o /o\nCOPY --link src/main.c /linked/\n",
            |frontend| {
                let base = frontend.base();
                let made = frontend.exec(base, command("mkdir -p /o/p && echo 1 > /o/p/q"));
                let root = frontend.exec(base, command("mkdir /o && echo before > /o/x"));
                let first = frontend.source(made, "/o", "/o");
                let first = frontend.copy(None, &[first]);
                let root = frontend.builder.merge(&[root, first], Note::default()).unwrap();
                let second = frontend.source(frontend.context, "/src/main.c", "/linked/");
                let second = frontend.copy(None, &[second]);
                frontend.builder.merge(&[root, second], Note::default()).unwrap()
            },
        ),
    ]
}

#[test]
#[ignore = "needs root and a Debian mirror"]
fn graphs_of_dockerfiles_give_the_files_that_buildkit_gives() {
    let docker = Docker::start(Tools::docker(), &["--storage-driver=overlay2"]);
    let folder = docker.folder.path().join("context");
    context(&folder);
    for (name, dockerfile, graph) in cases() {
        let theirs = files(&docker.build(name, &format!("{BASE}{dockerfile}")));
        let mut frontend = Frontend::new();
        let target = graph(&mut frontend);
        let ours = files(&frontend.solve(target, &folder));
        assert!(theirs.0.len() > 200, "{name}: {}", theirs.0.len());
        for (path, file) in &theirs.0 {
            assert_eq!(ours.0.get(path), Some(file), "{name}: {}", path.display());
        }
        let more: Vec<_> = ours.0.keys().filter(|path| !theirs.0.contains_key(*path)).collect();
        assert!(more.is_empty(), "{name}: {more:?}");
        assert_eq!(ours.1, theirs.1, "{name}");
    }
}
