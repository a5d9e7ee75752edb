//! `docker build` with kiln as its frontend: the image of the frontend is built by kiln, and what comes of a spec has the
//! files that `kiln build` gives it.

use super::buildkit::{self, Docker};
use super::tools::Tools;
use crate::building::archive;
use crate::support::deb::Mirror;
use crate::support::git::{repo, serve};
use crate::support::http::{Reply, Server};
use crate::support::program::{Outcome, World};
use crate::support::registry::{Options, Registry};
use kiln::pipeline::MirrorConfig;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What a spec of the test is called where Docker sees it.
const SYNTAX: &str = "// syntax=frontend.test/kiln:1\n";

const SPEC: &str = r#"kiln 1
include "shared/words.kdl"
arg "word" default="hello"
apt "debian" { suite "trixie" }
source "app" { context "app" { exclude "*.o" } }
source "all" { context "." { include "*.txt" } }
stage "compile" {
    platform "linux/amd64"
    base "cc"
    packages "debian" { add "dash" "coreutils" }
    mount "app" to="/src"
    env WORD="${word}"
    run "mkdir /out && cat /src/main.c > /out/program && chmod 4755 /out/program && echo $WORD > /out/word && ls -R /src > /out/list"
    check "words" "grep -q . /out/word || test -s /out/word"
}
image "example.com/hello" {
    platform "linux/amd64" "linux/arm64"
    base "static"
    packages "debian" { add "tzdata" }
    account "app" uid=1234 home="/home/app"
    copy "/out" from="compile" to="/srv/"
    copy "deep" from="app" to="/usr/share/"
    copy "top.txt" from="all" to="/etc/"
    mkdir "/home/app" owner="app" mode="0700"
    user "app"
    env WORD="${word}"
    label made-by="kiln"
    entrypoint "/srv/out/program"
}
image "example.com/scripts" {
    packages "debian" scripts="run" { add "ssl-cert" "netbase" }
    run "id -g ssl-cert > /made-by-scripts || getent group ssl-cert > /made-by-scripts"
}
"#;

/// A daemon that has the frontend, and a project.
struct Site {
    docker: Docker,
    world: World,
    project: PathBuf,
    mirror: String,
}

impl Site {
    fn new() -> Site {
        Site::with(&[])
    }

