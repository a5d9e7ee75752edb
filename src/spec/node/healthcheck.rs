//! `healthcheck`: how to tell that a container is well.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Given, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use crate::syntax::Value;

/// An image's health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `healthcheck #false`: also the base's check is switched off.
    Off,
    /// A program says it.
    Probe(Probe),
}

/// A program that is run to tell a container's health; times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// Time between two runs.
    pub interval: Option<u64>,
    /// Time after which a run has failed.
    pub timeout: Option<u64>,
    /// Time in which failures do not count.
    pub start_period: Option<u64>,
    /// Failures in a row that make a container unhealthy.
    pub retries: Option<u32>,
    /// The whole node.
    pub span: Span,
}

const HEALTHCHECK: Form = Form::new("healthcheck", "healthcheck \"/usr/bin/app\" \"--health\" interval=\"30s\"");

/// Reads `healthcheck`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Healthcheck>> {
    let mut reader = Reader::new(cx, item, HEALTHCHECK);
    let span = reader.span();
    let check = match reader.node().args.first().map(|argument| &argument.value) {
        Some(Value::Bool(_)) => off(&mut reader),
        _ => probe(&mut reader).map(Healthcheck::Probe),
    };
    reader.finish();
    check.map(|check| Spanned::new(check, span))
}

fn off(reader: &mut Reader) -> Option<Healthcheck> {
    let argument = reader.next()?;
    match reader.value(argument)? {
        Given::Bool(false) => Some(Healthcheck::Off),
        _ => {
            let help = "write the program to run, or `#false` to switch off the base's check";
            reader.report(mistake::bad_value(argument.span, "`#true` names no program", help));
            None
        }
    }
}

fn probe(reader: &mut Reader) -> Option<Probe> {
    let command: Vec<String> = reader.words("a program").into_iter().map(|word| word.value).collect();
    let interval = duration(reader, "interval");
    let timeout = duration(reader, "timeout");
    let start_period = duration(reader, "start-period");
    let retries = reader.number_property("retries", 1, 1000).and_then(|n| u32::try_from(n).ok());
    let whole = command.len() == reader.node().args.len() && !command.is_empty();
    whole.then(|| Probe { command, interval, timeout, start_period, retries, span: reader.span() })
}

/// A property that is a time, in nanoseconds.
fn duration(reader: &mut Reader, name: &'static str) -> Option<u64> {
    let text = reader.text_property(name)?;
    let time = nanoseconds(&text);
    if time.is_none() {
        let message = format!("`{}` is no time from 1ms to 24h", mistake::clip(&text));
        reader.report(mistake::bad_value(text.span, message, "write `\"30s\"`, `\"500ms\"` or `\"1m30s\"`"));
    }
    time
}

fn nanoseconds(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 4] =
        [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];
    let mut total = 0u64;
    let mut rest = text;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|n| (1..=9).contains(n))?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, scale) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        // Hours before minutes before seconds, each at most once.
        if *scale >= last {
            return None;
        }
        last = *scale;
        total = total.checked_add(number.checked_mul(*scale)?)?;
        rest = &rest[unit.len()..];
    }
    (1_000_000..=24 * 3_600_000_000_000).contains(&total).then_some(total)
}
