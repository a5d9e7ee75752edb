//! What commands are told: who they are, where they are, what is in their environment.

use super::super::super::sandbox::{Ended, Listener, Sandbox, SandboxError, Step};
use super::super::user::{Identity, look_up};
use super::*;
use crate::llb::exec::SecretEnv;
use crate::tree::{Entry, Tree, TreePath};

const PASSWD: &str = "\
# comment
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh

dup:x:1000:7::/other:
nohome:x:5:6:::
broken:x:five:6::/:
nogroup:x:8:::/:
1234:x:77:78::/named:
huge:x:4294967295:1::/:
";

const GROUP: &str = "\
root:x:0:
app:x:1001:
docker:x:50:other,app
audio:x:29:app,dup
audio2:x:29:app
broken:x:x:app
777:x:88:
";

fn accounts(store: &Store) -> Tree {
    let file = |text: &str| Entry::file(store.put(text.as_bytes()).unwrap(), text.len() as u64, 0o644);
    let path = |path: &str| TreePath::new(path).unwrap();
    [
        (path("etc"), Entry::dir(0o755)),
        (path("etc/group"), file(GROUP)),
        (path("etc/passwd"), Entry::symlink("../../usr/lib/passwd")),
        (path("usr"), Entry::dir(0o755)),
        (path("usr/lib"), Entry::dir(0o755)),
        (path("usr/lib/passwd"), file(PASSWD)),
    ]
    .into_iter()
    .collect()
}

#[test]
fn users_are_looked_up_as_runc_does_it() {
    let bench = Bench::new(|_| GOOD);
    let tree = accounts(&bench.store);
    let look = |said: &str| look_up(said, &tree, &bench.store);
    for (said, uid, gid, groups, home) in [
        ("", 0, 0, &[0][..], "/root"),
        ("root", 0, 0, &[0], "/root"),
        ("0", 0, 0, &[0], "/root"),
        ("app", 1000, 1001, &[1001, 29, 50], "/home/app"),
        ("1000", 1000, 1001, &[1001, 29, 50], "/home/app"),
        ("app:", 1000, 1001, &[1001, 29, 50], "/home/app"),
        ("app:docker", 1000, 50, &[50], "/home/app"),
        ("app:3000", 1000, 3000, &[3000], "/home/app"),
        ("1000:1000", 1000, 1000, &[1000], "/home/app"),
        (":docker", 0, 50, &[50], "/root"),
        ("dup", 1000, 7, &[7, 29], "/other"),
        ("nohome", 5, 6, &[6], "/"),
        ("4242", 4242, 0, &[0], "/"),
        ("4242:app", 4242, 1001, &[1001], "/"),
        // Numbers are numbers, whatever somebody is called.
        ("1234", 1234, 0, &[0], "/"),
        ("app:777", 1000, 777, &[777], "/home/app"),
    ] {
        let Identity { user, home: found } = look(said).unwrap();
        assert_eq!((user.uid, user.gid, user.groups.as_slice(), found.as_str()), (uid, gid, groups, home), "{said}");
    }
}

#[test]
fn bad_users_are_refused_and_never_become_root() {
    let bench = Bench::new(|_| GOOD);
    let tree = accounts(&bench.store);
    for (said, words) in [
        ("nobody", "the user `nobody` is not in /etc/passwd"),
        ("app:nobody", "the group `nobody` is not in /etc/group"),
        ("broken", "the entry of `broken` has no number"),
        ("nogroup", "the entry of `nogroup` has no number"),
        ("app:broken", "the entry of `broken` has no number"),
        ("huge", "is no user"),
        ("-1", "the user `-1` is not in"),
        ("4294967296", "is no user"),
        ("2147483648", "is no user"),
        ("app:a:b", "is no user"),
        ("+0", "the user `+0` is not in"),
        (" root", "the user ` root` is not in"),
        ("../root", "the user `../root` is not in"),
        ("#", "the user `#` is not in"),
    ] {
        let error = look_up(said, &tree, &bench.store).unwrap_err().to_string();
        assert!(error.contains(words), "{said}: {error}");
    }
    // Root runs in an empty tree, and beside files that make no sense.
    assert_eq!(look_up("", &Tree::new(), &bench.store).unwrap().user.groups, [0]);
    let noise = bench.store.put(b"\xff\xfe:::\n::::\nroot:x:0:zero\n").unwrap();
    let file = Entry::file(noise, 27, 0o644);
    let tree = [
        (TreePath::new("etc").unwrap(), Entry::dir(0o755)),
        (TreePath::new("etc/passwd").unwrap(), file.clone()),
        (TreePath::new("etc/group").unwrap(), file),
    ];
    let tree: Tree = tree.into_iter().collect();
    assert_eq!(look_up("", &tree, &bench.store).unwrap().user.uid, 0);
    assert!(look_up("root", &tree, &bench.store).is_err());
}

