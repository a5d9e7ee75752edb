//! Graphs in the form in which BuildKit's Dockerfile frontend writes them, message by message.

use super::*;
use std::collections::BTreeMap;

/// Collects operations as a client marshals them.
#[derive(Default)]
struct Client {
    message: pb::Definition,
}

impl Client {
    /// Adds an operation; the metadata is what the frontend gives each.
    fn add(&mut self, op: pb::op::Op, inputs: &[&pb::Input], platform: bool) -> pb::Input {
        let platform = platform.then(|| pb::Platform {
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            os_features: vec!["unused".to_owned()],
            ..pb::Platform::default()
        });
        let inputs = inputs.iter().map(|&input| input.clone()).collect();
        let constraints = Some(pb::WorkerConstraints::default());
        let bytes = pb::Op { inputs, platform, constraints, op: Some(op) }.encode_to_vec();
        let digest = Digest::of(&bytes).to_string();
        let metadata = pb::OpMetadata {
            description: BTreeMap::from([
                ("llb.customname".to_owned(), format!("[stage-0 {}/9] RUN make", self.message.def.len())),
                ("com.docker.dockerfile.v1.command".to_owned(), "RUN make".to_owned()),
            ]),
            caps: BTreeMap::from([("exec.meta.base".to_owned(), true)]),
            progress_group: Some(pb::ProgressGroup { id: "x".into(), name: "y".into(), weak: true }),
            export_cache: Some(pb::ExportCache { value: true }),
            ..pb::OpMetadata::default()
        };
        self.message.metadata.insert(digest.clone(), metadata);
        self.message.def.push(bytes);
        pb::Input { digest, index: 0 }
    }

    fn finish(mut self, output: &pb::Input) -> Graph {
        let last = pb::Op { inputs: vec![output.clone()], ..pb::Op::default() };
        self.message.def.push(last.encode_to_vec());
        let info = pb::SourceInfo {
            filename: "Dockerfile".to_owned(),
            data: b"FROM scratch\n".to_vec(),
            definition: Some(pb::Definition::default()),
            language: "Dockerfile".to_owned(),
        };
        self.message.source = Some(pb::Source { infos: vec![info], ..pb::Source::default() });
        crate::llb::read(&self.message.encode_to_vec()).unwrap()
    }
}

fn context(name: &str) -> pb::op::Op {
    let attrs = [
        ("local.includepattern", "[\"Dockerfile\",\"src\"]"),
        ("local.followpaths", "[\"src\"]"),
        ("local.sharedkeyhint", "context"),
        ("local.unique", "0123456789abcdef"),
        ("local.session", "session"),
        ("local.differ", "none"),
    ];
    let attrs = attrs.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    pb::op::Op::Source(pb::SourceOp { identifier: format!("local://{name}"), attrs })
}

fn copy(source: &str, target: &str) -> pb::op::Op {
    let copy = pb::FileActionCopy {
        src: source.to_owned(),
        dest: target.to_owned(),
        mode: -1,
        timestamp: -1,
        follow_symlink: true,
        dir_copy_contents: true,
        create_dest_path: true,
        allow_wildcard: true,
        allow_empty_wildcard: true,
        ..pb::FileActionCopy::default()
    };
    let action = Some(pb::file_action::Action::Copy(copy));
    pb::op::Op::File(pb::FileOp { actions: vec![pb::FileAction { input: -1, secondary_input: 0, output: 0, action }] })
}

fn at(dest: &str, input: i64, output: i64) -> pb::Mount {
    pb::Mount { input, dest: dest.to_owned(), output, ..pb::Mount::default() }
}

#[test]
fn a_dockerfile_with_every_kind_of_mount_is_solved() {
    let mut bench = Bench::new(|shell| {
        let targets: Vec<&str> = shell.step.mounts.iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(
            targets,
            ["/", "/root/.cache", "/run/buildkit/ssh_agent.0", "/run/secrets/tok", "/src", "/tmp", "/w"]
        );
        assert_eq!(shell.read("/src/main").as_deref(), Some("int main"));
        assert_eq!(shell.read("/w/src/main").as_deref(), Some("int main"));
        assert_eq!((shell.step.network, shell.step.cwd.as_str()), (Network::Host, "/work"));
        shell.write("/app", "built");
        shell.write("/w/dropped", "x");
        GOOD
    });
    let folder = bench.dir.path().join("context");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/main"), "int main").unwrap();

    let mut client = Client::default();
    let local = client.add(context("context"), &[], false);
    let base = client.add(copy("/src", "/copied/"), &[&local], false);
    let meta = pb::Meta {
        args: ["/bin/sh", "-c", "make"].map(str::to_owned).to_vec(),
        env: vec!["PATH=/bin".to_owned()],
        cwd: "/work".to_owned(),
        remove_mount_stubs_recursive: true,
        proxy_env: Some(pb::ProxyEnv { http_proxy: "http://proxy".into(), ..pb::ProxyEnv::default() }),
        ..pb::Meta::default()
    };
    let kind = |kind: pb::MountType, mount: pb::Mount| pb::Mount { mount_type: kind.into(), ..mount };
    let cache_opt = Some(pb::CacheOpt { id: "/root/.cache/".into(), sharing: 0 });
    let secret_opt = Some(pb::SecretOpt { id: "tok".into(), mode: 0o400, ..pb::SecretOpt::default() });
    let ssh_opt = Some(pb::SshOpt { mode: 0o600, ..pb::SshOpt::default() });
    let mounts = vec![
        at("/", 0, 0),
        pb::Mount { cache_opt, ..kind(pb::MountType::Cache, at("/root/.cache/", -1, -1)) },
        pb::Mount { readonly: true, selector: "/src".into(), ..at("/src", 1, -1) },
        pb::Mount { tmpfs_opt: Some(pb::TmpfsOpt::default()), ..kind(pb::MountType::Tmpfs, at("/tmp", -1, -1)) },
        // A writable mount whose changes are dropped.
        at("/w", 1, -1),
        pb::Mount { secret_opt, ..kind(pb::MountType::Secret, at("/run/secrets/tok", -1, 0)) },
        pb::Mount { ssh_opt, ..kind(pb::MountType::Ssh, at("/run/buildkit/ssh_agent.0", -1, 0)) },
    ];
    let exec = pb::ExecOp { meta: Some(meta), mounts, ..pb::ExecOp::default() };
    let ran = client.add(pb::op::Op::Exec(exec), &[&base, &local], true);
    let linked = client.add(copy("/app", "/bin/"), &[&ran], false);
    let inputs = (0..2).map(|input| pb::MergeInput { input }).collect();
    let merged = client.add(pb::op::Op::Merge(pb::MergeOp { inputs }), &[&ran, &linked], false);
    let graph = client.finish(&merged);

    bench.secret("tok", b"value");
    let contexts = BTreeMap::from([("context".to_owned(), folder)]);
    let agents = BTreeMap::from([("default".to_owned(), PathBuf::from("/run/agent"))]);
    let targets = [graph.output()];
    let request = Request {
        contexts: &contexts,
        agents: &agents,
        secrets: &bench.secrets,
        // What `RUN` without `--network` leaves to the engine.
        network: Network::Host,
        ..Request::new(&graph, &targets)
    };
    let solution = bench.engine().solve(&request).unwrap();
    assert_eq!(bench.shown(&solution), ["/app built", "/bin/app built", "/copied/main int main"]);
    assert_eq!(solution.ran[0].facts.network, Network::Host);
    assert_eq!(graph.vertex(&solution.ran[0].vertex).unwrap().name(), "[stage-0 2/9] RUN make");
}
