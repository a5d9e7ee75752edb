//! What decides whether a command runs.

use super::*;
use crate::llb::exec::Sharing;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Counts with a file: a command that ran again leaves the same.
fn counting() -> Bench {
    Bench::new(|shell| {
        shell.write("/made", "x");
        GOOD
    })
}

#[test]
fn what_bounds_or_names_a_command_does_not_count() {
    let mut bench = counting();
    let root = bench.tree(&[("/f", "x")]);
    let ran = bench.run(Some(root), &["make"]);
    bench.solve(ran);
    bench.builder = Builder::new(Platform::linux("s390x", None));
    let root = bench.tree(&[("/f", "x")]);
    let limits = Limits { memory: Some(1 << 30), ..Limits::default() };
    let other = bench.builder.exec(Exec { limits, ..command(Some(root), &["make"]) }, Note::named("another name"));
    assert!(bench.solve(other.root.unwrap()).ran[0].cached);
    let ran = bench.run(Some(root), &["make"]);
    let patched = bench.patched(ran, |exec, _| {
        let meta = exec.meta.as_mut().unwrap();
        meta.proxy_env = Some(pb::ProxyEnv { http_proxy: "http://proxy".into(), ..pb::ProxyEnv::default() });
        meta.remove_mount_stubs_recursive = false;
        exec.set_network(pb::NetMode::Unset);
        exec.mounts[0].set_content_cache(pb::MountContentCache::Off);
        exec.mounts[0].result_id = "x".to_owned();
    });
    assert!(bench.solve_graph(&patched).unwrap().ran[0].cached);
    assert_eq!(bench.count(), 1);
}

#[test]
fn what_was_made_with_one_id_is_found_with_one_id_alone() {
    let says = |text: &'static str| {
        move |shell: &mut Shell<'_>| {
            shell.write("/made", text);
            GOOD
        }
    };
    let mut bench = Bench::new(|_| GOOD);
    let (first, second) = (bench.run(None, &["first"]), bench.run(None, &["second"]));
    bench.fake = Arc::new(Fake::with_one_id(says("one")));
    let of_one = bench.solve(first).results;
    assert!(bench.solve(first).ran[0].cached);
    bench.now(says("all"));
    let [of_all, other] = [first, second].map(|target| {
        let solved = bench.solve(target);
        assert!(!solved.ran[0].cached);
        solved.results
    });
    assert_ne!(of_one, of_all);
    bench.fake = Arc::new(Fake::with_one_id(says("one")));
    assert_eq!((bench.solve(first).results, bench.solve(second).results), (of_all, other));
    assert_eq!(bench.count(), 0);
}

#[test]
fn everything_that_a_command_can_see_counts() {
    let mut bench = counting();
    let root = bench.tree(&[("/f", "x")]);
    let other = bench.tree(&[("/f", "y")]);
    let plain = || command(Some(root), &["make"]);
    let all = [
        plain(),
        command(Some(other), &["make"]),
        command(Some(root), &["make", "all"]),
        Exec { env: vec!["A=1".into()], ..plain() },
        Exec { env: vec!["A=2".into()], ..plain() },
        Exec { cwd: "/f".into(), ..plain() },
        Exec { user: "1".into(), ..plain() },
        Exec { hostname: "h".into(), ..plain() },
        Exec { hosts: vec![("a".into(), "1.2.3.4".into())], ..plain() },
        Exec { valid_exit_codes: vec![0, 1], ..plain() },
        Exec { network: Network::Host, ..plain() },
        Exec { mounts: vec![mount("/m", tree(other, "/", false))], ..plain() },
        Exec { mounts: vec![mount("/n", tree(other, "/", false))], ..plain() },
        Exec { mounts: vec![mount("/n", tree(root, "/", false))], ..plain() },
        Exec { mounts: vec![mount("/n", MountKind::Tmpfs { size: 0 })], ..plain() },
        Exec { mounts: vec![mount("/n", MountKind::Cache { id: "a".into(), sharing: Sharing::Shared })], ..plain() },
    ];
    let count = all.len();
    for exec in all {
        let output = bench.exec(exec).root.unwrap();
        bench.solve(output);
    }
    assert_eq!(bench.count(), count);
}

