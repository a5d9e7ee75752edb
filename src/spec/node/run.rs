//! `run` and `check`: commands.

use super::account::Owner;
use super::image::Pair;
use super::surroundings::Gathering;
use super::template;
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::{self, Form};

/// A command that runs in the file system of a stage or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStep {
    /// The command.
    pub command: Spanned<Command>,
    /// What its result is worth, where it is a `check`. A check changes nothing: what it leaves is dropped.
    pub check: Option<Check>,
    /// What it has beside what the whole stage has.
    pub surroundings: Surroundings,
    /// The whole node.
    pub span: Span,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One text, which the shell reads.
    Shell(String),
    /// A program with its arguments.
    Exec(Vec<String>),
}

/// What tells how a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: Spanned<String>,
    /// The file in which it leaves its results in JUnit's format; absolute and clean.
    pub junit: Option<Spanned<String>>,
    /// The file in which it leaves its results in SARIF; absolute and clean.
    pub sarif: Option<Spanned<String>>,
}

/// What commands find around them: a stage says it for all its commands, a command adds what it alone has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Sources and stages that are mounted.
    pub mounts: Vec<Mount>,
    /// Folders that outlive the build.
    pub caches: Vec<Cache>,
    /// Folders in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Agents of ssh.
    pub ssh: Vec<Ssh>,
    /// What is reached over the network; nothing where nothing is said.
    pub network: Option<Spanned<Network>>,
    /// Where commands start; absolute and clean.
    pub workdir: Option<Spanned<String>>,
    /// Who runs commands; root where nothing is said.
    pub user: Option<Spanned<Owner>>,
    /// Environment variables in the order written, names unique.
    pub env: Vec<Pair>,
    /// The program that reads a command of one text, with its arguments; `/bin/sh -c` where nothing is said.
    pub shell: Option<Spanned<Vec<String>>>,
    /// What a command may use.
    pub limits: Option<Limits>,
}

/// A source or a stage that commands see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The name of a source or a stage.
    pub from: Spanned<String>,
    /// Where; absolute and clean, not the root.
    pub to: Spanned<String>,
    /// The part of it: a clean path in it without wildcards; empty for all of it.
    pub path: Spanned<String>,
    /// Commands may change it. What they leave is there for the next command and can be copied from the stage by its
    /// path; the source stays as it is.
    pub writable: bool,
    /// The whole node.
    pub span: Span,
}

/// A folder that outlives the build and never decides what is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Where; absolute and clean.
    pub to: Spanned<String>,
    /// What it is called by all that share it; the path where nothing is said.
    pub id: Spanned<String>,
    /// Who may use it at the same time.
    pub sharing: Sharing,
    /// The whole node.
    pub span: Span,
}

/// Who may use a cache at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Several commands together.
    #[default]
    Shared,
    /// Each command one of its own.
    Private,
    /// One command after the other.
    Locked,
}

/// A folder in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Where; absolute and clean.
    pub to: Spanned<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The whole node.
    pub span: Span,
}

/// A secret, whose value the caller brings and the spec never holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What the command line calls it.
    pub name: Spanned<String>,
    /// How commands get it.
    pub form: SecretForm,
    /// Without it commands run all the same.
    pub optional: bool,
    /// The whole node.
    pub span: Span,
}

/// How commands get a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretForm {
    /// In an environment variable.
    Env(Spanned<String>),
    /// As a file, absolute and clean, that is only in memory.
    File {
        /// Where; `/run/secrets/` and the name where nothing is said.
        to: Spanned<String>,
        /// Its mode; 0400 where nothing is said.
        mode: Option<u16>,
        /// Its owner, by numbers; the root where nothing is said.
        owner: Option<(u32, u32)>,
    },
}

/// An agent of ssh, which the caller brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// What the command line calls it: `default` where nothing is said.
    pub name: Spanned<String>,
    /// Without it commands run all the same.
    pub optional: bool,
    /// The whole node.
    pub span: Span,
}

/// What commands reach over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing but themselves.
    #[default]
    None,
    /// All that the machine reaches: what they build is not reproducible by rule.
    Host,
}

/// What a command may use; what is not said is not bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Thousandths of a processor.
    pub cpu: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes that it may add to the disk.
    pub disk: Option<u64>,
    /// Seconds.
    pub time: Option<u64>,
    /// The whole node.
    pub span: Option<Span>,
}

const RUN: Form = Form::new("run", "run \"make install\"");
const CHECK: Form = Form::new("check", "check \"unit tests\" \"make check\"");

/// The most bytes that a word of a command may have: the kernel takes no longer ones.
const MAX_WORD: usize = 128 << 10;

/// Reads `run`; `sources` are the names that a `mount` in it may name.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, sources: &[&str]) -> Option<RunStep> {
    let mut reader = Reader::new(cx, item, RUN);
    let command = command(&mut reader, 0);
    let surroundings = around(&mut reader, sources);
    let span = reader.span();
    reader.finish();
    Some(RunStep { command: command?, check: None, surroundings, span })
}

/// Reads `check`.
pub(in crate::spec) fn read_check<'n>(cx: &mut Cx<'n>, item: &Item<'n>, sources: &[&str]) -> Option<RunStep> {
    let mut reader = Reader::new(cx, item, CHECK);
    let name = reader.word("a name").filter(|name| {
        let valid = !name.trim().is_empty() && name.len() <= 128 && !name.contains(char::is_control);
        if !valid {
            reader.report(mistake::bad_name(name.span, "a check", name, "one line of at most 128 characters"));
        }
        valid
    });
    let command = command(&mut reader, 1);
    let junit = reader.text_property("junit").and_then(|path| reader.absolute(path));
    let sarif = reader.text_property("sarif").and_then(|path| reader.absolute(path));
    let surroundings = around(&mut reader, sources);
    let span = reader.span();
    reader.finish();
    Some(RunStep { command: command?, check: Some(Check { name: name?, junit, sarif }), surroundings, span })
}

/// The command, behind so many other values.
fn command(reader: &mut Reader, before: usize) -> Option<Spanned<Command>> {
    let words = reader.words("a command");
    let given = reader.node().args.len().saturating_sub(before);
    for word in &words {
        if word.len() > MAX_WORD {
            let message = format!("a word of a command has at most {MAX_WORD} bytes");
            reader.report(mistake::bad_value(word.span, message, "put it into a file and run that"));
            return None;
        }
    }
    let span = words.first()?.span;
    if words.len() != given {
        return None;
    }
    match words.as_slice() {
        [only] if only.trim().is_empty() => {
            reader.report(mistake::bad_value(only.span, "the command is empty", "write what is to be done"));
            None
        }
        [only] => Some(Spanned::new(Command::Shell(only.value.clone()), span)),
        words => Some(Spanned::new(Command::Exec(words.iter().map(|word| word.value.clone()).collect()), span)),
    }
}

fn around(reader: &mut Reader, sources: &[&str]) -> Surroundings {
    let mut gathering = Gathering::default();
    let children = reader.children();
    for child in template::expand(reader.cx, children) {
        if reader.cx.full() {
            break;
        }
        if !gathering.take(reader.cx, &child, sources) {
            reader.unknown_child(&child, vocabulary::AROUND);
        }
    }
    gathering.finish()
}
