//! What the project's documents say of its code and its files is so.

use super::lexer::Kind;
use super::rules::Finding;
use super::{Source, TABLE};
use std::fs;
use std::path::Path;

/// The documents that are held to the tree; `specs/` is held by the tests of what it describes.
const DOCUMENTS: &[&str] = &["ARCHITECTURE.md", "README.md", "CHANGELOG.md", "benches/README.md"];

/// Folders of the project: a path in a document that starts with one of them must exist.
const FOLDERS: &[&str] = &["src/", "specs/", "tests/", "examples/", "base-images/", "benches/", ".ci/"];

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The rows of the module table of ARCHITECTURE.md: module, and what it may name.
fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    let table = text.lines().skip_while(|line| !line.starts_with("| `src/`")).skip(2);
    table
        .take_while(|line| line.starts_with("| "))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            let module = cells.next().unwrap_or_default().trim_matches('`').to_owned();
            let allowed = cells.next().unwrap_or_default().split(", ").filter(|name| !name.is_empty());
            (module, allowed.map(str::to_owned).collect())
        })
        .collect()
}

/// The paths of the project that a text names in backticks or as the target of a link.
fn paths(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    for (number, line) in text.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for word in quoted.chain(linked).flat_map(str::split_whitespace) {
            // `<node>` and `*` stand for any name.
            let fixed = word.split(['<', '*', '#', ':']).next().unwrap_or_default();
            if FOLDERS.iter().any(|folder| fixed.starts_with(folder)) {
                found.push((number + 1, fixed.to_owned()));
            }
        }
    }
    found
}

#[test]
fn the_table_of_the_document_is_the_one_of_the_test() {
    let document = rows(&read("ARCHITECTURE.md").unwrap());
    let table = TABLE
        .iter()
        .map(|(module, allowed)| (module.to_string(), allowed.iter().map(|name| name.to_string()).collect::<Vec<_>>()));
    assert_eq!(document, table.collect::<Vec<_>>());
}

#[test]
fn what_documents_name_exists() {
    let mut findings = vec![];
    for document in DOCUMENTS {
        let Some(text) = read(document) else { continue };
        for (line, path) in paths(&text) {
            if !Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists() {
                findings.push(Finding { path: (*document).into(), line, what: format!("{path} does not exist") });
            }
        }
    }
    super::none(findings);
}

/// The crates of a section of Cargo.toml.
fn crates<'a>(manifest: &'a str, section: &str) -> Vec<&'a str> {
    let inside = manifest.lines().skip_while(|line| line.trim() != section).skip(1);
    let rows = inside.take_while(|line| !line.starts_with('['));
    rows.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim()).collect()
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let manifest = read("Cargo.toml").unwrap();
    let document = read("ARCHITECTURE.md").unwrap();
    let mut sources: Vec<Source> = super::sources::below("src");
    sources.extend(super::sources::below("tests"));
    sources.extend(super::sources::below("benches"));
    for name in [crates(&manifest, "[dependencies]"), crates(&manifest, "[dev-dependencies]")].concat() {
        // A crate's library has underscores for its dashes, or, as RustCrypto's `md-5`, nothing.
        let words = [name.replace('-', "_"), name.replace('-', "")];
        let is_it = |word: &str| words.iter().any(|known| known == word);
        let used = |source: &Source| source.tokens().iter().any(|t| matches!(t.kind, Kind::Word(word) if is_it(word)));
        assert!(sources.iter().any(used), "nothing uses {name}");
        assert!(document.contains(&format!("| {name} |")), "ARCHITECTURE.md does not say what {name} is for");
    }
}

#[test]
fn rows_paths_and_crates_are_found() {
    let text = "x\n| `src/` | may name | job |\n|---|---|---|\n| `a` | | x |\n| `b` | a, c | y |\n\n| `d` | a | z |\n";
    let row = |name: &str, allowed: &[&str]| (name.to_owned(), allowed.iter().map(|a| a.to_string()).collect());
    assert_eq!(rows(text), [row("a", &[]), row("b", &["a", "c"])]);
    let found =
        paths("no\n`src/a.rs` [x](specs/b.md#c) `cargo run -- build examples/d` `specs/language/<node>.md` src/e");
    let found: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(found, ["src/a.rs", "examples/d", "specs/language/", "specs/b.md"]);
    assert_eq!(crates("[a]\nx = 1\n\n[b]\n# c\ny-z = { v = 1 }\nw = \"2\"\n\n[c]\nv = 1\n", "[b]"), ["y-z", "w"]);
}
