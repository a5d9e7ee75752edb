//! Commands: their form, and what is refused of them.

use super::exec::{LIMITS, MountKind, SecretEnv, Sharing};
use super::*;
use prost::Message;

fn mount(target: &str, kind: MountKind) -> exec::Mount {
    exec::Mount { target: target.to_owned(), kind }
}

fn command(root: Option<Output>, args: &[&str]) -> Exec {
    Exec { env: vec!["PATH=/bin".to_owned()], ..Exec::new(root, args.iter().copied()) }
}

/// A command with trees, the first of them writable, at these places.
pub(super) fn mounting(root: Output, from: Option<Output>, targets: &[String]) -> Exec {
    let tree = |writable| MountKind::Tree { from, selector: "/".to_owned(), writable };
    let mounts = targets.iter().enumerate().map(|(i, target)| mount(target, tree(i == 0))).collect();
    Exec { mounts, ..command(Some(root), &["true"]) }
}

/// A command with everything that one can have.
pub(super) fn every_kind(root: Output, other: Output) -> Exec {
    let tree = |from, selector: &str, writable| MountKind::Tree { from, selector: selector.to_owned(), writable };
    Exec {
        env: vec!["PATH=/usr/bin:/bin".to_owned(), "EMPTY=".to_owned()],
        cwd: "/work".to_owned(),
        user: "app:7".to_owned(),
        hostname: "kiln".to_owned(),
        hosts: vec![("db".to_owned(), "10.0.0.1".to_owned())],
        valid_exit_codes: vec![0, 3],
        mounts: vec![
            mount("/work", tree(Some(other), "/src", false)),
            mount("/run/token", secret("token", false)),
            mount("/out", tree(None, "/", true)),
            mount("/var/cache", MountKind::Cache { id: "apt".to_owned(), sharing: Sharing::Locked }),
            mount("/run/ssh", MountKind::Ssh { id: "default".into(), owner: (1, 2), mode: 0o600, optional: true }),
            mount("/copy", tree(Some(other), "/", true)),
            mount("/tmp", MountKind::Tmpfs { size: 4096 }),
            mount("/again", tree(Some(root), "/", false)),
        ],
        secret_env: vec![SecretEnv { id: "key".to_owned(), name: "KEY".to_owned(), optional: true }],
        limits: exec::Limits { memory: Some(1 << 30), time: Some(60), ..exec::Limits::default() },
        ..command(Some(root), &["/bin/sh", "-c", "make"])
    }
}

fn secret(id: &str, optional: bool) -> MountKind {
    MountKind::Secret { id: id.to_owned(), owner: (0, 0), mode: 0o400, optional }
}

fn op_of(definition: &Definition, vertex: &Digest) -> pb::Op {
    let bytes = definition.message().def.iter().find(|bytes| Digest::of(bytes) == *vertex).unwrap();
    pb::Op::decode(bytes.as_slice()).unwrap()
}

#[test]
fn mounts_stand_in_the_order_of_buildkits_client() {
    let mut builder = builder();
    let (root, other) = (local(&mut builder, "root"), local(&mut builder, "other"));
    let outputs = builder.exec(every_kind(root, other), Note::default());
    let vertex = outputs.root.unwrap().vertex;
    let output = |index| Some(Output { vertex, index });
    assert_eq!(outputs.root, output(0));
    assert_eq!(outputs.mounts, [None, None, output(2), None, None, output(1), None, None]);

    let definition = builder.finish(outputs.root.unwrap(), &Sources::default()).unwrap();
    let op = op_of(&definition, &vertex);
    assert_eq!(op.platform.unwrap().architecture, "amd64");
    let inputs: Vec<&str> = op.inputs.iter().map(|input| input.digest.as_str()).collect();
    assert_eq!(inputs, [root.vertex.to_string(), other.vertex.to_string()]);
    let Some(pb::op::Op::Exec(exec)) = op.op else { panic!("no exec") };
    let rows = exec.mounts.iter().map(|m| (m.dest.as_str(), m.input, m.output, m.readonly, m.selector.as_str()));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            ("/", 0, 0, false, ""),
            ("/again", 0, -1, true, ""),
            ("/copy", 1, 1, false, ""),
            ("/out", -1, 2, false, ""),
            ("/tmp", -1, -1, false, ""),
            ("/var/cache", -1, -1, false, ""),
            ("/work", 1, -1, true, "/src"),
            ("/run/token", -1, 0, false, ""),
            ("/run/ssh", -1, 0, false, ""),
        ]
    );
    let meta = exec.meta.unwrap();
    assert_eq!(meta.env, ["PATH=/usr/bin:/bin", "EMPTY=", "SSH_AUTH_SOCK=/run/ssh"]);
    assert!(meta.remove_mount_stubs_recursive);

    let graph = definition.graph().unwrap();
    let read = graph.vertex(&vertex).unwrap();
    assert_eq!((read.outputs(), read.limits.memory, read.limits.time), (3, Some(1 << 30), Some(60)));
    let caps: Vec<&str> = definition.message().metadata[&vertex.to_string()].caps.keys().map(String::as_str).collect();
    assert_eq!(
        caps,
        [
            "exec.meta.base",
            "exec.meta.network",
            "exec.mount.bind",
            "exec.mount.cache",
            "exec.mount.cache.sharing",
            "exec.mount.secret",
            "exec.mount.selector",
            "exec.mount.ssh",
            "exec.mount.tmpfs",
            "exec.mount.tmpfs.size",
            "exec.secretenv",
            "exec.validexitcode",
        ]
    );
}