#[test]
fn a_user_of_very_many_groups_is_in_as_many_as_there_can_be() {
    let bench = Bench::new(|_| GOOD);
    let mut text = String::from("app:x:1:\n");
    (0..100_000).for_each(|i| text.push_str(&format!("g{i}:x:{i}:app\n")));
    let file = |text: &str| Entry::file(bench.store.put(text.as_bytes()).unwrap(), text.len() as u64, 0o644);
    let tree: Tree = [
        (TreePath::new("etc").unwrap(), Entry::dir(0o755)),
        (TreePath::new("etc/group").unwrap(), file(&text)),
        (TreePath::new("etc/passwd").unwrap(), file("app:x:1:1::/:\n")),
    ]
    .into_iter()
    .collect();
    assert_eq!(look_up("app", &tree, &bench.store).unwrap().user.groups.len(), 65536);
}

#[test]
fn a_command_is_told_what_it_asks_for_and_nothing_else() {
    let mut bench = Bench::new(|shell| {
        let step = shell.step;
        let env: Vec<String> = shell.all_env().map(|(name, value)| format!("{name}={value}")).collect();
        shell.say(format!("{} {} {:?} {:?}\n", step.cwd, step.hostname, step.user, step.network));
        shell.say(env.join(" "));
        GOOD
    });
    let log = Log::default();
    let told = |bench: &mut Bench, exec: Exec| {
        let output = bench.exec(exec).root.unwrap();
        log.written.lock().unwrap().clear();
        bench.solve_with(&[output], Ask { progress: &log, ..Ask::default() }).unwrap();
        log.text()
    };
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let root = "User { uid: 0, gid: 0, groups: [0] }";
    assert_eq!(told(&mut bench, command(None, &["a"])), format!("/ kiln {root} None\n{path} HOME=/"));

    let tree = bench.tree(&[("/etc/passwd", "app:x:7:8::/home/app:\n")]);
    let exec = Exec {
        env: vec!["A=1".into(), "PATH=/bin".into(), "B==x".into(), "A=2".into()],
        cwd: "/work//dir/".into(),
        user: "app".into(),
        hostname: "builder".into(),
        network: Network::Host,
        ..command(Some(tree), &["b"])
    };
    let user = "User { uid: 7, gid: 8, groups: [8] }";
    let expected = format!("/work/dir builder {user} Host\nHOME=/home/app A=2 PATH=/bin B==x");
    assert_eq!(told(&mut bench, exec), expected);

    bench.secret("t", b"ok");
    let secret = |id: &str, name: &str| SecretEnv { id: id.into(), name: name.into(), optional: true };
    let secret_env = vec![secret("t", "T"), secret("absent", "ABSENT")];
    let exec = Exec { env: vec!["T=plain".into(), "HOME=/x".into()], secret_env, ..command(None, &["c"]) };
    assert_eq!(told(&mut bench, exec), format!("/ kiln {root} None\n{path} T=ok HOME=/x"));

    let many: Vec<String> = (0..60_000).map(|i| format!("N{}=x", i % 30_000)).collect();
    let text = told(&mut bench, Exec { env: many, ..command(None, &["d"]) });
    assert_eq!(
        text.split(' ').filter(|variable| variable.starts_with('N') && variable.ends_with("=x")).count(),
        30_000
    );
}

