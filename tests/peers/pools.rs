//! Several daemons at once, and what goes wrong with one: the build finishes elsewhere, or says what is wrong, and what it
//! makes is never something else.

use super::buildkit::Docker;
use super::tools::Tools;
use crate::stages::Site;
use crate::support::files;
use crate::support::program::Outcome;
use kiln::oci::Digest;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

const NEW_STORE: &[&str] = &["--feature=containerd-snapshotter=true"];

/// A command that takes a while, and one that goes on with what it left.
const SPEC: &str = r#"
stage "first" { base "tools"; run "sleep 3000; write /first x" }
stage "second" { base "first"; mount "src" to="/in"; run "cp /in/a /second" }
image "x" { copy "/first" "/second" from="second" to="/" }
"#;

/// Docker's contexts of a user, by name.
fn contexts(site: &Site, daemons: &[(&str, &Path)]) {
    for (name, socket) in daemons {
        let folder = site.world.path("home/.docker/contexts/meta").join(Digest::of(name.as_bytes()).hex());
        fs::create_dir_all(&folder).unwrap();
        let host = format!("unix://{}", socket.display());
        let content = serde_json::json!({ "Name": name, "Metadata": {}, "Endpoints": { "docker": { "Host": host } } });
        fs::write(folder.join("meta.json"), content.to_string()).unwrap();
    }
}

fn socket(docker: &Docker) -> PathBuf {
    docker.folder().join("docker.sock")
}

/// Builds with an engine and a store of its own.
fn build(site: &Site, name: &str, engine: &str) -> Outcome {
    let (output, store) =
        (format!("oci:{}", site.world.path(name).display()), site.world.path(format!("store-{name}")));
    let store = store.display().to_string();
    site.build(&["-o", &output, "--store", &store, "--engine", engine, "--progress", "plain"]).run()
}

