//! What holds for every graph.

use super::*;
use proptest::prelude::*;

#[test]
fn two_hundred_builds_give_one_byte_string() {
    let first = everything().encode();
    for _ in 0..200 {
        assert_eq!(everything().encode(), first);
    }
}

/// One step of a random graph; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Local(u8),
    Http(u8),
    Mkfile(usize, Vec<u8>),
    Copy(usize, usize, String),
    Merge(Vec<usize>),
    Diff(usize, usize),
    Exec(usize, Option<usize>, Vec<String>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Local),
        any::<u8>().prop_map(Step::Http),
        (any::<usize>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(a, b)| Step::Mkfile(a, b)),
        (any::<usize>(), any::<usize>(), "[a-z/.*\\PC]{0,12}").prop_map(|(a, b, c)| Step::Copy(a, b, c)),
        proptest::collection::vec(any::<usize>(), 2..5).prop_map(Step::Merge),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Step::Diff(a, b)),
        (any::<usize>(), any::<Option<usize>>(), proptest::collection::vec("/[a-c]{1,2}", 0..4))
            .prop_map(|(a, b, c)| Step::Exec(a, b, c)),
    ]
}

fn build(steps: &[Step]) -> Definition {
    let (sources, id) = spec();
    let mut builder = builder();
    let mut trees = vec![local(&mut builder, "first")];
    for (i, step) in steps.iter().enumerate() {
        let tree = |n: &usize| trees[n % trees.len()];
        let name = (i % 3 == 0).then(|| format!("step {i}"));
        let note = Note { name, spans: vec![Span::new(id, i, i + 3)], ..Note::default() };
        let output = match step {
            Step::Local(n) => Some(builder.source(&format!("local://{n}"), BTreeMap::new(), note)),
            Step::Http(n) => Some(builder.source(
                &format!("https://example.com/{n}"),
                attr::http(&Digest::of([*n]), None, None),
                note,
            )),
            Step::Mkfile(base, data) => {
                let actions = vec![Action::Mkfile(Mkfile::new("/f", 0o644, data.clone()))];
                Some(builder.file(FileOp { base: Some(tree(base)), accounts: None, actions }, note))
            }
            Step::Copy(base, from, path) => {
                let actions = vec![Action::Copy(Copy::new(Some(tree(from)), path.clone(), path.clone()))];
                Some(builder.file(FileOp { base: Some(tree(base)), accounts: None, actions }, note))
            }
            Step::Merge(inputs) => builder.merge(&inputs.iter().map(tree).collect::<Vec<_>>(), note),
            Step::Exec(root, from, targets) => {
                let from = from.as_ref().map(tree);
                let outputs = builder.exec(execs::mounting(tree(root), from, targets), note);
                outputs.mounts.into_iter().flatten().next().or(outputs.root)
            }
            Step::Diff(lower, upper) => builder.diff(Some(tree(lower)), Some(tree(upper)), note),
        };
        trees.extend(output);
    }
    builder.finish(*trees.last().expect("there is the first"), &sources).expect("a builder's graph is valid")
}

proptest! {
    #[test]
    fn what_is_read_back_is_what_was_built(steps in proptest::collection::vec(step(), 0..30)) {
        let definition = build(&steps);
        prop_assert_eq!(build(&steps).encode(), definition.encode());

        let graph = read(&definition.encode()).unwrap();
        prop_assert_eq!(graph.output(), definition.output());
        prop_assert_eq!(graph.vertices().len() + 1, definition.message().def.len());
        for (vertex, bytes) in graph.vertices().iter().zip(&definition.message().def) {
            prop_assert_eq!(vertex.digest, Digest::of(bytes));
            prop_assert!(!vertex.places.is_empty() || definition.spans(&vertex.digest).is_empty());
        }
    }

    #[test]
    fn noise_never_crashes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }
}