/// A field with a length below 2^14: key, length, content.
fn field(key: &[u8], content: &[u8]) -> Vec<u8> {
    let [low, high] = [content.len() & 0x7f, content.len() >> 7].map(|part| u8::try_from(part).unwrap());
    let length = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
    [key, &length, content].concat()
}

/// The bytes of a command, written down field by field from the protocol.
#[test]
fn the_bytes_of_a_command_are_those_of_the_protocol() {
    let minus_one = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let mut builder = builder();
    let root = local(&mut builder, "x");
    let cache = MountKind::Cache { id: "id".into(), sharing: Sharing::Private };
    let mut exec = command(Some(root), &["/bin/true", "a"]);
    exec.valid_exit_codes = vec![0, 200];
    exec.mounts = vec![mount("/c", cache), mount("/s", secret("k", true))];
    let outputs = builder.exec(exec, Note::default());
    let definition = builder.finish(outputs.root.unwrap(), &Sources::default()).unwrap();

    // args (1), env (2), cwd (3), removeMountStubsRecursive (11), validExitCodes (12, packed)
    let words = [(1, &b"/bin/true"[..]), (1, b"a"), (2, b"PATH=/bin"), (3, b"/")];
    let words: Vec<u8> = words.iter().flat_map(|(number, word)| field(&[number << 3 | 2], word)).collect();
    let meta = [&words, &b"\x58\x01"[..], &field(b"\x62", b"\x00\xc8\x01")].concat();
    // dest (3); input 0 and output 0 are not written
    let root_mount = field(b"\x1a", b"/");
    // input (1), dest (3), output (4), mountType (6) CACHE, cacheOpt (20) { ID (1), sharing (2) PRIVATE }
    let option = field(b"\xa2\x01", &[&field(b"\x0a", b"id")[..], b"\x10\x01"].concat());
    let cache = [b"\x08", &minus_one[..], &field(b"\x1a", b"/c"), b"\x20", minus_one, b"\x30\x03", &option].concat();
    // input, dest, mountType SECRET, secretOpt (21) { ID (1), mode (4) 0400, optional (5) }
    let option = field(b"\xaa\x01", &[&field(b"\x0a", b"k")[..], b"\x20\x80\x02\x28\x01"].concat());
    let secret = [b"\x08", &minus_one[..], &field(b"\x1a", b"/s"), b"\x30\x01", &option].concat();
    // meta (1), mounts (2), network (3) NONE
    let mounts: Vec<u8> = [root_mount, cache, secret].iter().flat_map(|mount| field(b"\x12", mount)).collect();
    let exec = [&field(b"\x0a", &meta)[..], &mounts, b"\x18\x02"].concat();
    // inputs (1) { digest (1) }, exec (2), platform (10) { Architecture (1), OS (2) }, constraints (11)
    let input = field(b"\x0a", &field(b"\x0a", root.vertex.to_string().as_bytes()));
    let platform = field(b"\x52", &[field(b"\x0a", b"amd64"), field(b"\x12", b"linux")].concat());
    let op = [&input[..], &field(b"\x12", &exec), &platform, b"\x5a\x00"].concat();
    assert_eq!(definition.message().def[1], op);
}

/// A change here means that every earlier result of a command is lost, and that daemons' caches are too.
#[test]
fn the_digest_of_a_command_stays() {
    let definition = everything();
    let digests: Vec<String> = definition.message().def.iter().map(|bytes| Digest::of(bytes).hex()).collect();
    assert_eq!(digests[digests.len() - 2], "560e6a178f63f90add16aa81e8c57a2b613a9c287b4db63ab9ef1f99b15866b8");
}

