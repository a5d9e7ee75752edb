//! Specs that are written to harm: each ends in a message, in little time and memory, and never in a crash.

use crate::support::program::{Outcome, World};
use std::time::{Duration, Instant};

/// Checks a spec that must be refused as wrong, soon.
#[track_caller]
fn refused(text: impl AsRef<[u8]>) -> Outcome {
    let world = World::new();
    world.write("kiln.kdl", text);
    let started = Instant::now();
    let outcome = world.kiln(["check"]).run().code(2);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(outcome.stderr.contains("kiln.kdl"), "{}", outcome.stderr);
    // However much is wrong, the messages are a hundred at most, each of bounded length.
    assert!(outcome.stderr.len() < 200_000, "{} bytes of messages", outcome.stderr.len());
    outcome
}

#[test]
fn deep_nesting() {
    for depth in [100, 1_000, 100_000] {
        refused(format!("kiln 1\n{}{}", "a {\n".repeat(depth), "}\n".repeat(depth)));
        refused(format!("kiln 1\n{}", "a {".repeat(depth)));
        refused(format!("kiln 1\n{}", "/-a {".repeat(depth)));
        refused(format!("kiln 1\n{}{}", "/*".repeat(depth), "*/".repeat(depth - 1)));
        refused(format!("kiln 1\na {}1", "(".repeat(depth)));
        refused(format!("kiln 1\na {}\"", "#".repeat(depth)));
    }
}

#[test]
fn huge_texts() {
    refused(vec![b'a'; 64 << 20]);
    refused("kiln 1\n".repeat(1_000_000));
    refused(format!("kiln 1\nimage \"{}\"", "a".repeat(10 << 20)));
    refused(format!("kiln 1\nimage \"a\" {{ env {} }}", "A=\"1\" ".repeat(500_000)));
}

#[test]
fn wrong_encodings() {
    refused(b"kiln 1\n\xff\xfe");
    refused("kiln 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    refused(b"\0");
    refused("kiln 1\nimage \"a\u{202e}b\" { }");
    refused("kiln 1\nsource \"a\u{0}b\" { }");
}

#[test]
fn includes_that_never_end() {
    let world = World::new();
    world.write("kiln.kdl", "kiln 1\ninclude \"a.kdl\"\n");
    world.write("a.kdl", "kiln 1\ninclude \"b.kdl\"\n");
    world.write("b.kdl", "kiln 1\ninclude \"a.kdl\"\n");
    let outcome = world.kiln(["check"]).run().code(2);
    assert!(outcome.stderr.contains("a.kdl") && outcome.stderr.contains("b.kdl"), "{}", outcome.stderr);
}

#[test]
fn includes_that_lead_elsewhere() {
    let world = World::new();
    std::fs::write(world.path("secret"), "hidden words").unwrap();
    for place in ["../secret", "/etc/hostname", "/dev/zero", "link"] {
        let _ = std::os::unix::fs::symlink("/dev/zero", world.project().join("link"));
        world.write("kiln.kdl", format!("kiln 1\ninclude \"{place}\"\n"));
        let outcome = world.kiln(["check"]).run().code(2);
        assert!(!outcome.stderr.contains("hidden words"), "{}", outcome.stderr);
    }
}

#[test]
fn templates_that_use_each_other() {
    refused("kiln 1\ntemplate \"a\" { use \"b\" }\ntemplate \"b\" { use \"a\" }\nimage \"x\" { use \"a\" }\n");
    // Each uses the last one twice: a thousand nodes become 2^1000.
    let doubling: String =
        (1..1000).map(|n| format!("template \"t{n}\" {{ use \"t{}\"; use \"t{}\" }}\n", n - 1, n - 1)).collect();
    refused(format!("kiln 1\ntemplate \"t0\" {{ label \"a\" \"b\" }}\n{doubling}image \"x\" {{ use \"t999\" }}\n"));
}

#[test]
fn a_spec_that_is_no_file() {
    let world = World::new();
    std::fs::create_dir(world.project().join("kiln.kdl")).unwrap();
    world.kiln(["check"]).run().code(2);
    let world = World::new();
    let outcome = world.kiln(["check"]).run().code(2);
    assert!(outcome.stderr.contains("kiln.kdl"), "{}", outcome.stderr);
}
