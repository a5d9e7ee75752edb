//! A shell that runs no program.
//!
//! It reads maintainer scripts as a shell does and carries them out on a tree.
//! What it cannot do with certainty is an error that shows the line: a
//! construct that it does not know, or a command that is not declared. What a
//! script does not reach (upgrades, running services) does not matter, and what
//! it finds out (`[ -d /run/systemd/system ]`) it finds out from the tree.
//!
//! A script is hostile: its steps, its memory and its depth are bounded.

mod builtin;
mod expand;
mod parse;
mod pattern;
mod run;
mod syntax;
mod test_command;
mod words;

pub(super) use pattern::named_class;

use super::Scene;

/// Whether a name fits a pattern of the shell's.
pub(super) fn glob(pattern: &str, name: &str) -> bool {
    pattern::Pattern::new(&pattern.chars().map(|c| (c, false)).collect::<Vec<_>>()).matches(name)
}

use crate::packages::deb::root::{Fault, Root};
use crate::store::StoreError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use syntax::{Command, List};

/// How many commands a script may run.
const MAX_STEPS: u32 = 300_000;

/// How deep functions, sources and substitutions may be nested.
const MAX_DEPTH: u32 = 40;

/// How much a command may print, and a variable hold.
pub(super) const MAX_TEXT: usize = 32 << 20;

/// A place in a script that kiln does not know how to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// The line, counted from 1, of the script or of a file that it reads in.
    pub(super) line: u32,
    /// The file, where it is not the script itself.
    pub(super) file: Option<String>,
    /// What the line says.
    pub(super) text: String,
    /// What stands in the way.
    pub(super) reason: String,
}

/// Why a command does not simply end with a status.
#[derive(Debug)]
pub(super) enum Stop {
    Exit(i32),
    Return(i32),
    Break(u32),
    Continue(u32),
    Obstacle(Box<Obstacle>),
    Store(Box<StoreError>),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Store(Box::new(error))
    }
}

pub(super) type Run<T> = Result<T, Stop>;

/// What an output is written to.
#[derive(Debug, Clone)]
pub(super) enum Output {
    Nowhere,
    Buffer(Rc<RefCell<Vec<u8>>>),
}

impl Output {
    pub(super) fn buffer() -> (Self, Rc<RefCell<Vec<u8>>>) {
        let buffer = Rc::new(RefCell::new(Vec::new()));
        (Output::Buffer(buffer.clone()), buffer)
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        if let Output::Buffer(buffer) = self {
            let mut buffer = buffer.borrow_mut();
            // What is beyond the bound is noticed where the text is used.
            if buffer.len() <= MAX_TEXT {
                buffer.extend_from_slice(bytes);
            }
        }
    }
}

/// What an input is read from.
#[derive(Debug, Clone, Default)]
pub(super) struct Input(Rc<RefCell<(Vec<u8>, usize)>>);

impl Input {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Input(Rc::new(RefCell::new((bytes, 0))))
    }

    /// All that is left.
    pub(super) fn rest(&self) -> Vec<u8> {
        let mut state = self.0.borrow_mut();
        let rest = state.0[state.1..].to_vec();
        state.1 = state.0.len();
        rest
    }

    /// The next line without its end; none at the end.
    pub(super) fn line(&self) -> Option<Vec<u8>> {
        let mut state = self.0.borrow_mut();
        let (bytes, at) = &mut *state;
        if *at == bytes.len() {
            return None;
        }
        let rest = &bytes[*at..];
        let length = rest.iter().position(|b| *b == b'\n');
        let line = rest[..length.unwrap_or(rest.len())].to_vec();
        *at += length.map_or(rest.len(), |l| l + 1);
        Some(line)
    }
}

/// What a descriptor stands for.
#[derive(Debug, Clone)]
pub(super) enum Stream {
    In(Input),
    Out(Output),
}

/// The open descriptors of a command.
#[derive(Debug, Clone)]
pub(super) struct Io(BTreeMap<u32, Stream>);

impl Io {
    pub(super) fn new(input: Input, output: Output, errors: Output) -> Self {
        Io(BTreeMap::from([(0, Stream::In(input)), (1, Stream::Out(output)), (2, Stream::Out(errors))]))
    }

    pub(super) fn input(&self) -> Input {
        match self.0.get(&0) {
            Some(Stream::In(input)) => input.clone(),
            _ => Input::default(),
        }
    }

    fn output(&self, descriptor: u32) -> Output {
        match self.0.get(&descriptor) {
            Some(Stream::Out(output)) => output.clone(),
            _ => Output::Nowhere,
        }
    }

    pub(super) fn print(&self, text: impl AsRef<[u8]>) {
        self.output(1).write(text.as_ref());
    }

    /// Prints a line to the errors.
    pub(super) fn complain(&self, text: impl AsRef<str>) {
        self.output(2).write(format!("{}\n", text.as_ref()).as_bytes());
    }
}

/// A file with commands: its path (none for the script itself) and its text.
type Source = (Option<String>, Rc<str>);

/// A function, and the file that it stands in.
#[derive(Debug, Clone)]
struct Function {
    body: Rc<Command>,
    source: Option<Source>,
}

