//! What happens, as it happens, on standard error.

use super::args::ProgressMode;
use super::lines::{Lines, visible};
use super::render::size;
use crate::pipeline::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The listener that the command line asks for.
pub(super) fn listener(mode: ProgressMode) -> Box<dyn Progress> {
    match mode {
        ProgressMode::Quiet => Box::new(Quiet),
        ProgressMode::Json => Box::new(Json),
        ProgressMode::Auto if std::io::stderr().is_terminal() => Box::new(Live::new()),
        ProgressMode::Auto | ProgressMode::Plain => Box::new(Plain::default()),
    }
}

/// Whether the listener shows all that commands write, as it comes.
pub(super) fn shows_output(mode: ProgressMode) -> bool {
    match mode {
        ProgressMode::Plain | ProgressMode::Json => true,
        ProgressMode::Auto => !std::io::stderr().is_terminal(),
        ProgressMode::Quiet => false,
    }
}

/// Writes a line to standard error; whoever closed it does not want to hear.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

struct Quiet;

impl Progress for Quiet {
    fn phase(&self, _: &'static str) {}
    fn expect(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn done(&self, _: &str, _: bool) {}
    fn command(&self, _: u64, _: &str) {}
    fn wrote(&self, _: u64, _: &[u8]) {}
    fn ended(&self, _: u64, _: &str, _: bool, _: f64) {}

    fn warn(&self, message: &str) {
        say(&format!("warning: {message}"));
    }
}

/// A line for each thing done; downloads say how much is here every few seconds. What commands write stands behind
/// their numbers.
#[derive(Default)]
struct Plain {
    bytes: Mutex<Bytes>,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Bytes {
    expected: u64,
    here: u64,
    /// When this was said last, and how many bytes were here then.
    said: Option<(Instant, u64)>,
}

impl Progress for Plain {
    fn phase(&self, name: &'static str) {
        *self.bytes.lock().unwrap_or_else(|e| e.into_inner()) = Bytes::default();
        say(name);
    }

    fn expect(&self, bytes: u64) {
        self.bytes.lock().unwrap_or_else(|e| e.into_inner()).expected += bytes;
    }

    fn advance(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut counter = self.bytes.lock().unwrap_or_else(|e| e.into_inner());
        counter.here += bytes;
        let now = Instant::now();
        let (said, before) = *counter.said.get_or_insert((now, 0));
        let passed = now.duration_since(said);
        if passed >= Duration::from_secs(3) {
            counter.said = Some((now, counter.here));
            say(&format!("  {}", so_far(counter.here, counter.expected, counter.here - before, passed)));
        }
    }

    fn done(&self, name: &str, cached: bool) {
        if !cached {
            say(&format!("  {name}"));
        }
    }

    fn command(&self, number: u64, name: &str) {
        say(&format!("  [{number}] {}", visible(name)));
    }

    fn wrote(&self, number: u64, bytes: &[u8]) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(number, bytes).iter().for_each(|line| say(&format!("  [{number}] {line}")));
    }

    fn ended(&self, number: u64, _: &str, failed: bool, seconds: f64) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.finish(number).iter().for_each(|line| say(&format!("  [{number}] {line}")));
        say(&format!("  [{number}] {} {seconds:.1} s", if failed { "failed after" } else { "done in" }));
    }

    fn warn(&self, message: &str) {
        say(&format!("warning: {message}"));
    }
}

/// How much of what is expected is here, and how fast the last bytes came.
fn so_far(here: u64, expected: u64, bytes: u64, passed: Duration) -> String {
    let rate = u128::from(bytes) * 1000 / passed.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    format!("{} of {}, {}/s", size(here), size(expected), size(rate))
}

/// Writes an event to standard error: an object in a line.
pub(super) fn event(event: &Value) {
    say(&event.to_string());
}

/// Says that an interrupt came.
pub(super) fn interrupted(mode: ProgressMode) {
    match mode {
        ProgressMode::Json => event(&json!({ "event": "interrupted" })),
        _ => say("interrupted: what runs is ended, what is finished is kept"),
    }
}

/// An object for each event.
struct Json;

impl Progress for Json {
    fn phase(&self, name: &'static str) {
        event(&json!({ "event": "phase", "name": name }));
    }

    fn expect(&self, bytes: u64) {
        event(&json!({ "event": "expect", "bytes": bytes }));
    }

    fn advance(&self, bytes: u64) {
        if bytes > 0 {
            event(&json!({ "event": "advance", "bytes": bytes }));
        }
    }

    fn done(&self, name: &str, cached: bool) {
        event(&json!({ "event": "done", "name": name, "cached": cached }));
    }

    fn command(&self, number: u64, name: &str) {
        event(&json!({ "event": "command", "number": number, "name": name }));
    }

    fn wrote(&self, number: u64, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        event(&json!({ "event": "output", "number": number, "text": text }));
    }

    fn ended(&self, number: u64, _: &str, failed: bool, seconds: f64) {
        event(&json!({ "event": "ended", "number": number, "failed": failed, "seconds": seconds }));
    }

    fn warn(&self, message: &str) {
        event(&json!({ "event": "warning", "message": message }));
    }
}

/// Lines that update themselves: one for the whole, one for each command that runs.
struct Live {
    all: MultiProgress,
    bar: ProgressBar,
    commands: Mutex<BTreeMap<u64, ProgressBar>>,
    lines: Mutex<Lines>,
}

impl Live {
    fn new() -> Self {
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new_spinner());
        bar.set_style(spinner());
        bar.enable_steady_tick(Duration::from_millis(120));
        Live { all, bar, commands: Mutex::default(), lines: Mutex::default() }
    }
}

fn command() -> ProgressStyle {
    let template = "  {elapsed} {prefix} {wide_msg:.dim}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar() -> ProgressStyle {
    let template = "{spinner} {prefix} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Live {
    fn phase(&self, name: &'static str) {
        self.bar.set_style(spinner());
        self.bar.set_message("");
        self.bar.set_length(0);
        self.bar.set_position(0);
        self.bar.set_prefix(name);
    }

    fn expect(&self, bytes: u64) {
        self.bar.set_style(bar());
        self.bar.inc_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn done(&self, name: &str, cached: bool) {
        if !cached {
            self.bar.set_message(name.to_owned());
        }
    }

    fn command(&self, number: u64, name: &str) {
        let line = self.all.add(ProgressBar::new_spinner());
        line.set_style(command());
        line.set_prefix(visible(name));
        line.enable_steady_tick(Duration::from_millis(500));
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).insert(number, line);
    }

    fn wrote(&self, number: u64, bytes: &[u8]) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(number, bytes);
        let last = lines.into_iter().rev().find(|line| !line.trim().is_empty());
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(last), Some(line)) = (last, commands.get(&number)) {
            line.set_message(last);
        }
    }

    fn ended(&self, number: u64, name: &str, failed: bool, seconds: f64) {
        if let Some(line) = self.commands.lock().unwrap_or_else(PoisonError::into_inner).remove(&number) {
            line.finish_and_clear();
            self.all.remove(&line);
        }
        let how = if failed { "failed after" } else { "done in" };
        self.bar.suspend(|| say(&format!("{}: {how} {seconds:.1} s", visible(name))));
    }

    fn warn(&self, message: &str) {
        self.bar.suspend(|| say(&format!("warning: {message}")));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests;
