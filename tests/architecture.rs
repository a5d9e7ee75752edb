//! The shape of the code, held by a test: who may name whom, how long a file may be, what no file may hold.
//!
//! [`TABLE`] is the map of ARCHITECTURE.md as data. A new arrow is a change to this table, made on purpose.

mod documents;
mod lexer;
mod paths;
mod planted;
mod rules;
mod sources;

use rules::Finding;
use sources::Source;

/// Every module of `src/` in rank order, with all that it may name. The program itself (`main`) comes last.
const TABLE: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("rules", &[]),
    ("oci", &[]),
    ("store", &["oci"]),
    ("tree", &["oci", "store"]),
    ("http", &["oci"]),
    ("secrets", &["rules", "oci", "tree"]),
    // `diagnostic`: for names that look alike.
    ("git", &["diagnostic", "oci", "store", "tree"]),
    ("syntax", &["diagnostic"]),
    ("registry", &["oci", "store", "http"]),
    ("spec", &["diagnostic", "rules", "syntax", "oci", "git"]),
    ("llb", &["diagnostic", "oci"]),
    ("packages", &["oci", "store", "http", "tree"]),
    // `packages`: Debian's stanzas.
    ("catalog", &["oci", "store", "tree", "packages"]),
    // `packages`: the order of Debian's versions.
    ("advisories", &["rules", "oci", "store", "http", "packages"]),
    // `syntax`: the lock is KDL, and is read by the same bounded parser as a spec.
    ("plan", &["diagnostic", "syntax", "spec", "packages", "registry", "oci", "store", "http", "git"]),
    ("compile", &["diagnostic", "spec", "plan", "packages", "llb", "oci"]),
    ("solve", &["llb", "tree", "oci", "store", "http", "registry"]),
    ("image", &["tree", "oci", "store"]),
    ("evidence", &["plan", "packages", "tree", "oci", "store", "http", "rules", "catalog", "secrets", "advisories"]),
    // `spec`: a policy is written in the spec's language, also where it is a file of its own.
    ("policy", &["diagnostic", "rules", "spec", "evidence", "oci"]),
    (
        "pipeline",
        &[
            "diagnostic",
            "rules",
            "oci",
            "store",
            "tree",
            "http",
            "git",
            "registry",
            "spec",
            "llb",
            "packages",
            "catalog",
            "secrets",
            "advisories",
            "plan",
            "compile",
            "solve",
            "image",
            "evidence",
            "policy",
        ],
    ),
    ("cli", &["pipeline", "diagnostic", "oci"]),
    ("main", &["cli"]),
];

/// No file is longer.
const LONGEST: usize = 600;

/// Half of the files are shorter.
const MEDIAN: usize = 200;

/// Names that say nothing about what a module is for.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "core", "types", "helpers", "misc"];

#[test]
fn every_arrow_is_in_the_table() {
    none(rules::arrows(&sources::below("src")));
}

#[test]
fn the_table_is_in_rank_order_and_so_is_the_library() {
    none(rules::ranks(TABLE));
    none(rules::order(&sources::below("src")));
}

#[test]
fn names_say_what_a_module_is_for() {
    none(rules::names(&sources::below("src")));
}

#[test]
fn files_stay_short() {
    let mut files = sources::below("src");
    println!("{} files in src/, median {} lines", files.len(), rules::median(&files));
    assert!(rules::median(&files) < MEDIAN, "half of the files in src/ have {} lines and more", rules::median(&files));
    files.extend(sources::below("tests"));
    files.extend(sources::below("benches"));
    none(rules::lengths(&files));
}

#[test]
fn nothing_is_left_to_do_and_nothing_is_printed() {
    none(rules::macros(&sources::below("src")));
}

#[test]
fn no_file_is_forgotten() {
    none(rules::forgotten(&sources::below("src"), &["src/lib.rs", "src/main.rs"]));
    none(rules::forgotten(&sources::below("tests"), &["tests/main.rs"]));
}

fn none(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}