#[test]
fn limits_are_no_part_of_what_is_done() {
    let mut builder = builder();
    let root = local(&mut builder, "x");
    let free = builder.exec(command(Some(root), &["make"]), Note::default()).root.unwrap();
    let limits = exec::Limits { pids: Some(7), ..exec::Limits::default() };
    let bound = builder.exec(Exec { limits, ..command(Some(root), &["make"]) }, Note::named("make"));
    assert_eq!(bound.root, Some(free));
    let tighter = exec::Limits { pids: Some(1), ..exec::Limits::default() };
    builder.exec(Exec { limits: tighter, ..command(Some(root), &["make"]) }, Note::default());
    let definition = builder.finish(free, &Sources::default()).unwrap();
    let vertex = definition.graph().unwrap().vertex(&free.vertex).unwrap().clone();
    assert_eq!((vertex.limits, vertex.name().as_str()), (limits, "make"));
    assert_eq!(vertex.description[LIMITS], r#"{"pids":7}"#);

    for bad in ["", "{", r#"{"pids":-1}"#, r#"{"pids":"7"}"#, r#"{"unknown":1}"#] {
        let mut message = definition.message().clone();
        let metadata = message.metadata.get_mut(&free.vertex.to_string()).unwrap();
        metadata.description.insert(LIMITS.to_owned(), bad.to_owned());
        let error = read(&message.encode_to_vec()).unwrap_err().to_string();
        assert!(error.contains("`kiln.limits` are none"), "{error}");
    }
}

#[test]
fn a_readonly_root_is_no_output() {
    let mut builder = builder();
    let tree = MountKind::Tree { from: None, selector: "/".into(), writable: true };
    let exec = Exec { readonly_root: true, mounts: vec![mount("/out", tree)], ..command(None, &["make"]) };
    let outputs = builder.exec(exec, Note::default());
    assert_eq!(outputs.root, None);
    assert_eq!(outputs.mounts[0].unwrap().index, 0);
    assert!(builder.finish(outputs.mounts[0].unwrap(), &Sources::default()).unwrap().graph().is_ok());
}

fn bind(dest: &str, output: i64) -> pb::Mount {
    pb::Mount { input: -1, dest: dest.to_owned(), output, ..pb::Mount::default() }
}

fn of_kind(kind: pb::MountType) -> pb::Mount {
    pb::Mount { mount_type: kind.into(), ..bind("/m", -1) }
}

/// What reading a definition of one command says.
fn reading(change: impl FnOnce(&mut pb::ExecOp)) -> Result<Graph, LlbError> {
    let meta = pb::Meta { args: vec!["true".into()], ..pb::Meta::default() };
    let mut exec = pb::ExecOp { meta: Some(meta), mounts: vec![bind("/", 0)], ..pb::ExecOp::default() };
    change(&mut exec);
    let op = pb::Op { op: Some(pb::op::Op::Exec(exec)), ..pb::Op::default() }.encode_to_vec();
    let input = pb::Input { digest: Digest::of(&op).to_string(), index: 0 };
    let last = pb::Op { inputs: vec![input], ..pb::Op::default() }.encode_to_vec();
    read(&pb::Definition { def: vec![op, last], ..pb::Definition::default() }.encode_to_vec())
}

fn with_meta(change: impl FnOnce(&mut pb::Meta)) -> Result<Graph, LlbError> {
    reading(|exec| change(exec.meta.as_mut().unwrap()))
}

fn with_mount(mount: pb::Mount) -> Result<Graph, LlbError> {
    reading(|exec| exec.mounts.push(mount))
}

#[track_caller]
fn refused(result: Result<Graph, LlbError>, words: &str) {
    let error = result.expect_err("this must be refused").to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn commands_that_no_machine_can_run_are_refused() {
    refused(reading(|exec| exec.meta = None), "without a command");
    refused(with_meta(|meta| meta.args.clear()), "without a command");
    refused(with_meta(|meta| meta.args[0].clear()), "without a command");
    refused(with_meta(|meta| meta.args.push("a\0b".into())), "NUL");
    refused(with_meta(|meta| meta.args = vec!["x".into(); 70_000]), "at most 65536");
    for bad in ["", "A", "=x", "A B=x", "A\n=x", "A=\0"] {
        refused(
            with_meta(|meta| meta.env = vec![bad.into()]),
            if bad == "A=\0" { "NUL" } else { "environment variable" },
        );
    }
    for bad in ["work", "./work", "/a/../b", "/..", "\0"] {
        let result = with_meta(|meta| meta.cwd = bad.into());
        refused(result, if bad == "\0" { "NUL" } else { "no absolute path" });
    }
    refused(with_meta(|meta| meta.user = "a\nroot:x:0:0".into()), "is no user");
    for bad in ["a b", "a\n", &"x".repeat(65)] {
        refused(with_meta(|meta| meta.hostname = bad.into()), "name of a machine");
    }
    for (host, ip) in [("", "1.2.3.4"), ("a\n6.6.6.6 b", "1.2.3.4"), ("a", "1.2.3"), ("a", "::1\n")] {
        let host = pb::HostIp { host: host.into(), ip: ip.into() };
        refused(with_meta(|meta| meta.extra_hosts = vec![host]), "is no host");
    }
    refused(reading(|exec| exec.network = 3), "network mode 3");
    refused(reading(|exec| exec.security = 2), "security mode 2");
    let secret = |id: &str, name: &str| pb::SecretEnv { id: id.into(), name: name.into(), optional: true };
    refused(reading(|exec| exec.secretenv = vec![secret("", "A")]), "a secret without a name");
    for bad in ["", "A=B", "A B"] {
        refused(reading(|exec| exec.secretenv = vec![secret("a", bad)]), "no name of an environment variable");
    }
}

#[test]
fn mounts_that_lead_nowhere_are_refused() {
    refused(reading(|exec| exec.mounts.clear()), "this one has 0");
    refused(with_mount(bind("/", 1)), "this one has 2");
    refused(with_mount(bind("/./", 1)), "this one has 2");
    refused(reading(|exec| exec.mounts = vec![bind("/a", 0); 1_000_000]), "too many fields");
    refused(reading(|exec| exec.mounts = vec![bind("/a", 0); 100_000]), "100000 mounts");
    for bad in ["", "a", "../a", "/a/..", "/../etc"] {
        refused(with_mount(bind(bad, -1)), "no absolute path");
    }
    refused(with_mount(bind("/a\0", -1)), "NUL");
    refused(with_mount(pb::Mount { input: 7, ..bind("/a", -1) }), "input 7 is not there");
    refused(with_mount(pb::Mount { selector: "a/../../b".into(), ..bind("/a", -1) }), "leads out");
    refused(with_mount(pb::Mount { mount_type: 9, ..bind("/a", -1) }), "type is unknown");
    for output in [0, 2, i64::MAX] {
        refused(with_mount(bind("/a", output)), "numbered from 0");
    }
    refused(with_mount(bind("/a", -2)), "no output -2");
    refused(reading(|exec| exec.mounts = vec![bind("/", 1), bind("/a", 0)]), "numbered from 0");
    refused(reading(|exec| exec.mounts[0].selector = "/usr".into()), "a whole tree");
    refused(reading(|exec| exec.mounts[0].set_mount_type(pb::MountType::Tmpfs)), "a whole tree");

    for kind in [pb::MountType::Cache, pb::MountType::Secret, pb::MountType::Ssh] {
        refused(with_mount(of_kind(kind)), "says not which");
    }
    let cache = |id: &str, sharing| {
        let cache_opt = Some(pb::CacheOpt { id: id.into(), sharing });
        pb::Mount { cache_opt, ..of_kind(pb::MountType::Cache) }
    };
    refused(with_mount(cache("", 0)), "a cache without a name");
    refused(with_mount(cache("a", 3)), "sharing mode 3");
    let secret_opt = Some(pb::SecretOpt { id: "a".into(), mode: 0o10000, ..Default::default() });
    refused(with_mount(pb::Mount { secret_opt, ..of_kind(pb::MountType::Secret) }), "no permission bits");
    let tmpfs_opt = Some(pb::TmpfsOpt { size: -1 });
    refused(with_mount(pb::Mount { tmpfs_opt, ..of_kind(pb::MountType::Tmpfs) }), "-1 bytes");
}

#[test]
fn what_frontends_write_is_accepted() {
    let tidy =
        pb::Mount { selector: "a//b/".into(), result_id: "x".into(), content_cache: 2, ..bind("/root/.cache/", -1) };
    assert!(with_mount(tidy).is_ok());
    let ssh = pb::Mount { output: 0, ssh_opt: Some(pb::SshOpt::default()), ..of_kind(pb::MountType::Ssh) };
    assert_eq!(with_mount(ssh).unwrap().vertices()[0].outputs(), 1, "an agent is no output");
    let full = with_meta(|meta| {
        meta.ulimit = vec![pb::Ulimit { name: "nofile".into(), soft: 1, hard: 2 }];
        meta.cgroup_parent = "x".into();
        meta.proxy_env = Some(pb::ProxyEnv { http_proxy: "http://p".into(), ..Default::default() });
        meta.env = vec!["a.b-c=d=e".into(), "EMPTY=".into()];
    });
    assert!(full.is_ok());
}
