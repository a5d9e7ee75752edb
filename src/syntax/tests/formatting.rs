use super::*;
use proptest::prelude::*;

#[track_caller]
fn formats(source: &str, wanted: &str) {
    assert_eq!(format("t.kdl", source).unwrap(), wanted);
    assert_eq!(format("t.kdl", wanted).unwrap(), wanted, "again");
}

#[test]
fn white_space_is_made_even() {
    formats(
        "\n\n a   1\tb = 2   {\n c\n\n\n\n  d { e   ; f;\n}\n\n}\n\n",
        "a 1 b=2 {\n    c\n\n    d {\n        e; f\n    }\n}\n",
    );
}

#[test]
fn what_stands_on_one_line_stays_there() {
    formats(
        "source \"app\" {context \".\"{exclude \"target\"}}",
        "source \"app\" { context \".\" { exclude \"target\" } }\n",
    );
    formats("a { b; c; }\nd {}\ne { }\nf {\n}", "a { b; c }\nd {}\ne {}\nf {}\n");
}

#[test]
fn comments_stay_where_they_are() {
    formats(
        "// top  \n\n\na {// open\n// in\n  b   // end\n  /* block\n   x */ c\n//last\n}  // after\n//bottom",
        "// top\n\na { // open\n    // in\n    b // end\n    /* block\n   x */ c\n    //last\n} // after\n//bottom\n",
    );
    formats("a /* x */ 1 /* y */\n", "a /* x */ 1 /* y */\n");
    formats("a { /* only */ }", "a { /* only */ }\n");
    formats("a {\n  // only\n}", "a {\n    // only\n}\n");
}

#[test]
fn what_is_taken_out_stays_taken_out() {
    formats("/-   a  1\n/-\nb\nc /- 1 2 /-  {\n x } { y }", "/-a 1\n/-b\nc /-1 2 /-{\n    x\n} { y }\n");
    formats("/- // why\n a\nb", "/- // why\na\nb\n");
}

#[test]
fn joined_lines_stay_joined() {
    formats("a 1 \\\n2   \\   // why\n 3\nb \\\n\nc", "a 1 \\\n    2 \\ // why\n    3\nb\nc\n");
}

#[test]
fn strings_are_left_as_written() {
    formats("a  \"x  y\"  #\"z\"#\n", "a \"x  y\" #\"z\"#\n");
    formats("a {\nb \"\"\"\n  x\r\n    y\n  \"\"\"\n}", "a {\n    b \"\"\"\n  x\n    y\n  \"\"\"\n}\n");
}

#[test]
fn a_wrong_text_is_refused_with_all_its_mistakes() {
    let error = format("t.kdl", "a {\n1x\n").unwrap_err().to_string();
    assert_eq!(error, "t.kdl:1:3: this block is never closed\nt.kdl:2:1: `1x` is no number");
}

/// The comments of a text, in order.
fn comments(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let file = sources.add("t.kdl", text);
    super::super::token::tokens(text, file, &mut Default::default())
        .into_iter()
        .map(|token| text[token.start..token.end].replace("\r\n", "\n"))
        .filter_map(|token| {
            let comment = token.starts_with("/*") || token.starts_with("//") || token.starts_with('\\');
            let start = token.find("//").filter(|_| !token.starts_with("/*")).unwrap_or(0);
            comment.then(|| token[start..].trim_end().to_owned()).filter(|c| c.starts_with('/'))
        })
        .collect()
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b-c",
        "\"x\"",
        "#\"r\"#",
        "1",
        "#true",
        "k=1",
        "k = \"v\"",
        "(t)a",
        "( t ) 1",
        "{",
        "}",
        "{ d }",
        "{\n",
        "\n}",
        ";",
        "\n",
        "\n\n\n",
        " // c  \n",
        "//d\n",
        " /* d */ ",
        "/* e\r\n f */",
        "/-",
        "/-a",
        "/-{ x }",
        "/-{\n x\n}",
        " /- ",
        "/-\n",
        "/- // g\n",
        "\\\n",
        "\\ // h\n",
        "\"\"\"\n  m\r\n  \"\"\"",
        "\r\n",
        "\t",
        "{}",
        "{ // i\n }",
    ]);
    prop::collection::vec((piece, prop::sample::select(vec![" ", " ", "  ", ""])), 0..24)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, space)| [piece, space]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn formatting_keeps_meaning_and_comments_and_is_idempotent(text in texts()) {
        if let Ok(nodes) = read(&text) {
            let once = format("t.kdl", &text);
            prop_assert!(once.is_ok(), "{text:?}: {once:?}");
            let once = once.unwrap();
            prop_assert!(super::super::format::same_nodes(&nodes, &read(&once).unwrap()));
            prop_assert_eq!(comments(&text), comments(&once), "{:?} to {:?}", text, &once);
            let twice = format("t.kdl", &once).unwrap();
            prop_assert_eq!(&twice, &once, "from {:?}", text);
            prop_assert!(!once.contains(" \n"), "{:?}", once);
            prop_assert!(!once.contains("\n\n\n"), "{:?}", once);
        }
    }
}
