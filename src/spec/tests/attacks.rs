//! Specs written to use up a machine, or to get at what is not theirs: a clear answer, fast.

use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// The diagnostics of a hostile spec, read on a small stack in bounded time.
fn survive(files: BTreeMap<String, String>) -> String {
    let start = Instant::now();
    let reading = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        load(&files, "kiln.kdl", &BTreeMap::new()).map_or_else(|diagnostics| diagnostics.to_string(), |_| String::new())
    });
    let found = reading.unwrap().join().expect("no panic");
    // Generous: tests run unoptimised and several at once. What this catches takes hours.
    assert!(start.elapsed() < Duration::from_secs(30), "took {:?}", start.elapsed());
    assert!(found.lines().count() <= 210, "{} diagnostics", found.lines().count());
    found
}

fn survive_one(text: String) -> String {
    survive(files(&text, &[]))
}

#[test]
fn templates_that_multiply_are_stopped() {
    let mut text = "kiln 1\ntemplate \"t0\" { env A=\"x\"; env B=\"y\" }\n".to_owned();
    for i in 1..16 {
        let uses = format!("use \"t{}\"\n", i - 1).repeat(10);
        text += &format!("template \"t{i}\" {{\n{uses}}}\n");
    }
    text += "image \"x\" { use \"t15\" }\n";
    assert!(survive_one(text).contains("the spec has more than 20000 nodes"));
}

#[test]
fn texts_that_multiply_are_stopped() {
    let long = "lol".repeat(1000);
    let mut text = "kiln 1\ntemplate \"t0\" { param \"p\"; label a=\"${p}\" }\n".to_owned();
    for i in 1..16 {
        let ten = "${p}".repeat(10);
        text += &format!("template \"t{i}\" {{ param \"p\"; use \"t{}\" p=\"{ten}\" }}\n", i - 1);
    }
    text += &format!("image \"x\" {{ use \"t15\" p=\"{long}\" }}\n");
    assert!(survive_one(text).contains("the spec has more than 8388608 bytes of text"));
}

#[test]
fn templates_in_a_circle_or_too_deep_are_stopped() {
    let circle = "kiln 1\ntemplate \"a\" { use \"b\" }\ntemplate \"b\" { use \"c\" }\ntemplate \"c\" { use \"a\" }\nuse \"a\"\n\
                  image \"x\" { use \"c\" }\n";
    let found = survive_one(circle.into());
    assert!(found.contains("templates use each other: a → b → c → a"), "{found}");
    assert!(found.contains("templates use each other: c → a → b → c"), "{found}");
    let mut deep = "kiln 1\ntemplate \"t0\" { user 0 }\n".to_owned();
    for i in 1..5000 {
        deep += &format!("template \"t{i}\" {{ use \"t{}\" }}\n", i - 1);
    }
    deep += "image \"x\" { use \"t4999\" }\n";
    assert!(survive_one(deep).contains("templates are nested more than 16 deep"));
}

#[test]
fn many_parameters_used_many_times_are_stopped() {
    let params: String = (0..2000).map(|i| format!("param \"p{i}\" default=\"x\"\n")).collect();
    let uses = "use \"t\"\n".repeat(20_000);
    let found = survive_one(format!("kiln 1\ntemplate \"t\" {{\n{params}env A=\"x\"\n}}\nimage \"x\" {{\n{uses}}}\n"));
    assert!(found.contains("the spec has more than 20000 nodes"), "{found}");
}

#[test]
fn includes_in_a_circle_or_too_deep_or_too_many_are_stopped() {
    let own = files("kiln 1\ninclude \"kiln.kdl\"\n", &[]);
    assert_eq!(survive(own), "kiln.kdl:2:9: files include each other: kiln.kdl → kiln.kdl");
    let mut chain = files("kiln 1\ninclude \"f0\"\n", &[]);
    for i in 0..100 {
        chain.insert(format!("f{i}"), format!("kiln 1\ninclude \"f{}\"\n", i + 1));
    }
    assert!(survive(chain).contains("includes are nested more than 16 deep"));
    let mut many = BTreeMap::new();
    let list: String = (0..100).map(|i| format!("include \"g{i}\"\n")).collect();
    many.insert("kiln.kdl".to_owned(), format!("kiln 1\n{list}"));
    many.extend((0..100).map(|i| (format!("g{i}"), "kiln 1\n".to_owned())));
    assert!(survive(many).contains("a spec has at most 64 files"));
}

