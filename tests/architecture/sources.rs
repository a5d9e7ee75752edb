//! The Rust files of the project.

use super::lexer::{Token, lex};
use std::fs;
use std::path::Path;

/// A Rust file: its path below the project and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn tokens(&self) -> Vec<Token<'_>> {
        lex(&self.text)
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Where the file stands in its crate, as a path of modules: `src/llb/tests/mod.rs` is `llb::tests`.
    pub fn module(&self) -> Vec<&str> {
        let inside = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut parts: Vec<&str> = inside.split('/').skip(1).collect();
        if matches!(parts.last(), Some(&"mod")) || matches!(parts[..], ["lib" | "main"]) {
            parts.pop();
        }
        parts
    }

    /// The module of [`super::TABLE`] that the file is part of; none for the library's root.
    pub fn rank(&self) -> Option<&str> {
        match self.path.as_str() {
            "src/main.rs" => Some("main"),
            _ => self.module().first().copied(),
        }
    }
}

/// All Rust files below a folder of the project, in order; none where there is no such folder.
pub fn below(folder: &str) -> Vec<Source> {
    let mut found = vec![];
    collect(folder, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, found);
        } else if path.ends_with(".rs") {
            found.push(Source { text: fs::read_to_string(entry.path()).unwrap(), path });
        }
    }
}
