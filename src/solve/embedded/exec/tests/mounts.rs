//! What commands see as files, and what becomes of what they leave there.

use super::super::super::sandbox::{MountKind as Mounted, TreeRef};
use super::*;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn each_output_is_what_was_mounted_and_what_was_changed_in_it() {
    let mut bench = Bench::new(|shell| {
        shell.write("/root-file", "1");
        shell.write("/new/file", "2");
        shell.write("/whole/added", "3");
        shell.remove("/whole/app/main");
        shell.write("/part/main", "4");
        shell.remove("/part/gone");
        shell.write("/part/deep/er", "5");
        GOOD
    });
    let root = bench.tree(&[("/f", "x")]);
    let source = bench.tree(&[("/app/main", "m"), ("/app/gone", "g"), ("/doc", "d")]);
    let nothing = MountKind::Tree { from: None, selector: "/".into(), writable: true };
    let mounts = vec![
        mount("/whole", tree(source, "/", true)),
        mount("/part", tree(source, "/app", true)),
        mount("/new", nothing),
        mount("/only", tree(source, "/", false)),
    ];
    let outputs = bench.exec(Exec { mounts, ..command(Some(root), &["make"]) });
    let all = [outputs.root, outputs.mounts[0], outputs.mounts[1], outputs.mounts[2]].map(Option::unwrap);
    for _ in 0..2 {
        let solution = bench.solve_with(&all, Ask::default()).unwrap();
        let shown =
            |i: usize| bench.shown(&Solution { results: vec![solution.results[i].clone()], ..solution.clone() });
        assert_eq!(shown(0), ["/f x", "/root-file 1"]);
        assert_eq!(shown(1), ["/added 3", "/app/gone g", "/doc d"]);
        assert_eq!(shown(2), ["/app/deep/er 5", "/app/main 4", "/doc d"]);
        assert_eq!(shown(3), ["/file 2"]);
        let removed = |i: usize| solution.results[i].removed.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((removed(1), removed(2)), (vec!["/app/main".to_owned()], vec!["/app/gone".to_owned()]));
        assert_eq!(solution.ran[0].outputs.len(), 4);
    }
    assert_eq!(bench.count(), 1);
}

#[test]
fn what_is_read_only_stays_as_it_is() {
    let mut bench = Bench::new(|shell| {
        shell.write("/f", "changed");
        shell.write("/m/f", "changed");
        GOOD
    });
    let root = bench.tree(&[("/f", "x")]);
    let mounts = vec![mount("/m", tree(root, "/", true))];
    let outputs = bench.exec(Exec { readonly_root: true, mounts, ..command(Some(root), &["make"]) });
    let output = outputs.mounts[0].unwrap();
    assert_eq!(bench.shown(&bench.solve(output)), ["/f changed"]);
    // A client may call something an output that is only read: it is what was mounted.
    let (graph, target) = bench.patched(output, |exec, _| {
        exec.meta.as_mut().unwrap().args.push("other".into());
        exec.mounts[1].readonly = true;
    });
    assert_eq!(bench.shown(&bench.solve_graph(&(graph, target)).unwrap()), ["/f x"]);
}

#[test]
fn folders_are_mounted_before_what_is_in_them() {
    let mut bench = Bench::new(|shell| {
        let targets: Vec<&str> = shell.step.mounts.iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(targets, ["/", "/a", "/a/b", "/a/b/c", "/z"]);
        assert_eq!((shell.read("/a/b/f").as_deref(), shell.read("/a/f")), (Some("x"), None));
        GOOD
    });
    let source = bench.tree(&[("/f", "x")]);
    bench.secret("s", b"value");
    let secret = MountKind::Secret { id: "s".into(), owner: (0, 0), mode: 0o400, optional: false };
    let mounts = vec![
        mount("/z//", tree(source, "/", false)),
        mount("/a/b/", tree(source, "/", false)),
        mount("/a", MountKind::Tree { from: None, selector: "/".into(), writable: true }),
        mount("/a/./b/c", secret),
    ];
    let outputs = bench.exec(Exec { mounts, ..command(None, &["make"]) });
    bench.solve(outputs.root.unwrap());
    assert_eq!(bench.count(), 1);
}

