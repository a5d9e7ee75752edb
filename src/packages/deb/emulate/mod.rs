//! What maintainer scripts would have done, done without running a program.
//!
//! A script is read by a [`shell`] that carries it out on the tree, with a fixed
//! set of declared [`commands`]. A few packages are handled by name
//! ([`by_name`]) because their scripts start programs of their own. All else
//! that a script would do is a [`ScriptProblem`]: nothing is passed over.

mod accounts;
mod by_name;
mod certificates;
mod commands;
mod library_cache;
mod pam;
mod shell;

pub(super) use commands::{Alternatives, Debconf, Diversion};

use super::root::{Fault, Root};
use super::stanza::Stanza;
use crate::store::StoreError;
use shell::{Shell, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The largest script.
const MAX_SCRIPT: u64 = 4 << 20;

/// A script that kiln cannot carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptProblem {
    /// The package.
    pub package: String,
    /// `preinst`, `postinst` or `config`.
    pub script: &'static str,
    /// The file that the line stands in, where it is not the script itself.
    pub file: Option<String>,
    /// The line, counted from 1; 0 where it is the script as a whole.
    pub line: u32,
    /// What the line says.
    pub text: String,
    /// What stands in the way.
    pub reason: String,
}

impl fmt::Display for ScriptProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} script of {}", self.script, self.package)?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
            if let Some(file) = &self.file {
                write!(f, " of {file}")?;
            }
            write!(f, " (`{}`)", self.text)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A package as its own and other packages' scripts see it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) stanza: Stanza,
    /// What it installs, as absolute paths in order.
    pub(super) files: Vec<String>,
}

/// What scripts share beside the root.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// The architecture of the set.
    pub(super) architecture: String,
    /// All packages of the set.
    pub(super) packages: Vec<Known>,
    pub(super) debconf: Debconf,
    pub(super) alternatives: Alternatives,
    pub(super) diversions: Vec<Diversion>,
    /// What dpkg-statoverride was told: path and line.
    pub(super) overrides: Vec<(String, String)>,
    /// Paths that go when all is done.
    pub(super) temporary: Vec<String>,
    /// Files that the set leaves out, as absolute paths.
    pub(super) left_out: BTreeSet<String>,
    /// Whether a script asked for the cache of libraries.
    pub(super) wants_library_cache: bool,
    /// What is not quite as it would be: package and text.
    pub(super) warnings: Vec<(String, String)>,
    /// The package whose script runs.
    current: String,
    temporaries: u32,
}

impl Scene {
    /// A scene without packages.
    pub(super) fn new(architecture: &str) -> Self {
        Scene { architecture: architecture.to_owned(), ..Scene::default() }
    }

    fn next_temporary(&mut self) -> u32 {
        self.temporaries += 1;
        self.temporaries
    }

    fn warn(&mut self, text: &str) {
        let warning = (self.current.clone(), text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn is_left_out(&self, path: &str) -> bool {
        self.left_out.contains(path)
    }
}

/// Which script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Before the files are there.
    Preinst,
    /// Questions, before the next.
    Config,
    /// When all files are there.
    Postinst,
}

impl Script {
    /// The name of its file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Script::Preinst => "preinst",
            Script::Config => "config",
            Script::Postinst => "postinst",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Script::Preinst => &["install"],
            Script::Config | Script::Postinst => &["configure", ""],
        }
    }
}

/// Carries out a script of the package `package` of the scene.
///
/// # Errors
/// The outer error is the store's, the inner one a problem of the script.
pub(super) fn run(
    root: &mut Root,
    scene: &mut Scene,
    package: usize,
    script: Script,
    bytes: &[u8],
) -> Result<Result<(), ScriptProblem>, StoreError> {
    let stanza = &scene.packages[package].stanza;
    let (name, architecture) = (stanza.name().to_owned(), stanza.architecture().to_owned());
    scene.current.clone_from(&name);
    let problem = |line, file, text: String, reason: String| ScriptProblem {
        package: name.clone(),
        script: script.name(),
        file,
        line,
        text,
        reason,
    };
    let whole = |reason: &str| problem(0, None, String::new(), reason.to_owned());
    if let Some(known) = by_name::find(&name, script) {
        return match (known.does)(root, scene) {
            Ok(()) => Ok(Ok(())),
            Err(Fault::Errno(message)) => Ok(Err(whole(message))),
            Err(Fault::Store(e)) => Err(e),
        };
    }
    if bytes.len() as u64 > MAX_SCRIPT {
        return Ok(Err(whole("it is too long to be a script")));
    }
    if bytes.contains(&0) {
        return Ok(Err(whole("it is no text, but a program")));
    }
    // Old ones have names in other encodings in their comments.
    let text = &*String::from_utf8_lossy(bytes);
    if let Err(reason) = check_interpreter(text) {
        return Ok(Err(whole(&reason)));
    }
    let variables: BTreeMap<String, String> = [
        ("DPKG_MAINTSCRIPT_PACKAGE", name.as_str()),
        ("DPKG_MAINTSCRIPT_NAME", script.name()),
        ("DPKG_MAINTSCRIPT_ARCH", if architecture == "all" { &scene.architecture } else { &architecture }),
        ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
        ("DPKG_RUNNING_VERSION", "1.22.0"),
        ("DPKG_ROOT", ""),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("HOME", "/root"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("LC_ALL", "C.UTF-8"),
        ("IFS", " \t\n"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    match Shell::new(root, scene, variables).run_script(text, script.arguments()) {
        Ok(outcome) if outcome.status == 0 => Ok(Ok(())),
        Ok(outcome) => {
            let errors = String::from_utf8_lossy(&outcome.errors).into_owned();
            let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed no reason");
            let last: String = last.chars().take(300).collect();
            Ok(Err(whole(&format!("it fails with exit code {}: {last}", outcome.status))))
        }
        Err(Stop::Obstacle(o)) => Ok(Err(problem(o.line, o.file, o.text, o.reason))),
        Err(Stop::Store(e)) => Err(*e),
        Err(_) => unreachable!("run_script turns all other ends into an outcome"),
    }
}

fn check_interpreter(text: &str) -> Result<(), String> {
    let first = text.lines().next().unwrap_or_default();
    let program = first.strip_prefix("#!").map(str::trim).unwrap_or_default();
    match program.split_ascii_whitespace().next() {
        Some("/bin/sh" | "/bin/bash" | "/bin/dash" | "/usr/bin/sh" | "/usr/bin/bash") => Ok(()),
        Some(other) => Err(format!("it is a program for `{other}`, and kiln understands shell scripts only")),
        None => Err("it does not say which program reads it".to_owned()),
    }
}

/// What is left to do when all scripts have run.
pub(super) fn finish(root: &mut Root, scene: &mut Scene) -> Result<(), StoreError> {
    for path in std::mem::take(&mut scene.temporary).iter().rev() {
        if let Ok(place) = root.find(path, false)
            && !place.is_root()
            && (path != "/tmp" || root.tree.children(&place).next().is_none())
        {
            root.remove(&place);
        }
    }
    library_cache::write(root, scene)
}

/// The MD5 checksum of some bytes in hexadecimal digits; scripts compare files by it.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    use md5::Digest as _;
    md5::Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
