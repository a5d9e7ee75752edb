//! What this module reads, the kdl crate's document parser reads in the same way.

use super::*;
use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use proptest::prelude::*;

fn same_nodes(ours: &[Node], theirs: Option<&KdlDocument>) -> bool {
    let theirs = theirs.map_or(&[][..], |document| document.nodes());
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same_node(a, b))
}

fn same_node(ours: &Node, theirs: &KdlNode) -> bool {
    let args: Vec<&KdlEntry> = theirs.entries().iter().filter(|e| e.name().is_none()).collect();
    let props: Vec<&KdlEntry> = theirs.entries().iter().filter(|e| e.name().is_some()).collect();
    ours.name.text == theirs.name().value()
        && annotation(&ours.annotation) == theirs.ty().map(|ty| ty.value())
        && ours.args.len() == args.len()
        && ours.args.iter().zip(args).all(|(a, b)| same_value(a, b))
        && ours.props.len() == props.len()
        && ours
            .props
            .iter()
            .zip(props)
            .all(|(a, b)| Some(a.name.text.as_str()) == b.name().map(|name| name.value()) && same_value(&a.value, b))
        && ours.children.is_some() == theirs.children().is_some()
        && same_nodes(ours.children.as_deref().unwrap_or_default(), theirs.children())
}

fn same_value(ours: &Argument, theirs: &KdlEntry) -> bool {
    annotation(&ours.annotation) == theirs.ty().map(|ty| ty.value())
        && match (&ours.value, theirs.value()) {
            (Value::String { text, .. }, KdlValue::String(other)) => text == other,
            (Value::Int(a), KdlValue::Integer(b)) => a == b,
            (Value::Float(a), KdlValue::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Bool(a), KdlValue::Bool(b)) => a == b,
            (Value::Null, KdlValue::Null) => true,
            _ => false,
        }
}

fn annotation(name: &Option<Name>) -> Option<&str> {
    name.as_ref().map(|name| name.text.as_str())
}

/// Pieces of KDL, mostly put together into something that can be read.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b-c",
        "\"x\"",
        "\"\\n\"",
        "#\"r\"#",
        "1",
        "-2.5",
        "#true",
        "#null",
        "k=1",
        "k = \"v\"",
        "(t)a",
        "(t)1",
        "{",
        "}",
        "{ d }",
        "{\n",
        "\n}",
        ";",
        "\n",
        "\n\n",
        " // c\n",
        " /* d */ ",
        "/* /* n */ */",
        "/-",
        "/-a",
        "/-{ x }",
        " /- ",
        "/-\n",
        "\\\n",
        "\\ // e\n",
        "\"\"\"\n  m\n  \"\"\"",
        "=",
        "(t)",
        "\r\n",
        "\t",
    ]);
    prop::collection::vec((piece, prop::sample::select(vec![" ", " ", " ", ""])), 0..24)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, space)| [piece, space]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn what_we_read_the_crate_reads_too(text in pieces()) {
        // The crate refuses `/-a ;`, which KDL allows.
        let theirs_is_wrong = text.contains("/-") && text.contains(';');
        if let (Ok(nodes), false) = (read(&text), theirs_is_wrong) {
            let theirs = KdlDocument::parse_v2(&text);
            prop_assert!(theirs.is_ok(), "the crate refuses {text:?}: {theirs:?}");
            prop_assert!(same_nodes(&nodes, theirs.as_ref().ok()), "{text:?}: {nodes:#?} {theirs:#?}");
        }
    }
}
