//! Definitions with other sources.

use super::*;

/// All vertices of a graph as bytes, without the last.
fn operations(definition: &Definition) -> Vec<Vec<u8>> {
    definition.message().def.split_last().unwrap().1.to_vec()
}

#[test]
fn an_adopted_definition_is_the_same_where_nothing_is_replaced() {
    let (sources, _) = spec();
    let before = everything();
    let mut builder = builder();
    let adopted = builder.adopt::<LlbError>(&before, |_, _, _, _| Ok(None)).unwrap();
    assert_eq!(adopted.output(before.output()), before.output());
    let after = builder.finish(adopted.output(before.output()), &sources).unwrap();
    assert_eq!(after.encode(), before.encode());
}

#[test]
fn sources_are_replaced_and_all_that_takes_them_follows() {
    let (sources, _) = spec();
    let before = everything();
    let mut builder = builder();
    let made = builder.exec(
        Exec {
            mounts: ["/a", "/b"]
                .map(|target| exec::Mount {
                    target: target.into(),
                    kind: exec::MountKind::Tree { from: None, selector: "/".into(), writable: true },
                })
                .into(),
            ..Exec::new(None, ["/bin/make"])
        },
        Note::named("what makes it"),
    );
    let second = made.mounts[1].unwrap();
    let mut seen = Vec::new();
    let adopted = builder.adopt::<LlbError>(&before, |_, _, op, note| {
        let pb::op::Op::Source(source) = op else { return Ok(None) };
        seen.push((source.identifier.clone(), note.name));
        Ok(source.identifier.starts_with("oci-layout://").then_some(second))
    });
    let adopted = adopted.unwrap();
    assert!(seen.contains(&("local://app".into(), Some("the context".into()))), "{seen:?}");
    let after = builder.finish(adopted.output(before.output()), &sources).unwrap();
    let graph = after.graph().unwrap();
    let shown = render::json(&graph);
    assert!(!shown.contains("oci-layout"), "{shown}");
    let takers = graph.vertices().iter().filter(|vertex| vertex.inputs.contains(&second)).count();
    assert_eq!(takers, 3, "the files, the difference and the merge: {shown}");
    // Names, places and what does not take the source stay.
    assert!(shown.contains("\"the files\"") && shown.contains("\"the command\""), "{shown}");
    let same = operations(&after).iter().filter(|op| operations(&before).contains(op)).count();
    assert_eq!(same, 2, "the context and the download");
}

#[test]
fn operations_are_changed() {
    let (sources, _) = spec();
    let before = everything();
    let mut builder = builder();
    let adopted = builder.adopt::<LlbError>(&before, |_, _, op, _| {
        if let pb::op::Op::Exec(exec) = op {
            exec.meta.as_mut().unwrap().hostname = "another".into();
        }
        Ok(None)
    });
    let after = builder.finish(adopted.unwrap().output(before.output()), &sources).unwrap();
    let changed = operations(&after).into_iter().filter(|op| !operations(&before).contains(op)).count();
    assert_eq!(changed, 1);
    assert!(render::json(&after.graph().unwrap()).contains("\"hostname\": \"another\""));
}

#[test]
fn what_changes_may_fail() {
    let failed = builder().adopt::<LlbError>(&everything(), |_, _, _, _| Err(LlbError::Empty));
    assert!(matches!(failed, Err(LlbError::Empty)));
}
