use super::*;

#[test]
fn drawings_of_everything() {
    let graph = everything().graph().unwrap();
    insta::assert_snapshot!("json", render::json(&graph));
    insta::assert_snapshot!("dot", render::dot(&graph));
    insta::assert_snapshot!("mermaid", render::mermaid(&graph));
}

#[test]
fn json_is_json_and_complete() {
    let graph = everything().graph().unwrap();
    let value: serde_json::Value = serde_json::from_str(&render::json(&graph)).unwrap();
    assert_eq!(value["vertices"].as_array().unwrap().len(), graph.vertices().len());
    assert_eq!(value["output"]["vertex"], graph.output().vertex.to_string());
}

#[test]
fn names_cannot_break_out_of_a_drawing() {
    let mut builder = builder();
    let evil = "a\"];\n}; <script>alert(1)</script> \\\" \u{1b}[31m \u{202e}]) --> v9 %%{init}%% #quot;";
    let tree = builder.source("local://x", BTreeMap::new(), Note::named(evil));
    let graph = builder.finish(tree, &Sources::default()).unwrap().graph().unwrap();

    let dot = render::dot(&graph);
    let line = dot.lines().find(|line| line.contains("v0 [")).unwrap();
    assert!(line.ends_with("];") && line.contains(r#"label="a\"]; }; <script>"#), "{line}");
    assert_eq!(dot.lines().count(), 7);

    let mermaid = render::mermaid(&graph);
    let line = mermaid.lines().nth(1).unwrap();
    let text = line.strip_prefix("  v0([\"").and_then(|line| line.strip_suffix("\"])")).unwrap();
    assert!(!text.contains(['"', '<', '>', '[', ']', '{', '}', '%', '\u{1b}', '\u{202e}']), "{text}");
    assert_eq!(mermaid.lines().count(), 3);
}

#[test]
fn long_names_are_cut() {
    let mut builder = builder();
    let tree = builder.source("local://x", BTreeMap::new(), Note::named("ä".repeat(500)));
    let graph = builder.finish(tree, &Sources::default()).unwrap().graph().unwrap();
    assert!(render::mermaid(&graph).contains(&format!("\"{}…\"", "ä".repeat(100))));
}

#[test]
fn names_hold_no_secrets() {
    let mut builder = builder();
    let url = "https://user:hunter2@example.com:8443/a/b.tgz?token=hunter2#hunter2";
    let tree = builder.source(url, BTreeMap::new(), Note::default());
    let graph = builder.finish(tree, &Sources::default()).unwrap().graph().unwrap();
    assert_eq!(graph.vertices()[0].name(), "https://***@example.com:8443/a/b.tgz?***");
    for drawing in [render::dot(&graph), render::mermaid(&graph), render::json(&graph)] {
        assert!(!drawing.contains("hunter2"), "{drawing}");
    }
}
