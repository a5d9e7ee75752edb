use super::{Kind, Piece, Pieces};
use crate::llb::pb;
use crate::oci::Platform;
use crate::pipeline::locking::buildable;
use crate::pipeline::project::Project;
use crate::plan::Lock;
use std::collections::BTreeMap;

const SPEC: &str = r#"kiln 1
stage "first" {
    account "one" uid=1
    mkdir "/out"
}
stage "unused" { account "two" uid=2 }
image "example.com/x" {
    account "three" uid=3
    copy "/out" from="first" to="/"
}
"#;

#[test]
fn each_tree_has_a_place_in_the_list_and_a_name_in_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kiln.kdl"), SPEC).unwrap();
    let project = Project::load(folder.path(), &BTreeMap::new()).unwrap();
    let mut texts = project.sources.clone();
    let buildable = buildable(&project, &mut texts).unwrap();
    let platform = Platform::linux("amd64", None);
    let pieces = Pieces::plan(&project, &buildable, &buildable.images[0], &platform, &Lock::default()).unwrap();
    let accounts = |subject| Piece { subject, level: 0, kind: Kind::Accounts };
    assert_eq!(pieces.list, [accounts(0), accounts(1)]);
    assert!(pieces.archives.is_empty());

    // What the graph takes out of the store is what is in the list, whoever makes it.
    let graph = pieces.compile(&texts).unwrap().graph.graph().unwrap();
    let mut taken: Vec<Option<usize>> = Vec::new();
    for vertex in graph.vertices() {
        let pb::op::Op::Source(source) = &vertex.op else { continue };
        let (_, digest) = source.identifier.rsplit_once('@').unwrap();
        taken.push(pieces.position(&digest.parse().unwrap()));
    }
    taken.sort_unstable();
    assert_eq!(taken, [Some(0), Some(1)]);
    assert_eq!(pieces.position(&crate::oci::Digest::of("another")), None);
}
