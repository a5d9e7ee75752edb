//! `a2enmod`, `a2enconf`, `a2ensite`: parts of Apache's configuration that are switched on by links.

use super::{Declared, Effect};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::{Fault, Root};
use crate::tree::Entry;

macro_rules! does {
    ($name:expr, $run:expr, $about:expr) => {
        Declared { names: &[$name], effect: Effect::Run($run), essential: false, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!("a2enmod", |s, a, io| enable(s, a, io, "mods", ".load"), "links a module of Apache and those that it needs"),
    does!("a2enconf", |s, a, io| enable(s, a, io, "conf", ".conf"), "links a part of Apache's configuration"),
    does!("a2ensite", |s, a, io| enable(s, a, io, "sites", ".conf"), "links a site of Apache's"),
    does!("a2query", |_, _, _| Ok(1), "says no"),
];

const FOLDER: &str = "/etc/apache2";

/// How deep modules may need others.
const MAX_DEPTH: u32 = 10;

fn enable(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io, kind: &str, suffix: &str) -> Run<i32> {
    let mut status = 0;
    for name in arguments.iter().filter(|a| !a.starts_with('-')) {
        let name = name.strip_suffix(suffix).unwrap_or(name);
        let result = link(shell.root, kind, name, suffix, 0);
        status = status.max(shell.answer(io, "a2enmod", name, result)?);
    }
    Ok(status)
}

fn link(root: &mut Root, kind: &str, name: &str, suffix: &str, depth: u32) -> Result<(), Fault> {
    if depth > MAX_DEPTH || name.contains('/') {
        return Err(Fault::Errno("it needs too many others"));
    }
    let text = root.read(&format!("{FOLDER}/{kind}-available/{name}{suffix}"))?;
    if kind == "mods" {
        let text = String::from_utf8_lossy(&text).into_owned();
        let needs = text.lines().filter_map(|line| line.strip_prefix("# Depends:"));
        for needed in needs.flat_map(str::split_ascii_whitespace) {
            link(root, kind, needed, suffix, depth + 1)?;
        }
    }
    for suffix in [suffix, ".conf"] {
        let source = format!("{kind}-available/{name}{suffix}");
        let target = format!("{FOLDER}/{kind}-enabled/{name}{suffix}");
        if root.stat(&format!("{FOLDER}/{source}"), true).is_some() && root.stat(&target, false).is_none() {
            root.make_dirs(&format!("{FOLDER}/{kind}-enabled"), 0o755)?;
            root.make(&target, Entry::symlink(format!("../{source}")))?;
        }
    }
    Ok(())
}
