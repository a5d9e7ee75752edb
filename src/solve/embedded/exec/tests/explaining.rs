//! Why commands run again, and what two runs leave differently.

use super::*;
use crate::llb::exec::Sharing;
use crate::solve::{Changes, Reason};
use std::sync::atomic::{AtomicUsize, Ordering};

fn good() -> Bench {
    Bench::new(|shell| {
        shell.write("/made", "x");
        GOOD
    })
}

/// Why a command of that name runs now.
fn why(bench: &mut Bench, exec: Exec) -> Option<Vec<String>> {
    let output = bench.builder.exec(exec, Note::named("compile")).root.unwrap();
    let solution = bench.solve_with(&[output], Ask { explain: true, ..Ask::default() }).unwrap();
    solution.ran.last().unwrap().why.as_ref().map(|why| why.iter().map(ToString::to_string).collect())
}

#[test]
fn what_changed_since_the_last_time_is_told() {
    let mut bench = good();
    let root = bench.tree(&[("/f", "x")]);
    let files: Vec<(String, String)> = (0..30).map(|i| (format!("/src/{i:02}"), i.to_string())).collect();
    let source = |bench: &mut Bench, changed: usize| {
        let content = |i: usize| if i < changed { "changed" } else { files[i].1.as_str() };
        let files: Vec<(&str, &str)> = (0..30).map(|i| (files[i].0.as_str(), content(i))).collect();
        bench.tree(&files)
    };
    let with = |bench: &mut Bench, changed: usize| {
        let source = source(bench, changed);
        Exec { mounts: vec![mount("/work", tree(source, "/src", false))], ..command(Some(root), &["make"]) }
    };
    let says = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let first = with(&mut bench, 0);
    assert_eq!(why(&mut bench, first.clone()), says(&["no step of this name has run before"]));
    assert_eq!(why(&mut bench, first.clone()), None);

    let changed = Exec { args: vec!["make".into(), "all".into()], env: vec!["A=1".into()], ..first.clone() };
    assert_eq!(why(&mut bench, changed), says(&["its command changed", "its environment changed"]));
    let two = with(&mut bench, 2);
    let reasons =
        why(&mut bench, Exec { args: vec!["make".into(), "all".into()], env: vec!["A=1".into()], ..two.clone() });
    let reasons = reasons.unwrap();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("input `mkdir"), "{reasons:?}");
    assert!(reasons[0].ends_with("(mounted at /work) changed: 2 paths: /00 /01"), "{reasons:?}");
    // Up to ten paths are named.
    let many = with(&mut bench, 30);
    let reasons = why(&mut bench, Exec { args: vec!["make".into(), "all".into()], env: vec!["A=1".into()], ..many });
    let reasons = reasons.unwrap();
    assert!(reasons[0].ends_with("28 paths: /02 /03 /04 /05 /06 /07 /08 /09 /10 /11 …"), "{reasons:?}");

    let cached =
        Exec { mounts: vec![mount("/c", MountKind::Cache { id: "c".into(), sharing: Sharing::Shared })], ..first };
    assert_eq!(
        why(&mut bench, cached),
        says(&["its command changed", "its environment changed", "its list of mounts changed"])
    );
}

#[test]
fn a_result_that_is_gone_and_a_step_that_always_runs_are_told() {
    let mut bench = good();
    let output = bench.run(None, &["make"]);
    let solution = bench.solve(output);
    assert_eq!(solution.ran[0].why, None, "nobody asked");
    let hex = solution.results[0].tree_digest.hex();
    std::fs::remove_file(bench.store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    let solution = bench.solve_with(&[output], Ask { explain: true, ..Ask::default() }).unwrap();
    assert_eq!(solution.ran[0].why, Some(vec![Reason::Gone]));
    let (graph, target) = bench.patched(output, |_, metadata| metadata.ignore_cache = true);
    let targets = [target];
    let solution = bench.engine().solve(&Request { explain: true, ..Request::new(&graph, &targets) }).unwrap();
    assert_eq!(solution.ran[0].why, Some(vec![Reason::Always]));
}

#[test]
fn an_input_whose_old_state_is_gone_is_told_without_paths() {
    let mut bench = good();
    let with = |bench: &mut Bench, content: &str| {
        let root = bench.tree(&[("/f", content)]);
        (bench.builder.exec(command(Some(root), &["make"]), Note::named("compile")).root.unwrap(), root)
    };
    let (output, root) = with(&mut bench, "1");
    let old = bench.solve(root).results[0].tree_digest.hex();
    bench.solve(output);
    std::fs::write(bench.store.root().join("blobs/sha256").join(&old[..2]).join(&old[2..]), "junk").unwrap();
    bench.store = Store::open(bench.store.root()).unwrap();
    let (output, _) = with(&mut bench, "2");
    let solution = bench.solve_with(&[output], Ask { explain: true, ..Ask::default() }).unwrap();
    let Some([Reason::Input { target, changes: None, .. }]) = solution.ran[0].why.as_deref() else {
        panic!("{:?}", solution.ran[0].why)
    };
    assert_eq!(target, "/");
    let one = Reason::Input {
        name: "app".into(),
        target: "/src".into(),
        changes: Some(Changes { count: 1, first: vec!["/main.rs".into()] }),
    };
    assert_eq!(one.to_string(), "input `app` (mounted at /src) changed: 1 path: /main.rs");
}

#[test]
fn what_two_runs_leave_differently_is_found() {
    let runs = AtomicUsize::new(0);
    let mut bench = Bench::new(move |shell| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        shell.write("/same", "x");
        shell.write("/time", &run.to_string());
        shell.write(&format!("/tmp/{}", run % 2), "x");
        GOOD
    });
    let output = bench.run(None, &["make"]);
    let plain = bench.solve(output);
    assert!(plain.unreproducible.is_empty());
    // A known result is checked too, and stays what it is.
    let twice = Ask { twice: true, ..Ask::default() };
    let solution = bench.solve_with(&[output], twice).unwrap();
    assert_eq!((bench.count(), &solution.results), (2, &plain.results));
    let found = |solution: &Solution| -> Vec<String> {
        solution.unreproducible.iter().map(|d| format!("{} {}: {}", d.target, d.path, d.what)).collect()
    };
    assert_eq!(
        found(&solution),
        [
            "/ /time: content",
            "/ /tmp/0: it is missing after the second run",
            "/ /tmp/1: it is missing after the first run"
        ]
    );
    assert_eq!(solution.unreproducible[0].vertex, output.vertex);
    let other = bench.run(Some(output), &["other"]);
    let solution = bench.solve_with(&[other], twice).unwrap();
    assert_eq!(bench.count(), 5);
    assert_eq!(found(&solution).len(), 3, "one of the first command, two of the second");
    assert_eq!(bench.solve(other).results, solution.results);
}

#[test]
fn a_second_run_that_fails_is_a_difference() {
    let runs = AtomicUsize::new(0);
    let mut bench = Bench::new(move |shell| {
        shell.write("/made", "x");
        if runs.fetch_add(1, Ordering::SeqCst) == 0 { GOOD } else { Status::Exited(1) }
    });
    let output = bench.run(None, &["make"]);
    let log = Log::default();
    let solution = bench.solve_with(&[output], Ask { twice: true, progress: &log, ..Ask::default() }).unwrap();
    assert_eq!(bench.shown(&solution), ["/made x"]);
    assert_eq!(solution.unreproducible.len(), 1);
    assert!(solution.unreproducible[0].what.contains("the second run failed: the command ended with exit code 1"));
}
