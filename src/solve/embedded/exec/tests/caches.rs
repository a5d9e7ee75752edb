//! Folders that outlive commands.

use super::*;
use crate::llb::exec::Sharing;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn cache(target: &str, id: &str, sharing: Sharing) -> Mount {
    mount(target, MountKind::Cache { id: id.to_owned(), sharing })
}

fn with(mounts: Vec<Mount>, name: &str) -> Exec {
    Exec { mounts, ..command(None, &[name]) }
}

/// Solves each of these in a build of its own, all at the same time.
fn at_once(bench: &Bench, outputs: &[Output]) {
    std::thread::scope(|scope| {
        for output in outputs {
            scope.spawn(move || {
                let graph = crate::llb::read(&bench.graph_of(&[*output])).unwrap();
                let store = Store::open(bench.store.root()).unwrap();
                let engine = Embedded::new(store, Arc::new(Offline)).with_sandbox(bench.fake.clone());
                engine.solve(&Request::new(&graph, &[*output])).unwrap();
            });
        }
    });
}

#[test]
fn a_cache_outlives_commands_and_decides_nothing() {
    let mut bench = Bench::new(|shell| {
        let file = shell.folder("/c").join("n");
        let n: u32 = std::fs::read_to_string(&file).map_or(0, |text| text.parse().unwrap());
        std::fs::write(&file, (n + 1).to_string()).unwrap();
        shell.say(format!("{n} "));
        GOOD
    });
    let log = Log::default();
    for (id, name) in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("a", "1"), ("../../a", "5")] {
        let output = bench.exec(with(vec![cache("/c", id, Sharing::Shared)], name)).root.unwrap();
        let solution = bench.solve_with(&[output], Ask { progress: &log, ..Ask::default() }).unwrap();
        assert!(solution.results[0].tree.is_empty());
    }
    assert_eq!(log.text(), "0 1 0 2 0 ");
    let caches = std::fs::read_dir(bench.store.root().join("caches")).unwrap();
    assert_eq!(caches.count(), 3, "no name leads out of the folder of caches");
}

#[test]
fn sharing_is_for_all_at_once() {
    let barrier = Arc::new(Barrier::new(2));
    let mut bench = Bench::new(move |shell| {
        let folder = shell.folder("/c");
        // Both are here at the same time, or this waits for ever.
        barrier.wait();
        std::fs::write(folder.join(&shell.step.args[0]), "x").unwrap();
        barrier.wait();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2);
        GOOD
    });
    let outputs = ["1", "2"].map(|name| bench.exec(with(vec![cache("/c", "a", Sharing::Shared)], name)).root.unwrap());
    at_once(&bench, &outputs);
}

#[test]
fn locked_is_for_one_after_the_other_and_private_for_each_its_own() {
    for sharing in [Sharing::Locked, Sharing::Private] {
        let inside = AtomicUsize::new(0);
        let most = Arc::new(AtomicUsize::new(0));
        let mut bench = {
            let most = most.clone();
            Bench::new(move |shell| {
                let mark = shell.folder("/c").join("mark");
                assert!(!mark.exists(), "somebody else is here");
                std::fs::write(&mark, "x").unwrap();
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(40));
                inside.fetch_sub(1, Ordering::SeqCst);
                std::fs::remove_file(mark).unwrap();
                GOOD
            })
        };
        let names = ["1", "2", "3"];
        let outputs = names.map(|name| bench.exec(with(vec![cache("/c", "a", sharing)], name)).root.unwrap());
        at_once(&bench, &outputs);
        assert_eq!(most.load(Ordering::SeqCst) == 1, sharing == Sharing::Locked);
        let cache = std::fs::read_dir(bench.store.root().join("caches")).unwrap().next().unwrap().unwrap().path();
        let folders = std::fs::read_dir(cache).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
        assert!(if sharing == Sharing::Locked { folders == 1 } else { folders > 1 }, "{folders}");
    }
}

#[test]
fn nobody_shares_what_somebody_locked() {
    let mut bench = Bench::new(|shell| {
        let mark = shell.folder("/c").join("mark");
        assert!(!mark.exists());
        std::fs::write(&mark, "x").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        std::fs::remove_file(mark).unwrap();
        GOOD
    });
    let mut output = |sharing, name| bench.exec(with(vec![cache("/c", "a", sharing)], name)).root.unwrap();
    let outputs = [output(Sharing::Locked, "1"), output(Sharing::Shared, "2"), output(Sharing::Locked, "3")];
    at_once(&bench, &outputs);
    assert_eq!(bench.count(), 3);
}