/// What a subshell has of its own.
#[derive(Debug, Clone)]
struct State {
    /// `$0`
    name: String,
    variables: BTreeMap<String, String>,
    functions: BTreeMap<String, Function>,
    parameters: Vec<String>,
    folder: String,
    umask: u16,
    /// `set -e`
    exits: bool,
    /// `set -u`
    strict: bool,
    /// `set -o pipefail`
    pipe_fails: bool,
    aliases: BTreeMap<String, String>,
    at_exit: Option<Rc<List>>,
}

/// A shell at work on one script.
pub(super) struct Shell<'a> {
    pub(super) root: &'a mut Root,
    pub(super) scene: &'a mut Scene,
    state: State,
    status: i32,
    /// The status of the last substitution in the present command.
    substituted: Option<i32>,
    steps: u32,
    depth: u32,
    /// How many constructs around the present command look at its status.
    watched: u32,
    line: u32,
    /// What variables were outside of the functions that have them as their own.
    locals: Vec<Vec<(String, Option<String>)>>,
    /// The files being read, innermost last.
    sources: Vec<Source>,
}

/// How a script ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Its exit code.
    pub(super) status: i32,
    /// What it printed to its errors.
    pub(super) errors: Vec<u8>,
}

impl<'a> Shell<'a> {
    /// A shell with these variables.
    pub(super) fn new(root: &'a mut Root, scene: &'a mut Scene, variables: BTreeMap<String, String>) -> Self {
        let state = State {
            name: "maintainer-script".to_owned(),
            variables,
            functions: BTreeMap::new(),
            parameters: Vec::new(),
            folder: "/".to_owned(),
            umask: 0o022,
            exits: false,
            strict: false,
            pipe_fails: false,
            aliases: BTreeMap::new(),
            at_exit: None,
        };
        Shell {
            root,
            scene,
            state,
            status: 0,
            substituted: None,
            steps: 0,
            depth: 0,
            watched: 0,
            line: 0,
            locals: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Runs a script to its end.
    ///
    /// # Errors
    /// [`Stop::Obstacle`] and [`Stop::Store`] only.
    pub(super) fn run_script(&mut self, text: &str, arguments: &[&str]) -> Run<Outcome> {
        self.state.parameters = arguments.iter().map(|a| (*a).to_owned()).collect();
        // `#!/bin/sh -e`
        self.state.exits = text.lines().next().is_some_and(|line| line.starts_with("#!") && line.contains(" -e"));
        self.sources.push((None, Rc::from(text)));
        let list = self.parse(text)?;
        let (errors, buffer) = Output::buffer();
        let mut io = Io::new(Input::default(), Output::Nowhere, errors);
        let mut status = self.finish(|shell| shell.run_list(&list, &mut io))?;
        if let Some(list) = self.state.at_exit.take() {
            let after = self.finish(|shell| shell.run_list(&list, &mut io))?;
            if status == 0 {
                status = after;
            }
        }
        let errors = buffer.borrow().clone();
        Ok(Outcome { status, errors })
    }

    /// The status of something at whose end the shell ends.
    fn finish(&mut self, run: impl FnOnce(&mut Self) -> Run<i32>) -> Run<i32> {
        match run(self) {
            Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => Ok(status),
            Err(Stop::Break(_) | Stop::Continue(_)) => Ok(0),
            Err(other) => Err(other),
        }
    }

    fn parse(&mut self, text: &str) -> Run<List> {
        parse::parse(text).map_err(|e| {
            self.line = e.line;
            self.obstacle(e.reason)
        })
    }

    /// What stops the script here.
    pub(super) fn obstacle(&self, reason: impl Into<String>) -> Stop {
        let (file, text) = self.sources.last().cloned().unwrap_or_else(|| (None, Rc::from("")));
        let text = text.lines().nth(self.line.saturating_sub(1) as usize).unwrap_or_default().trim();
        let text = text.chars().take(200).collect();
        Stop::Obstacle(Box::new(Obstacle { line: self.line, file, text, reason: reason.into() }))
    }

    /// Turns what a system call would have answered into a message and a status.
    pub(super) fn answer(&self, io: &Io, who: &str, what: &str, result: Result<(), Fault>) -> Run<i32> {
        match result {
            Ok(()) => Ok(0),
            Err(Fault::Errno(message)) => {
                io.complain(format!("{who}: {what}: {message}"));
                Ok(1)
            }
            Err(Fault::Store(e)) => Err(e.into()),
        }
    }

    /// A path as the script means it: from the present directory on.
    pub(super) fn path(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.state.folder) }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.state.variables.get(name).map(String::as_str)
    }

    pub(super) fn set_variable(&mut self, name: &str, value: impl Into<String>) {
        self.state.variables.insert(name.to_owned(), value.into());
    }

    /// `sh -c`
    pub(super) fn builtin_eval(&mut self, text: &str, io: &mut Io) -> Run<i32> {
        let list = self.parse(text)?;
        self.subshell(|shell| shell.run_list(&list, io))
    }

    pub(super) fn umask(&self) -> u16 {
        self.state.umask
    }
}

#[cfg(test)]
mod tests;
