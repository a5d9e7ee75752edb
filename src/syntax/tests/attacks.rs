//! Texts written to crash or to stall the parser: each gives a clear answer, fast and on a small stack.

use super::*;
use std::time::{Duration, Instant};

/// Reads and formats a text on a thread with a small stack, in bounded time, and gives its first diagnostic.
fn survive(text: String) -> String {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        let _ = format("t.kdl", &text);
        match read(&text) {
            Ok(_) => String::new(),
            Err(diagnostics) => {
                assert!(diagnostics.list.len() <= 65 + MAX_DEPTH, "{} diagnostics", diagnostics.list.len());
                diagnostics.list[0].message.clone()
            }
        }
    });
    let message = thread.unwrap().join().expect("no panic");
    // Generous: tests run unoptimised, several at once, on slow machines. What this catches takes hours.
    assert!(start.elapsed() < Duration::from_secs(30), "took {:?}", start.elapsed());
    message
}

fn fill(piece: &str) -> String {
    piece.repeat(MAX_TEXT / piece.len())
}

#[test]
fn deep_nesting_is_refused() {
    for piece in ["a{", "a {\n", "{", "/-{", "a /-{ ", "/-a {\n", "a { b\n /-c {", "(", "a (", "/*", "a \"\"\"\n"] {
        assert_ne!(survive(fill(piece)), "", "{piece}");
    }
    assert!(survive(fill("a {")).contains("nested more than 32 deep"));
    let deep = format!("{}x{}", "a { ".repeat(MAX_DEPTH), " }".repeat(MAX_DEPTH));
    assert_eq!(survive(deep), "");
}

#[test]
fn a_million_mistakes_are_cut_short() {
    for piece in [
        "}",
        "a)",
        "a=",
        "=",
        ";",
        "\"\n",
        "#x ",
        "\\",
        "[",
        "a\"b\"",
        "1x ",
        ")",
        "/-",
        "(a",
        "a {} b\n",
        "\"\\q } } }\" ",
    ] {
        assert_ne!(survive(fill(piece)), "", "{piece}");
    }
}

#[test]
fn large_texts_are_read() {
    for piece in [
        "a\n",
        "a 1 2 3\n",
        "n ",
        "a /-1 ",
        "n /-{} \n",
        "/-a\n",
        "a { b }\n",
        "\"x\" ",
        "// **** ////\n",
        "/* ** // */ ",
        "a \\\n",
        "\\\n",
        " ",
        "\n",
        "(t)a (t)1\n",
        "n \"\\n\\n\\n\\n\"\n",
        "n \"\"\"\n  x\n  \"\"\"\n",
        "n #\"\"\"\n\"\"\"\"\"\n\"\"\"#\n",
    ] {
        survive(piece.repeat(MAX_TEXT / 8 / piece.len()));
    }
}

#[test]
fn one_huge_token_is_read_or_refused() {
    let n = MAX_TEXT / 8;
    for text in [
        format!("n \"{}\"", "x".repeat(n)),
        format!("n \"{}\"", "\\n".repeat(n / 2)),
        format!("n \"{}\"", "\\ ".repeat(n / 2)),
        format!("n \"\"\"\n{}\n\"\"\"", "\n".repeat(n)),
        format!("n \"\"\"\n{}\n\"\"\"", " \n".repeat(n / 2)),
        format!("n \"\"\"\n{}\n\"\"\"", "\\\n".repeat(n / 2)),
        format!("n \"\"\"\n{}\n\"\"\"", "\" ".repeat(n / 2)),
        format!("n \"\"\"\n{}\"\"\"", " ".repeat(n)),
        format!("n {}\"x\"{}", "#".repeat(n / 2), "#".repeat(n / 2)),
        format!("n {}\"{}", "#".repeat(n / 2), "#".repeat(n / 2 - 1)),
        format!("n #\"{}\"#", "\"".repeat(n)),
        format!("n {}", "x".repeat(n)),
        format!("n {}", "1".repeat(n)),
        format!("n 0x{}", "f".repeat(n)),
        format!("n 1e{}", "9".repeat(n)),
        format!("n {}", "_".repeat(n)),
        format!("n 1{}", "_".repeat(n)),
        format!("/*{}*/", "*".repeat(n)),
        format!("/*{}*/", "/".repeat(n)),
        format!("/*{}{}*/", "/*".repeat(n / 4), "*/".repeat(n / 4)),
        "/".repeat(n),
        "\"".repeat(n),
        "#".repeat(n),
        "\\".repeat(n),
    ] {
        survive(text);
    }
}

#[test]
fn unterminated_things_are_named() {
    assert_eq!(refused("a \"b\nc"), "t.kdl:1:3: this string is never closed");
    assert_eq!(refused("a \"\"\"\nb"), "t.kdl:1:3: this string is never closed");
    assert_eq!(refused("a #\"b\"\nc"), "t.kdl:1:3: this raw string is never closed");
    assert_eq!(refused("a #\"\"\"\nb\n\"\"\""), "t.kdl:1:3: this raw string is never closed");
    assert_eq!(refused("a /* b /* c */\n"), "t.kdl:1:3: this comment is never closed");
    assert_eq!(refused("a {\n  b {\n"), "t.kdl:1:3: this block is never closed\nt.kdl:2:5: this block is never closed");
    assert_eq!(refused("a (b"), "t.kdl:1:3: a type annotation is one word in parentheses");
    assert_eq!(refused("a /-"), "t.kdl:1:3: `/-` takes out the node, value or block after it");
    assert_eq!(refused("a b="), "t.kdl:1:4: a value must follow `b=`");
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = "kiln 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [&[0xff, 0xfe], utf16.as_slice()].concat();
    let cases: [(&[u8], &str); 7] = [
        (&utf16, "t.kdl:1:1: the file is UTF-16, not UTF-8"),
        (&marked, "t.kdl:1:1: the file is UTF-16, not UTF-8"),
        (b"\xef\xbb\xbfkiln 1", "t.kdl:1:1: the file begins with a byte order mark"),
        (b"kiln 1\nenv a=\"\xe4\"\n", "t.kdl:2:8: the file is not UTF-8: there is a byte 0xe4 here"),
        (b"kiln 1\nlabel a=\"x\0y and more\"", "t.kdl:2:11: the file holds a NUL character; is it a text at all?"),
        (
            "a \"x\u{202e}y\"".as_bytes(),
            "t.kdl:1:5: U+202E changes the direction of text and can hide what a file says",
        ),
        (b"a \x1b[1m", "t.kdl:1:3: the control character U+001B may not stand in a text"),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(read_bytes(bytes).unwrap_err().to_string(), wanted);
    }
    assert_eq!(
        read_bytes(&vec![b'a'; MAX_TEXT + 1]).unwrap_err().to_string(),
        "t.kdl:1:1: the file is longer than 1048576 bytes"
    );
    assert!(read_bytes(&vec![b'a'; MAX_TEXT]).is_ok());
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = read_bytes(&bytes);
    }

    #[test]
    fn arbitrary_texts_of_kdl_characters_never_panic(text in "[ab1.\\-+{}()\\[\\]=;/*\"#\\\\ \n\r\tä_x,]{0,60}") {
        if let Err(diagnostics) = read(&text) {
            let _ = diagnostics.to_string();
            for diagnostic in &diagnostics.list {
                let span = diagnostic.span().unwrap();
                proptest::prop_assert!(span.end as usize <= text.len());
                proptest::prop_assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize));
            }
        }
    }
}