#[test]
fn contents_count_and_not_how_they_came_about() {
    let mut bench = counting();
    let first = bench.tree(&[("/a", "1"), ("/b", "2")]);
    let ran = bench.run(Some(first), &["make"]);
    bench.solve(ran);
    let (a, b) = (bench.tree(&[("/a", "1")]), bench.tree(&[("/b", "2")]));
    let merged = bench.builder.merge(&[a, b], Note::default()).unwrap();
    let ran = bench.run(Some(merged), &["make"]);
    assert!(bench.solve(ran).ran[0].cached);
}

#[test]
fn of_what_is_only_read_the_selected_part_counts() {
    let mut bench = counting();
    let trees =
        [("1", "1"), ("1", "2"), ("2", "2")].map(|(app, doc)| bench.tree(&[("/app/main", app), ("/doc/x", doc)]));
    let mut cached = |selector: &str, writable| {
        trees.map(|source| {
            let mounts = vec![mount("/src", tree(source, selector, writable))];
            let output = bench.exec(Exec { mounts, ..command(None, &["make"]) }).root.unwrap();
            bench.solve(output).ran[0].cached
        })
    };
    assert_eq!(cached("/app", false), [false, true, false]);
    assert_eq!(cached("/app/main", false), [false, true, false]);
    assert_eq!(cached("/", false), [false, false, false]);
    // What it leaves there is an output, with the rest of the tree.
    assert_eq!(cached("/app", true), [false, false, false]);
}

#[test]
fn a_writable_mount_that_nobody_gets_counts_like_one_that_is_only_read() {
    let mut bench = counting();
    let graphs: Vec<_> = ["1", "2"]
        .into_iter()
        .map(|doc| {
            let source = bench.tree(&[("/app/main", "1"), ("/doc/x", doc)]);
            let exec = Exec { mounts: vec![mount("/src", tree(source, "/app", true))], ..command(None, &["make"]) };
            let output = bench.exec(exec).root.unwrap();
            bench.patched(output, |exec, _| exec.mounts[1].output = -1)
        })
        .collect();
    let cached: Vec<bool> = graphs.iter().map(|graph| bench.solve_graph(graph).unwrap().ran[0].cached).collect();
    assert_eq!(cached, [false, true]);
}

