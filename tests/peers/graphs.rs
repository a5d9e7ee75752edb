//! Graphs of specs, solved by BuildKit: the files are those that kiln makes.

use super::buildctl::Buildctl;
use super::buildkit::{self, Docker};
use super::tools::Tools;
use crate::support::http::{Reply, Server};
use crate::support::program::World;
use kiln::oci::Digest;
use std::fs;
use std::path::Path;

/// What packages, accounts, all kinds of sources and commands become.
fn spec(server: &Server) -> String {
    format!(
        r#"kiln 1
apt "debian" {{ suite "trixie" }}
source "app" {{ context "app" {{ exclude "*.o" }} }}
source "notes" {{ http "{}" sha256="{}" }}
stage "compile" {{
    base "cc"
    packages "debian" {{ add "dash" "coreutils" }}
    mount "app" to="/src"
    env WORD="made"
    run "cd /src && mkdir /out && cat main.c > /out/program && chmod 4755 /out/program && echo $WORD > /out/word"
    run "id -u > /out/id; ls -R /src > /out/list; ln /out/word /out/again"
    check "words" "test -f /out/word"
}}
image "example.com/hello" {{
    base "static"
    packages "debian" {{ add "tzdata" }}
    group "app" gid=1234
    account "app" uid=1234 home="/home/app"
    copy "/out" from="compile" to="/srv/"
    copy "deep" from="app" to="/usr/share/"
    copy "notes.txt" from="notes" to="/etc/" owner="app"
    mkdir "/home/app" owner="app" mode="0700"
    symlink "/usr/bin/program" to="/srv/out/program"
    remove "/usr/share/zoneinfo/Etc"
    user "app"
}}
"#,
        server.url("notes.txt").secret(),
        Digest::of("some notes\n").hex(),
    )
}

#[test]
#[ignore = "needs root, and packages and Docker from a Debian mirror"]
fn buildctl_makes_the_files_that_kiln_makes() {
    let docker = Docker::start(Tools::docker(), &["--feature=containerd-snapshotter=true"]);
    let server = Server::start(|_| Reply::ok("some notes\n"));
    let mut world = World::with_kept_store();
    world.set("KILN_KEY_PASSWORD", "a passphrase of a test");
    world.write("kiln.kdl", spec(&server));
    world.write("app/main.c", "int main;\n");
    world.write("app/deep/main.o", "1\n");
    world.write("app/deep/er/kept", "2\n");
    world.write("app/deep/er/ignored", "3\n");
    world.write("app/.dockerignore", "**/ignored\n");
    let (archive, deps) = (world.path("kiln.tar"), world.path("deps"));
    world.kiln(["build", "-o", &format!("tar:{}", archive.display())]).run().done();

    let deps_text = deps.display().to_string();
    let place = world.path("graph").display().to_string();
    let graph = ["graph", "--locked", "--deps", &deps_text, "--format"];
    let json = world.kiln([&graph[..], &["json"]].concat()).run().done().stdout;
    assert!(json.contains("\"oci.store\": \"kiln\"") && !json.contains("vnd.kiln"), "{json}");
    let definition = llb(&world, &[&graph[..], &["llb"]].concat(), &place);
    let (theirs, app) = (world.path("buildctl.tar"), world.project().join("app"));
    let buildctl = Buildctl {
        socket: docker.address().trim_start_matches("unix://").into(),
        local: &[("app", &app)],
        layout: ("kiln", &deps),
        output: &theirs,
    };
    buildctl.build(&definition).unwrap();

    let (ours, theirs) = (buildkit::files(&archive), buildkit::files(&theirs));
    assert!(ours.0.len() > 500, "{}", ours.0.len());
    for (path, file) in &ours.0 {
        assert_eq!(theirs.0.get(path), Some(file), "{}", path.display());
    }
    let more: Vec<_> = theirs.0.keys().filter(|path| !ours.0.contains_key(*path)).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(ours.1, theirs.1);
    assert!(ours.0.contains_key(Path::new("usr/share/deep/er/kept")));
}

/// Standard output, byte by byte.
fn llb(world: &World, arguments: &[&str], place: &str) -> Vec<u8> {
    let mut child = world.kiln(arguments.iter().copied()).start();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    fs::write(place, &bytes).unwrap();
    bytes
}