    /// The same with more words for the daemon.
    fn with(words: &[&str]) -> Site {
        let words = [&["--feature=containerd-snapshotter=true"], words].concat();
        let docker = Docker::start(Tools::docker(), &words);
        let mut world = World::with_kept_store();
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
        let given = std::env::var("KILN_DEBIAN_MIRROR").ok();
        let mirrors = MirrorConfig::read(Path::new("/"), given.as_deref()).unwrap();
        let mirror = mirrors.places("debian", None)[0].secret().to_string();
        let project = docker.folder().join("project");
        for (path, text) in [
            ("app/main.c", "int main;\n"),
            ("app/deep/main.o", "1\n"),
            ("app/deep/er/kept", "2\n"),
            ("app/deep/er/ignored", "3\n"),
            ("app/.dockerignore", "**/ignored\n"),
            ("top.txt", "top\n"),
            ("shared/words.kdl", "kiln 1\n"),
        ] {
            let place = project.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let site = Site { docker, world, project, mirror };
        site.load();
        site.write(SPEC);
        site.kiln(&["lock"]).done();
        site
    }

    /// Gives the daemon the frontend, made of the program that is tested.
    fn load(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frontend");
        self.world.copy_from(&folder);
        fs::copy(env!("CARGO_BIN_EXE_kiln"), self.world.project().join("kiln")).unwrap();
        let archive = self.docker.folder().join("frontend.tar");
        let output = format!("docker-archive:{}", archive.display());
        let build = ["build", "--locked", "-t", "frontend.test/kiln:1", "--platform", "linux/amd64", "-o", &output];
        self.world.kiln(build).run().done();
        self.docker.call(&["load", "-i", "/work/frontend.tar"]).done();
    }

    fn write(&self, spec: &str) {
        fs::write(self.project.join("kiln.kdl"), format!("{SYNTAX}{spec}")).unwrap();
    }

    fn kiln(&self, arguments: &[&str]) -> Outcome {
        self.world.kiln(arguments.iter().copied()).within(&self.project).run()
    }

    fn docker(&self, arguments: &[&str]) -> Outcome {
        let mirror = format!("KILN_DEBIAN_MIRROR={}", self.mirror);
        let build = ["buildx", "build", "--progress=plain", "--build-arg", &mirror];
        self.docker.call(&[&build[..], arguments, &["-f", "/work/project/kiln.kdl", "/work/project"]].concat())
    }

    /// Compares what the two make of an image or a stage of the spec.
    fn same(&self, name: &str, ours: &[&str], theirs: &[&str]) {
        // Of several images, each gets an output of its own.
        let suffix = if ours.contains(&"--image") { format!("-{name}") } else { String::new() };
        let archives =
            [format!("ours{suffix}.tar"), "theirs.tar".to_owned()].map(|file| self.docker.folder().join(file));
        let output = format!("tar:{}/ours.tar", self.docker.folder().display());
        self.kiln(&[&["build", "--locked", "-o", &output], ours].concat()).done();
        self.docker(&[&["--target", name, "--output", "type=tar,dest=/work/theirs.tar"], theirs].concat()).done();
        let [ours, theirs] = archives.map(|archive| buildkit::files(&archive));
        for (path, file) in &ours.0 {
            assert_eq!(theirs.0.get(path), Some(file), "{}", path.display());
        }
        let more: Vec<_> = theirs.0.keys().filter(|path| !ours.0.contains_key(*path)).collect();
        assert!(more.is_empty(), "{more:?}");
        assert_eq!(ours.1, theirs.1);
    }
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn docker_build_makes_the_files_that_kiln_makes() {
    let site = Site::new();
    let hello = ["--image", "hello", "--platform", "linux/amd64"];
    site.same("hello", &hello, &[]);
    site.same("hello", &[&hello[..], &["--arg", "word=other"]].concat(), &["--build-arg", "word=other"]);
    site.same("compile", &["--target", "compile"], &[]);
    site.same("scripts", &["--image", "scripts"], &[]);

    // The image is what the spec says; several platforms are one image.
    let both =
        ["--target=hello", "--platform", "linux/amd64,linux/arm64", "--label", "more=1", "-t", "made.test/hello:1"];
    site.docker(&both).done();
    let config = site.docker.call(&["image", "inspect", "made.test/hello:1"]).done().stdout;
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let config = &config[0]["Config"];
    assert_eq!(config["User"], "1234:1234");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/srv/out/program"]));
    assert_eq!(config["Labels"], serde_json::json!({ "made-by": "kiln", "more": "1" }));
    assert!(config["Env"].as_array().unwrap().contains(&"WORD=hello".into()), "{config}");
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn docker_build_stands_on_images_of_registries() {
    let site = Site::new();
    let registry = Registry::start(Options::default());
    let base = format!("{}/test/base:1", registry.host());
    site.world.write(
        "kiln.kdl",
        "kiln 1\nimage \"x\" { base \"base\"; account \"one\" uid=7; file \"/etc/one\" \"1\"; env ONE=\"1\" }\n",
    );
    site.world.kiln(["build", "--push", "-t", &base]).run().done();
    let upon = "packages \"debian\" { add \"tzdata\" }; account \"two\" uid=8; env TWO=\"2\"";
    let spec = format!(
        "kiln 1\napt \"debian\" {{ suite \"trixie\" }}\nimage \"upon\" {{ base \"{base}\"; {upon} }}\n\
         image \"copied\" {{ copy \"/etc/one\" from=\"image {base}\" to=\"/\" }}\n"
    );
    site.write(&spec);
    site.kiln(&["lock"]).done();
    site.same("upon", &["--image", "upon"], &[]);
    site.same("copied", &["--image", "copied"], &[]);
    site.docker(&["--target=upon", "-t", "made.test/upon:1"]).done();
    let config = site.docker.call(&["image", "inspect", "made.test/upon:1"]).done().stdout;
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let env = config[0]["Config"]["Env"].as_array().unwrap();
    assert!(env.contains(&"ONE=1".into()) && env.contains(&"TWO=2".into()), "{env:?}");
}

/// Two repositories, of which one is a submodule of the other; the commit of that.
fn repositories(folder: &Path) -> String {
    let library = repo(folder, "lib").manual("of the library\n");
    let docs = repo(folder, "docs");
    let settings = docs.blob("[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n");
    let page = docs.blob("a page\n");
    let (program, link) = (docs.blob("#!/bin/sh\n"), docs.blob("manual/page"));
    let tree = docs.tree(&[("100644", "page", &page), ("100755", "run.sh", &program)]);
    let tree = docs.tree(&[
        ("100644", ".gitmodules", &settings),
        ("120000", "latest", &link),
        ("160000", "lib", &library),
        ("40000", "manual", &tree),
    ]);
    docs.commit("main", &tree)
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn docker_build_takes_commits_and_layouts() {
    let site = Site::new();
    let folder = site.world.path("repositories");
    let commit = repositories(&folder);
    let server = serve(folder.clone());
    let address = server.url("docs").secret().to_string();
    site.world.write("kiln.kdl", "kiln 1\nimage \"base\" { file \"/etc/base\" \"1\"; env BASE=\"1\" }\n");
    let layout = site.project.join("base");
    site.world.kiln(["build", "-o", &format!("oci:{}", layout.display())]).run().done();
    let git = |name: &str, more: &str| format!("source \"{name}\" {{ git \"{address}\" ref=\"{commit}\" {more} }}\n");
    let spec = format!(
        "kiln 1\n{}{}{}source \"lower\" {{ oci \"base\" }}\nimage \"pinned\" {{\n    base \"lower\"\n    \
         copy \".\" from=\"whole\" to=\"/whole\"\n    copy \".\" from=\"bare\" to=\"/bare\"\n    \
         copy \".\" from=\"part\" to=\"/part\"\n    copy \"etc/base\" from=\"lower\" to=\"/copied\"\n}}\n",
        git("whole", "submodules=#true"),
        git("bare", ""),
        git("part", "subdir=\"manual\""),
    );
    site.write(&spec);
    site.kiln(&["lock"]).done();
    let wanted = site.docker(&["--target=pinned"]).code(1).stderr;
    let (_, wanted) = wanted.split_once("--build-context lower=oci-layout://base@").expect("what to add");
    let lower = format!("lower=oci-layout:///work/project/base@{}", &wanted[..71]);
    site.same("pinned", &[], &["--build-context", &lower]);
    site.docker(&["--target=pinned", "--build-context", &lower, "-t", "made.test/pinned:1"]).done();
    let config = site.docker.call(&["image", "inspect", "made.test/pinned:1"]).done().stdout;
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert!(config[0]["Config"]["Env"].as_array().unwrap().contains(&"BASE=1".into()), "{config}");

    // What git changes on the way is not what the lock pins.
    let docs = repo(&folder, "changing");
    let (attributes, page) = (docs.blob("* text eol=crlf\n"), docs.blob("a line\n"));
    let commit =
        docs.commit("main", &docs.tree(&[("100644", ".gitattributes", &attributes), ("100644", "page", &page)]));
    let address = server.url("changing").secret().to_string();
    site.write(&format!(
        "kiln 1\nsource \"docs\" {{ git \"{address}\" ref=\"{commit}\" }}\n\
         image \"pinned\" {{ copy \".\" from=\"docs\" to=\"/docs\" }}\n"
    ));
    site.kiln(&["lock"]).done();
    let said = site.docker(&["--target=pinned"]).code(1).stderr;
    assert!(said.contains("git's attributes may ask it to change files"), "{said}");
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn docker_build_takes_packages_that_left_the_mirror_from_the_snapshot() {
    let mirror = Mirror::of(&archive());
    let lost: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let kept = lost.clone();
    // The daemon's proxy stands for the snapshot's server; nobody asks it for what is on loopback.
    let snapshot = Server::start(move |seen| {
        let path = seen.target.strip_prefix("http://snapshot.debian.org/archive/debian/20250901T120000Z/");
        match path.and_then(|path| kept.lock().unwrap().get(path).cloned()) {
            Some(package) => Reply::ok(package),
            None => Reply::new(404, "no such file"),
        }
    });
    let proxy = format!("--http-proxy=http://{}", snapshot.address());
    let mut site = Site::with(&[&proxy]);
    site.mirror = mirror.url();
    // One that knows nothing of Debian's own archive.
    site.world = crate::building::Site::of(&mirror).world;
    fs::remove_file(site.project.join("kiln.lock")).unwrap();
    fs::write(site.project.join("archive.asc"), mirror.key.certificate()).unwrap();
    site.write(
        "kiln 1\napt \"debian\" { suite \"trixie\"; keyring \"archive.asc\" }\n\
         image \"hello\" { platform \"linux/amd64\"; packages \"debian\" { add \"hello\" } }\n",
    );
    site.kiln(&["lock"]).done();
    site.kiln(&["build", "--locked", "-o", "tree:kept"]).done();
    mirror.tamper(|files| {
        let gone: Vec<String> = files.keys().filter(|path| path.contains("/h/hello/")).cloned().collect();
        lost.lock().unwrap().extend(gone.iter().map(|path| (path.clone(), files.remove(path).unwrap())));
    });
    site.same("hello", &[], &[]);
    assert_eq!(snapshot.seen().iter().filter(|seen| seen.target.contains("/h/hello/")).count(), 1);
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn docker_build_says_what_is_wrong() {
    let site = Site::new();
    let says = |expected: &[&str]| {
        let outcome = site.docker(&["--target", "hello"]).code(1);
        for words in expected {
            assert!(outcome.stderr.contains(words), "{words}: {}", outcome.stderr);
        }
        assert!(!outcome.stderr.contains("/tmp/kiln"), "{}", outcome.stderr);
    };
    site.write(&SPEC.replace("\"tzdata\"", "\"tzdata\" \"bash\""));
    says(&["the lock is stale", "run `kiln lock` and commit kiln.lock"]);
    site.write(&SPEC.replace("entrypoint", "entripoint"));
    says(&["[kiln.kdl:", "entripoint", "did you mean `entrypoint`?"]);
    site.write(&SPEC.replace("shared/words.kdl", "shared/nothing.kdl"));
    says(&["shared/nothing.kdl", "there is no such file"]);
    site.write(&SPEC.replace("mkdir /out", "exit 7"));
    says(&["exit code: 7", "kiln.kdl:"]);
    site.write(&SPEC.replace("grep -q . /out/word || test -s /out/word", "exit 5"));
    says(&["exit code: 5"]);
    fs::remove_file(site.project.join("kiln.lock")).unwrap();
    site.write(SPEC);
    says(&["kiln.lock does not exist", "run `kiln lock`"]);
}
