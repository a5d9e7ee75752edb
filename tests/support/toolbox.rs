//! A shell and its tools in one static program (`toolbox.c`), compiled when a test first needs it: what a file system
//! needs to run commands in it, offline and without any distribution.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program, compiled.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &PROGRAM.get_or_init(|| compiled(include_str!("toolbox.c"))).1
}

/// A static program of some C; the folder goes when it is dropped.
pub fn compiled(source: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (text, program) = (folder.path().join("source.c"), folder.path().join("program"));
    std::fs::write(&text, source).unwrap();
    let output = Command::new("cc").args(["-static", "-O1", "-o"]).arg(&program).arg(&text).output();
    let output = output.expect("building kiln needs a C compiler, and so do its tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, program)
}
