//! Images that a daemon makes and pushes by itself: what kiln signs of them is what it makes itself.

use super::buildkit::Docker;
use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use super::pools::runs;
use super::tools::Tools;
use crate::building::archive;
use crate::stages::Site;
use crate::support::deb::Mirror;
use crate::support::program::{Call, World};
use crate::support::registry::{Auth, Options, Registry, Seen};
use kiln::oci::Digest;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Packages, a context, and a stage whose commands get a secret; nothing that any command has made lies below the rest.
const SPEC: &str = r#"
apt "debian" {
    suite "trixie"
    keyring "archive.asc"
}
stage "compile" {
    base "tools"
    mount "src" to="/in"
    secret "token" env="TOKEN"
    run "echo compiling with $TOKEN; cp /in/a /made; write /other x"
    check "made" "exists /made; cp /in/report.xml /results.xml" junit="/results.xml"
}
stage "further" {
    base "compile"
    mount "src" to="/work" writable=#true
    run "rm /work/b; write /work/c gamma; write /empty y; rm /empty"
    run "write /work/d delta; chmod 0640 /made; chown 7 /made"
}
image "acme" {
    packages "debian" { add "hello" }
    copy "." from="src" to="/srv"
    copy "/made" from="further" to="/usr/bin/"
    copy "/work" from="further" to="/opt"
    copy "." from="src" to="/again"
    remove "/again/b"
    label "a"="b"
    user 65532
    entrypoint "/usr/bin/hello"
}
"#;

/// An image that stands on a stage, in which commands run too.
const UPON: &str = r#"
stage "first" {
    base "tools"
    run "write /one 1; write /gone 1"
    run "write /two 2; rm /gone"
}
image "acme" {
    base "first"
    layers compression="zstd"
    copy "." from="src" to="/srv"
    copy "." from="src" to="/srv2"
    mkdir "/dev" "/proc" "/sys"
    run "write /three 3; chmod 0600 /srv/a"
    remove "/one"
}
"#;

const REPORT: &str = "<testsuite><testcase name=\"one\"/><testcase name=\"two\"/></testsuite>\n";

const SECRET: &str = "correct-horse-battery-staple";

/// A project, and who may push where.
struct Project {
    site: Site,
    docker: String,
    host: String,
    _mirror: Mirror,
}

impl Project {
    fn new(spec: &str, docker: &Docker, host: String) -> Self {
        let mirror = Mirror::of(&archive());
        let mut world = World::new();
        world.set("KILN_DEBIAN_MIRROR", mirror.url());
        world.write("archive.asc", mirror.key.certificate());
        let site = Site::within(world, spec);
        site.world.write("src/report.xml", REPORT);
        Project { site, docker: docker.address(), host, _mirror: mirror }
    }

    fn reference(&self, tag: &str) -> String {
        format!("{}/acme/image:{tag}", self.host)
    }

    /// Lets the daemon push.
    fn push(&self, tag: &str, more: &[&str]) -> Call {
        let reference = self.reference(tag);
        let arguments = ["--engine", "buildkit:docker://", "--engine-output", "--push", "-t", &reference];
        let call = self.site.build(&[&arguments[..], &["--progress", "plain"], more].concat());
        call.env("DOCKER_HOST", &self.docker).env("TOKEN", SECRET)
    }

    fn secret(&self) -> &'static [&'static str] {
        &["--secret", "token=env:TOKEN"]
    }

    /// What the same is as the engine of this machine makes it.
    fn layout(&self, given: &[&str]) -> String {
        let layout = self.site.world.path("layout").display().to_string();
        let (output, store) = (format!("oci:{layout}"), self.site.world.path("other-store").display().to_string());
        let call = self.site.build(&[&["-o", &output, "--store", &store], given].concat());
        call.env("TOKEN", SECRET).run().done();
        layout
    }

    fn kiln(&self, arguments: &[&str]) -> String {
        self.site.world.kiln(arguments.iter().copied()).run().done().stdout
    }

    fn key(&self) -> String {
        self.site.world.path("data/kiln/keys/local.pub").display().to_string()
    }

    /// What was pushed and what kiln makes itself have the same files, the same owners of them, and the same configuration.
    fn is_the_same(&self, tag: &str, given: &[&str], paths: &[&str]) {
        let (pushed, own) = (self.reference(tag), self.layout(given));
        let difference = self.kiln(&["diff", &pushed, &own]);
        assert!(!difference.contains("files\n") && !difference.contains("config\n"), "{difference}");
        // What commands began with in a daemon is known where kiln has made it, and not else.
        let why = |image: &str, path: &str| {
            let told = self.kiln(&["why", image, path]);
            told.lines().filter(|line| !line.contains(" it read ")).map(str::to_owned).collect::<Vec<_>>()
        };
        for path in paths {
            assert_eq!(why(&pushed, path), why(&own, path), "{path}");
        }
    }
}

/// The layers of an image in a registry.
fn layers(registry: &Registry, digest: &Digest) -> Vec<String> {
    let manifest = registry.content("acme/image", digest).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["layers"].as_array().unwrap().iter().map(|row| row["digest"].as_str().unwrap().to_owned()).collect()
}

