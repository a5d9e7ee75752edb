//! Definitions that nobody's builder would make.

use super::*;
use prost::Message;

fn op(op: pb::op::Op, inputs: &[(&str, i64)]) -> Vec<u8> {
    let inputs = inputs.iter().map(|(digest, index)| pb::Input { digest: (*digest).to_owned(), index: *index });
    pb::Op { inputs: inputs.collect(), platform: None, constraints: None, op: Some(op) }.encode_to_vec()
}

fn source(identifier: &str) -> Vec<u8> {
    let source = pb::SourceOp { identifier: identifier.to_owned(), attrs: BTreeMap::new() };
    op(pb::op::Op::Source(source), &[])
}

fn file(actions: Vec<pb::FileAction>, inputs: &[(&str, i64)]) -> Vec<u8> {
    op(pb::op::Op::File(pb::FileOp { actions }), inputs)
}

fn mkdir(input: i64, output: i64) -> pb::FileAction {
    let mkdir = pb::FileActionMkDir { path: "/a".into(), ..Default::default() };
    let action = Some(pb::file_action::Action::Mkdir(mkdir));
    pb::FileAction { input, secondary_input: -1, output, action }
}

/// A definition of these operations that yields output 0 of the last.
fn definition(ops: &[Vec<u8>]) -> Vec<u8> {
    let digest = Digest::of(ops.last().map_or(&[][..], Vec::as_slice)).to_string();
    with_last(ops, pb::Op { inputs: vec![pb::Input { digest, index: 0 }], ..Default::default() }.encode_to_vec())
}

fn with_last(ops: &[Vec<u8>], last: Vec<u8>) -> Vec<u8> {
    let def = ops.iter().cloned().chain([last]).collect();
    pb::Definition { def, ..Default::default() }.encode_to_vec()
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).expect_err("this must be refused").to_string()
}

/// A field with a length, put at the end of a message.
fn append(mut message: Vec<u8>, number: u32, value: &[u8]) -> Vec<u8> {
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut message);
    prost::encoding::encode_varint(value.len() as u64, &mut message);
    message.extend_from_slice(value);
    message
}

#[test]
fn nothing_and_noise_are_no_definition() {
    assert_eq!(read(&[]).unwrap_err(), LlbError::Empty);
    for noise in [&b"\xff"[..], b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b\x0c", b"hello world", &[0; 64]] {
        assert!(matches!(read(noise), Err(LlbError::Malformed { .. } | LlbError::UnknownField { .. })), "{noise:?}");
    }
    let good = everything().encode();
    for length in 0..good.len() {
        // Cut between two fields, a prefix can be a definition; it must never be more than that.
        if let Ok(graph) = read(&good[..length]) {
            assert!(graph.vertices().len() < 8);
        }
    }
}

#[test]
fn flipped_bits_never_crash() {
    let good = everything().encode();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let _ = read(&bad);
        }
    }
}

#[test]
fn a_missing_or_malformed_input_is_named() {
    let absent = Digest::of("absent").to_string();
    let error = refused(&definition(&[file(vec![mkdir(0, 0)], &[(&absent, 0)])]));
    assert!(error.contains(&absent) && error.contains("not in the definition"), "{error}");

    for bad in ["", "sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "../../etc/passwd"] {
        let error = refused(&definition(&[file(vec![mkdir(0, 0)], &[(bad, 0)])]));
        assert!(error.contains("which is no digest"), "{error}");
    }
    let context = source("local://x");
    let digest = Digest::of(&context).to_string();
    for index in [-1, 1, i64::MAX] {
        let error = refused(&definition(&[context.clone(), file(vec![mkdir(0, 0)], &[(&digest, index)])]));
        assert!(error.contains(&format!("no output {index}")), "{error}");
    }
}

/// Vertices are named by what they contain, so that a cycle of vertices would be a collision of SHA-256;
/// the nearest that an attacker comes is a vertex whose input is a digest that he claims.
#[test]
fn a_digest_that_is_claimed_is_not_believed() {
    let claimed = Digest::of("claimed").to_string();
    let first = file(vec![mkdir(0, 0)], &[(&claimed, 0)]);
    let mut message = pb::Definition::decode(definition(&[first]).as_slice()).unwrap();
    message.metadata.insert(claimed.clone(), pb::OpMetadata::default());
    assert!(refused(&message.encode_to_vec()).contains(&claimed));
}

#[test]
fn actions_that_need_their_own_result_are_refused() {
    for actions in [
        vec![mkdir(0, 0)],
        vec![mkdir(1, -1), mkdir(0, 0)],
        vec![mkdir(-1, -1), mkdir(2, -1), mkdir(3, -1), mkdir(1, 0)],
    ] {
        let error = refused(&definition(&[file(actions, &[])]));
        assert!(error.contains("needs its own result"), "{error}");
    }
    let forward = file(vec![mkdir(1, 0), mkdir(-1, -1)], &[]);
    assert!(read(&definition(&[forward])).is_ok(), "an action may use a later one's result");
}

