//! Projects of several languages, made of packages of their indexes.

use super::installed::{cargo, crates, kept, npm, python, run, syft};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Applications, libraries, names with dots, and a package that brings a Java archive with others in it.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/catalogued/requirements.txt");

/// What an application needs beside programs of its own, one of which is made with Go.
const PACKAGE: &str = r#"{
  "name": "shop", "version": "0.0.1", "private": true,
  "dependencies": {
    "@babel/core": "7.27.4", "esbuild": "0.25.5", "eslint": "8.57.1", "express": "4.21.2", "webpack": "5.99.9"
  }
}"#;

/// Up to which day npm takes what those need.
const DAY: &str = "2025-07-01";

const CRATE: &str = r#"[package]
name = "counter"
version = "0.3.0"
edition = "2021"

[dependencies]
flate2 = "=1.1.1"
regex = "=1.11.1"
semver = "=1.0.26"
serde_json = "=1.0.140"

[build-dependencies]
cc = "=1.2.25"
"#;

/// Where the projects are, each with the part of it that is no link to this machine's programs.
pub const FOLDER: &str = "image-projects";
pub const PARTS: [(&str, &str); 4] = [("python", "python/lib"), ("node", "node"), ("rust", "rust"), ("go", "go")];

/// Makes all of them.
pub fn make() {
    for make in [python_project, node, rust, go] {
        make();
    }
}

fn project(name: &str, about: &str, make: impl FnOnce(&Path)) -> PathBuf {
    kept(&format!("{FOLDER}/{name}"), about, make)
}

/// A Python environment.
pub fn python_project() -> PathBuf {
    project("python", &fs::read_to_string(REQUIREMENTS).unwrap(), |folder| {
        run(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(folder));
        let mut pip = Command::new(python().join("python"));
        pip.args(["-m", "pip", "--python"]).arg(folder.join("bin/python"));
        pip.args(["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS]);
        run(&mut pip);
    })
}

/// An npm project.
pub fn node() -> PathBuf {
    project("node", &format!("{PACKAGE} {DAY}"), |folder| {
        fs::write(folder.join("package.json"), PACKAGE).unwrap();
        run(npm(folder).args(["--before", DAY]));
    })
}

/// A folder with a program of several crates, which `cargo auditable` has built.
pub fn rust() -> PathBuf {
    project("rust", CRATE, |folder| {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| fs::write(project.path().join(name), content).unwrap();
        write("Cargo.toml", CRATE);
        write("build.rs", "fn main() {\n    let _ = cc::Build::new();\n}\n");
        write("main.rs", "fn main() {\n    println!(\"{}\", serde_json::json!([]));\n}\n");
        fs::create_dir(project.path().join("src")).unwrap();
        fs::rename(project.path().join("main.rs"), project.path().join("src/main.rs")).unwrap();
        let mut build = Command::new(crates().join("cargo-auditable"));
        build.args(["auditable", "build", "--quiet", "--target-dir"]).arg(project.path().join("target"));
        run(build.env("CARGO", cargo()).current_dir(project.path()));
        fs::copy(project.path().join("target/debug/counter"), folder.join("counter")).unwrap();
    })
}

/// A folder with a program of several hundred Go modules: syft itself.
fn go() -> PathBuf {
    let program = syft();
    project("go", "syft", |folder: &Path| {
        fs::copy(program, folder.join("syft")).unwrap();
    })
}
