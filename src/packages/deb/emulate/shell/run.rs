//! Carrying out commands.

use super::expand::text_input;
use super::syntax::{AndOr, Body, Command, Join, List, Pipeline, Redirect, RedirectKind, Word};
use super::{Function, Input, Io, MAX_DEPTH, MAX_STEPS, Output, Run, Shell, Stop, Stream};
use crate::packages::deb::emulate::commands;
use crate::packages::deb::root::Fault;
use std::cell::RefCell;
use std::rc::Rc;

/// Where shells look for programs.
const SEARCH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Outputs that go to a file when the command has ended.
type Files = Vec<(String, bool, Rc<RefCell<Vec<u8>>>)>;

impl Shell<'_> {
    pub(super) fn run_list(&mut self, list: &List, io: &mut Io) -> Run<i32> {
        let mut status = 0;
        for item in &list.0 {
            status = self.run_and_or(item, io)?;
        }
        Ok(status)
    }

    fn run_and_or(&mut self, item: &AndOr, io: &mut Io) -> Run<i32> {
        if item.background {
            self.line = item.first.commands[0].line;
            return Err(self.obstacle("commands in the background are not understood"));
        }
        let mut status = self.run_pipeline(&item.first, !item.rest.is_empty(), io)?;
        for (i, (join, pipeline)) in item.rest.iter().enumerate() {
            if (*join == Join::And) == (status == 0) {
                status = self.run_pipeline(pipeline, i + 1 < item.rest.len(), io)?;
            }
        }
        Ok(status)
    }

    /// `watched`: the status is looked at, so a failure does not end the script.
    fn run_pipeline(&mut self, pipeline: &Pipeline, watched: bool, io: &mut Io) -> Run<i32> {
        let quiet = watched || pipeline.negated;
        self.watched += u32::from(quiet);
        let result = match pipeline.commands.as_slice() {
            [only] => self.run_command(only, io),
            several => self.run_piped(several, io),
        };
        self.watched -= u32::from(quiet);
        let status = result?;
        self.status = if pipeline.negated { i32::from(status == 0) } else { status };
        if status != 0 && !quiet && self.watched == 0 && self.state.exits {
            return Err(Stop::Exit(status));
        }
        Ok(self.status)
    }

    fn run_piped(&mut self, commands: &[Command], io: &mut Io) -> Run<i32> {
        let mut input = io.input();
        let mut status = 0;
        for (i, command) in commands.iter().enumerate() {
            let mut inner = io.clone();
            inner.0.insert(0, Stream::In(input));
            let (output, buffer) = Output::buffer();
            if i + 1 < commands.len() {
                inner.0.insert(1, Stream::Out(output));
            }
            let ended = self.subshell(|shell| shell.run_command(command, &mut inner))?;
            status = if ended == 0 && self.state.pipe_fails { status } else { ended };
            input = Input::new(buffer.take());
        }
        Ok(status)
    }

    /// Runs something whose variables, functions and folder end with it.
    pub(in crate::packages::deb::emulate) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Run<i32>) -> Run<i32> {
        let mut state = self.state.clone();
        // What is to be done at the end is done by the shell that was told to.
        state.at_exit = None;
        let outside = std::mem::replace(&mut self.state, state);
        let result = self.nested(run);
        self.state = outside;
        match result {
            Err(Stop::Exit(status) | Stop::Return(status)) => Ok(status),
            Err(Stop::Break(_) | Stop::Continue(_)) => Ok(0),
            other => other,
        }
    }

    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.obstacle("it is nested too deeply"));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self) -> Run<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(self.obstacle("the script does not come to an end")) } else { Ok(()) }
    }

    fn run_command(&mut self, command: &Command, io: &mut Io) -> Run<i32> {
        self.line = command.line;
        self.step()?;
        if let Body::Simple { assignments, words } = &command.body {
            return self.run_simple(assignments, words, &command.redirects, io);
        }
        let mut inner = io.clone();
        let mut files = Files::new();
        if let Some(status) = self.redirect(&command.redirects, &mut inner, &mut files)? {
            return Ok(status);
        }
        let result = self.nested(|shell| shell.run_body(&command.body, &mut inner));
        self.write_files(files, io)?;
        result
    }

    fn run_body(&mut self, body: &Body, io: &mut Io) -> Run<i32> {
        match body {
            Body::Simple { .. } => unreachable!("handled with its redirections"),
            Body::Group(list) => self.run_list(list, io),
            Body::Subshell(list) => self.subshell(|shell| shell.run_list(list, io)),
            Body::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.watched_list(condition, io)? == 0 {
                        return self.run_list(body, io);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |body| self.run_list(body, io))
            }
            Body::Loop { until, condition, body } => {
                let mut status = 0;
                while (self.watched_list(condition, io)? == 0) != *until {
                    self.step()?;
                    match self.loop_round(body, io)? {
                        Some(s) => status = s,
                        None => break,
                    }
                }
                Ok(status)
            }
            Body::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.expand(words, io)?,
                    None => self.state.parameters.clone(),
                };
                let mut status = 0;
                for value in values {
                    self.set_variable(name, value);
                    match self.loop_round(body, io)? {
                        Some(s) => status = s,
                        None => break,
                    }
                }
                Ok(status)
            }
            Body::Case { word, arms } => {
                let value = self.expand_one(word, io)?;
                for arm in arms {
                    for pattern in &arm.patterns {
                        if self.expand_pattern(pattern, io)?.matches(&value) {
                            return self.run_list(&arm.body, io);
                        }
                    }
                }
                Ok(0)
            }
            Body::Function { name, body } => {
                let function = Function { body: body.clone(), source: self.sources.last().cloned() };
                self.state.functions.insert(name.clone(), function);
                Ok(0)
            }
            Body::Condition(words) => self.run_condition(words, io),
        }
    }

    fn watched_list(&mut self, list: &List, io: &mut Io) -> Run<i32> {
        self.watched += 1;
        let result = self.run_list(list, io);
        self.watched -= 1;
        result
    }

    /// One round of a loop; none where it is left.
    fn loop_round(&mut self, body: &List, io: &mut Io) -> Run<Option<i32>> {
        match self.run_list(body, io) {
            Ok(status) => Ok(Some(status)),
            Err(Stop::Continue(1)) => Ok(Some(0)),
            Err(Stop::Break(1)) => Ok(None),
            Err(Stop::Continue(n)) => Err(Stop::Continue(n - 1)),
            Err(Stop::Break(n)) => Err(Stop::Break(n - 1)),
            Err(other) => Err(other),
        }
    }

    fn run_simple(
        &mut self,
        assignments: &[(String, Word)],
        words: &[Word],
        redirects: &[Redirect],
        io: &mut Io,
    ) -> Run<i32> {
        self.substituted = None;
        let words = self.expand(words, io)?;
        let mut values = Vec::new();
        for (name, word) in assignments {
            values.push((name.clone(), self.expand_one(word, io)?));
        }
        // The status of a bare assignment is that of the last substitution in it.
        let assigned = self.substituted.unwrap_or(0);
        if words.first().is_some_and(|name| name == "exec") {
            return self.run_exec(&words[1..], redirects, io);
        }
        let mut inner = io.clone();
        let mut files = Files::new();
        if let Some(status) = self.redirect(redirects, &mut inner, &mut files)? {
            return Ok(status);
        }
        let result = match words.split_first() {
            None => {
                self.state.variables.extend(values);
                Ok(assigned)
            }
            Some((name, arguments)) => self.with_variables(values, |shell| shell.call(name, arguments, &mut inner)),
        };
        self.write_files(files, io)?;
        result
    }

    fn with_variables<T>(&mut self, values: Vec<(String, String)>, run: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        let old: Vec<(String, Option<String>)> =
            values.iter().map(|(name, _)| (name.clone(), self.state.variables.get(name).cloned())).collect();
        self.state.variables.extend(values);
        let result = run(self);
        for (name, value) in old {
            match value {
                Some(value) => self.state.variables.insert(name, value),
                None => self.state.variables.remove(&name),
            };
        }
        result
    }

    /// Runs a command by its name: a function, a builtin, a declared command, or a shell script of the tree.
    pub(in crate::packages::deb) fn call(&mut self, name: &str, arguments: &[String], io: &mut Io) -> Run<i32> {
        self.step()?;
        if let Some(function) = self.state.functions.get(name).cloned() {
            return self.call_function(function, arguments, io);
        }
        if let Some(text) = self.state.aliases.get(name).cloned() {
            return self.call_alias(&text, arguments, io);
        }
        if let Some(result) = self.builtin(name, arguments, io) {
            return result;
        }
        if let Some(command) = commands::find(name) {
            return command.run(self, arguments, io);
        }
        if let Some(script) = self.script(name)? {
            return self.call_script(name, &script, arguments, io);
        }
        Err(self.obstacle(format!("kiln does not know what the command `{name}` does")))
    }

    fn call_function(&mut self, function: Function, arguments: &[String], io: &mut Io) -> Run<i32> {
        let sources = self.sources.len();
        self.sources.extend(function.source);
        let outside = std::mem::replace(&mut self.state.parameters, arguments.to_vec());
        self.locals.push(Vec::new());
        let line = self.line;
        let result = self.nested(|shell| shell.run_command(&function.body, io));
        self.sources.truncate(sources);
        // The first of two declarations knows the value from outside.
        for (name, value) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            match value {
                Some(value) => self.state.variables.insert(name, value),
                None => self.state.variables.remove(&name),
            };
        }
        self.state.parameters = outside;
        self.line = line;
        match result {
            Err(Stop::Return(status)) => Ok(status),
            other => other,
        }
    }

    /// An alias: its text with the arguments behind it.
    fn call_alias(&mut self, text: &str, arguments: &[String], io: &mut Io) -> Run<i32> {
        let quoted: String = arguments.iter().map(|a| format!(" '{}'", a.replace('\'', "'\\''"))).collect();
        let list = self.parse(&format!("{text}{quoted}"))?;
        self.nested(|shell| shell.run_list(&list, io))
    }

    /// The text of a shell script in the tree.
    fn script(&mut self, name: &str) -> Run<Option<String>> {
        let path = if name.contains('/') {
            Some(self.path(name))
        } else {
            SEARCH.iter().map(|folder| format!("{folder}/{name}")).find(|path| self.root.stat(path, true).is_some())
        };
        let Some(path) = path.filter(|path| self.root.stat(path, true).is_some_and(|e| e.is_file())) else {
            return Ok(None);
        };
        let bytes = match self.root.read(&path) {
            Ok(bytes) => bytes,
            Err(Fault::Errno(_)) => return Ok(None),
            Err(Fault::Store(e)) => return Err(e.into()),
        };
        let Ok(text) = String::from_utf8(bytes) else { return Ok(None) };
        let first = text.lines().next().unwrap_or_default();
        let is_shell = first
            .strip_prefix("#!")
            .and_then(|rest| rest.split_ascii_whitespace().next())
            .is_some_and(|program| matches!(program, "/bin/sh" | "/bin/dash" | "/bin/bash" | "/usr/bin/sh"));
        Ok(is_shell.then_some(text))
    }

    fn call_script(&mut self, name: &str, text: &str, arguments: &[String], io: &mut Io) -> Run<i32> {
        let line = self.line;
        self.sources.push((Some(name.to_owned()), Rc::from(text)));
        let list = self.parse(text)?;
        let watched = std::mem::take(&mut self.watched);
        let result = self.subshell(|shell| {
            name.clone_into(&mut shell.state.name);
            shell.state.parameters = arguments.to_vec();
            shell.state.functions.clear();
            shell.state.aliases.clear();
            (shell.state.strict, shell.state.pipe_fails) = (false, false);
            shell.forget_options();
            shell.state.exits = text.lines().next().is_some_and(|first| first.contains(" -e"));
            shell.run_list(&list, io)
        });
        // What stopped it is told with the lines of the script that it stopped in.
        if !matches!(result, Err(Stop::Obstacle(_))) {
            self.sources.pop();
        }
        (self.watched, self.line) = (watched, line);
        result
    }

    /// Reads a file in, as `.` does.
    pub(super) fn source(&mut self, name: &str, io: &mut Io) -> Run<i32> {
        if let Some(command) = commands::find_source(name) {
            return command(self);
        }
        let bytes = match self.root.read(&self.path(name)) {
            Ok(bytes) => bytes,
            Err(Fault::Errno(message)) => {
                io.complain(format!(".: {name}: {message}"));
                return Err(Stop::Exit(2));
            }
            Err(Fault::Store(e)) => return Err(e.into()),
        };
        let text = String::from_utf8(bytes).map_err(|_| self.obstacle("the file that it reads in is no UTF-8"))?;
        let line = self.line;
        self.sources.push((Some(name.to_owned()), Rc::from(text.as_str())));
        let list = self.parse(&text)?;
        let result = self.nested(|shell| shell.run_list(&list, io));
        if matches!(result, Err(Stop::Obstacle(_))) {
            return result;
        }
        self.sources.pop();
        self.line = line;
        match result {
            Err(Stop::Return(status)) => Ok(status),
            other => other,
        }
    }

    /// Where a command would be found: its name for what the shell itself knows, else its path in the tree.
    pub(in crate::packages::deb) fn locate(&self, name: &str) -> Option<String> {
        if name.contains('/') {
            let found = self.root.stat(&self.path(name), true).is_some_and(|e| e.is_file() && e.mode & 0o111 != 0);
            return found.then(|| name.to_owned());
        }
        if self.state.functions.contains_key(name) || Self::is_builtin(name) {
            return Some(name.to_owned());
        }
        let in_tree = SEARCH
            .iter()
            .map(|folder| format!("{folder}/{name}"))
            .find(|path| self.root.stat(path, true).is_some_and(|e| e.is_file() && e.mode & 0o111 != 0));
        // Every Debian system has the essential ones; an image need not.
        in_tree.or_else(|| commands::is_essential(name).then(|| format!("/usr/bin/{name}")))
    }

    /// `exec`: redirections that stay, or the last command of the script.
    fn run_exec(&mut self, words: &[String], redirects: &[Redirect], io: &mut Io) -> Run<i32> {
        let mut files = Files::new();
        if let Some(status) = self.redirect(redirects, io, &mut files)? {
            return Err(Stop::Exit(status));
        }
        if !files.is_empty() {
            return Err(self.obstacle("`exec` with an output to a file is not understood"));
        }
        match words.split_first() {
            None => Ok(0),
            Some((name, arguments)) => {
                let status = self.call(name, arguments, io)?;
                Err(Stop::Exit(status))
            }
        }
    }

    /// Opens what redirections name; a status where one fails.
    fn redirect(&mut self, redirects: &[Redirect], io: &mut Io, files: &mut Files) -> Run<Option<i32>> {
        for redirect in redirects {
            let stream = match &redirect.kind {
                RedirectKind::Here(cell) => {
                    let word = cell.get().ok_or_else(|| self.obstacle("the text of a `<<` is missing"))?;
                    Stream::In(text_input(self.expand_one(word, io)?))
                }
                RedirectKind::Duplicate(word) => {
                    let target = self.expand_one(word, io)?;
                    if target == "-" {
                        io.0.remove(&redirect.descriptor);
                        continue;
                    }
                    match target.parse().ok().and_then(|n: u32| io.0.get(&n)) {
                        Some(stream) => stream.clone(),
                        None => {
                            io.complain(format!("{target}: Bad file descriptor"));
                            return Ok(Some(2));
                        }
                    }
                }
                RedirectKind::Read(word) => {
                    let path = self.expand_one(word, io)?;
                    match self.open(&path) {
                        Ok(input) => Stream::In(input),
                        Err(Fault::Errno(message)) => {
                            io.complain(format!("cannot open {path}: {message}"));
                            return Ok(Some(2));
                        }
                        Err(Fault::Store(e)) => return Err(e.into()),
                    }
                }
                RedirectKind::Write(word) | RedirectKind::Append(word) => {
                    let path = self.expand_one(word, io)?;
                    let append = matches!(redirect.kind, RedirectKind::Append(_));
                    match self.open_output(&path, append, files) {
                        Ok(output) => Stream::Out(output),
                        Err(Fault::Errno(message)) => {
                            io.complain(format!("cannot create {path}: {message}"));
                            return Ok(Some(2));
                        }
                        Err(Fault::Store(e)) => return Err(e.into()),
                    }
                }
            };
            io.0.insert(redirect.descriptor, stream);
        }
        Ok(None)
    }

    fn open(&mut self, path: &str) -> Result<Input, Fault> {
        if matches!(path, "/dev/null" | "/dev/tty") {
            return Ok(Input::default());
        }
        Ok(Input::new(self.root.read(&self.path(path))?))
    }

    fn open_output(&mut self, path: &str, append: bool, files: &mut Files) -> Result<Output, Fault> {
        if matches!(path, "/dev/null" | "/dev/tty" | "/dev/stderr" | "/dev/stdout" | "/dev/console") {
            return Ok(Output::Nowhere);
        }
        let path = self.path(path);
        let mode = 0o666 & !self.state.umask;
        if !append || self.root.stat(&path, true).is_none() {
            self.root.write(&path, b"", mode)?;
        }
        let (output, buffer) = Output::buffer();
        files.push((path, append, buffer));
        Ok(output)
    }

    fn write_files(&mut self, files: Files, io: &Io) -> Run<()> {
        for (path, append, buffer) in files {
            let mut content = if append { self.root.read(&path).unwrap_or_default() } else { Vec::new() };
            content.extend_from_slice(&buffer.borrow());
            if content.len() > super::MAX_TEXT {
                return Err(self.obstacle("a file becomes too large"));
            }
            // A command may well remove what it writes to.
            if !content.is_empty() && self.root.stat(&path, true).is_some() {
                let result = self.root.write(&path, &content, 0o644);
                self.answer(io, "cannot write", &path, result)?;
            }
        }
        Ok(())
    }
}