#[test]
fn numbers_that_point_nowhere_are_refused() {
    for (actions, words) in [
        (vec![], "without actions"),
        (vec![mkdir(7, 0)], "input 7 is not there"),
        (vec![mkdir(-2, 0)], "input -2 is not there"),
        (vec![mkdir(i64::MIN, 0)], "is not there"),
        (vec![mkdir(-1, -1)], "numbered from 0"),
        (vec![mkdir(-1, 1)], "numbered from 0"),
        (vec![mkdir(-1, 0), mkdir(0, 0)], "numbered from 0"),
        (vec![mkdir(-1, -7)], "no output -7"),
        (vec![pb::FileAction { input: -1, secondary_input: -1, output: 0, action: None }], "is unknown"),
    ] {
        let error = refused(&definition(&[file(actions, &[])]));
        assert!(error.contains(words), "{error}");
    }
    let merge = |input| op(pb::op::Op::Merge(pb::MergeOp { inputs: vec![pb::MergeInput { input }] }), &[]);
    assert!(refused(&definition(&[merge(0)])).contains("is not there"));
    assert!(refused(&definition(&[merge(-1)])).contains("is not there"));
    let none = op(pb::op::Op::Merge(pb::MergeOp::default()), &[]);
    assert!(refused(&definition(&[none])).contains("merge of nothing"));
    let half = op(pb::op::Op::Diff(pb::DiffOp { lower: None, upper: Some(pb::UpperDiffInput { input: -1 }) }), &[]);
    assert!(refused(&definition(&[half])).contains("both sides"));
}

#[test]
fn the_last_operation_is_the_output_and_nothing_else() {
    let context = source("local://x");
    let digest = Digest::of(&context).to_string();
    let input = pb::Input { digest: digest.clone(), index: 0 };
    let twice = pb::Op { inputs: vec![input.clone(), input.clone()], ..Default::default() };
    let platform = pb::Op { inputs: vec![input], platform: Some(pb::Platform::default()), ..Default::default() };
    for last in [Vec::new(), twice.encode_to_vec(), platform.encode_to_vec(), context.clone()] {
        assert_eq!(read(&with_last(std::slice::from_ref(&context), last)).unwrap_err(), LlbError::NoOutput);
    }
    let output = pb::Op { inputs: vec![pb::Input { digest, index: 0 }], ..Default::default() }.encode_to_vec();
    let in_the_middle = with_last(&[context.clone(), output.clone()], output);
    assert!(refused(&in_the_middle).contains("has no operation"));
    assert!(refused(&definition(&[context.clone(), context])).contains("twice"));
}

#[test]
fn unknown_operations_and_fields_are_named() {
    let inner = pb::Op { constraints: Some(pb::WorkerConstraints::default()), ..Default::default() }.encode_to_vec();
    let passthrough = append(inner.clone(), 8, b"");
    assert!(refused(&definition(&[passthrough])).contains("operation `passthrough` is unknown"));
    assert!(refused(&definition(&[append(inner, 99, b"")])).contains("operation `number 99` is unknown"));

    let copy = append(pb::FileActionCopy { src: "/".into(), ..Default::default() }.encode_to_vec(), 17, b"x");
    let action = append(Vec::new(), 4, &copy);
    let file = append(Vec::new(), 2, &action);
    let error = refused(&definition(&[append(Vec::new(), 4, &file)]));
    assert!(error.contains("field 17 of FileActionCopy"), "{error}");

    let unknown_in_definition = append(definition(&[source("local://x")]), 9, b"");
    assert!(refused(&unknown_in_definition).contains("field 9 of Definition"));
}

#[test]
fn a_source_without_a_scheme_is_none() {
    for identifier in ["", "local", "local://", "://x"] {
        assert!(refused(&definition(&[source(identifier)])).contains("is no source"), "{identifier}");
    }
}

#[test]
fn a_million_operations_are_refused_before_they_are_decoded() {
    let empty = b"\x0a\x00".repeat(1_000_000);
    assert!(matches!(read(&empty), Err(LlbError::TooMany { .. })));
    // Many empty messages inside one operation.
    let inputs = b"\x0a\x00".repeat(2_000_000);
    assert_eq!(refused(&definition(&[inputs])), LlbError::TooMany { what: "fields", limit: 1 << 20 }.to_string());
}

#[test]
fn giants_are_refused() {
    let limits = Limits { bytes: 4000, operation: 2000, text: 1000, ..Limits::default() };
    let refused = |bytes: &[u8]| read_with(bytes, &limits).unwrap_err();
    assert_eq!(refused(&vec![0; 4001]), LlbError::TooLarge { what: "the whole", limit: 4000 });
    let text = source(&format!("local://{}", "x".repeat(1000)));
    assert_eq!(refused(&definition(&[text])), LlbError::TooLarge { what: "a text", limit: 1000 });
    let mkfile = pb::FileActionMkFile { path: "/a".into(), data: vec![0; 2000], ..Default::default() };
    let action = Some(pb::file_action::Action::Mkfile(mkfile));
    let large = file(vec![pb::FileAction { input: -1, secondary_input: -1, output: 0, action }], &[]);
    assert_eq!(refused(&definition(&[large])), LlbError::TooLarge { what: "an operation", limit: 2000 });
}

#[test]
fn places_that_point_into_no_text_are_dropped() {
    let context = source("local://x");
    let digest = Digest::of(&context);
    let mut message = pb::Definition::decode(definition(&[context]).as_slice()).unwrap();
    let wild = |source_index| pb::Location {
        source_index,
        ranges: vec![pb::Range { start: Some(pb::Position { line: -1, character: i32::MIN }), end: None }],
    };
    let locations = pb::Locations { locations: vec![wild(-1), wild(0), wild(1), wild(i32::MAX)] };
    message.source = Some(pb::Source {
        locations: BTreeMap::from([(digest.to_string(), locations)]),
        infos: vec![pb::SourceInfo::default()],
    });
    let graph = read(&message.encode_to_vec()).unwrap();
    assert_eq!(graph.vertex(&digest).unwrap().places, [Place { text: 0, start: (0, 0), end: (0, 0) }]);
}