fn is_of_kiln(seen: &Seen) -> bool {
    seen.headers.get("user-agent").is_some_and(|agent| agent.starts_with("kiln/"))
}

/// What a user meets whose daemon pushes to a registry that is guarded like this.
fn pushed_to(docker: &Docker, auth: Auth) {
    let registry = Registry::start(Options { auth, referrers: false, ..Options::default() });
    // A daemon runs nothing again that it has run for another.
    let spec = SPEC.replace("echo compiling", &format!("write /for {auth:?}; echo compiling"));
    let mut project = Project::new(&spec, docker, registry.host());
    let Options { user, password, .. } = Options::default();
    for (name, value) in [("KILN_REGISTRY", registry.host()), ("KILN_REGISTRY_USER", user)] {
        project.site.world.set(name, value);
    }
    if auth != Auth::None {
        // Nothing is built that could not be pushed.
        project.site.world.set("KILN_REGISTRY_PASSWORD", "wrong");
        let outcome = project.push("1", project.secret()).run().code(7);
        assert!(outcome.stderr.contains("are wrong or do not allow this"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("compiling"), "{}", outcome.stderr);
    }
    project.site.world.set("KILN_REGISTRY_PASSWORD", password.clone());
    let outcome = project.push("1", project.secret()).run().done();
    for said in ["compiling with ***", "check made"] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains(SECRET) && !outcome.stdout.contains(SECRET));
    let digest = registry.tag("acme/image", "1").unwrap();

    // All layers came from the daemon, and it has seen no password that it need not see.
    let (by_kiln, by_daemon): (Vec<_>, Vec<_>) = registry.log().into_iter().partition(is_of_kiln);
    for layer in layers(&registry, &digest) {
        let named = layer.replace(':', "%3A");
        let sent = |log: &[Seen]| {
            log.iter().any(|seen| seen.method != "GET" && seen.method != "HEAD" && seen.target.contains(&named))
        };
        assert!(sent(&by_daemon) && !sent(&by_kiln), "{layer}");
    }
    assert!(by_daemon.iter().all(|seen| !seen.target.starts_with("/token")), "{by_daemon:?}");
    let opened = by_daemon.iter().filter_map(|seen| seen.headers.get("authorization"));
    let scheme = match auth {
        Auth::None => None,
        Auth::Basic => Some("Basic "),
        Auth::Bearer => Some("Bearer token-"),
    };
    let schemes: Vec<bool> = opened.map(|sent| scheme.is_some_and(|scheme| sent.starts_with(scheme))).collect();
    assert_eq!(schemes.is_empty(), scheme.is_none());
    assert!(schemes.iter().all(|is_expected| *is_expected));

    let reference = project.reference("1");
    assert!(project.kiln(&["verify", &reference, "--key", &project.key()]).ends_with("verified\n"));
    let attested = registry.manifests("acme/image").len();
    assert!(attested >= 7, "an image of the daemon's, kiln's own, and five statements: {attested}");
    let provenance = project.kiln(&["provenance", &reference]);
    assert!(provenance.contains("layersBy") && provenance.contains("buildkit"), "{provenance}");
    let paths = ["/usr/bin/hello", "/srv/a", "/usr/bin/made", "/opt/c", "/opt/d", "/again/a"];
    project.is_the_same("1", project.secret(), &paths);

    // Once more: nothing runs, and nothing moves.
    let outcome = project.push("1", &[project.secret(), &["--no-clobber"]].concat()).run().done();
    assert!(outcome.stdout.contains(":1 (unchanged)"), "{}", outcome.stdout);

    // Several names: what another repository lacks is sent there by kiln.
    let other = format!("{}/acme/copy:1", registry.host());
    project.push("2", &[project.secret(), &["-t", &other]].concat()).run().done();
    assert_eq!(registry.tag("acme/copy", "1"), registry.tag("acme/image", "2"));
}

