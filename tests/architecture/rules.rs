//! The rules, each a function from sources to what breaks it.

use super::lexer::{Kind, Token};
use super::paths::named;
use super::{EMPTY_NAMES, LONGEST, Source, TABLE};
use std::collections::BTreeSet;
use std::fmt;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl Finding {
    fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Finding { path: source.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Modules name only those that the table allows, in code and in documentation.
pub fn arrows(sources: &[Source]) -> Vec<Finding> {
    let mut findings = vec![];
    for source in sources {
        let Some(from) = source.rank() else { continue };
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == from) else {
            findings.push(Finding::new(source, 1, format!("the module {from} is not in the table")));
            continue;
        };
        for named in named(source) {
            let to = named.path[0].as_str();
            if to != from && !allowed.contains(&to) {
                findings.push(Finding::new(source, named.line, format!("{from} may not name {to}")));
            }
        }
    }
    findings.dedup();
    findings
}

/// Modules name only those above them in the table.
pub fn ranks(table: &[(&str, &[&str])]) -> Vec<Finding> {
    let mut findings = vec![];
    for (rank, (from, allowed)) in table.iter().enumerate() {
        for to in allowed.iter().filter(|to| !table[..rank].iter().any(|(above, _)| above == *to)) {
            let what = format!("{from} stands above {to}, and so may not name it");
            findings.push(Finding { path: "tests/architecture.rs".into(), line: 1, what });
        }
    }
    findings
}

/// The library's root declares modules in the order of the table, and does nothing else.
pub fn order(sources: &[Source]) -> Vec<Finding> {
    let mut findings = vec![];
    for source in sources.iter().filter(|source| source.path == "src/lib.rs") {
        let mut last = 0;
        for (name, line, _) in declared(&source.tokens()) {
            let rank = TABLE.iter().position(|(module, _)| *module == name).unwrap_or(0);
            if rank < last {
                findings.push(Finding::new(source, line, format!("{name} belongs above {}", TABLE[last].0)));
            }
            last = last.max(rank);
        }
        let uses = source.tokens().into_iter().filter(|token| token.kind == Kind::Word("use"));
        findings.extend(uses.map(|token| Finding::new(source, token.line, "the root re-exports nothing")));
    }
    findings
}

/// No file or folder has a name that says nothing.
pub fn names(sources: &[Source]) -> Vec<Finding> {
    let empty = |source: &&Source| source.module().iter().any(|name| EMPTY_NAMES.contains(name));
    sources.iter().filter(empty).map(|source| Finding::new(source, 1, "this name says nothing")).collect()
}

/// No file is too long.
pub fn lengths(sources: &[Source]) -> Vec<Finding> {
    let long = sources.iter().filter(|source| source.lines() > LONGEST);
    long.map(|source| Finding::new(source, LONGEST, format!("{} lines: split it", source.lines()))).collect()
}

/// The median length of the files, in lines.
pub fn median(sources: &[Source]) -> usize {
    let mut lengths: Vec<usize> = sources.iter().map(Source::lines).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

/// Nothing is left to do, and only the command line and tests print.
pub fn macros(sources: &[Source]) -> Vec<Finding> {
    let mut findings = vec![];
    for source in sources {
        let prints = source.is_test() || matches!(source.rank(), Some("cli" | "main"));
        for pair in source.tokens().windows(2) {
            let [Token { kind: Kind::Word(name), line }, Token { kind: Kind::Sign('!'), .. }] = *pair else { continue };
            let what = match name {
                "todo" | "unimplemented" | "dbg" => "is for unfinished code",
                "print" | "println" | "eprint" | "eprintln" if !prints => "is for the command line alone",
                _ => continue,
            };
            findings.push(Finding::new(source, line, format!("{name}! {what}")));
        }
    }
    findings
}

/// Every file is part of the crate whose roots are given: a `mod` declaration leads to it.
pub fn forgotten(sources: &[Source], roots: &[&str]) -> Vec<Finding> {
    let mut reached: BTreeSet<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    let mut waiting: Vec<String> = reached.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        for (name, _, stated) in declared(&source.tokens()) {
            let places = match stated {
                Some(stated) => vec![format!("{}/{stated}", folder(&path))],
                None => {
                    let inside = match path.rsplit('/').next() {
                        Some("mod.rs" | "lib.rs" | "main.rs") => folder(&path).to_owned(),
                        _ => path.trim_end_matches(".rs").to_owned(),
                    };
                    vec![format!("{inside}/{name}.rs"), format!("{inside}/{name}/mod.rs")]
                }
            };
            waiting.extend(places.into_iter().filter(|place| reached.insert(place.clone())));
        }
    }
    let lost = sources.iter().filter(|source| !reached.contains(&source.path));
    lost.map(|source| Finding::new(source, 1, "no module declares this file, so nothing compiles it")).collect()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The modules that a file declares as files of their own: name, line, and the `#[path]` where one is stated.
fn declared<'a>(tokens: &[Token<'a>]) -> Vec<(&'a str, usize, Option<&'a str>)> {
    let mut found = vec![];
    let mut stated = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Text(text) if at >= 2 && tokens[at - 2].kind == Kind::Word("path") => stated = Some(text),
            Kind::Sign(';' | '}') => stated = None,
            Kind::Word("mod") => {
                if let (Some(&Token { kind: Kind::Word(name), line }), Some(Kind::Sign(';'))) =
                    (tokens.get(at + 1), tokens.get(at + 2).map(|t| t.kind))
                {
                    found.push((name, line, stated));
                }
            }
            _ => {}
        }
    }
    found
}