#[test]
fn proxies_are_for_those_that_reach_the_network() {
    for network in [Network::None, Network::Host] {
        let mut bench = Bench::new(move |shell| {
            let proxy = ["HTTPS_PROXY", "https_proxy", "NO_PROXY"].map(|name| shell.env(name));
            let address = Some("http://proxy".to_owned());
            let expected = if network == Network::Host { [address.clone(), address, None] } else { [None, None, None] };
            assert_eq!(proxy, expected);
            GOOD
        });
        let output = bench.run(None, &["make"]);
        let graph = bench.patched(output, |exec, _| {
            let proxy = pb::ProxyEnv { https_proxy: "http://proxy".into(), ..pb::ProxyEnv::default() };
            exec.meta.as_mut().unwrap().proxy_env = Some(proxy);
            exec.set_network(pb::NetMode::Unset);
        });
        let targets = [graph.1];
        bench.engine().solve(&Request { network, ..Request::new(&graph.0, &targets) }).unwrap();
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn exit_codes_that_mean_success_are_told() {
    let mut bench = Bench::new(|shell| {
        shell.write("/made", "x");
        Status::Exited(7)
    });
    let output = bench.exec(Exec { valid_exit_codes: vec![1, 7], ..command(None, &["make"]) }).root.unwrap();
    let solution = bench.solve(output);
    assert_eq!((solution.ran[0].facts.exit_code, bench.shown(&solution)), (7, vec!["/made x".to_owned()]));
    bench.now(|_| GOOD);
    let output = bench.exec(Exec { valid_exit_codes: vec![1, 7], ..command(None, &["other"]) }).root.unwrap();
    assert!(bench.fail(output).contains("exit code 0"), "0 is success only where nothing else is said");
}

#[test]
fn what_no_sandbox_gives_is_refused_by_its_field() {
    let mut bench = Bench::new(|_| GOOD);
    let output = bench.run(None, &["make"]);
    let with = |change: &dyn Fn(&mut pb::ExecOp)| {
        bench.solve_graph(&bench.patched(output, |exec, _| change(exec))).map(|solution| solution.ran[0].facts.clone())
    };
    let device = |optional| pb::CdiDevice { name: "vendor.com/gpu=0".into(), optional };
    for (result, words) in [
        (with(&|exec| exec.set_security(pb::SecurityMode::Insecure)), "`security` INSECURE"),
        (with(&|exec| exec.cdi_devices = vec![device(false)]), "`vendor.com/gpu=0` in `cdiDevices`"),
        (with(&|exec| exec.meta.as_mut().unwrap().cgroup_parent = "/x".into()), "a `cgroupParent`"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, SolveError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(with(&|exec| exec.cdi_devices = vec![device(true)]).is_ok());
    let ulimit = pb::Ulimit { name: "nofile".into(), soft: 1, hard: 1 };
    let facts = with(&|exec| exec.meta.as_mut().unwrap().ulimit = vec![ulimit.clone()]).unwrap();
    assert_eq!(facts.warnings, ["the ulimit `nofile` is not applied"]);
}

#[test]
fn a_program_of_another_machine_is_explained() {
    struct Foreign;
    impl Sandbox for Foreign {
        fn run(&self, _: &Step, _: &Store, _: &dyn Listener) -> Result<Ended, SandboxError> {
            let (program, reason) = ("/bin/sh".to_owned(), "exec format error".to_owned());
            Err(SandboxError::Program { program, reason })
        }
    }
    let mut bench = Bench::new(|_| GOOD);
    bench.builder = Builder::new(Platform::linux("s390x", None));
    let output = bench.run(None, &["make"]);
    let graph = crate::llb::read(&bench.graph_of(&[output])).unwrap();
    let engine = Embedded::new(bench.store.clone(), Arc::new(Offline)).with_sandbox(Arc::new(Foreign));
    let error = engine.solve(&Request::new(&graph, &[output])).unwrap_err().to_string();
    assert!(error.contains("cannot execute `/bin/sh`: exec format error; the step is for linux/s390x"), "{error}");
}

#[test]
fn a_command_can_be_entered() {
    let mut bench = Bench::new(|shell| {
        if !shell.step.interactive {
            shell.write("/made", "x");
            return GOOD;
        }
        assert_eq!((shell.step.args.as_slice(), shell.step.user.uid), (&["/bin/sh".to_owned()][..], 7));
        assert_eq!(shell.read("/made").as_deref(), Some("x"));
        shell.write("/touched", "x");
        Status::Exited(3)
    });
    let first = bench.run(None, &["first"]);
    let second = bench.exec(Exec { user: "7".into(), ..command(Some(first), &["second"]) }).root.unwrap();
    let graph = crate::llb::read(&bench.graph_of(&[second])).unwrap();
    let request = Request::new(&graph, &[]);
    let args = || vec!["/bin/sh".to_owned()];
    assert_eq!(bench.engine().enter(&request, &second.vertex, args()).unwrap(), Status::Exited(3));
    assert_eq!(bench.count(), 2);
    assert_eq!(bench.shown(&bench.solve(second)), ["/made x"], "nothing of it is kept");

    let absent = bench.engine().enter(&request, &Digest::of("absent"), args());
    assert!(matches!(absent, Err(SolveError::NoTarget { .. })));
    let tree = bench.tree(&[("/f", "x")]);
    let graph = crate::llb::read(&bench.graph_of(&[tree])).unwrap();
    let error = bench.engine().enter(&Request::new(&graph, &[]), &tree.vertex, args()).unwrap_err().to_string();
    assert!(error.contains("it is a file operation, and only a command can be entered"), "{error}");
}
