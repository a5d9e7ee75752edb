//! The rules find what is planted: a rule that finds nothing any more would pass unseen.

use super::rules::{self, Finding};
use super::{LONGEST, Source};

fn lines(findings: Vec<Finding>) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}

fn arrows(path: &str, text: &str) -> Vec<String> {
    lines(rules::arrows(&[Source::new(path, text)]))
}

#[test]
fn an_upward_arrow_is_found_however_it_is_written() {
    let found = ["src/oci/digest.rs:1: oci may not name store"];
    for text in [
        "use crate::store::Store;",
        "use crate::store;",
        "use super::super::store::Store;",
        "use crate::{store::{Store, StoreError}};",
        "use crate::{oci::Digest, store as s};",
        "use kiln::store::Store;",
        "pub(crate) use crate::store::Store;",
        "fn f() -> crate::store::Store { x }",
        "fn f(s: <crate::store::Store as T>::U) {}",
        "fn f() { super::super::store::open::<u8>(1); }",
        "fn f() { assert!(crate::store::fine()); }",
        "mod tests { mod deep { use super::super::super::super::store::Store; } }",
        "/// Like [`crate::store::Store`].\nstruct S;",
        "//! See [the store](super::super::store).\n",
    ] {
        assert_eq!(arrows("src/oci/digest.rs", text), found, "{text}");
    }
    let two = arrows("src/oci/mod.rs", "use crate::{\n    store,\n    oci::{self, Digest},\n    tree::*,\n};");
    assert_eq!(two, ["src/oci/mod.rs:2: oci may not name store", "src/oci/mod.rs:4: oci may not name tree"]);
}

#[test]
fn allowed_arrows_comments_and_text_are_no_findings() {
    let text = r##"
        //! Plain words about the tree and crate tree.
        use crate::oci::{Digest, Descriptor};
        use self::blob::Blob;
        use std::{fs, io::{self, Read}};
        // use crate::tree::Tree;
        /* crate::tree::Tree */
        pub(crate) fn f(text: &'static str) { let s = "crate::tree::Tree"; let r = r#"use crate::tree;"#; }
        mod tests { use super::*; fn g() { super::f('"'); super::super::oci::parse("x") } }
        fn h() -> impl Iterator<Item = u8> + use<'_> { std::iter::empty() }
    "##;
    assert_eq!(arrows("src/store/mod.rs", text), [""; 0]);
}

#[test]
fn tests_may_name_what_stands_below_but_not_above() {
    let parent = Source::new("src/solve/mod.rs", "#[cfg(test)]\npub(crate) mod tests;\nmod run;");
    let sources = [
        parent,
        Source::new("src/solve/run.rs", "use crate::diagnostic::Span;"),
        Source::new("src/solve/tests/deep.rs", "use crate::diagnostic::Span;\nuse crate::image::Layer;"),
    ];
    assert_eq!(
        lines(rules::arrows(&sources)),
        ["src/solve/run.rs:1: solve may not name diagnostic", "src/solve/tests/deep.rs:2: solve may not name image"]
    );
}

#[test]
fn everything_at_once_may_not_be_named() {
    for text in ["use crate::*;", "use crate as all;", "use super::super::*;"] {
        assert_eq!(arrows("src/oci/digest.rs", text), ["src/oci/digest.rs:1: oci may not name *"], "{text}");
    }
}

#[test]
fn the_program_names_the_command_line_alone() {
    assert_eq!(arrows("src/main.rs", "fn main() { kiln::cli::main() }"), [""; 0]);
    let found = arrows("src/main.rs", "use kiln::pipeline::build;");
    assert_eq!(found, ["src/main.rs:1: main may not name pipeline"]);
}

#[test]
fn a_module_outside_the_table_is_found() {
    assert_eq!(arrows("src/extra.rs", ""), ["src/extra.rs:1: the module extra is not in the table"]);
    assert_eq!(arrows("src/oci/mod.rs", "use crate::extra;"), ["src/oci/mod.rs:1: oci may not name extra"]);
}

#[test]
fn a_table_that_points_up_is_found() {
    let found = rules::ranks(&[("a", &["b"]), ("b", &["a"])]);
    assert_eq!(lines(found), ["tests/architecture.rs:1: a stands above b, and so may not name it"]);
    let found = rules::order(&[Source::new("src/lib.rs", "pub mod oci;\npub mod diagnostic;\npub use oci::Digest;")]);
    assert_eq!(
        lines(found),
        ["src/lib.rs:2: diagnostic belongs above oci", "src/lib.rs:3: the root re-exports nothing"]
    );
}

#[test]
fn empty_names_long_files_and_forbidden_macros_are_found() {
    let named =
        [Source::new("src/tree/utils.rs", ""), Source::new("src/common/a.rs", ""), Source::new("src/a/b.rs", "")];
    assert_eq!(rules::names(&named).len(), 2);
    let sized = [Source::new("src/a.rs", &"\n".repeat(LONGEST + 1)), Source::new("src/b.rs", &"\n".repeat(LONGEST))];
    assert_eq!(lines(rules::lengths(&sized)), ["src/a.rs:600: 601 lines: split it"]);
    let text = "fn f() { todo!() }\n// todo!()\nfn g() { println!(\"todo!\") }";
    let found = rules::macros(&[
        Source::new("src/oci/a.rs", text),
        Source::new("src/cli/a.rs", "println!()"),
        Source::new("src/oci/mod.rs", "#[cfg(test)] mod tests;\nmod a;"),
        Source::new("src/oci/tests.rs", "println!()"),
    ]);
    assert_eq!(
        lines(found),
        ["src/oci/a.rs:1: todo! is for unfinished code", "src/oci/a.rs:3: println! is for the command line alone"]
    );
}

#[test]
fn a_forgotten_file_is_found() {
    let sources = [
        Source::new("tests/main.rs", "mod a;\n#[path = \"b/odd.rs\"]\nmod b;\nmod inline { }"),
        Source::new("tests/a.rs", "mod c;"),
        Source::new("tests/a/c.rs", "// mod d;"),
        Source::new("tests/a/d.rs", ""),
        Source::new("tests/b/odd.rs", ""),
        Source::new("tests/b/mod.rs", ""),
    ];
    let found = rules::forgotten(&sources, &["tests/main.rs"]);
    let paths: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(paths, ["tests/a/d.rs", "tests/b/mod.rs"]);
}

#[test]
fn the_median_is_the_middle() {
    let files = [1, 500, 3].map(|lines| Source::new("src/a.rs", &"\n".repeat(lines)));
    assert_eq!(rules::median(&files), 3);
}
