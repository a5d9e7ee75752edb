//! Attempts to get out (`escape.c`): each must fail, as root and as an ordinary user, on overlays and on copies.

use super::room::{Room, compiled, path};
use kiln::llb::exec::Network;
use kiln::oci::Digest;
use kiln::solve::embedded::sandbox::{EnvValue, Status, Step, User};
use kiln::tree::{Entry, Node, Tree};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::OnceLock;

fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| compiled("escape.c"))
}

/// What the attempts are made in, and what they are made on.
struct Prison {
    room: Room,
    tree: Digest,
    host: tempfile::TempDir,
    env: Vec<(String, String)>,
    _listeners: (TcpListener, Option<TcpListener>, UnixListener),
}

impl Prison {
    fn new(room: Room) -> Self {
        let content = room.store.put(program()).unwrap();
        let executable = |mode| Entry::file(content, program().len() as u64, mode);
        let mut closed = room.file("closed");
        closed.mode = 0o600;
        let device = |major, minor| Entry::new(Node::CharDevice { major, minor }, 0o666);
        let tree: Tree = [
            (path("closed"), closed),
            (path("devices"), Entry::dir(0o755)),
            (path("devices/disk"), Entry::new(Node::BlockDevice { major: 254, minor: 0 }, 0o666)),
            (path("devices/kmsg"), device(1, 11)),
            (path("devices/mem"), device(1, 1)),
            (path("setuid"), executable(0o6755)),
            (path("tmp"), Entry::dir(0o1777)),
            (path("tool"), executable(0o755)),
        ]
        .into_iter()
        .collect();
        let host = tempfile::tempdir().unwrap();
        let file = host.path().join("host");
        std::fs::write(&file, "the machine's").unwrap();
        let name = format!("kiln-test-{}-{:?}", std::process::id(), std::thread::current().id());
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let six = TcpListener::bind("[::1]:0").ok();
        let local = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
        let env = vec![
            ("HOST_FILE".to_owned(), file.to_str().unwrap().to_owned()),
            ("PORT4".to_owned(), port(&four)),
            ("PORT6".to_owned(), six.as_ref().map_or("1".to_owned(), port)),
            ("ABSTRACT".to_owned(), name),
        ];
        Prison { tree: tree.save(&room.store).unwrap(), room, host, env, _listeners: (four, six, local) }
    }

    fn step(&self, attempt: &str, user: &User) -> Step {
        let mut step = self.room.step_at(self.tree, &[attempt]);
        step.env = self.env.iter().map(|(k, v)| (k.clone(), EnvValue::Plain(v.clone()))).collect();
        step.user = user.clone();
        step
    }

    fn attempts(&self) -> Vec<String> {
        self.room.out(&self.step("list", &User::default())).lines().map(str::to_owned).collect()
    }

    /// Makes all attempts as root and as somebody else.
    fn all_fail(&self, network: Network, but: &[&str]) {
        let before = machine();
        let mut escaped = Vec::new();
        for attempt in self.attempts().iter().filter(|attempt| !but.contains(&attempt.as_str())) {
            for user in [User::default(), User { uid: 1000, gid: 1000, groups: vec![1000] }] {
                let mut step = self.step(attempt, &user);
                step.network = network;
                let seen = self.room.run(&step);
                if seen.ended.status != Status::Exited(0) || !seen.out.is_empty() {
                    escaped
                        .push(format!("{attempt} as {}: {:?}\n{}{}", user.uid, seen.ended.status, seen.out, seen.err));
                }
            }
        }
        assert!(escaped.is_empty(), "\n{}", escaped.join("\n"));
        assert_eq!(machine(), before);
        assert_eq!(std::fs::read_to_string(self.host.path().join("host")).unwrap(), "the machine's");
    }
}

/// What an attempt would change on the machine.
fn machine() -> Vec<String> {
    let files =
        ["kernel/hostname", "kernel/domainname", "kernel/core_pattern", "kernel/modprobe", "net/ipv4/ip_forward"];
    let read = |file: &&str| std::fs::read_to_string(format!("/proc/sys/{file}")).unwrap_or_default();
    let mut seen: Vec<String> = files.iter().map(read).collect();
    seen.push(std::fs::read_to_string("/proc/self/mountinfo").unwrap());
    seen
}

#[test]
fn no_attempt_succeeds_on_overlays() {
    Prison::new(Room::new()).all_fail(Network::None, &[]);
}

#[test]
fn no_attempt_succeeds_on_copies() {
    Prison::new(Room::without_overlays()).all_fail(Network::None, &[]);
}

#[test]
fn no_attempt_succeeds_with_the_machines_network() {
    // The network is what was asked for.
    Prison::new(Room::new()).all_fail(Network::Host, &["network4", "network6", "abstract_socket"]);
}

#[test]
fn every_namespace_is_the_steps_own() {
    let prison = Prison::new(Room::new());
    let room = &prison.room;
    for name in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        let link = format!("/proc/self/ns/{name}");
        let step = room.step(&["readlink", &link]);
        assert_ne!(room.out(&step).trim(), std::fs::read_link(&link).unwrap().to_str().unwrap());
    }
}
