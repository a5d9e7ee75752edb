//! What two runs of one command left differently.

use super::super::value::Value;
use super::step::output;
use crate::llb::{Vertex, pb};
use crate::solve::Difference;
use crate::store::Store;
use crate::tree::{Entry, Node, Tree, TreeError, TreePath};
use std::collections::BTreeSet;

/// The most differences that are told of one command.
const MOST: usize = 1000;

/// Compares the outputs of two runs.
pub(super) fn differences(
    vertex: &Vertex,
    op: &pb::ExecOp,
    first: &[Value],
    second: &[Value],
    store: &Store,
) -> Result<Vec<Difference>, TreeError> {
    let mut differences = Vec::new();
    for mount in &op.mounts {
        let Some((a, b)) = output(mount).and_then(|index| first.get(index).zip(second.get(index))) else { continue };
        if a.digest() == b.digest() {
            continue;
        }
        for (path, what) in between(&*a.tree(store)?, &*b.tree(store)?) {
            let (target, path) = (mount.dest.clone(), path.to_string());
            differences.push(Difference { vertex: vertex.digest, target, path, what });
        }
    }
    differences.truncate(MOST);
    Ok(differences)
}

/// The paths at which two trees differ, each with what differs there.
fn between(first: &Tree, second: &Tree) -> Vec<(TreePath, String)> {
    let paths: BTreeSet<&TreePath> = first.iter().chain(second.iter()).map(|(path, _)| path).collect();
    let what = |path: &TreePath| match (first.get(path), second.get(path)) {
        (Some(a), Some(b)) if a != b => Some(aspects(a, b).join(", ")),
        (Some(_), None) => Some("it is missing after the second run".to_owned()),
        (None, Some(_)) => Some("it is missing after the first run".to_owned()),
        _ => None,
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), what(path)?))).collect()
}

fn aspects(a: &Entry, b: &Entry) -> Vec<&'static str> {
    let is_same_kind = a.kind() == b.kind();
    let content = match (&a.node, &b.node) {
        (Node::File { content: a, .. }, Node::File { content: b, .. }) => a != b,
        (a, b) => is_same_kind && a != b,
    };
    let links = matches!((&a.node, &b.node), (Node::File { link: a, .. }, Node::File { link: b, .. }) if a != b);
    let all = [
        (!is_same_kind, "type"),
        (content, "content"),
        (a.mode != b.mode, "mode"),
        ((a.uid, a.gid) != (b.uid, b.gid), "owner"),
        (a.mtime != b.mtime, "time"),
        (a.xattrs != b.xattrs, "attributes"),
        (links, "hard links"),
    ];
    all.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
}