#[test]
fn secrets_agents_and_memory_are_given_as_they_are_asked_for() {
    let mut bench = Bench::new(|shell| {
        let Some(Mounted::Secret { content, owner, mode }) = shell.mount("/s") else { panic!("no secret") };
        assert_eq!((content.expose_secret(), owner, mode), (&b"value"[..], &(3, 4), &0o440));
        let Some(Mounted::Agent { path, owner, mode }) = shell.mount("/agent") else { panic!("no socket") };
        assert_eq!((path.as_path(), owner, mode), (std::path::Path::new("/run/agent"), &(5, 6), &0o600));
        let sizes = ["/m", "/n"].map(|target| match shell.mount(target) {
            Some(Mounted::Tmpfs { size }) => *size,
            _ => panic!("nothing in memory"),
        });
        assert_eq!(sizes, [Some(4096), None]);
        assert!(shell.mount("/absent").is_none() && shell.mount("/nobody").is_none());
        assert_eq!(shell.env("SSH_AUTH_SOCK").as_deref(), Some("/agent"));
        GOOD
    });
    bench.secret("s", b"value");
    let secret = |id: &str, optional| MountKind::Secret { id: id.into(), owner: (3, 4), mode: 0o440, optional };
    let agent = |id: &str, optional| MountKind::Ssh { id: id.into(), owner: (5, 6), mode: 0o600, optional };
    let mounts = vec![
        mount("/s", secret("s", false)),
        mount("/absent", secret("absent", true)),
        mount("/agent", agent("default", false)),
        mount("/nobody", agent("nobody", true)),
        mount("/m", MountKind::Tmpfs { size: 4096 }),
        mount("/n", MountKind::Tmpfs { size: 0 }),
    ];
    let output = bench.exec(Exec { mounts, ..command(None, &["make"]) }).root.unwrap();
    let agents = BTreeMap::from([("default".to_owned(), PathBuf::from("/run/agent"))]);
    bench.solve_with(&[output], Ask { agents: &agents, ..Ask::default() }).unwrap();
    assert_eq!(bench.count(), 1);

    // What is known already takes no agent; another command does.
    bench.solve(output);
    let mounts = vec![mount("/agent", agent("default", false))];
    let other = bench.exec(Exec { mounts, ..command(None, &["other"]) }).root.unwrap();
    let missing = bench.fail(other);
    assert!(missing.contains("needs the ssh agent `default`") && missing.contains("`--ssh default`"), "{missing}");
}

#[test]
fn what_is_missing_is_named_with_the_way_to_give_it() {
    let mut bench = Bench::new(|_| GOOD);
    let mounts = vec![mount("/s", MountKind::Secret { id: "tok".into(), owner: (0, 0), mode: 0, optional: false })];
    let output = bench.exec(Exec { mounts, ..command(None, &["make"]) }).root.unwrap();
    let error = bench.fail(output);
    assert_eq!(
        error,
        "`make` failed: it needs the secret `tok`, which was not given to this build: give it with `--secret tok=env:VARIABLE` or `--secret tok=file:PATH`"
    );
    bench.secret("tok", &vec![b'x'; 600 << 10]);
    assert!(bench.fail(output).contains("more than 524288 bytes"));

    let secret_env = vec![crate::llb::exec::SecretEnv { id: "nul".into(), name: "NUL".into(), optional: false }];
    let output = bench.exec(Exec { secret_env, ..command(None, &["make"]) }).root.unwrap();
    assert!(bench.fail(output).contains("the secret `nul`, which was not given"));
    bench.secret("nul", b"a\0b");
    assert!(bench.fail(output).contains("mount it as a file"));
    assert_eq!(bench.count(), 0);
}

#[test]
fn a_selection_that_is_not_there_is_named() {
    let mut bench = Bench::new(|shell| {
        assert_eq!(shell.read("/m").as_deref(), None);
        GOOD
    });
    let source = bench.tree(&[("/app/main", "x")]);
    let mut with = |selector: &str, writable| {
        let mounts = vec![mount("/m", tree(source, selector, writable))];
        bench.exec(Exec { mounts, ..command(None, &["make"]) }).root.unwrap()
    };
    let (missing, missing_too, file) = (with("/nope", false), with("/nope", true), with("/app/main", true));
    assert!(bench.fail(missing).contains("/nope does not exist in what is mounted at /m"));
    assert!(bench.fail(missing_too).contains("/nope does not exist in what is mounted at /m"));
    assert!(bench.fail(file).contains("/app/main in what is mounted at /m is a file, and only a directory"));
    assert_eq!(bench.count(), 0);
}

/// What stands on disk for a tree need not be written again for one that was made of it.
#[test]
fn sandboxes_learn_what_a_tree_was_made_of() {
    let mut bench = Bench::new(|shell| {
        let name = shell.step.args[0].clone();
        shell.write(&format!("/{name}"), "x");
        let Some(Mounted::Tree { tree: TreeRef { tree, history }, .. }) = shell.mount("/") else { panic!("no root") };
        shell.say(format!("{name} {tree} {}\n", history.iter().map(Digest::to_string).collect::<Vec<_>>().join(" ")));
        GOOD
    });
    let root = bench.tree(&[("/f", "x")]);
    let one = bench.run(Some(root), &["one"]);
    let with_file = bench.tree_on(Some(one), &[("/added", "y")]);
    let other = bench.tree(&[("/other", "z")]);
    let merged = bench.builder.merge(&[with_file, other], Note::default()).unwrap();
    let mut state = bench.run(Some(merged), &["two"]);
    let trees = bench.solve_with(&[root, one, with_file, merged, state], Ask::default()).unwrap();
    let trees: Vec<String> = trees.results.iter().map(|solved| solved.tree_digest.to_string()).collect();
    for i in 0..10 {
        state = bench.run(Some(state), &[&format!("more{i}")]);
    }
    let log = Log::default();
    // The same from records as from memory.
    bench.store = Store::open(bench.store.root()).unwrap();
    bench.solve_with(&[state], Ask { progress: &log, ..Ask::default() }).unwrap();
    let text = log.text();
    let histories: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').skip(1).collect()).collect();
    assert_eq!(histories[0], [&trees[4], &trees[3], &trees[2], &trees[1], &trees[0]]);
    assert!(histories.iter().all(|history| history.len() <= 9), "histories are bounded");
    assert_eq!(histories[9].len(), 9);
}
