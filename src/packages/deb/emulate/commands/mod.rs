//! The commands that scripts may use, each declared with what it does here.
//!
//! The tables are data: `specs/packages.md` is checked against them, so that
//! what is written there is what is done.

mod accounts;
mod alternatives;
mod apache;
mod awk;
mod caches;
mod copy;
mod debconf;
mod debian;
mod files;
mod find;
mod mode;
mod options;
mod pattern;
mod sed;
mod services;
mod system;
mod text;

pub(in crate::packages::deb) use alternatives::Alternatives;
pub(in crate::packages::deb) use debconf::Debconf;
pub(in crate::packages::deb) use debian::Diversion;

use super::shell::{Io, Run, Shell};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a command does.
pub(super) enum Effect {
    /// What the real one does, to the tree.
    Run(fn(&mut Shell<'_>, &[String], &mut Io) -> Run<i32>),
    /// Nothing, successfully.
    Nothing,
    /// Nothing, and it says that it failed, as it would where nothing runs.
    Fails,
}

/// A declared command.
pub(super) struct Declared {
    /// Its names, without folders.
    pub(super) names: &'static [&'static str],
    pub(super) effect: Effect,
    /// Whether every Debian system has it, so that scripts find it even where the image lacks it.
    pub(super) essential: bool,
    /// What it does here, for the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked by a test"))]
    pub(super) about: &'static str,
}

impl Declared {
    pub(super) fn run(&self, shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
        match self.effect {
            Effect::Run(run) => run(shell, arguments, io),
            Effect::Nothing => Ok(0),
            Effect::Fails => Ok(1),
        }
    }
}

/// All tables, with the headings that the documentation gives them.
pub(super) const FAMILIES: [(&str, &[Declared]); 10] = [
    ("Files", files::COMMANDS),
    ("Text", text::COMMANDS),
    ("The system", system::COMMANDS),
    ("dpkg and its helpers", debian::COMMANDS),
    ("Alternatives", alternatives::COMMANDS),
    ("Questions (debconf)", debconf::COMMANDS),
    ("Accounts", accounts::COMMANDS),
    ("Services", services::COMMANDS),
    ("Apache's configuration", apache::COMMANDS),
    ("Caches that are made again when they are needed", caches::COMMANDS),
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Declared>> = LazyLock::new(|| {
    let all = FAMILIES.iter().flat_map(|(_, family)| family.iter());
    all.flat_map(|command| command.names.iter().map(move |name| (*name, command))).collect()
});

/// Where Debian puts programs; a command may be called by its path there.
const FOLDERS: [&str; 8] = [
    "/usr/local/sbin/",
    "/usr/local/bin/",
    "/usr/sbin/",
    "/usr/bin/",
    "/sbin/",
    "/bin/",
    "/usr/share/debconf/",
    "/usr/lib/systemd/",
];

/// A declared command by its name or path.
pub(super) fn find(name: &str) -> Option<&'static Declared> {
    if let Some(command) = BY_NAME.get(name) {
        return Some(command);
    }
    // Tools that libraries keep in folders of their own: `/usr/lib/x86_64-linux-gnu/glib-2.0/glib-compile-schemas`.
    if name.starts_with("/usr/lib/") || name.starts_with("/usr/libexec/") {
        let base = name.rsplit('/').next().unwrap_or_default();
        return caches::COMMANDS.iter().find(|command| command.names.contains(&base));
    }
    let base = FOLDERS.iter().find_map(|folder| name.strip_prefix(folder)).unwrap_or(name);
    BY_NAME.get(base).copied()
}

/// Whether every Debian system has a command.
pub(super) fn is_essential(name: &str) -> bool {
    BY_NAME.get(name).is_some_and(|command| command.essential)
}

/// What is done in place of reading in a file.
pub(super) fn find_source(path: &str) -> Option<fn(&mut Shell<'_>) -> Run<i32>> {
    match path {
        "/usr/share/debconf/confmodule" | "/usr/share/debconf/confmodule.sh" => Some(debconf::begin),
        _ => None,
    }
}