#[test]
fn very_many_mistakes_are_cut_short() {
    let long = "x".repeat(900);
    for piece in [
        "nod\n",
        "image \"x\" { nod }\n",
        "image \"x\" { env A=1 }\n",
        "source \"x\" { context \"/\" }\n",
        "apt \"debian\" { suite \"a b\" }\n",
        "arg \"x\" type=\"y\"\n",
        "arg \"x\"\n",
        "use \"t\"\n",
        "template \"t\" { x }\n",
        "include \"x\"\n",
        "kiln 1\n",
        "sign\n",
        "image \"x\" { copy \"a\" from=\"b\" to=\"c\" }\n",
        "image \"x\" { label a=\"${b}${c\" }\n",
        "image \"x\" { user \"x\" a=1 b=2 c=3 { d } }\n",
        &format!("use \"{long}\"\n"),
    ] {
        let found = survive_one(format!("kiln 1\n{}", piece.repeat(250_000 / piece.len())));
        assert_ne!(found, "", "{piece}");
    }
}

#[test]
fn a_long_node_is_read_in_time() {
    for (head, piece, tail) in [
        ("image \"x\" { env", " A=\"b\"", "}"),
        ("image \"x\" { user 0", " a=1", "}"),
        ("image \"x\" { user 0", " 1", "}"),
        ("image \"x\" { cmd", " a", "}"),
        ("image \"x\" { port", " 80", "}"),
        ("image \"x\" { copy", " \"a/**/[a-z]?*\"", " from=\"app\" to=\"/\" }"),
        ("image \"x\" { label a=\"", "${b}", "\" }"),
        ("image \"x\" { label a=\"", "$${", "\" }"),
        ("image \"x\" { mkdir \"", "/a", "\" }"),
        ("image \"x\" { mkdir \"", "/", "\" }"),
        ("image \"x\" { copy \"", "[a", "\" from=\"a\" to=\"/\" }"),
        ("image \"x\" { healthcheck \"a\" interval=\"", "1h", "\" }"),
        ("image \"x\" { packages \"debian\" { keep", " man", "} }"),
        ("image \"x\" { packages \"debian\" { add", " ab", "} }"),
        ("apt \"debian\" { suite", " a", "}"),
        ("image \"", "a/", "\" { user 0 }"),
    ] {
        survive_one(format!("kiln 1\n{head}{}{tail}\n", piece.repeat(150_000 / piece.len())));
    }
    let names: String = (0..15_000).map(|i| format!(" A{i}=\"\"")).collect();
    assert_eq!(survive_one(format!("kiln 1\nimage \"x\" {{ env{names} }}\n")), "");
    let suites: String = (0..15_000).map(|i| format!(" a{i}")).collect();
    assert!(survive_one(format!("kiln 1\napt \"x\" {{ suite{suites} }}\n")).contains("at most 64 suites"));
    let params: String = (0..3_000).map(|i| format!("param \"p{i}\" default=\"\"\n")).collect();
    let given: String = (0..3_000).map(|i| format!(" p{i}=\"\"")).collect();
    survive_one(format!("kiln 1\ntemplate \"t\" {{\n{params}user 0\n}}\nimage \"x\" {{ use \"t\"{given} }}\n"));
}

#[test]
fn many_names_with_a_near_miss_each_are_read_in_time() {
    let args: String = (0..3_000).map(|i| format!("arg \"some-long-name-{i}\" default=\"\"\n")).collect();
    let uses: String = (0..3_000).map(|i| format!("label l{i}=\"${{some-long-nam-{i}}}\"\n")).collect();
    assert_ne!(survive_one(format!("kiln 1\n{args}image \"x\" {{\n{uses}}}\n")), "");
}

