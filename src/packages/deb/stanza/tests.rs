use super::*;

const GOOD: &str = "Package: hello\nVersion: 1:2.0-3\nArchitecture: amd64\nDescription: a\n b\n .\n c\n";

#[test]
fn fields_keep_their_lines() {
    let stanza = Stanza::parse(GOOD).unwrap();
    assert_eq!((stanza.name(), stanza.version(), stanza.architecture()), ("hello", "1:2.0-3", "amd64"));
    assert_eq!(stanza.get("description"), Some("a\n b\n .\n c"));
    assert_eq!(stanza.text(), GOOD);
}

#[test]
fn what_is_no_paragraph_is_refused() {
    let cases = [
        ("", "lacks the field Package"),
        (" x\nPackage: a", "line 1"),
        ("Package hello", "line 1"),
        ("Package: ab\n\nVersion: 1", "line 2"),
        ("Package: ab\npackage: cd\n", "the field package twice"),
        ("Package: ../../etc\nVersion: 1\nArchitecture: all\n", "malformed Package"),
        ("Package: a;rm -rf\nVersion: 1\nArchitecture: all\n", "malformed Package"),
        ("Package: a\n b\nVersion: 1\nArchitecture: all\n", "malformed Package"),
        ("Package: ab\nVersion: 1/2\nArchitecture: all\n", "malformed Version"),
        ("Package: ab\nVersion: 1\nArchitecture: ../x\n", "malformed Architecture"),
    ];
    for (text, message) in cases {
        let actual = Stanza::parse(text).unwrap_err().to_string();
        assert!(actual.contains(message), "{text:?}: {actual}");
    }
}
