//! Of which layers outputs consist, and what depends on no command.

use super::super::reach::Reach;
use super::*;
use crate::llb::exec::{Exec, Mount, MountKind};
use crate::llb::{Action, Builder, FileOp, Mkdir, Note};
use crate::oci::Platform;

/// A graph that is made step by step.
struct Making(Builder);

impl Making {
    fn new() -> Self {
        Making(Builder::new(Platform::linux("amd64", None)))
    }

    fn source(&mut self, name: &str) -> Output {
        self.0.source(&format!("local://{name}"), BTreeMap::new(), Note::default())
    }

    /// Two actions in one operation, which make one layer.
    fn folder(&mut self, base: Option<Output>, path: &str) -> Output {
        let mkdir = |path: &str| Action::Mkdir(Mkdir::new(path, 0o755));
        let op = FileOp { base, accounts: None, actions: vec![mkdir(path), mkdir(&format!("{path}/in"))] };
        self.0.file(op, Note::default())
    }

    /// A command with something that it may change beside its root: what it leaves in both.
    fn command(&mut self, root: Option<Output>, beside: Output, name: &str) -> (Output, Output) {
        let kind = MountKind::Tree { from: Some(beside), selector: "/".into(), writable: true };
        let mount = Mount { target: "/beside".into(), kind };
        let made = self.0.exec(Exec { mounts: vec![mount], ..Exec::new(root, [name]) }, Note::default());
        (made.root.unwrap(), made.mounts[0].unwrap())
    }

    fn merge(&mut self, trees: &[Output]) -> Output {
        self.0.merge(trees, Note::default()).unwrap()
    }

    fn diff(&mut self, lower: Output, upper: Output) -> Output {
        self.0.diff(Some(lower), Some(upper), Note::default()).unwrap()
    }

    fn graph(&self, output: Output) -> Graph {
        self.0.finish_without_places(output).unwrap().graph().unwrap()
    }
}

/// The links of outputs of a graph that yields the last of them; what kiln makes itself is known by its vertex.
fn links(making: &Making, outputs: &[Output]) -> Vec<Vec<Link>> {
    let graph = making.graph(outputs[outputs.len() - 1]);
    let reach = Reach::of(&graph);
    let known = reach.border().into_iter().map(|output| (output, output.vertex)).collect();
    let links = Links::of(&graph, &known).unwrap();
    outputs.iter().map(|output| links.get(output).to_vec()).collect()
}

fn known(output: Output) -> Link {
    Link::Known(output.vertex)
}

#[test]
fn each_command_and_each_file_operation_is_one_layer_upon_what_it_begins_with() {
    let mut making = Making::new();
    let context = making.source("context");
    let base = making.folder(None, "/base");
    let (root, beside) = making.command(Some(base), context, "make");
    let after = making.folder(Some(root), "/after");
    let (first, _) = making.command(None, context, "begin");
    let all = making.merge(&[after, beside, first]);
    let chains = links(&making, &[root, beside, after, first, all]);
    let (made, left) = (Link::Made(root), Link::Made(beside));
    assert_eq!(chains[0], [known(base), made]);
    assert_eq!(chains[1], [known(context), left]);
    assert_eq!(chains[2], [known(base), made, Link::Made(after)]);
    assert_eq!(chains[3], [Link::Made(first)]);
    assert_eq!(chains[4], [chains[2].clone(), chains[1].clone(), chains[3].clone()].concat());
}

#[test]
fn a_difference_is_what_one_has_more_than_the_other_where_it_begins_with_it() {
    let mut making = Making::new();
    let context = making.source("context");
    let base = making.folder(None, "/base");
    let (root, beside) = making.command(Some(base), context, "make");
    let after = making.folder(Some(root), "/after");
    let more = making.diff(base, after);
    let other = making.diff(beside, after);
    let nothing = making.diff(after, after);
    let all = making.merge(&[more, other, nothing, root]);
    let chains = links(&making, &[more, other, nothing, all]);
    assert_eq!(chains[0], [Link::Made(root), Link::Made(after)]);
    assert_eq!(chains[1], [Link::Made(other)]);
    assert!(chains[2].is_empty());
    let twice = [Link::Made(root), Link::Made(after), Link::Made(other), known(base), Link::Made(root)];
    assert_eq!(chains[3], twice);
}

#[test]
fn what_depends_on_no_command_is_known_where_it_is_taken() {
    let mut making = Making::new();
    let context = making.source("context");
    let lower = making.folder(None, "/lower");
    let own = making.merge(&[lower, context]);
    let (root, _) = making.command(Some(own), context, "make");
    let graph = making.graph(root);
    let reach = Reach::of(&graph);
    assert_eq!(reach.border(), [own, context].into());
    assert!(reach.holds(&lower) && reach.holds(&own) && !reach.holds(&root));
    assert_eq!(links(&making, &[root])[0], [known(own), Link::Made(root)]);
    // A graph without commands is all kiln's own.
    let graph = making.graph(own);
    assert_eq!(Reach::of(&graph).border(), [own].into());
    assert_eq!(links(&making, &[own])[0], [known(own)]);
}
