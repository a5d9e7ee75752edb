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

/// Modules name only those that the table allows, in code and in documentation. Their tests may also name what stands
/// below those: a graph is made from spans, and trees lie in a store.
pub fn arrows(sources: &[Source]) -> Vec<Finding> {
    let mut findings = vec![];
    let tests = tests(sources);
    for source in sources {
        let Some(from) = source.rank() else { continue };
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == from) else {
            findings.push(Finding::new(source, 1, format!("the module {from} is not in the table")));
            continue;
        };
        for named in named(source) {
            let to = named.path[0].as_str();
            let tested = tests.contains(&source.path) && below(from).contains(to);
            if to != from && !allowed.contains(&to) && !tested {
                findings.push(Finding::new(source, named.line, format!("{from} may not name {to}")));
            }
        }
    }
    findings.dedup();
    findings
}

/// All that a module can reach by the arrows of the table.
fn below(module: &str) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![module];
    while let Some(module) = waiting.pop() {
        let allowed = TABLE.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| allowed);
        waiting.extend(allowed.iter().filter(|name| reached.insert(**name)));
    }
    reached
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
        for Declared { name, line, .. } in declared(&source.tokens()) {
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
    let tests = tests(sources);
    for source in sources {
        let prints = tests.contains(&source.path) || matches!(source.rank(), Some("cli" | "main"));
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
        for module in declared(&source.tokens()) {
            waiting.extend(module.places(&path).into_iter().filter(|place| reached.insert(place.clone())));
        }
    }
    let lost = sources.iter().filter(|source| !reached.contains(&source.path));
    lost.map(|source| Finding::new(source, 1, "no module declares this file, so nothing compiles it")).collect()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A module that a file declares as a file of its own.
struct Declared<'a> {
    name: &'a str,
    line: usize,
    /// Its `#[path]`, where one is stated.
    stated: Option<&'a str>,
    /// Whether it is there for tests only.
    test: bool,
}

impl Declared<'_> {
    /// Where the file can be, seen from the one that declares it.
    fn places(&self, from: &str) -> Vec<String> {
        if let Some(stated) = self.stated {
            return vec![format!("{}/{stated}", folder(from))];
        }
        let inside = match from.rsplit('/').next() {
            Some("mod.rs" | "lib.rs" | "main.rs") => folder(from),
            _ => from.trim_end_matches(".rs"),
        };
        vec![format!("{inside}/{}.rs", self.name), format!("{inside}/{}/mod.rs", self.name)]
    }
}

fn declared<'a>(tokens: &[Token<'a>]) -> Vec<Declared<'a>> {
    let mut found = vec![];
    let (mut stated, mut test) = (None, false);
    for (at, token) in tokens.iter().enumerate() {
        let before = |count: usize| at.checked_sub(count).map(|at| tokens[at].kind);
        match token.kind {
            Kind::Text(text) if before(2) == Some(Kind::Word("path")) => stated = Some(text),
            Kind::Word("test") if before(2) == Some(Kind::Word("cfg")) => test = true,
            Kind::Sign(';' | '}') => (stated, test) = (None, false),
            Kind::Word("mod") => {
                if let Some([Token { kind: Kind::Word(name), line }, Token { kind: Kind::Sign(';'), .. }]) =
                    tokens.get(at + 1..at + 3)
                {
                    found.push(Declared { name, line: *line, stated, test });
                }
            }
            _ => {}
        }
    }
    found
}

/// The files that are there for tests only, and all below them.
fn tests(sources: &[Source]) -> BTreeSet<String> {
    let mut places = vec![];
    for source in sources {
        let declared = declared(&source.tokens());
        places.extend(declared.iter().filter(|it| it.test).flat_map(|it| it.places(&source.path)));
    }
    let folders: Vec<String> =
        places.iter().map(|it| format!("{}/", it.trim_end_matches("/mod.rs").trim_end_matches(".rs"))).collect();
    let inside = |path: &str| places.iter().any(|it| it == path) || folders.iter().any(|it| path.starts_with(it));
    sources.iter().map(|source| source.path.clone()).filter(|path| inside(path)).collect()
}
