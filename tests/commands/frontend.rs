//! `kiln frontend` as a daemon meets it: over its standard streams, with what the user asked for in its environment.

use crate::building::{Site, archive};
use crate::support::deb::Mirror;
use crate::support::gateway::Daemon;
use crate::support::git::repo;
use crate::support::program::World;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{ReturnRequest, SolveRequest};
use kiln::llb::{self, pb};
use prost::Message;
use std::fs;
use std::path::Path;

/// Runs a frontend for the spec of a site; its exit code, what it says at last, and the graphs that it had solved.
fn run(site: &Site, options: &[(&str, &str)]) -> (Option<i32>, ReturnRequest, Vec<SolveRequest>) {
    run_in(Daemon::default(), site, options)
}

/// The same in this daemon.
fn run_in(
    mut daemon: Daemon,
    site: &Site,
    options: &[(&str, &str)],
) -> (Option<i32>, ReturnRequest, Vec<SolveRequest>) {
    for name in ["kiln.kdl", "kiln.lock", "archive.asc", ".dockerignore"] {
        daemon.files.extend(fs::read(site.world.project().join(name)).ok().map(|content| (name.to_owned(), content)));
    }
    let own = [("source", "frontend.test/kiln:1"), ("filename", "kiln.kdl")];
    // It sees nothing of the user's machine.
    let mut call = site.world.kiln(["frontend"]).within(site.world.path("home"));
    for (number, (name, value)) in own.iter().chain(options).enumerate() {
        call = call.env(&format!("BUILDKIT_FRONTEND_OPT_{number}"), format!("{name}={value}"));
    }
    let mut child = call.env("BUILDKIT_SESSION_ID", "the-session").start();
    let (input, output) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let input = tokio::process::ChildStdout::from_std(input).unwrap();
        let output = tokio::process::ChildStdin::from_std(output).unwrap();
        daemon.clone().serve(input, output).await;
    });
    let code = child.wait().unwrap().code();
    let told = daemon.told.lock().unwrap().take().expect("it says something");
    let solved = daemon.solved.lock().unwrap().clone();
    (code, told, solved)
}

fn site(mirror: &Mirror) -> Site {
    let site = Site::of(mirror);
    site.world.kiln(["lock"]).run().done();
    site
}

/// The sources and the commands of a graph.
fn parts(solved: &SolveRequest) -> (Vec<pb::SourceOp>, Vec<pb::ExecOp>) {
    let graph = llb::read(&solved.definition.as_ref().unwrap().encode_to_vec()).unwrap();
    let (mut sources, mut commands) = (Vec::new(), Vec::new());
    for vertex in graph.vertices() {
        match &vertex.op {
            pb::op::Op::Source(source) => sources.push(source.clone()),
            pb::op::Op::Exec(exec) => commands.push(exec.clone()),
            _ => {}
        }
    }
    (sources, commands)
}

/// What it says where there is no result.
#[track_caller]
fn refusal(site: &Site, options: &[(&str, &str)]) -> String {
    let (code, told, _) = run(site, options);
    assert_eq!(code, Some(1));
    assert!(told.result.is_none());
    told.error.unwrap().message
}

#[test]
fn a_graph_is_returned_that_any_daemon_solves() {
    let mirror = Mirror::of(&archive());
    let site = site(&mirror);
    site.world.write(".dockerignore", "*.pyc\n");
    let options = [("build-arg:KILN_DEBIAN_MIRROR", &*mirror.url()), ("label:more", "1"), ("no-cache", "")];
    let (code, told, solved) = run(&site, &options);
    assert_eq!((code, told.error), (Some(0), None));
    let told = told.result.unwrap();
    let config: serde_json::Value = serde_json::from_slice(&told.metadata["containerimage.config"]).unwrap();
    assert_eq!((&config["os"], &config["architecture"]), (&"linux".into(), &"amd64".into()));
    let expected = serde_json::json!({
        "User": "65532:65532", "Env": ["PORT=8080"], "Entrypoint": ["/usr/bin/hello"], "Labels": { "more": "1" }
    });
    assert_eq!(config["config"], expected);

    let definition = solved.last().unwrap().definition.clone().unwrap();
    assert!(definition.metadata.values().all(|metadata| metadata.ignore_cache));
    let (sources, commands) = parts(solved.last().unwrap());
    let attrs =
        |identifier: &str| &sources.iter().find(|source| source.identifier.starts_with(identifier)).unwrap().attrs;
    assert_eq!(attrs("docker-image://frontend.test/kiln:1")["image.resolvemode"], "local");
    assert!(attrs(&format!("{}/pool/main/h/hello/", mirror.url().trim_end_matches('/'))).contains_key("http.checksum"));
    let context = attrs("local://context");
    assert_eq!(context["local.session"], "the-session");
    assert_eq!(context["local.includepattern"], "[\"app/**\"]");
    assert_eq!(context["local.excludepatterns"], "[\"*.pyc\",\"kiln-out\"]");
    assert_eq!(sources.len(), 4, "{sources:?}");

    // What unpacks packages is kiln, with the files of the spec and no network.
    let [unpack] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(unpack.network(), pb::NetMode::None);
    let words = "/usr/bin/kiln frontend bring --store /run/kiln/store --progress quiet --platform=linux/amd64 \
                 /run/kiln/spec/kiln.kdl registry.test/hello";
    assert_eq!(unpack.meta.as_ref().unwrap().args.join(" "), words);
    let targets: Vec<&str> = unpack.mounts.iter().map(|mount| mount.dest.as_str()).collect();
    let expected = ["/", "/run/kiln/archives", "/run/kiln/spec", "/run/kiln/store", "/run/kiln/trees/0", "/tmp"];
    assert_eq!(targets, expected);
}

