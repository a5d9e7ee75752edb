use super::*;

fn text(value: &Value) -> &str {
    match value {
        Value::String { text, .. } => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn a_node_has_a_name_values_properties_and_a_block() {
    let nodes = read("image \"a b\" 1 #true port=0x10 {\n  child (t)x\n}\n").unwrap();
    let node = &nodes[0];
    assert_eq!(node.name.text, "image");
    assert_eq!(text(&node.args[0].value), "a b");
    assert_eq!(node.args[1].value, Value::Int(1));
    assert_eq!(node.args[2].value, Value::Bool(true));
    assert_eq!(node.props[0].name.text, "port");
    assert_eq!(node.props[0].value.value, Value::Int(16));
    let child = &node.children.as_ref().unwrap()[0];
    assert_eq!(child.args[0].annotation.as_ref().unwrap().text, "t");
}

#[test]
fn spans_cover_exactly_what_was_written() {
    let source = "/* ä */ node  \"x\" key = (t) \"v\" {\n    inner 1 // c\n}  \nlast";
    let nodes = read(source).unwrap();
    let slice = |span: Span| &source[span.range()];
    assert_eq!(slice(nodes[0].span), "node  \"x\" key = (t) \"v\" {\n    inner 1 // c\n}");
    assert_eq!(slice(nodes[0].name.span), "node");
    assert_eq!(slice(nodes[0].args[0].span), "\"x\"");
    assert_eq!(slice(nodes[0].props[0].span), "key = (t) \"v\"");
    assert_eq!(slice(nodes[0].props[0].name.span), "key");
    assert_eq!(slice(nodes[0].props[0].value.span), "(t) \"v\"");
    assert_eq!(slice(nodes[0].children.as_ref().unwrap()[0].span), "inner 1");
    assert_eq!(slice(nodes[1].span), "last");
}

#[test]
fn every_form_of_string_gives_its_text() {
    let cases = [
        ("n a-b.c", "a-b.c"),
        (r#"n "a\nb\"c\u{e4}\s""#, "a\nb\"cä "),
        ("n \"a \\\n    b\"", "a b"),
        (r##"n #"a\n"b"#"##, "a\\n\"b"),
        ("n \"\"\"\n    a\n      b\n\n    c\n    \"\"\"", "a\n  b\n\nc"),
        ("n \"\"\"\r\n  a\r\n  b\r\n  \"\"\"", "a\nb"),
        ("n #\"\"\"\n\ta\\n\n\t\"\"\"#", "a\\n"),
        ("n ##\"\"\"\n\"\"\"#\n\"\"\"##", "\"\"\"#"),
        ("n \"\"", ""),
        ("n #\"\"#", ""),
        ("n \"\"\"\n\"\"\"", ""),
    ];
    for (source, wanted) in cases {
        let nodes = read(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(text(&nodes[0].args[0].value), wanted, "{source}");
    }
}

#[test]
fn whether_a_string_is_raw_is_known() {
    let nodes = read("n \"a\" #\"a\"# a").unwrap();
    let raw = |i: usize| matches!(&nodes[0].args[i].value, Value::String { raw: true, .. });
    assert_eq!([raw(0), raw(1), raw(2)], [false, true, false]);
}

#[test]
fn numbers_and_keywords() {
    let nodes = read("n 1_000 -5 0o17 0b11 1.5e3 #inf #null").unwrap();
    let values: Vec<Value> = nodes[0].args.iter().map(|arg| arg.value.clone()).collect();
    assert_eq!(
        values,
        [
            Value::Int(1000),
            Value::Int(-5),
            Value::Int(15),
            Value::Int(3),
            Value::Float(1500.0),
            Value::Float(f64::INFINITY),
            Value::Null
        ]
    );
}

#[test]
fn a_slashdash_takes_out_what_follows() {
    let nodes = read("a /-1 2 /-k=3 /-{ x } { y; /- z { w } }\n/-b { c }\n/-\nd\ne /- // why\n 1 2").unwrap();
    let names: Vec<&str> = nodes.iter().map(|n| n.name.text.as_str()).collect();
    assert_eq!(names, ["a", "e"]);
    assert_eq!(nodes[0].args.len(), 1);
    assert_eq!(nodes[0].props.len(), 0);
    let children = nodes[0].children.as_ref().unwrap();
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].name.text, "y");
    assert_eq!(nodes[1].args[0].value, Value::Int(2));
}

#[test]
fn lines_are_joined_by_backslashes_and_split_by_semicolons() {
    let nodes = read("a 1 \\ // first\n  2 \\\n  3; b; c { d; e }").unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!(nodes[0].args.len(), 3);
    assert_eq!(nodes[2].children.as_ref().unwrap().len(), 2);
}

#[test]
fn a_property_written_twice_is_kept_twice() {
    let nodes = read("n a=1 a=2").unwrap();
    assert_eq!(nodes[0].props.len(), 2);
}

#[test]
fn an_empty_text_has_no_nodes() {
    for source in ["", "\n\n", "// only\n/* comments */", "\\\n"] {
        assert_eq!(read(source).unwrap(), [], "{source:?}");
    }
}
