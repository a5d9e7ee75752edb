//! Standard output and standard error.

use super::args::ProgressMode;
use super::{Environment, diagnostics, exit, lines, progress};
use crate::diagnostic::Diagnostics;
use crate::pipeline::{Error, Kind, diagnostics_as_json};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// Where text goes.
pub(super) struct Output {
    /// Why a command failed is told as an event.
    events: bool,
    colours: bool,
    width: usize,
}

/// Why a command ends without its result.
pub(super) struct Failure {
    /// What to say.
    pub message: Message,
    /// The exit code.
    pub code: u8,
}

/// What a failure says.
pub(super) enum Message {
    /// A sentence or several.
    Text(String),
    /// Places in texts.
    Diagnostics(Diagnostics),
    /// A command failed: what it wrote, and the place that asks for it.
    Command {
        /// All that it wrote; none where that was shown as it came.
        output: Option<String>,
        /// What happened.
        then: Box<Message>,
    },
}

impl Failure {
    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Failure { message: Message::Text(message.into()), code: exit::USAGE }
    }

    /// The machine failed.
    pub(super) fn machine(message: impl Into<String>) -> Self {
        Failure { message: Message::Text(message.into()), code: exit::FAILURE }
    }

    /// The event `error` of `specs/progress.md`.
    fn event(&self) -> Value {
        let (message, diagnostics) = self.message.told();
        json!({ "event": "error", "exit": self.code, "message": message, "diagnostics": diagnostics })
    }
}

impl Message {
    /// All that is said in words, and the places in texts. What a command wrote was told as it came.
    fn told(&self) -> (String, Value) {
        match self {
            Message::Command { then, .. } => then.told(),
            Message::Text(text) => (text.clone(), json!([])),
            Message::Diagnostics(list) => {
                let messages: Vec<&str> = list.list.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
                (messages.join("\n"), diagnostics_as_json(list))
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            Kind::Failure => exit::FAILURE,
            Kind::Usage => exit::USAGE,
            Kind::Lock => exit::LOCK,
            Kind::Step => exit::STEP,
            Kind::Verification => exit::VERIFICATION,
            Kind::Service => exit::SERVICE,
            Kind::Interrupted => exit::INTERRUPTED,
        };
        let message = match error {
            Error::Spec(list) | Error::Unpinned(list) => Message::Diagnostics(list),
            Error::Lock(error) => Message::Diagnostics(error.0),
            Error::Solve(failure) => {
                let output = failure.output();
                let text = failure.to_string();
                let then = Box::new(failure.shown.map_or(Message::Text(text), Message::Diagnostics));
                Message::Command { output, then }
            }
            other => Message::Text(other.to_string()),
        };
        Failure { message, code }
    }
}

impl Output {
    pub(super) fn new(mode: ProgressMode, environment: &Environment) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let width = if terminal { console_width(environment) } else { 100 };
        Output { events: mode == ProgressMode::Json, colours: environment.colours(terminal), width }
    }

    /// Writes a result to standard output.
    ///
    /// # Errors
    /// Where nobody can read it; a reader who had enough (a closed pipe) is no error.
    pub(super) fn result(&mut self, text: &[u8]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::machine(format!("cannot write the result: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Writes a value as JSON to standard output.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|e| Failure::machine(e.to_string()))?;
        self.result(format!("{text}\n").as_bytes())
    }

    /// Shows diagnostics on standard error.
    pub(super) fn diagnostics(&mut self, list: &Diagnostics) {
        let _ = write!(std::io::stderr().lock(), "{}", diagnostics::render(list, self.colours, self.width));
    }

    /// Says something on standard error.
    pub(super) fn note(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Says why a command failed.
    pub(super) fn failure(&mut self, failure: &Failure) {
        match self.events {
            true => progress::event(&failure.event()),
            false => self.message(&failure.message),
        }
    }

    /// Why a command failed, as a text without colours.
    pub(super) fn explain(failure: &Failure) -> String {
        match &failure.message {
            Message::Text(text) => text.clone(),
            Message::Diagnostics(list) => {
                format!("the spec is wrong\n{}", diagnostics::render(list, false, 100).trim_end())
            }
            Message::Command { then, .. } => then.told().0,
        }
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::Command { output, then } => {
                if let Some(output) = output {
                    output.lines().for_each(|line| self.note(&lines::visible(line)));
                }
                self.message(then);
            }
            Message::Text(text) => {
                let (bold, end) = if self.colours { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
                self.note(&format!("{bold}error{end}: {text}"));
            }
            Message::Diagnostics(list) => self.diagnostics(list),
        }
    }
}

/// The terminal's width where it says so.
fn console_width(environment: &Environment) -> usize {
    let columns = environment.text("COLUMNS").and_then(|text| text.parse().ok());
    columns.unwrap_or(100).clamp(40, 200)
}