#[test]
fn the_lock_must_fit() {
    let mirror = Mirror::of(&archive());
    let site = site(&mirror);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    site.world.write("kiln.kdl", spec.replace("add \"hello\"", "add \"hello\" \"other\""));
    let said = refusal(&site, &[]);
    assert_eq!(
        said,
        "the lock is stale: registry.test/hello for linux/amd64 asks for other packages than when it was locked\n\
         run `kiln lock` and commit kiln.lock"
    );
    fs::remove_file(site.world.project().join("kiln.lock")).unwrap();
    let said = refusal(&site, &[]);
    assert_eq!(said, "the lock is stale: kiln.lock does not exist\nrun `kiln lock` and commit kiln.lock");
}

#[test]
fn mistakes_are_shown_in_their_place() {
    let mirror = Mirror::of(&archive());
    let site = site(&mirror);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    site.world.write("kiln.kdl", spec.replace("entrypoint", "entripoint"));
    let said = refusal(&site, &[]);
    let expected = "\
the spec is wrong
spec::unknown-node

  × there is no `entripoint` in `image`
    ╭─[kiln.kdl:15:5]
 14 │     env PORT=\"8080\"
 15 │     entripoint \"/usr/bin/hello\"
    ·     ─────┬────
    ·          ╰── unknown here
 16 │ }
    ╰────
  help: did you mean `entrypoint`?
        see specs/language/image.md";
    assert_eq!(said, expected);
    site.world.write("kiln.kdl", spec.clone());
    let said = refusal(&site, &[("target", "other")]);
    assert_eq!(said, "the spec has no stage `other`: it has no stages at all");
    let said = refusal(&site, &[("platform", "linux/s390x")]);
    assert_eq!(said, "registry.test/hello is not for linux/s390x: add it to its `platform`");
    fs::remove_file(site.world.project().join("kiln.kdl")).unwrap();
    let said = refusal(&site, &[]);
    assert_eq!(said, "cannot read the spec kiln.kdl: No such file or directory (os error 2)");
}

#[test]
fn archives_that_left_the_mirror_come_from_the_snapshot() {
    let mirror = Mirror::of(&archive());
    let site = site(&mirror);
    let options = [("build-arg:KILN_DEBIAN_MIRROR", &*mirror.url())];
    let pool = format!("{}/pool/main", mirror.url().trim_end_matches('/'));
    let gone = vec![format!("{pool}/h/hello/")];
    let (code, told, solved) = run_in(Daemon { gone, ..Daemon::default() }, &site, &options);
    assert_eq!((code, told.error), (Some(0), None));
    let (sources, _) = parts(solved.last().unwrap());
    let downloads: Vec<&str> =
        sources.iter().map(|source| &*source.identifier).filter(|id| id.starts_with("http")).collect();
    let snapshot = "http://snapshot.debian.org/archive/debian/20250901T120000Z/pool/main/h/hello/hello_";
    let places = [snapshot.to_owned(), format!("{pool}/l/libhello1/libhello1_")];
    assert!(places.iter().all(|place| downloads.iter().any(|address| address.starts_with(place))), "{downloads:?}");

    // Where nobody has it, the daemon says so.
    let gone = vec!["/h/hello/hello_".to_owned()];
    let (code, told, solved) = run_in(Daemon { gone, ..Daemon::default() }, &site, &options);
    let said = told.error.unwrap().message;
    assert!(code == Some(1) && said.starts_with(snapshot) && said.ends_with(": 404 Not Found"), "{said}");
    assert_eq!(solved.iter().filter(|solved| solved.evaluate).count(), 6);
}