/// What is said on one line, without the frame around it.
fn said(outcome: &Outcome) -> String {
    let words = outcome.stderr.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A socket in front of a daemon's.
struct Door {
    path: PathBuf,
    state: Arc<AtomicU8>,
}

const OPEN: u8 = 0;
/// Nothing comes through, and nobody is told.
const STUCK: u8 = 1;
/// All who are there are thrown out, once.
const CUT: u8 = 2;

impl Door {
    fn new(path: PathBuf, behind: PathBuf) -> Door {
        Door::leading(path, move || UnixStream::connect(&behind))
    }

    /// In front of the BuildKit in a Docker daemon, which is there as if it were alone.
    fn to_buildkit(path: PathBuf, docker: PathBuf) -> Door {
        Door::leading(path, move || {
            let mut stream = UnixStream::connect(&docker)?;
            stream.write_all(b"POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                answer.extend(byte);
            }
            Ok(stream)
        })
    }

    fn leading(path: PathBuf, inside: impl Fn() -> std::io::Result<UnixStream> + Send + 'static) -> Door {
        let listener = UnixListener::bind(&path).unwrap();
        let state = Arc::new(AtomicU8::new(OPEN));
        let shared = state.clone();
        std::thread::spawn(move || {
            for outside in listener.incoming() {
                let Ok(inside) = inside() else { continue };
                let outside = outside.unwrap();
                pass(outside.try_clone().unwrap(), inside.try_clone().unwrap(), shared.clone());
                pass(inside, outside, shared.clone());
            }
        });
        Door { path, state }
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

/// Passes on what comes, as long as the door is open.
fn pass(mut from: UnixStream, mut to: UnixStream, state: Arc<AtomicU8>) {
    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match state.load(Ordering::SeqCst) {
                STUCK => std::thread::sleep(Duration::from_millis(50)),
                CUT => break,
                _ => match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) if to.write_all(&buffer[..read]).is_err() => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                },
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}

/// Does something once a command runs, which is a while after the build has begun.
fn meanwhile(outcome: impl FnOnce() -> Outcome + Send, act: impl FnOnce()) -> Outcome {
    std::thread::scope(|scope| {
        let building = scope.spawn(outcome);
        std::thread::sleep(Duration::from_millis(2500));
        act();
        building.join().unwrap()
    })
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_that_dies_or_hangs_or_is_full_is_replaced_by_another() {
    let (dies, other) = (Docker::start(Tools::docker(), NEW_STORE), Docker::start(Tools::docker(), NEW_STORE));
    let site = Site::new(SPEC);
    contexts(&site, &[("dies", &socket(&dies)), ("other", &socket(&other))]);
    build(&site, "own", "embedded").done();
    let own = files::contents(&site.world.path("own"));

    // The connection is cut: the same daemon is asked again, and no other is there.
    let door = Door::new(site.world.path("home/door"), socket(&other));
    contexts(&site, &[("door", &door.path)]);
    let cut = || {
        door.set(CUT);
        std::thread::sleep(Duration::from_millis(300));
        door.set(OPEN);
    };
    let outcome = meanwhile(|| build(&site, "cut", "buildkit:docker://door"), cut).done();
    assert!(said(&outcome).contains("the connection broke: "), "{}", outcome.stderr);
    assert_eq!(files::contents(&site.world.path("cut")), own);

    // It hangs: that takes a while to be seen.
    let began = Instant::now();
    let outcome =
        meanwhile(|| build(&site, "stuck", "buildkit:docker://door,docker://dies"), || door.set(STUCK)).done();
    assert!(began.elapsed() < Duration::from_secs(90), "{:?}", began.elapsed());
    assert!(said(&outcome).contains("a command ran at docker://dies"), "{}", outcome.stderr);
    assert_eq!(files::contents(&site.world.path("stuck")), own);

    // It dies, once with another beside it and then alone.
    let outcome = meanwhile(|| build(&site, "dies", "buildkit:docker://dies,docker://other"), || dies.kill()).done();
    assert!(said(&outcome).contains("a command ran at docker://other"), "{}", outcome.stderr);
    assert_eq!(files::contents(&site.world.path("dies")), own);
    let outcome = meanwhile(|| build(&site, "alone", "buildkit:docker://other"), || other.kill()).code(4);
    assert!(said(&outcome).contains("the connection broke: "), "{}", outcome.stderr);
    assert!(!site.world.path("alone").exists());
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_without_room_says_so_or_is_replaced_by_another() {
    let full = Docker::start_in(tempfile::tempdir().unwrap(), Tools::docker(), "40m", NEW_STORE);
    let other = Docker::start(Tools::docker(), NEW_STORE);
    let site = Site::new(
        "source \"big\" { context \"big\" }\n\
         stage \"s\" { base \"tools\"; mount \"big\" to=\"/in\"; run \"exists /in/a; write /made x\" }\n\
         image \"x\" { copy \"/made\" from=\"s\" to=\"/\" }\n",
    );
    site.world.write("big/a", vec![7; 100 << 20]);
    contexts(&site, &[("full", &socket(&full)), ("other", &socket(&other))]);
    build(&site, "own", "embedded").done();
    let outcome = build(&site, "full", "buildkit:docker://full").code(4);
    assert!(said(&outcome).contains("no space left on device"), "{}", outcome.stderr);
    assert!(!site.world.path("full").exists());
    let outcome = build(&site, "both", "buildkit:docker://full,docker://other").done();
    for part in ["a command ran at docker://other", "as it did not at docker://full", "no space left on device"] {
        assert!(said(&outcome).contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(files::contents(&site.world.path("both")), files::contents(&site.world.path("own")));
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_that_is_no_part_of_docker_leaves_the_same() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let site = Site::new(SPEC);
    let door = Door::to_buildkit(site.world.path("home/buildkit"), socket(&docker));
    build(&site, "own", "embedded").done();
    build(&site, "alone", &format!("buildkit:unix://{}", door.path.display())).done();
    assert_eq!(files::contents(&site.world.path("alone")), files::contents(&site.world.path("own")));
}

/// Certificates of an authority made for the test, as Docker names its files: one for the daemon at 127.0.0.1 in `folder`, and
/// one for its client in `client`.
fn certificates(folder: &Path, client: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let parts = [(folder, ExtendedKeyUsagePurpose::ServerAuth), (client, ExtendedKeyUsagePurpose::ClientAuth)];
    for (folder, purpose) in parts {
        fs::create_dir_all(folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &authority).unwrap();
        fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_daemon_at_a_port_is_reached_with_certificates_and_not_without() {
    let (folder, site) = (tempfile::tempdir().unwrap(), Site::new(SPEC));
    let client = site.world.path("home/certificates");
    certificates(folder.path(), &client);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("--host=tcp://127.0.0.1:{port}");
    let tls = ["--tlsverify", "--tlscacert=/work/ca.pem", "--tlscert=/work/cert.pem", "--tlskey=/work/key.pem"];
    let _docker = Docker::start_in(folder, Tools::docker(), "", &[&[host.as_str()], &tls[..], NEW_STORE].concat());
    let docker_host = format!("tcp://127.0.0.1:{port}");
    let build = |name: &str, verify: &str| {
        let output = format!("oci:{}", site.world.path(name).display());
        let store = site.world.path(format!("store-{name}")).display().to_string();
        let call =
            site.build(&["-o", &output, "--store", &store, "--engine", "buildkit:docker://", "--progress", "plain"]);
        let call = call.env("DOCKER_HOST", &docker_host).env("DOCKER_CERT_PATH", client.display().to_string());
        call.env("DOCKER_TLS_VERIFY", verify).run()
    };
    build("with", "1").done();
    self::build(&site, "own", "embedded").done();
    assert_eq!(files::contents(&site.world.path("with")), files::contents(&site.world.path("own")));
    let outcome = build("without", "").code(4);
    assert!(said(&outcome).contains("offers no BuildKit: it answers `HTTP/1.0 400"), "{}", outcome.stderr);
    // Another authority's client is none of its own, and another authority's daemon none of ours.
    certificates(&site.world.path("home/other"), &client);
    let outcome = build("other", "1").code(4);
    assert!(said(&outcome).contains("certificate"), "{}", outcome.stderr);
}

/// Whether a process of this machine has these words in its command line.
pub(super) fn runs(words: &str) -> bool {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    processes.into_iter().any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(words))
}

#[test]
#[ignore = "needs root, and Docker from a Debian mirror"]
fn a_build_that_is_interrupted_ends_its_commands_in_daemons_too() {
    let docker = Docker::start(Tools::docker(), NEW_STORE);
    let site = Site::new("stage \"s\" { base \"tools\"; run \"sleep 86399917\" }\nimage \"x\" { base \"s\" }\n");
    contexts(&site, &[("docker", &socket(&docker))]);
    let child = site.build(&["--engine", "buildkit:docker://docker"]).start();
    let wait = |is_done: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(30);
        while !is_done() {
            assert!(Instant::now() < end);
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(&|| runs("-c sleep 86399917"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(130), "{}", String::from_utf8_lossy(&outcome.stderr));
    wait(&|| !runs("-c sleep 86399917"));
}
