//! What happens, as it happens, on standard error.

use super::args::ProgressMode;
use super::render::size;
use crate::pipeline::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
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

    fn warn(&self, message: &str) {
        say(&format!("warning: {message}"));
    }
}

/// A line for each thing done; downloads say how much is here every few seconds.
#[derive(Default)]
struct Plain {
    bytes: Mutex<Bytes>,
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

/// An object for each event.
struct Json;

impl Json {
    fn event(&self, event: serde_json::Value) {
        say(&event.to_string());
    }
}

impl Progress for Json {
    fn phase(&self, name: &'static str) {
        self.event(serde_json::json!({ "event": "phase", "name": name }));
    }

    fn expect(&self, bytes: u64) {
        self.event(serde_json::json!({ "event": "expect", "bytes": bytes }));
    }

    fn advance(&self, bytes: u64) {
        if bytes > 0 {
            self.event(serde_json::json!({ "event": "advance", "bytes": bytes }));
        }
    }

    fn done(&self, name: &str, cached: bool) {
        self.event(serde_json::json!({ "event": "done", "name": name, "cached": cached }));
    }

    fn warn(&self, message: &str) {
        self.event(serde_json::json!({ "event": "warning", "message": message }));
    }
}

/// One line that updates itself.
struct Live {
    bar: ProgressBar,
}

impl Live {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(spinner());
        bar.enable_steady_tick(Duration::from_millis(120));
        Live { bar }
    }
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
