//! The pages of the language are executed: what they show as accepted is accepted, what they show as refused is
//! refused with just these words.

use super::*;
use crate::spec::vocabulary::{IMAGE, TOP};
use std::path::PathBuf;

/// A sample of a page: a fenced block and what stands on its first line after the language.
struct Sample {
    line: usize,
    kind: String,
    /// A whole spec, however it begins.
    whole: bool,
    text: String,
}

#[test]
fn every_node_has_a_page_and_every_page_is_listed() {
    let pages = pages();
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for node in TOP.iter().chain(IMAGE) {
        assert!(names.contains(node), "specs/language/{node}.md is missing");
    }
    let index = &pages.iter().find(|(name, _)| name == "README").expect("an index").1;
    for name in names.iter().filter(|name| **name != "README") {
        assert!(index.contains(&format!("({name}.md)")), "specs/language/README.md does not list {name}.md");
    }
}

#[test]
fn every_page_shows_what_is_accepted_and_what_is_refused() {
    for (name, text) in pages().iter().filter(|(name, _)| name != "README") {
        let samples = samples(text);
        for kind in ["kdl accepted", "kdl refused"] {
            assert!(samples.iter().any(|s| s.kind == kind), "specs/language/{name}.md has no `{kind}` sample");
        }
        let known = ["kdl accepted", "kdl warned", "kdl refused", "kdl file", "text"];
        for sample in &samples {
            let kind = sample.kind.split(" path=").next().unwrap_or_default();
            assert!(known.contains(&kind), "specs/language/{name}.md:{}: unknown sample `{kind}`", sample.line);
        }
    }
}

#[test]
fn samples_do_what_their_pages_say() {
    let mut wrong = String::new();
    for (name, text) in pages() {
        let samples = samples(&text);
        for (i, sample) in samples.iter().enumerate() {
            let place = format!("specs/language/{name}.md:{}", sample.line);
            let found = found(&samples[..i], sample);
            match sample.kind.as_str() {
                "kdl accepted" if !found.is_empty() => wrong += &format!("{place}: refused\n{found}\n\n"),
                "kdl refused" | "kdl warned" => {
                    let wanted = samples.get(i + 1).filter(|next| next.kind == "text").map(|next| next.text.trim_end());
                    if wanted != Some(&found) {
                        wrong += &format!("{place}: wanted\n{}\nfound\n{found}\n\n", wanted.unwrap_or("(no text)"));
                    }
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn diagnostics_name_pages_that_are_there() {
    for (_, text) in pages() {
        let samples = samples(&text);
        for (i, sample) in samples.iter().enumerate().filter(|(_, s)| s.kind.starts_with("kdl refused")) {
            let Err(diagnostics) = run(&samples[..i], sample) else { continue };
            for diagnostic in diagnostics.list {
                let page = diagnostic.page.unwrap_or_else(|| panic!("`{}` names no page", diagnostic.message));
                assert!(root().join(&page).is_file(), "`{}` names {page}, which is not there", diagnostic.message);
            }
        }
    }
}

#[test]
fn accepted_samples_are_in_the_layout_of_the_formatter() {
    for (name, text) in pages() {
        for sample in samples(&text).iter().filter(|s| s.kind == "kdl accepted") {
            let formatted = crate::syntax::format("sample", &sample.text).unwrap();
            assert_eq!(formatted, sample.text, "specs/language/{name}.md:{}", sample.line);
        }
    }
}

/// The diagnostics of a sample, one a line; empty if it is accepted without a warning.
fn found(before: &[Sample], sample: &Sample) -> String {
    let shift = whole(sample).1;
    let diagnostics = match run(before, sample) {
        Ok(loaded) => {
            // In a sample of one node, much is unused.
            let warnings = loaded.warnings.into_iter().filter(|warning| shift == 0 || warning.code != "spec::unused");
            Diagnostics::new(warnings.collect(), loaded.sources)
        }
        Err(diagnostics) => diagnostics,
    };
    let lines = diagnostics.to_string();
    lines.lines().map(|line| as_shown(line, shift)).collect::<Vec<_>>().join("\n")
}

/// A diagnostic with its line counted as the page shows the sample.
fn as_shown(line: &str, shift: usize) -> String {
    let parsed = line.strip_prefix("kiln.kdl:").and_then(|rest| rest.split_once(':'));
    match parsed.and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest))) {
        Some((number, rest)) => format!("{}:{rest}", number.saturating_sub(shift)),
        None => line.to_owned(),
    }
}

/// Loads a sample.
fn run(before: &[Sample], sample: &Sample) -> Result<Loaded, Diagnostics> {
    let mut files = files(&whole(sample).0, &[]);
    for file in before {
        if let Some(path) = file.kind.strip_prefix("kdl file path=") {
            files.insert(path.to_owned(), file.text.clone());
        }
    }
    load(&files, "kiln.kdl", &BTreeMap::new())
}

/// A whole spec around a sample, and how many lines stand before it: a sample is a spec, nodes of the top, or nodes
/// of an image.
fn whole(sample: &Sample) -> (String, usize) {
    let text = &sample.text;
    let first = text.split_whitespace().next().unwrap_or_default();
    match first {
        _ if sample.whole => (text.clone(), 0),
        "kiln" => (text.clone(), 0),
        "image" => (format!("kiln 1\n{text}"), 1),
        name if TOP.contains(&name) => (format!("kiln 1\n{text}image \"some\" {{ user 0 }}\n"), 1),
        _ => (format!("kiln 1\nsource \"app\" {{ context \".\" }}\nimage \"some\" {{\n{text}}}\n"), 3),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The pages with their names, sorted.
fn pages() -> Vec<(String, String)> {
    let folder = root().join("specs/language");
    let mut pages: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the pages are part of the repository")
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("readable"))
        })
        .collect();
    pages.sort();
    pages
}

fn samples(page: &str) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut open = false;
    for (i, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(kind) if !open => {
                let (kind, whole) = kind.strip_suffix(" whole").map_or((kind, false), |kind| (kind, true));
                samples.push(Sample { line: i + 1, kind: kind.trim().to_owned(), whole, text: String::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let sample = samples.last_mut().expect("one is open");
                sample.text.push_str(line);
                sample.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "a fence is not closed");
    samples
}