#[test]
#[ignore = "needs git"]
fn commits_are_checked_out_by_the_daemon_and_checked_by_kiln() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    let repositories = site.world.path("home/repositories");
    let settings = format!("[url \"file://{}/\"]\n\tinsteadOf = https://git.test/\n", repositories.display());
    fs::write(site.world.path("home/.gitconfig"), settings).unwrap();
    let library = repo(&repositories, "lib").manual("1");
    let commit = repo(&repositories, "docs").with_modules(&[("lib", "../lib", &library)]);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    let context = "context \".\" { include \"app/**\" }";
    let git = |address: &str| spec.replace(context, &format!("git \"{address}\" submodules=#true"));
    site.world.write("kiln.kdl", git("https://git.test/docs"));
    site.world.kiln(["lock"]).run().done();
    let (code, told, solved) = run(&site, &[("build-arg:KILN_DEBIAN_MIRROR", &mirror.url())]);
    assert_eq!((code, told.error), (Some(0), None));
    let (sources, commands) = parts(solved.last().unwrap());
    let checkouts = [("docs", commit), ("lib", library)].map(|(name, commit)| {
        let identifier = format!("git://git.test/{name}#{commit}");
        let source = sources.iter().find(|source| source.identifier == identifier);
        let attrs = source.unwrap_or_else(|| panic!("{identifier}: {sources:?}")).attrs.clone();
        assert_eq!((&attrs["git.fullurl"], &attrs["git.checksum"]), (&format!("https://git.test/{name}"), &commit));
        attrs
    });
    assert!(checkouts.iter().all(|attrs| attrs["git.authtokensecret"] == "GIT_AUTH_TOKEN"));
    assert!(checkouts.iter().all(|attrs| attrs["git.skipsubmodules"] == "true" && attrs.len() == 5));
    let words = "/usr/bin/kiln frontend check-out --store /run/kiln/store --progress quiet /run/kiln/spec/kiln.kdl app";
    let words_of = |exec: &pb::ExecOp| exec.meta.clone().unwrap_or_default().args.join(" ");
    let check = commands.iter().find(|exec| words_of(exec) == words).expect("a command that checks the commit");
    assert_eq!(check.network(), pb::NetMode::None);
    let targets: Vec<&str> = check.mounts.iter().map(|mount| mount.dest.as_str()).collect();
    for target in ["/run/kiln/checkouts/0", "/run/kiln/checkouts/1", "/run/kiln/spec", "/run/kiln/trees/0"] {
        assert!(targets.contains(&target), "{target}: {targets:?}");
    }

    // Files of one machine are none of the daemon's.
    site.world.write("kiln.kdl", git(&format!("file://{}/docs", repositories.display())));
    site.world.kiln(["lock"]).run().done();
    let said = refusal(&site, &[]);
    assert!(said.starts_with("the source \"app\" is a repository of one machine"), "{said}");
}

#[test]
fn layouts_are_those_that_the_user_gives_with_the_image_of_the_lock() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    site.world.write("kiln.kdl", "kiln 1\nimage \"base\" { file \"/etc/base\" \"1\" }\n");
    site.world.kiln(["build", "-o", "oci:layout"]).run().done();
    site.world.write(
        "kiln.kdl",
        "kiln 1\nsource \"lower\" { oci \"layout\" }\nimage \"upon\" { base \"lower\"; file \"/etc/upon\" \"2\" }\n",
    );
    site.world.kiln(["lock"]).run().done();
    let lock = String::from_utf8(site.world.read("kiln.lock")).unwrap();
    let (_, rest) = lock.split_once("sha256=\"").expect("a digest");
    let digest = format!("sha256:{}", &rest[..64]);
    let config =
        r#"{"architecture":"amd64","os":"linux","config":{"Env":["BASE=1"]},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    let daemon = Daemon { config: config.into(), ..Daemon::default() };
    let given = format!("oci-layout://the-store:latest@{digest}");
    let (code, told, solved) = run_in(daemon.clone(), &site, &[("context:lower", &given)]);
    assert_eq!((code, told.error), (Some(0), None));
    let (sources, _) = parts(solved.last().unwrap());
    let [source] = sources.as_slice() else { panic!("{sources:?}") };
    assert_eq!(source.identifier, format!("oci-layout://kiln.local/lower@{digest}"));
    assert_eq!((&*source.attrs["oci.session"], &*source.attrs["oci.store"]), ("the-session", "the-store"));
    let told = told.result.unwrap();
    let config: serde_json::Value = serde_json::from_slice(&told.metadata["containerimage.config"]).unwrap();
    assert_eq!(config["config"]["Env"], serde_json::json!(["BASE=1"]));

    let add = format!("`--build-context lower=oci-layout://layout@{digest}`");
    let said = refusal(&site, &[]);
    assert!(said.starts_with("the source \"lower\" is an OCI layout") && said.contains(&add), "{said}");
    let said = refusal(&site, &[("context:lower", &given.replace(&digest, &format!("sha256:{}", "0".repeat(64))))]);
    assert!(said.contains("is of the image sha256:000") && said.contains(&add), "{said}");
    let said = refusal(&site, &[("context:lower", "local:lower")]);
    assert!(said.contains(&add), "{said}");
}

#[test]
fn the_lock_of_the_frontends_own_image_fits() {
    let world = World::new();
    world.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("frontend"));
    world.kiln(["lock", "--check", "--offline"]).run().done();
    world.kiln(["fmt", "--check"]).run().done();
}

#[test]
fn outside_of_a_daemon_it_ends_at_once() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    let outcome = site.world.kiln(["frontend"]).run().code(1);
    // What it began to say stays on standard output.
    outcome.warns("error: no daemon has started this program\n");
}