#[test]
fn what_is_outside_of_the_folder_is_not_named() {
    for path in ["/etc/passwd", "../x", "a/../../x", "..", "a/b/../../../x"] {
        let context = format!("kiln 1\nsource \"s\" {{ context \"{path}\" }}\nimage \"x\" {{ user 0 }}\n");
        let layout = format!("kiln 1\nsource \"s\" {{ oci \"{path}\" }}\nimage \"x\" {{ user 0 }}\n");
        let keyring = format!("kiln 1\napt \"a\" {{ keyring \"{path}\" }}\nimage \"x\" {{ user 0 }}\n");
        let include = format!("kiln 1\ninclude \"{path}\"\nimage \"x\" {{ user 0 }}\n");
        for text in [context, layout, keyring, include] {
            assert!(refused(&text).contains("leads out of the spec's folder"), "{text}{}", refused(&text));
        }
    }
}

#[test]
fn control_characters_do_not_reach_messages() {
    let found = refused("kiln 1\nimage \"a\\u{1b}[31mb\" { user \"\\n\\u{202e}x\" }\n");
    assert!(!found.contains(['\u{1b}', '\u{202e}']), "{found:?}");
    assert_eq!(found.lines().count(), 2, "{found:?}");
}

#[test]
fn nul_is_refused_in_every_text() {
    assert!(refused_image("file \"/x\" \"a\\u{0}b\"").contains("holds a NUL character"));
    assert!(refused_image("env A=\"a\\u{0}b\"").contains("holds a NUL character"));
    assert!(refused_image("env \"A\\u{0}\"=\"b\"").contains("cannot be the name of a variable"));
}

/// Nodes and values of the language, put together at random.
fn specs() -> impl Strategy<Value = String> {
    let words = vec![
        "kiln 1\n",
        "image \"x\" {\n",
        "source \"app\" {",
        "context \".\"",
        "http \"https://e.test/x\"",
        "oci \"l\"",
        "apt \"debian\" {",
        "suite \"trixie\"",
        "packages \"debian\" {",
        "add \"ab\"",
        "copy \"a\"",
        " from=\"app\"",
        " to=\"/x/\"",
        " mode=\"0644\"",
        " owner=\"a:b\"",
        "mkdir \"/x\"",
        "file \"/x\" \"y\"",
        "symlink \"/x\" to=\"y\"",
        "remove \"/x\"",
        "user \"app\" uid=1",
        "user 0",
        "env A=\"b\"",
        "port 80",
        "label a=\"${v}\"",
        "cmd \"a\"",
        "arg \"v\" default=\"1\"",
        "template \"t\" {",
        "param \"p\"",
        "use \"t\"",
        " p=\"${v}\"",
        "include \"i\"",
        "healthcheck #false",
        "layers max=3",
        "sign { key \"k\" }",
        "base \"cc\"",
        "platform \"linux/arm64\"",
        "exclude \"*\"",
        "}",
        "}\n",
        "\n",
        "\n",
        ";",
        " \"\"",
        " 1",
        " #true",
        " \"/\"",
        " \"${\"",
        " \"$${\"",
        "/-",
        " x=1",
        " { }",
        "(t)",
    ];
    prop::collection::vec(prop::sample::select(words), 0..40).prop_map(|words| format!("kiln 1\n{}", words.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_spec_makes_the_reader_panic(text in specs(), value in "[a-z0-9${}]{0,5}") {
        let files = files(&text, &[("i", "kiln 1\ntemplate \"t\" { env A=\"${p}\" }\n")]);
        match load(&files, "kiln.kdl", &args(&[("v", &value)])) {
            Ok(loaded) => prop_assert!(!loaded.spec.images.is_empty()),
            Err(diagnostics) => {
                prop_assert!(diagnostics.has_errors());
                for diagnostic in &diagnostics.list {
                    prop_assert!(diagnostic.page.is_some(), "{}", diagnostic.message);
                    for label in &diagnostic.labels {
                        let text = diagnostics.sources.file(label.span.file).text();
                        prop_assert!(text.get(label.span.range()).is_some(), "{}", diagnostic.message);
                    }
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        struct Bytes(Vec<u8>);
        impl Loader for Bytes {
            fn read(&self, _: &str) -> Result<Vec<u8>, LoadError> {
                Ok(self.0.clone())
            }
        }
        let with_version = [b"kiln 1\n", bytes.as_slice()].concat();
        let _ = load(&Bytes(bytes), "kiln.kdl", &BTreeMap::new());
        let _ = load(&Bytes(with_version), "kiln.kdl", &BTreeMap::new());
    }
}
