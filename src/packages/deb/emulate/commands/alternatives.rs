//! `update-alternatives`: of several programs for one name, the one with the highest priority.

use super::{Declared, Effect};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::{Fault, Root};
use crate::tree::Entry;
use std::collections::BTreeMap;

pub(super) const COMMANDS: &[Declared] = &[Declared {
    names: &["update-alternatives"],
    effect: Effect::Run(update_alternatives),
    essential: true,
    about: "makes the links in /etc/alternatives and those that lead there; among equals the first by path wins",
}];

/// Where the links between are.
const FOLDER: &str = "/etc/alternatives";

/// All groups of alternatives, by name.
#[derive(Debug, Default)]
pub(in crate::packages::deb) struct Alternatives(BTreeMap<String, Group>);

#[derive(Debug, Default)]
struct Group {
    /// The path that leads to the choice.
    link: String,
    /// Names and paths that go along with it.
    slaves: BTreeMap<String, String>,
    /// What there is to choose from, by path.
    choices: BTreeMap<String, Choice>,
    /// What was set by hand.
    manual: Option<String>,
}

#[derive(Debug)]
struct Choice {
    priority: i64,
    slaves: BTreeMap<String, String>,
}

impl Group {
    fn best(&self) -> Option<(&String, &Choice)> {
        if let Some(path) = &self.manual {
            return self.choices.get_key_value(path);
        }
        // The first of the highest: a later one must be better to win.
        self.choices.iter().rev().max_by_key(|(_, choice)| choice.priority)
    }
}

impl Group {
    /// What `--query` prints.
    fn describe(&self, name: &str) -> String {
        let best = self.choices.iter().rev().max_by_key(|(_, choice)| choice.priority).map_or("none", |(path, _)| path);
        let value = self.best().map_or("none", |(path, _)| path);
        let status = if self.manual.is_some() { "manual" } else { "auto" };
        let link = &self.link;
        let mut text = format!("Name: {name}\nLink: {link}\nStatus: {status}\nBest: {best}\nValue: {value}\n");
        for (path, choice) in &self.choices {
            text.push_str(&format!("\nAlternative: {path}\nPriority: {}\n", choice.priority));
        }
        text
    }
}

impl Alternatives {
    /// The files that dpkg keeps of them: name and text.
    pub(in crate::packages::deb) fn records(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().filter(|(_, group)| !group.choices.is_empty()).map(|(name, group)| {
            let mode = if group.manual.is_some() { "manual" } else { "auto" };
            let mut text = format!("{mode}\n{}\n", group.link);
            for (slave, link) in &group.slaves {
                text.push_str(&format!("{slave}\n{link}\n"));
            }
            text.push('\n');
            for (path, choice) in &group.choices {
                text.push_str(&format!("{path}\n{}\n", choice.priority));
                for slave in group.slaves.keys() {
                    text.push_str(choice.slaves.get(slave).map(String::as_str).unwrap_or_default());
                    text.push('\n');
                }
            }
            text.push('\n');
            (name.as_str(), text)
        })
    }
}

fn update_alternatives(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let words: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| !matches!(*word, "--quiet" | "--verbose" | "--force" | "--skip-auto" | "--debug"))
        .collect();
    match words.as_slice() {
        ["--install", link, name, path, priority, rest @ ..] => {
            let priority = priority.parse().map_err(|_| shell.obstacle("the priority is no number"))?;
            let mut slaves = Vec::new();
            for slave in rest.chunks(4) {
                let ["--slave", link, name, path] = slave else {
                    return Err(shell.obstacle("this form of `update-alternatives` is not understood"));
                };
                slaves.push((*link, *name, *path));
            }
            install(shell, (link, name, path), priority, &slaves, io)
        }
        ["--remove", name, path] => {
            if let Some(group) = shell.scene.alternatives.0.get_mut(*name) {
                group.choices.remove(*path);
            }
            apply(shell, name, io)
        }
        ["--remove-all", name] => {
            shell.scene.alternatives.0.remove(*name);
            Ok(0)
        }
        ["--set", name, path] => match shell.scene.alternatives.0.get_mut(*name) {
            Some(group) if group.choices.contains_key(*path) => {
                group.manual = Some((*path).to_owned());
                apply(shell, name, io)
            }
            _ => {
                io.complain(format!("update-alternatives: {path} is no alternative for {name}"));
                Ok(2)
            }
        },
        ["--auto", name] => match shell.scene.alternatives.0.get_mut(*name) {
            Some(group) => {
                group.manual = None;
                apply(shell, name, io)
            }
            None => Ok(2),
        },
        ["--query" | "--display" | "--list", name] => {
            let Some(group) = shell.scene.alternatives.0.get(*name) else {
                io.complain(format!("update-alternatives: no alternatives for {name}"));
                return Ok(2);
            };
            match words[0] {
                "--list" => group.choices.keys().for_each(|path| io.print(format!("{path}\n"))),
                "--query" => io.print(group.describe(name)),
                _ => return Err(shell.obstacle("this form of `update-alternatives` is not understood")),
            }
            Ok(0)
        }
        _ => Err(shell.obstacle("this form of `update-alternatives` is not understood")),
    }
}

