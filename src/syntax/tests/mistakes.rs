use super::*;

#[test]
fn each_mistake_is_named_at_its_place() {
    let cases = [
        ("a b\"c\"", "t.kdl:1:4: a space is missing here"),
        ("add \"a\", \"b\"", "t.kdl:1:8: values are separated by spaces, not by commas"),
        ("add nginx, curl", "t.kdl:1:10: values are separated by spaces, not by commas"),
        ("add 'a b' c", "t.kdl:1:5: text stands in double quotes, not in single ones"),
        ("add 'a", "t.kdl:1:5: text stands in double quotes, not in single ones"),
        ("copy src/app to=\"/x\"", "t.kdl:1:6: `src/app` needs quotes"),
        ("copy src/*.rs to=\"/x\"", "t.kdl:1:6: `src/*.rs` needs quotes"),
        ("http https://example.com/x", "t.kdl:1:6: `https://example.com/x` needs quotes"),
        ("mkdir /usr/bin", "t.kdl:1:7: `/usr/bin` needs quotes"),
        ("a x[1]", "t.kdl:1:3: `x[1]` needs quotes"),
        ("a true", "t.kdl:1:3: `true` is written `#true`"),
        ("a b=false", "t.kdl:1:5: `false` is written `#false`"),
        ("a #ture", "t.kdl:1:3: `#ture` is no value"),
        ("# a comment?", "t.kdl:1:1: `#` is no value"),
        ("a 12px", "t.kdl:1:3: `12px` is no number"),
        ("a 0644x", "t.kdl:1:3: `0644x` is no number"),
        ("a .5", "t.kdl:1:3: `.5` is no number"),
        ("a 1.", "t.kdl:1:3: `1.` is no number"),
        (
            "a 999999999999999999999999999999999999999999",
            "t.kdl:1:3: `9999999999999999999999999999999999999999…` is no number",
        ),
        ("1 a", "t.kdl:1:1: a node begins with a name, not with `1`"),
        ("#true a", "t.kdl:1:1: a node begins with a name, not with `#true`"),
        ("a \"x\\qy\"", "t.kdl:1:5: `\\q` is no escape"),
        ("a \"x\\u{110000}y\"", "t.kdl:1:5: `\\u` is no escape"),
        ("a \"C:\\dir\"", "t.kdl:1:6: `\\d` is no escape"),
        ("a\n{\n b\n}", "t.kdl:2:1: a block belongs to a node on the same line"),
        ("a {} b", "t.kdl:1:6: nothing may follow a node's block on its line"),
        ("a {} {}", "t.kdl:1:6: a node has one block only"),
        ("a }", "t.kdl:1:3: this `}` closes nothing"),
        ("a =1", "t.kdl:1:3: a property is a name, `=` and a value"),
        ("a b= c=1", "t.kdl:1:7: a property is a name, `=` and a value"),
        ("a 1=2", "t.kdl:1:3: `1` cannot be a property's name"),
        ("a ()b", "t.kdl:1:3: a type annotation is one word in parentheses"),
        ("a b)", "t.kdl:1:4: this `)` closes nothing"),
        ("a \\ b", "t.kdl:1:3: a backslash outside of a string joins two lines"),
        ("a;;b", "t.kdl:1:3: there is no node before this `;`"),
        ("a \"\"\"x\"\"\"", "t.kdl:1:3: `\"\"\"` must end its line"),
        ("a \"\"\"\n    x\n  y\n    \"\"\"", "t.kdl:3:1: a line of this text is indented less than its closing quotes"),
        ("a \"\"\"\n    x\"\"\"", "t.kdl:2:6: closing quotes of a text of several lines stand on their own line"),
    ];
    let mut wrong = String::new();
    for (source, wanted) in cases {
        let found = read(source).map_or_else(|e| e.to_string(), |_| "accepted".into());
        if found != wanted {
            wrong += &format!("{source:?}\n  wanted {wanted}\n  found  {}\n", found.replace('\n', "\n         "));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    assert_eq!(
        refused("a 1x\nb {\n  c true\n  d /e\n}\nf \"g"),
        "t.kdl:1:3: `1x` is no number\n\
         t.kdl:3:5: `true` is written `#true`\n\
         t.kdl:4:5: `/e` needs quotes\n\
         t.kdl:6:3: this string is never closed"
    );
}

#[test]
fn a_near_miss_is_suggested() {
    let diagnostics = read("a #flase").unwrap_err();
    assert_eq!(diagnostics.list[0].help.as_deref(), Some("did you mean `#false`?"));
}
