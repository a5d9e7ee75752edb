//! Commands that fail, and builds that are stopped.

use super::super::super::sandbox::{Ended, Limit, Listener, Sandbox, SandboxError, Step};
use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_failure_tells_the_code_the_command_and_all_that_was_written() {
    let mut bench = Bench::new(|shell| {
        shell.say("building\n");
        shell.listener.output(Stream::Err, b"error: no\n");
        Status::Exited(2)
    });
    let output = bench.run(None, &["sh", "-c", "make\nall"]);
    let error = bench.solve_with(&[output], Ask::default()).unwrap_err();
    assert_eq!(error.to_string(), "`sh -c make\nall` failed: the command ended with exit code 2: sh -c make all");
    assert_eq!(error.vertex(), Some(output.vertex));
    assert_eq!(error.output().unwrap().text(), "building\nerror: no\n");
    // It is not remembered: the next build runs it again.
    bench.now(|_| GOOD);
    assert!(!bench.solve(output).ran[0].cached);
}

#[test]
fn every_way_to_end_has_its_words() {
    for (status, words) in [
        (Status::Exited(-1), "ended with exit code -1"),
        (Status::Signalled(9), "was ended by signal 9"),
        (Status::Exceeded(Limit::Memory), "needs more memory than its limit of 1024 bytes"),
        (Status::Exceeded(Limit::Disk), "writes more than its limit:"),
        (Status::Exceeded(Limit::Time), "takes longer than its limit of 3 seconds"),
    ] {
        let mut bench = Bench::new(move |_| status);
        let limits = Limits { memory: Some(1024), time: Some(3), ..Limits::default() };
        let output = bench.exec(Exec { limits, ..command(None, &["make"]) }).root.unwrap();
        let error = bench.fail(output);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn of_long_output_the_end_is_kept() {
    let mut bench = Bench::new(|shell| {
        for i in 0..300_000 {
            shell.say(format!("{i:07}\n"));
        }
        Status::Exited(1)
    });
    let output = bench.run(None, &[&"x".repeat(1000)]);
    let error = bench.solve_with(&[output], Ask::default()).unwrap_err();
    let written = error.output().unwrap();
    assert_eq!((written.bytes.len(), written.cut), (1 << 20, 300_000 * 8 - (1 << 20)));
    assert!(written.bytes.ends_with(b"0299999\n"));
    assert!(written.text().starts_with("[the first 1351424 bytes are left out]\n"));
    let line = error.to_string();
    assert!(line.ends_with(&format!("exit code 1: {}…", "x".repeat(200))), "{line}");
}

#[test]
fn secrets_are_masked_wherever_they_come_out() {
    let mut bench = Bench::new(|shell| {
        shell.say("a: hunter2");
        shell.listener.output(Stream::Err, b"b: hun");
        shell.say("hunter2 c: aHVudGVyMmh1bnRlcjI=\n");
        shell.listener.output(Stream::Err, b"ter2hunter2\n");
        shell.say("68756e7465723268756e74657232 hunter2");
        Status::Exited(1)
    });
    bench.secret("token", b"hunter2hunter2\n");
    let output = bench.run(None, &["echo", "hunter2hunter2"]);
    let log = Log::default();
    let error = bench.solve_with(&[output], Ask { progress: &log, ..Ask::default() }).unwrap_err();
    assert_eq!(error.output().unwrap().text(), "a: b: *** c: ***\n***\n*** hunter2");
    assert!(error.to_string().ends_with("exit code 1: echo ***"), "{error}");
    let written = log.written.lock().unwrap();
    let of = |wanted| written.iter().filter(|(s, _)| *s == wanted).map(|(_, t)| t.as_str()).collect::<String>();
    assert_eq!((of(Stream::Out).as_str(), of(Stream::Err).as_str()), ("a: *** c: ***\n*** hunter2", "b: ***\n"));
}

#[test]
fn a_stopped_build_keeps_what_it_finished() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut bench = {
        let stop = stop.clone();
        Bench::new(move |shell| {
            if shell.step.args[0] == "second" {
                stop.store(true, Ordering::SeqCst);
                assert!(shell.listener.is_cancelled());
                return Status::Cancelled;
            }
            shell.write("/made", "x");
            GOOD
        })
    };
    let first = bench.run(None, &["first"]);
    let second = bench.run(Some(first), &["second"]);
    let third = bench.run(Some(second), &["third"]);
    let cancelled = || stop.load(Ordering::SeqCst);
    let log = Log::default();
    let ask = Ask { cancelled: &cancelled, progress: &log, ..Ask::default() };
    let error = bench.solve_with(&[third], ask).unwrap_err();
    assert!(matches!(error, SolveError::Cancelled), "{error}");
    assert_eq!(error.vertex(), None);
    assert_eq!(log.ended.lock().unwrap().len(), 2, "nothing begins after that");
    assert!(bench.solve(first).ran[0].cached);
    bench.now(|_| GOOD);
    assert!(!bench.solve(second).ran[1].cached);
    // One that is stopped before it begins does nothing at all.
    assert!(matches!(bench.solve_with(&[third], ask), Err(SolveError::Cancelled)));
}

#[test]
fn a_failure_ends_what_runs_beside_it_and_is_the_one_that_is_told() {
    let running = Arc::new(AtomicUsize::new(0));
    let mut bench = {
        let running = running.clone();
        Bench::new(move |shell| {
            running.fetch_add(1, Ordering::SeqCst);
            let began = Instant::now();
            if shell.step.args[0] == "bad" {
                while running.load(Ordering::SeqCst) < 2 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return Status::Exited(3);
            }
            while !shell.listener.is_cancelled() {
                assert!(began.elapsed() < Duration::from_secs(60), "nobody told it");
                std::thread::sleep(Duration::from_millis(1));
            }
            Status::Cancelled
        })
    };
    let slow = bench.run(None, &["slow"]);
    let bad = bench.run(None, &["bad"]);
    let both = bench.builder.merge(&[slow, bad], Note::default()).unwrap();
    let error = bench.fail(both);
    assert!(error.contains("exit code 3"), "{error}");
}

#[test]
fn a_sandbox_that_does_not_say_what_changed_is_not_believed() {
    struct Silent;
    impl Sandbox for Silent {
        fn run(&self, step: &Step, _: &Store, _: &dyn Listener) -> Result<Ended, SandboxError> {
            let changes = step.mounts.iter().map(|_| None).collect();
            Ok(Ended { status: GOOD, changes, is_part: false, warnings: Vec::new() })
        }
    }
    let mut bench = Bench::new(|_| GOOD);
    let output = bench.run(None, &["make"]);
    let graph = crate::llb::read(&bench.graph_of(&[output])).unwrap();
    let engine = Embedded::new(bench.store.clone(), Arc::new(Offline)).with_sandbox(Arc::new(Silent));
    let error = engine.solve(&Request::new(&graph, &[output])).unwrap_err().to_string();
    assert!(error.contains("does not say what the command changed at /"), "{error}");
}
