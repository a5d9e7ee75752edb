use super::*;
use crate::diagnostic::Sources;
use crate::llb::exec::{Mount, MountKind};
use crate::llb::{Account, Action, Builder, Copy, Exec, FileOp, Note, Owner};
use crate::oci::Platform;

/// A command with an output, and what others take of it.
struct Case {
    builder: Builder,
    made: Output,
}

impl Case {
    fn new() -> Self {
        let mut builder = Builder::new(Platform::host());
        let made = builder.exec(Exec::new(None, ["make"]), Note::default()).root.unwrap();
        Case { builder, made }
    }

    fn copy(&mut self, change: impl FnOnce(Copy) -> Copy) -> Output {
        let copy = change(Copy::new(Some(self.made), "/out/x", "/"));
        let op = FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] };
        self.builder.file(op, Note::default())
    }

    /// What is taken where these are wanted.
    fn taken(&self, targets: &[Output]) -> String {
        let last = self.builder.finish_with(targets[0], targets, &Sources::default()).unwrap();
        let graph = last.graph().unwrap();
        let vertices: Vec<&Vertex> = graph.vertices().iter().collect();
        match Taken::of(&vertices, targets).part(&self.made) {
            Part::All => "all".to_owned(),
            Part::Paths(paths) => paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        }
    }
}

#[test]
fn copies_take_what_they_copy() {
    let mut case = Case::new();
    let one = case.copy(|copy| copy);
    let two = case.copy(|copy| Copy { source: "/lib".into(), ..copy });
    let below = case.copy(|copy| Copy { source: "lib/deep/y".into(), ..copy });
    assert_eq!(case.taken(&[one]), "/out/x");
    assert_eq!(case.taken(&[one, two]), "/lib /out/x");
    assert_eq!(case.taken(&[one, two, below]), "/lib /out/x", "what is below is there with it");
    assert_eq!(case.taken(&[one, case.made]), "all");
}

#[test]
fn of_a_pattern_the_folder_in_front_of_it_is_taken() {
    let mut case = Case::new();
    let pattern = |source: &str| {
        let source = source.to_owned();
        |copy| Copy { source, allow_wildcard: true, ..copy }
    };
    let (deep, top) = (case.copy(pattern("/out/js/*/a.js")), case.copy(pattern("/*.js")));
    assert_eq!(case.taken(&[deep]), "/out/js");
    assert_eq!(case.taken(&[top]), "all");
    // It is a name where it is no pattern.
    let named = case.copy(|copy| Copy { source: "/out/[id]".into(), ..copy });
    assert_eq!(case.taken(&[named]), "/out/[id]");
}

#[test]
fn what_may_lead_elsewhere_takes_all() {
    let mut case = Case::new();
    let followed = case.copy(|copy| Copy { follow_symlink: true, ..copy });
    let whole = case.copy(|copy| Copy { source: "/".into(), contents_only: true, ..copy });
    for target in [followed, whole] {
        assert_eq!(case.taken(&[target]), "all");
    }
    // Names of owners are looked up in the tree that the copy goes into.
    let owner = Owner { user: Some(Account::Name("www".into())), group: None };
    let copy = Copy { owner: Some(owner), ..Copy::new(None, "/", "/") };
    let op = FileOp { base: Some(case.made), accounts: None, actions: vec![Action::Copy(copy)] };
    let owned = case.builder.file(op, Note::default());
    assert_eq!(case.taken(&[owned]), "all");
}

#[test]
fn commands_see_the_part_that_is_mounted() {
    let mut case = Case::new();
    let mut on = |target: &str, selector: &str, writable: bool| {
        let kind = MountKind::Tree { from: Some(case.made), selector: selector.into(), writable };
        let mounts = vec![Mount { target: target.into(), kind }];
        case.builder.exec(Exec { mounts, ..Exec::new(None, ["test"]) }, Note::default()).root.unwrap()
    };
    let (part, all, written) = (on("/in", "/out/x", false), on("/in", "/", false), on("/in", "/out", true));
    let root = case.builder.exec(Exec::new(Some(case.made), ["next"]), Note::default()).root.unwrap();
    assert_eq!(case.taken(&[part]), "/out/x");
    for target in [all, written, root] {
        assert_eq!(case.taken(&[target]), "all");
    }
}