#[test]
fn values_of_secrets_do_not_count_and_stay_nowhere() {
    let mut bench = Bench::new(|shell| {
        let value = shell.env("TOKEN").unwrap();
        shell.say(format!("the token is {value}\n"));
        shell.warnings.push(format!("do not tell {value}"));
        shell.write("/made", "x");
        GOOD
    });
    let secret_env = vec![crate::llb::exec::SecretEnv { id: "token".into(), name: "TOKEN".into(), optional: false }];
    let output = bench.exec(Exec { secret_env, ..command(None, &["make"]) }).root.unwrap();
    bench.secret("token", b"hunter2hunter2");
    let log = Log::default();
    let solution = bench.solve_with(&[output], Ask { progress: &log, ..Ask::default() }).unwrap();
    assert_eq!(log.text(), "the token is ***\n");
    assert_eq!(*log.warnings.lock().unwrap(), ["do not tell ***"]);
    assert_eq!(solution.ran[0].facts.warnings, ["do not tell ***"]);
    bench.secret("token", b"another");
    assert!(bench.solve(output).ran[0].cached);
    for entry in walk(bench.dir.path()) {
        let content = std::fs::read(&entry).unwrap();
        assert!(!content.windows(7).any(|window| window == b"hunter2"), "{}", entry.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn two_hundred_known_commands_are_found_without_a_look_at_their_trees() {
    let mut bench = Bench::new(|shell| {
        let name = shell.step.args[1].clone();
        shell.write(&format!("/made/{name}"), &name);
        GOOD
    });
    let mut state = bench.tree(&[("/f", "x")]);
    let mut targets = Vec::new();
    for i in 0..200 {
        state = bench.run(Some(state), &["make", &i.to_string()]);
        targets.push(state);
    }
    let first = bench.solve(state);
    assert_eq!((bench.count(), first.results[0].tree.len()), (200, 202));
    // Trees in the middle are of no use any more, but nobody has noticed.
    for ran in &first.ran[..199] {
        let hex = ran.outputs[0].hex();
        std::fs::write(bench.store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]), "junk").unwrap();
    }
    bench.store = Store::open(bench.store.root()).unwrap();
    let began = Instant::now();
    let second = bench.solve(state);
    println!("200 known commands: {:?}", began.elapsed());
    assert_eq!((bench.count(), bench.store.losses()), (200, 0));
    assert_eq!(second.results, first.results);
}

#[test]
fn a_result_of_which_something_is_gone_is_made_again() {
    let mut bench = counting();
    let root = bench.tree(&[("/f", "y")]);
    let ran = bench.run(Some(root), &["make"]);
    let first = bench.solve(ran);
    let content = Digest::of("x");
    for (runs, lost) in [(2, content), (3, first.results[0].tree_digest)] {
        let hex = lost.hex();
        std::fs::remove_file(bench.store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
        assert_eq!(bench.solve(ran).results, first.results);
        assert_eq!(bench.count(), runs);
        assert!(bench.store.has(&content));
    }
}

#[test]
fn a_command_that_is_to_run_always_does() {
    let mut bench = counting();
    let root = bench.tree(&[("/f", "x")]);
    let ran = bench.run(Some(root), &["make"]);
    let always = bench.patched(ran, |_, metadata| metadata.ignore_cache = true);
    for runs in 1..4 {
        assert!(!bench.solve_graph(&always).unwrap().ran[0].cached);
        assert_eq!(bench.count(), runs);
    }
}

/// Several builds at once, each with a stay of its own in the store, as processes have.
#[test]
fn equal_commands_in_several_builds_run_once() {
    let mut bench = Bench::new(|shell| {
        std::thread::sleep(Duration::from_millis(100));
        shell.write("/made", "x");
        GOOD
    });
    let root = bench.tree(&[("/f", "x")]);
    let ran = bench.run(Some(root), &["make"]);
    let graph = crate::llb::read(&bench.graph_of(&[ran])).unwrap();
    let results = std::thread::scope(|scope| {
        let builds: Vec<_> = (0..4)
            .map(|_| {
                let store = Store::open(bench.store.root()).unwrap();
                let engine = Embedded::new(store, Arc::new(Offline)).with_sandbox(bench.fake.clone());
                let graph = &graph;
                scope.spawn(move || engine.solve(&Request::new(graph, &[ran])).unwrap())
            })
            .collect();
        builds.into_iter().map(|build| build.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(bench.count(), 1);
    assert!(results.iter().all(|solution| solution.results == results[0].results));
    assert_eq!(results.iter().filter(|solution| !solution.ran[0].cached).count(), 1);
    assert_eq!(std::fs::read_dir(bench.store.root().join("locks")).unwrap().count(), 0, "no lock is left");
}

#[test]
fn waiting_for_another_build_can_be_stopped() {
    let (go, running) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut bench = {
        let (go, running) = (go.clone(), running.clone());
        Bench::new(move |shell| {
            running.store(true, Ordering::SeqCst);
            while !go.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            shell.write("/made", "x");
            GOOD
        })
    };
    let ran = bench.run(None, &["make"]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.solve(ran));
        while !running.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        let cancelled = || began.elapsed() > Duration::from_millis(30);
        let second = bench.solve_with(&[ran], Ask { cancelled: &cancelled, ..Ask::default() });
        assert!(matches!(second, Err(SolveError::Cancelled)));
        assert!(began.elapsed() < Duration::from_secs(5));
        go.store(true, Ordering::SeqCst);
        assert!(!first.join().unwrap().ran[0].cached);
    });
    assert_eq!(bench.count(), 1);
}