const NEW_STORE: &[&str] = &["--feature=containerd-snapshotter=true"];

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_pushes_to_a_registry_with_what_opens_it() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    for auth in [Auth::None, Auth::Basic, Auth::Bearer] {
        pushed_to(&docker, auth);
    }
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_pushes_to_a_registry_with_a_password_and_a_certificate() {
    // Docker takes any certificate of a registry on loopback; kiln takes that of its authority alone.
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let registry = DockerRegistry::locked().trusted();
    let mut project = Project::new(SPEC, &docker, registry.host());
    project.site.world.set("KILN_REGISTRY_CERTS", registry.certificates().display().to_string());
    let outcome = project.push("1", project.secret()).run().code(7);
    assert!(outcome.stderr.contains("docker login"), "{}", outcome.stderr);
    assert_eq!(registry.blobs(), 0);
    let host = registry.host();
    for (name, value) in
        [("KILN_REGISTRY", host.as_str()), ("KILN_REGISTRY_USER", USER), ("KILN_REGISTRY_PASSWORD", PASSWORD)]
    {
        project.site.world.set(name, value);
    }
    let outcome = project.push("1", project.secret()).run().done();
    assert!(!format!("{outcome:?}").contains(PASSWORD));
    project.is_the_same("1", project.secret(), &["/usr/bin/hello", "/usr/bin/made"]);
    assert!(project.kiln(&["verify", &project.reference("1"), "--key", &project.key()]).ends_with("verified\n"));
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn an_image_upon_a_stage_has_its_states_in_the_layers_of_a_daemon() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let registry = DockerRegistry::open();
    let project = Project::new(UPON, &docker, registry.host());
    project.push("1", &[]).run().done();
    let paths = ["/bin/box", "/two", "/three", "/srv/a", "/srv2/b"];
    project.is_the_same("1", &[], &paths);
    // With one that had the same layers already, in another compression, it is the same.
    project.site.spec(&UPON.replace("zstd", "gzip"));
    project.push("2", &[]).run().done();
    project.is_the_same("2", &[], &paths);
    assert!(project.kiln(&["verify", &project.reference("2"), "--key", &project.key()]).ends_with("verified\n"));
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn what_fails_in_a_daemon_that_pushes_is_told_and_no_tag_moves() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let registry = Registry::start(Options { referrers: false, ..Options::default() });
    let project = Project::new("", &docker, registry.host());
    let stage = |commands: &str| {
        let given = "base \"tools\"; secret \"token\" file=\"/s\"";
        project.site.spec(&format!(
            "stage \"s\" {{ {given}; {commands} }}\nimage \"acme\" {{ copy \"/d\" from=\"s\" to=\"/\" }}\n"
        ));
    };
    stage("run \"mkdir /d; echo all is well; cat /s; exit 7\"");
    let outcome = project.push("1", project.secret()).run().code(4);
    for said in ["all is well", "***", "exit code 7", "╭─[kiln.kdl:"] {
        assert!(words(&outcome.stderr).contains(said), "{said}: {}", outcome.stderr);
    }
    stage("run \"mkdir /d; write /d/x y\"; check \"none\" \"exit 3\"");
    let outcome = project.push("1", project.secret()).run().code(4);
    assert!(words(&outcome.stderr).contains("exit code 3"), "{}", outcome.stderr);
    stage("run \"mkdir /d; write /d/x y\"; check \"none\" \"exists /d\" junit=\"/none.xml\"");
    let outcome = project.push("1", project.secret()).run().code(4);
    let said = "the check `none` succeeded and left no file /none.xml, where the spec says that its results are";
    assert!(words(&outcome.stderr).contains(said), "{}", outcome.stderr);
    stage("run \"mkdir /d; write /d/x y\"; check \"none\" \"cp /s /all.xml\" junit=\"/all.xml\"");
    let outcome = project.push("1", project.secret()).run().code(4);
    assert!(words(&outcome.stderr).contains("the value of the secret token in its results"), "{}", outcome.stderr);
    stage("run \"mkdir /d; sleep 60000\" { limits time=\"1s\" }");
    let outcome = project.push("1", project.secret()).run().code(4);
    assert!(words(&outcome.stderr).contains("longer than its limit"), "{}", outcome.stderr);
    assert!(registry.manifests("acme/image").is_empty());
    // What a daemon has pushed cannot be taken back.
    stage("run \"mkdir /d; cp /s /d/s\"");
    let outcome = project.push("1", project.secret()).run().code(4);
    assert!(
        words(&outcome.stderr).contains("leaves the value of the secret `token` in the layer sha256:"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains(SECRET));
    assert_eq!(registry.manifests("acme/image").len(), 1);
    assert!(registry.tags("acme/image").is_empty());
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn docker_with_its_old_store_of_images_says_that_it_pushes_nothing_by_itself() {
    let docker = Docker::start(Tools::docker(), &["--storage-driver=overlay2"]);
    let registry = Registry::start(Options::default());
    let project = Project::new(SPEC, &docker, registry.host());
    let outcome = project.push("1", project.secret()).run().code(7);
    let said = "it cannot make an image of this graph and push it: BuildKit 0.11 and newer can, and Docker with its new store \
                of images (`\"features\": {\"containerd-snapshotter\": true}`)";
    assert!(words(&outcome.stderr).contains(said), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn an_interrupt_reaches_a_daemon_that_is_to_push() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let registry = Registry::start(Options::default());
    let spec = "stage \"s\" { base \"tools\"; run \"sleep 86399918\" }\nimage \"acme\" { copy \"/etc\" from=\"s\" to=\"/\" }\n";
    let project = Project::new(spec, &docker, registry.host());
    let child = project.push("1", &[]).start();
    let wait = |is_done: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_done() {
            assert!(Instant::now() < end);
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(&|| runs("-c sleep 86399918"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(130), "{}", String::from_utf8_lossy(&outcome.stderr));
    wait(&|| !runs("-c sleep 86399918"));
    assert!(registry.tags("acme/image").is_empty());
}

/// A text without the breaks that a terminal's width makes.
fn words(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
