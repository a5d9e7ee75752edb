//! The commands that are part of the shell itself.

use super::{Io, Run, Shell, Stop};
use crate::packages::deb::emulate::commands;

/// Their names; `command -v` finds them.
const NAMES: [&str; 29] = [
    ".", ":", "[", "alias", "getopts", "break", "cd", "command", "continue", "echo", "eval", "exit", "export", "false",
    "local", "printf", "pwd", "read", "return", "set", "shift", "source", "test", "trap", "true", "type", "umask",
    "unset", "wait",
];

/// Where `getopts` stands within a word.
const WITHIN: &str = "KILN_OPTWITHIN";

impl Shell<'_> {
    pub(super) fn is_builtin(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// Runs a builtin; none where it is none.
    pub(super) fn builtin(&mut self, name: &str, arguments: &[String], io: &mut Io) -> Option<Run<i32>> {
        let first = arguments.first().map(String::as_str);
        Some(match name {
            ":" | "true" | "wait" => Ok(0),
            "false" => Ok(1),
            "exit" => self.number(first, self.status).and_then(|n| Err(Stop::Exit(n))),
            "return" => self.number(first, self.status).and_then(|n| Err(Stop::Return(n))),
            "break" => self.number(first, 1).and_then(|n| Err(Stop::Break(n.max(1) as u32))),
            "continue" => self.number(first, 1).and_then(|n| Err(Stop::Continue(n.max(1) as u32))),
            "echo" => {
                self.echo(arguments, io);
                Ok(0)
            }
            "printf" => self.printf(arguments, io),
            "test" => self.test(arguments, io),
            "[" => match arguments.split_last() {
                Some((last, rest)) if last == "]" => self.test(rest, io),
                _ => Err(self.obstacle("a `[` is not closed")),
            },
            "cd" => self.cd(first, io),
            "pwd" => {
                io.print(format!("{}\n", self.state.folder));
                Ok(0)
            }
            "umask" => match first.map(|mask| u16::from_str_radix(mask, 8)) {
                Some(Ok(mask)) => {
                    self.state.umask = mask & 0o777;
                    Ok(0)
                }
                None => {
                    io.print(format!("{:04o}\n", self.state.umask));
                    Ok(0)
                }
                Some(Err(_)) => Err(self.obstacle("this form of `umask` is not understood")),
            },
            "export" | "readonly" => self.assign_all(arguments, false),
            "local" | "declare" | "typeset" => self.assign_all(arguments, true),
            "unset" => {
                for name in arguments {
                    self.state.variables.remove(name);
                    self.state.functions.remove(name);
                }
                Ok(0)
            }
            "shift" => self.number(first, 1).map(|n| {
                let count = (n.max(0) as usize).min(self.state.parameters.len());
                self.state.parameters.drain(..count);
                0
            }),
            "set" => self.set(arguments),
            "eval" => {
                let text = arguments.join(" ");
                self.parse(&text).and_then(|list| self.run_list(&list, io))
            }
            "." | "source" => match first {
                Some(path) => self.source(path, io),
                None => Err(self.obstacle("it reads in no file")),
            },
            "read" => Ok(self.read(arguments, io)),
            "trap" => self.trap(arguments),
            "alias" => {
                let pairs = arguments.iter().filter_map(|a| a.split_once('='));
                self.state.aliases.extend(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())));
                Ok(0)
            }
            "getopts" => self.getopts(arguments, io),
            "command" => self.command(arguments, io),
            "type" | "which" => Ok(self.locate_all(arguments, io)),
            _ => return None,
        })
    }

    fn number(&self, text: Option<&str>, default: i32) -> Run<i32> {
        match text.map(str::parse) {
            None => Ok(default),
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) => Err(self.obstacle("a number is expected here")),
        }
    }

    /// As dash has it: backslashes are always heeded.
    fn echo(&self, arguments: &[String], io: &Io) {
        let (line_end, words) = match arguments {
            [first, rest @ ..] if first == "-n" => ("", rest),
            [first, rest @ ..] if first == "-e" => ("\n", rest),
            all => ("\n", all),
        };
        io.print(unescape(&words.join(" ")));
        io.print(line_end);
    }

    fn printf(&self, arguments: &[String], io: &Io) -> Run<i32> {
        let Some((format, mut values)) = arguments.split_first() else {
            return Err(self.obstacle("`printf` has no format"));
        };
        loop {
            let (text, used) = self.printf_once(format, values)?;
            io.print(text);
            values = &values[used.min(values.len())..];
            if values.is_empty() || used == 0 {
                return Ok(0);
            }
        }
    }

    fn printf_once(&self, format: &str, values: &[String]) -> Run<(String, usize)> {
        let mut used = 0;
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            text.push_str(&unescape(&rest[..at]));
            rest = &rest[at + 1..];
            let end = rest.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(rest.len());
            let (flags, after) = rest.split_at(end);
            let Some(kind) = after.chars().next() else { return Err(self.obstacle("this format is not understood")) };
            rest = &after[1..];
            if kind == '%' {
                text.push('%');
                continue;
            }
            let value = values.get(used).map(String::as_str).unwrap_or_default();
            used += 1;
            let shown = match kind {
                's' => value.to_owned(),
                'b' => unescape(value),
                'd' | 'i' => value.trim().parse::<i64>().unwrap_or_default().to_string(),
                _ => return Err(self.obstacle("this format is not understood")),
            };
            text.push_str(&self.padded(&shown, flags)?);
        }
        text.push_str(&unescape(rest));
        Ok((text, used))
    }

    fn padded(&self, text: &str, flags: &str) -> Run<String> {
        let (left, digits) = match flags.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, flags),
        };
        let zero = digits.starts_with('0');
        let width = if digits.is_empty() { Some(0) } else { digits.parse::<usize>().ok().filter(|w| *w < 1000) };
        let width = width.ok_or_else(|| self.obstacle("this format is not understood"))?;
        Ok(match (left, zero) {
            (true, _) => format!("{text:<width$}"),
            (false, true) => format!("{text:0>width$}"),
            (false, false) => format!("{text:>width$}"),
        })
    }

    fn cd(&mut self, folder: Option<&str>, io: &Io) -> Run<i32> {
        let folder = folder.unwrap_or("/root");
        let path = self.path(folder);
        if !self.root.stat(&path, true).is_some_and(|e| e.is_dir()) {
            io.complain(format!("cd: {folder}: No such file or directory"));
            return Ok(2);
        }
        match self.root.find(&path, true) {
            Ok(place) => {
                self.state.folder = place.to_string();
                Ok(0)
            }
            Err(fault) => self.answer(io, "cd", folder, Err(fault)),
        }
    }

    fn assign_all(&mut self, arguments: &[String], local: bool) -> Run<i32> {
        for argument in arguments {
            if argument.starts_with('-') {
                if matches!(argument.as_str(), "-x" | "-r" | "-p") {
                    continue;
                }
                return Err(self.obstacle("this form of declaration is not understood"));
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            if local {
                let old = self.state.variables.get(name).cloned();
                // As dash has it, a name without a value keeps the one that it has.
                if let Some(locals) = self.locals.last_mut() {
                    locals.push((name.to_owned(), old));
                }
            }
            if let Some(value) = value {
                self.set_variable(name, value);
            }
        }
        Ok(0)
    }

    fn set(&mut self, arguments: &[String]) -> Run<i32> {
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let on = match word.as_bytes() {
                b"--" => {
                    self.state.parameters = words.cloned().collect();
                    return Ok(0);
                }
                b"-o" | b"+o" => {
                    match words.next().map(String::as_str) {
                        Some("errexit") => self.state.exits = word == "-o",
                        Some("nounset") => self.state.strict = word == "-o",
                        Some("pipefail") => self.state.pipe_fails = word == "-o",
                        Some("noglob") | None => {
                            return Err(self.obstacle("this option of `set` is not understood"));
                        }
                        Some(_) => {}
                    }
                    continue;
                }
                [b'-', ..] => true,
                [b'+', ..] => false,
                _ => {
                    self.state.parameters = std::iter::once(word).chain(words).cloned().collect();
                    return Ok(0);
                }
            };
            for flag in word[1..].chars() {
                match flag {
                    'e' => self.state.exits = on,
                    'u' => self.state.strict = on,
                    'x' | 'v' | 'h' | 'a' => {}
                    _ => return Err(self.obstacle("this option of `set` is not understood")),
                }
            }
        }
        Ok(0)
    }

    fn read(&mut self, arguments: &[String], io: &Io) -> i32 {
        let mut raw = false;
        let mut names = Vec::new();
        for argument in arguments {
            match argument.as_str() {
                "-r" => raw = true,
                name => names.push(name.to_owned()),
            }
        }
        let line = io.input().line();
        let mut text = line.as_ref().map(|l| String::from_utf8_lossy(l).into_owned()).unwrap_or_default();
        if !raw {
            text = text.replace('\\', "");
        }
        let separators = self.variable("IFS").unwrap_or(" \t\n").to_owned();
        let spaces: Vec<char> = separators.chars().filter(|c| c.is_ascii_whitespace()).collect();
        let mut rest = text.trim_matches(spaces.as_slice());
        for (i, name) in names.iter().enumerate() {
            let value = if i + 1 == names.len() {
                std::mem::take(&mut rest)
            } else {
                let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
                let value = &rest[..end];
                rest = rest[end..].strip_prefix(|c| separators.contains(c)).unwrap_or(&rest[end..]);
                rest = rest.trim_start_matches(spaces.as_slice());
                value
            };
            self.state.variables.insert(name.clone(), value.to_owned());
        }
        i32::from(line.is_none())
    }

    /// Begins with the first option again, as each script does.
    pub(super) fn forget_options(&mut self) {
        for name in ["OPTIND", "OPTARG", WITHIN] {
            self.state.variables.remove(name);
        }
    }

    /// One option a call; where it stands is kept in `OPTIND` and, within a word, in a variable of our own.
    fn getopts(&mut self, arguments: &[String], io: &Io) -> Run<i32> {
        let [known, name, rest @ ..] = arguments else { return Err(self.obstacle("`getopts` has no name")) };
        let words = if rest.is_empty() { self.state.parameters.clone() } else { rest.to_vec() };
        let number = |text: Option<&str>| text.and_then(|t| t.parse::<usize>().ok());
        let mut index = number(self.variable("OPTIND")).unwrap_or(1).max(1);
        let mut within = number(self.variable(WITHIN)).unwrap_or(1);
        let word = words.get(index - 1).filter(|w| w.starts_with('-') && w.len() > 1).cloned();
        let Some(word) = word.filter(|w| w != "--" && w.is_char_boundary(within.min(w.len()))) else {
            if words.get(index - 1).is_some_and(|w| w == "--") {
                self.set_variable("OPTIND", (index + 1).to_string());
            }
            self.set_variable(name, "?");
            return Ok(1);
        };
        let Some(option) = word[within.min(word.len())..].chars().next() else { return Ok(1) };
        within += option.len_utf8();
        let takes_value = known.find(option).is_some_and(|at| known[at + option.len_utf8()..].starts_with(':'));
        let is_known = option != ':' && known.contains(option);
        if takes_value {
            let attached = word[within..].to_owned();
            index += 1;
            let value = if attached.is_empty() { words.get(index - 1).cloned() } else { Some(attached.clone()) };
            index += usize::from(attached.is_empty());
            within = 1;
            self.set_variable("OPTARG", value.unwrap_or_default());
        } else if within >= word.len() {
            (index, within) = (index + 1, 1);
        }
        if !is_known && !known.starts_with(':') {
            io.complain(format!("illegal option -{option}"));
        }
        self.set_variable(name, if is_known { option.to_string() } else { "?".to_owned() });
        self.set_variable("OPTIND", index.to_string());
        self.set_variable(WITHIN, within.to_string());
        Ok(0)
    }

    /// Signals never come; only what is to be done at the end matters.
    fn trap(&mut self, arguments: &[String]) -> Run<i32> {
        let Some((action, signals)) = arguments.split_first() else { return Ok(0) };
        if signals.iter().any(|signal| signal == "EXIT" || signal == "0") {
            self.state.at_exit = match action.as_str() {
                "" | "-" => None,
                text => Some(std::rc::Rc::new(self.parse(text)?)),
            };
        }
        Ok(0)
    }

    fn command(&mut self, arguments: &[String], io: &mut Io) -> Run<i32> {
        match arguments.split_first() {
            Some((option, names)) if option == "-v" || option == "-V" => Ok(self.locate_all(names, io)),
            Some((name, rest)) => match self.builtin(name, rest, io) {
                Some(result) => result,
                None => match commands::find(name) {
                    Some(command) => command.run(self, rest, io),
                    None => self.call(name, rest, io),
                },
            },
            None => Ok(0),
        }
    }

    fn locate_all(&mut self, names: &[String], io: &Io) -> i32 {
        let mut status = i32::from(names.is_empty());
        for name in names.iter().filter(|name| !name.starts_with('-')) {
            match self.locate(name) {
                Some(path) => io.print(format!("{path}\n")),
                None => status = 1,
            }
        }
        status
    }
}

/// Resolves backslashes as `echo` and `printf` do.
fn unescape(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('a') => result.push('\u{7}'),
            Some('\\') => result.push('\\'),
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or_default();
                for _ in 0..if digit == '0' { 3 } else { 2 } {
                    let Some(next) = rest.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + next;
                    rest.next();
                }
                result.push(char::from(u8::try_from(value & 0xff).unwrap_or_default()));
            }
            Some(other) => result.extend(['\\', other]),
            None => result.push('\\'),
        }
    }
    result
}