fn install(
    shell: &mut Shell<'_>,
    (link, name, path): (&str, &str, &str),
    priority: i64,
    slaves: &[(&str, &str, &str)],
    io: &Io,
) -> Run<i32> {
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\n', ' ']) && !name.starts_with('.');
    let names_are_plain = plain(name) && slaves.iter().all(|(_, name, _)| plain(name));
    let absolute = |p: &str| p.starts_with('/') && !p.contains('\n');
    if !names_are_plain || !absolute(link) || !absolute(path) {
        return Err(shell.obstacle("an alternative has a name or path that is not understood"));
    }
    if shell.root.stat(path, true).is_none() {
        if shell.scene.is_left_out(path) {
            return Ok(0);
        }
        io.complain(format!("update-alternatives: error: alternative path {path} doesn't exist"));
        return Ok(2);
    }
    let group = shell.scene.alternatives.0.entry(name.to_owned()).or_default();
    group.link = link.to_owned();
    let mut own = BTreeMap::new();
    for (link, name, path) in slaves {
        group.slaves.insert((*name).to_owned(), (*link).to_owned());
        own.insert((*name).to_owned(), (*path).to_owned());
    }
    group.choices.insert(path.to_owned(), Choice { priority, slaves: own });
    apply(shell, name, io)
}

/// Makes the links of a group.
fn apply(shell: &mut Shell<'_>, name: &str, io: &Io) -> Run<i32> {
    let mut wanted: Vec<(String, String, Option<String>)> = Vec::new();
    if let Some(group) = shell.scene.alternatives.0.get(name) {
        let best = group.best();
        wanted.push((name.to_owned(), group.link.clone(), best.map(|(path, _)| path.clone())));
        for (slave, link) in &group.slaves {
            let path = best.and_then(|(_, choice)| choice.slaves.get(slave)).cloned();
            // A slave whose file is not there (a manual page that is left out) gets no links.
            let path = path.filter(|path| shell.root.stat(path, true).is_some());
            wanted.push((slave.clone(), link.clone(), path));
        }
    }
    let run = |root: &mut Root| -> Result<(), Fault> {
        root.make_dirs(FOLDER, 0o755)?;
        for (name, link, path) in wanted {
            let between = format!("{FOLDER}/{name}");
            match path {
                Some(path) => {
                    set_link(root, &between, &path)?;
                    set_link(root, &link, &between)?;
                }
                None => {
                    unset_link(root, &between)?;
                    unset_link(root, &link)?;
                }
            }
        }
        Ok(())
    };
    let result = run(shell.root);
    shell.answer(io, "update-alternatives", name, result)
}

/// Makes a link; a real file in its place is left alone.
fn set_link(root: &mut Root, link: &str, target: &str) -> Result<(), Fault> {
    match root.stat(link, false).map(|entry| entry.link_target().map(<[u8]>::to_vec)) {
        Some(Some(old)) if old == target.as_bytes() => return Ok(()),
        Some(Some(_)) => root.unlink(link)?,
        Some(None) => return Ok(()),
        None => {
            let folder = link.rsplit_once('/').map_or("/", |(folder, _)| folder);
            if root.stat(folder, true).is_none() {
                root.make_dirs(folder, 0o755)?;
            }
        }
    }
    root.make(link, Entry::symlink(target.as_bytes()))
}

fn unset_link(root: &mut Root, link: &str) -> Result<(), Fault> {
    match root.stat(link, false) {
        Some(entry) if entry.link_target().is_some() => root.unlink(link),
        _ => Ok(()),
    }
}
