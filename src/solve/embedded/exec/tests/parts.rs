//! Commands of whose results a part is all that others take.

use super::super::super::sandbox::{Ended, Listener, MountKind, Sandbox, SandboxError, Step};
use super::super::part::part;
use super::*;
use crate::llb::Copy;
use crate::tree::{Change, Tree};

/// A sandbox that tells no more than is needed, as one that is far away.
struct Far(Arc<Fake>);

impl Sandbox for Far {
    fn run(&self, step: &Step, store: &Store, listener: &dyn Listener) -> Result<Ended, SandboxError> {
        let mut ended = self.0.run(step, store, listener)?;
        for (mount, change) in step.mounts.iter().zip(&mut ended.changes) {
            let (MountKind::Tree { tree, part: Some(paths), .. }, Some(change)) = (&mount.kind, change) else {
                continue;
            };
            let lower = Tree::load(store, &tree.tree).unwrap();
            let mut upper = lower.clone();
            change.apply(&mut upper).unwrap();
            *change = Change::between(&lower, &part(&lower, &upper, paths).unwrap());
            ended.is_part = true;
        }
        Ok(ended)
    }
}

/// A stage with a command, and copies of these files out of it.
struct Stage {
    bench: Bench,
    made: Output,
}

impl Stage {
    fn new() -> Self {
        let mut bench = Bench::new(|shell| {
            shell.write("/out/app", "app");
            shell.write("/out/app.o", "object");
            shell.remove("/src");
            GOOD
        });
        let root = bench.tree(&[("/src", "source"), ("/tool", "tool")]);
        let made = bench.run(Some(root), &["make"]);
        Stage { bench, made }
    }

    fn copy(&mut self, path: &str) -> Output {
        let actions = vec![Action::Copy(Copy::new(Some(self.made), path, "/"))];
        self.bench.builder.file(FileOp { base: None, accounts: None, actions }, Note::default())
    }

    /// The files of a copy and of the stage as far as it is there, and what is told of the command.
    fn solve(&self, far: bool, copy: Output) -> (Vec<String>, Vec<String>, Solution) {
        let graph = crate::llb::read(&self.bench.graph_of(&[copy])).unwrap();
        let engine = self.bench.engine();
        let engine = if far { engine.with_sandbox(Arc::new(Far(self.bench.fake.clone()))) } else { engine };
        let solution = engine.solve(&Request { in_part: &[self.made], ..Request::new(&graph, &[copy]) }).unwrap();
        let stage = Solution { results: solution.in_part.clone(), ..solution.clone() };
        (self.bench.shown(&solution), self.bench.shown(&stage), solution)
    }
}

#[test]
fn results_are_the_same_wherever_the_rest_of_them_stayed() {
    let solved = [false, true].map(|far| {
        let mut stage = Stage::new();
        let copy = stage.copy("/out/app");
        let (files, left, solution) = stage.solve(far, copy);
        assert_eq!(files, ["/app app"]);
        assert_eq!(left, ["/out/app app", "/src source", "/tool tool"]);
        assert_eq!(solution.ran[0].outputs, [solution.in_part[0].tree_digest]);
        (solution.results, solution.in_part, solution.ran[0].key)
    });
    assert_eq!(solved[0], solved[1]);
}

#[test]
fn a_command_runs_again_for_what_was_left_out_and_for_nothing_else() {
    for (far, runs) in [(false, 1), (true, 2)] {
        let mut stage = Stage::new();
        let (one, other) = (stage.copy("/out/app"), stage.copy("/out/app.o"));
        for (copy, file) in [(one, "/app app"), (one, "/app app"), (other, "/app.o object"), (other, "/app.o object")] {
            assert_eq!(stage.solve(far, copy).0, [file]);
        }
        assert_eq!(stage.bench.count(), runs, "far: {far}");
        // What is wanted whole is made whole.
        assert_eq!(
            stage.bench.shown(&stage.bench.solve(stage.made)),
            ["/out/app app", "/out/app.o object", "/tool tool"]
        );
        assert_eq!(stage.bench.count(), 1 + usize::from(far) * 2);
    }
}

#[test]
fn nothing_is_left_out_of_what_a_command_leaves_that_knows_a_secret() {
    let mut stage = Stage::new();
    stage.bench.secret("token", b"correct horse battery staple");
    let kind = crate::llb::exec::MountKind::Secret { id: "token".into(), owner: (0, 0), mode: 0o400, optional: false };
    let root = stage.bench.tree(&[("/src", "source")]);
    let exec = Exec { mounts: vec![mount("/run/token", kind)], ..command(Some(root), &["make"]) };
    stage.made = stage.bench.exec(exec).root.unwrap();
    let copy = stage.copy("/out/app");
    let graph = crate::llb::read(&stage.bench.graph_of(&[copy])).unwrap();
    let engine = stage.bench.engine().with_sandbox(Arc::new(Far(stage.bench.fake.clone())));
    let secrets = &stage.bench.secrets;
    let solution = engine.solve(&Request { secrets, in_part: &[stage.made], ..Request::new(&graph, &[copy]) }).unwrap();
    let stage_files = Solution { results: solution.in_part.clone(), ..solution };
    assert_eq!(stage.bench.shown(&stage_files), ["/out/app app", "/out/app.o object"]);
}