/// Commands that name the same caches in opposite orders, and some of them twice, never wait for each other in a circle.
#[test]
fn locks_are_taken_in_one_order() {
    let mut bench = Bench::new(|_| {
        std::thread::sleep(Duration::from_millis(1));
        GOOD
    });
    let ids = ["a", "b", "c", "d"];
    let outputs: Vec<Output> = (0..24)
        .map(|i| {
            let mut order: Vec<&str> = ids.to_vec();
            order.rotate_left(i % 4);
            if i % 2 == 0 {
                order.reverse();
            }
            let mut mounts: Vec<Mount> =
                order.iter().enumerate().map(|(n, id)| cache(&format!("/{n}"), id, Sharing::Locked)).collect();
            mounts.push(cache("/again", order[0], Sharing::Shared));
            mounts.push(cache("/once-more", order[1], Sharing::Private));
            bench.exec(with(mounts, &i.to_string())).root.unwrap()
        })
        .collect();
    let began = Instant::now();
    at_once(&bench, &outputs);
    assert_eq!(bench.count(), 24);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn one_cache_in_two_places_of_a_command_is_one() {
    let mut bench = Bench::new(|shell| {
        assert_eq!(shell.folder("/1"), shell.folder("/2"));
        GOOD
    });
    for (i, sharing) in [Sharing::Shared, Sharing::Private, Sharing::Locked].into_iter().enumerate() {
        let mounts = vec![cache("/1", "a", Sharing::Locked), cache("/2", "a", sharing)];
        let output = bench.exec(with(mounts, &i.to_string())).root.unwrap();
        bench.solve(output);
    }
}

#[test]
fn a_cache_begins_with_the_tree_that_is_mounted_under_it() {
    let mut bench = Bench::new(|shell| {
        let folder = shell.folder("/c");
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        shell.say(format!("{} ", names.join(",")));
        std::fs::write(folder.join("new"), "x").unwrap();
        GOOD
    });
    let log = Log::default();
    for (content, name) in [("1", "a"), ("1", "b"), ("2", "c")] {
        let seed = bench.tree(&[("/cache/seed", content), ("/other", name)]);
        let (root, options) = (command(None, &[name]), cache("/c", "id", Sharing::Shared));
        let output = bench.exec(Exec { mounts: vec![options, mount("/seed", tree(seed, "/", false))], ..root });
        let graph = bench.patched(output.root.unwrap(), |exec, _| {
            // As Dockerfiles do it that give a cache an owner.
            exec.mounts[1].input = exec.mounts[2].input;
            exec.mounts[1].selector = "/cache".to_owned();
            exec.mounts.pop();
        });
        let targets = [graph.1];
        bench.engine().solve(&Request { progress: &log, ..Request::new(&graph.0, &targets) }).unwrap();
    }
    assert_eq!(log.text(), "seed new,seed seed ");
    assert_eq!(bench.count(), 3);
}

#[test]
fn a_half_made_cache_is_begun_anew_and_waiting_for_one_can_be_stopped() {
    let go = Arc::new(AtomicBool::new(false));
    let mut bench = {
        let go = go.clone();
        Bench::new(move |_| {
            while !go.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            GOOD
        })
    };
    let first = bench.exec(with(vec![cache("/c", "a", Sharing::Locked)], "1")).root.unwrap();
    let second = bench.exec(with(vec![cache("/c", "a", Sharing::Locked)], "2")).root.unwrap();
    let folder = bench.store.root().join("caches").join(super::super::caches::name("a", None).hex());
    std::fs::create_dir_all(folder.join("0.new/junk")).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| bench.solve(first));
        while bench.count() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!folder.join("0/junk").exists() && !folder.join("0.new").exists());
        let began = Instant::now();
        let cancelled = || began.elapsed() > Duration::from_millis(30);
        let stopped = bench.solve_with(&[second], Ask { cancelled: &cancelled, ..Ask::default() });
        assert!(matches!(stopped, Err(SolveError::Cancelled)));
        go.store(true, Ordering::SeqCst);
        running.join().unwrap();
    });
    bench.solve(second);
    assert_eq!(bench.count(), 2);
}
