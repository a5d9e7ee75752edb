//! Diagnostics point at just what is wrong, with all that helps.

use super::*;

/// The first diagnostic of a spec: the underlined text, the other labels, and the help.
fn first(text: &str) -> (String, Vec<(String, String)>, String) {
    let diagnostics = read(text).expect_err("a mistake");
    let diagnostic = &diagnostics.list[0];
    let snippet = |span| diagnostics.sources.snippet(span).to_owned();
    let others = diagnostic.labels[1..].iter().map(|label| (snippet(label.span), label.text.clone())).collect();
    (snippet(diagnostic.labels[0].span), others, diagnostic.help.clone().unwrap_or_default())
}

#[test]
fn the_very_word_is_underlined() {
    let cases = [
        (image("copy \"a\" form=\"app\" from=\"app\" to=\"/\""), "form", "did you mean `from`?"),
        (image("cpoy \"a\""), "cpoy", "did you mean `copy`?"),
        (image("source \"a\""), "source", "`source` stands at the top of the spec"),
        (image("suite \"a\""), "suite", "`suite` stands inside of `apt`"),
        (image("copy \"a\" from=\"ap\" to=\"/\""), "\"ap\"", "did you mean `app`?"),
        (image("copy \"a\" from=\"other\" to=\"/\""), "\"other\"", "the only choice is `app`"),
        (
            image("env A=\"x ${nope} y\""),
            "${nope}",
            "declare it with `arg`; to mean the characters themselves, write `$${` or use a raw string `#\"…\"#`",
        ),
        (
            image("env A=\"$${a} ${nope}\""),
            "${nope}",
            "declare it with `arg`; to mean the characters themselves, write `$${` or use a raw string `#\"…\"#`",
        ),
        (image("mkdir \"/a/../b\""), "\"/a/../b\"", "write `/b`"),
        (image("copy \"x\" from=\"app\" to=\"/a//b/\""), "\"/a//b/\"", "write `/a/b/`"),
        (image("mkdir \"usr/bin\""), "\"usr/bin\"", "paths in the image begin with a slash: `/usr/bin`"),
        (image("env A=8080"), "8080", "write `\"8080\"`"),
        (
            image("port \"8080\""),
            "\"8080\"",
            "write a number for TCP, `8080`, or a string with the protocol: `\"53/udp\"`, `\"9/sctp\"`",
        ),
        (image("user \"1000:1000\""), "\"1000:1000\"", "write `user 1000 gid=1000`"),
        (image("base \"statik\""), "\"statik\"", "did you mean `static`?"),
        (image("platform \"linux/arm46\""), "\"linux/arm46\"", "did you mean `linux/arm64`?"),
        (image("stop-signal \"term\""), "\"term\"", "did you mean `\"SIGTERM\"`?"),
        (image("layers compression=\"zst\""), "\"zst\"", "did you mean `zstd`?"),
        (image("file \"/x\""), "file", "for example: `file \"/etc/app.conf\" \"listen 8080\\n\"`"),
        (
            image("packages \"debian\" { add \"curl:arm64\" }"),
            "\"curl:arm64\"",
            "packages are those of the image's platform: leave out the architecture",
        ),
        (image("(x)user 0"), "x", ""),
        (
            "kiln 1\nimage \"Hello:1\" { user 0 }".into(),
            "\"Hello:1\"",
            "for example `\"registry.example.com/acme/hello\"`, or just `\"hello\"`",
        ),
        (
            "kiln 1\nimage \"hello:1\" { user 0 }".into(),
            "\"hello:1\"",
            "write `\"docker.io/library/hello\"`; tags are given when it is built: `kiln build -t …`",
        ),
    ];
    for (text, underlined, help) in cases {
        let found = first(&text);
        assert_eq!((found.0.as_str(), found.2.as_str()), (underlined, help), "{text}");
    }
}

#[test]
fn both_places_of_a_contradiction_are_shown() {
    let (second, others, _) = first(&image("workdir \"/a\"\nworkdir \"/b\""));
    assert_eq!(second, "workdir \"/b\"");
    assert_eq!(others, [("workdir \"/a\"".to_owned(), "said first".to_owned())]);
    let (second, others, _) = first(&image("env A=\"1\"\nenv B=\"2\" A=\"3\""));
    assert_eq!(second, "A");
    assert_eq!(others.len(), 1);
}

#[test]
fn a_mistake_in_a_template_shows_where_it_was_used() {
    let text = "kiln 1\ntemplate \"in\" { param \"p\"; mkdir \"${p}\" }\ntemplate \"out\" { use \"in\" p=\"x\" }\n\
                image \"i\" { use \"out\" }\n";
    let (underlined, others, _) = first(text);
    assert_eq!(underlined, "\"${p}\"");
    assert_eq!(
        others,
        [
            ("use \"in\" p=\"x\"".to_owned(), "in this use of `in`".to_owned()),
            ("use \"out\"".to_owned(), "in this use of `out`".to_owned())
        ]
    );
}

#[test]
fn a_mistake_on_the_command_line_shows_it() {
    let text = "kiln 1\narg \"version\" default=\"1\"\narg \"port\" type=\"int\" default=1\nimage \"x\" { label v=\"${version}${port}\" }\n";
    let given = args(&[("verison", "2"), ("port", "http")]);
    let found = load(&files(text, &[]), "kiln.kdl", &given).unwrap_err();
    assert_eq!(found.to_string(), "--arg:1:1: `port` must be a whole number\n--arg:1:1: the spec has no arg `verison`");
    assert_eq!(found.list[1].help.as_deref(), Some("did you mean `version`?"));
    assert_eq!(found.sources.snippet(found.list[0].labels[1].span), "\"port\"");
}

#[test]
fn one_mistake_is_not_reported_as_many() {
    // The source is wrong, but it is there; the template is missing, so all else may be in it.
    assert_eq!(
        refused("kiln 1\nsource \"app\" { context \"/\" }\nimage \"x\" { copy \"a\" from=\"app\" to=\"/\" }\n")
            .lines()
            .count(),
        1
    );
    assert_eq!(
        refused("kiln 1\nuse \"team\"\nimage \"x\" { copy \"a\" from=\"app\" to=\"/\"; base \"b\" }\n").lines().count(),
        1
    );
    assert_eq!(refused("kiln 1\narg \"v\"\nimage \"x\" { env V=\"${v}\"; mkdir \"${v}\" }\n").lines().count(), 1);
    assert_eq!(
        refused("kiln 1\narg \"v\" type=\"int\" default=\"x\"\nimage \"x\" { port \"${v}\" }\n").lines().count(),
        2
    );
}
