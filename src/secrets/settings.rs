//! Settings: names with values, in whatever way files of settings write them.
//!
//! `name=value`, `name: value`, `"name": "value"`, `name := 'value'`, `name => "value"`, `<name>value</name>`; of a line all.

use super::set::Set;
use std::ops::Range;

/// No name is longer.
const MAX_NAME: usize = 80;
/// No value that anyone keeps in settings is longer, but for tokens, which have forms of their own.
const MAX_VALUE: usize = 512;
/// So many spaces stand around a sign.
const MAX_SPACES: usize = 40;

/// What ends a value that has no quotes.
const ENDS: [bool; 256] = {
    let (mut ends, mut i) = ([false; 256], 0);
    let bytes = b" \t\r\x0c,;&\"'<>)}]|`";
    while i < bytes.len() {
        ends[bytes[i] as usize] = true;
        i += 1;
    }
    ends
};

/// A setting.
pub(super) struct Setting<'a> {
    /// Its name in lower case, words joined by `_`.
    pub(super) name: String,
    pub(super) value: &'a [u8],
    /// Where the value stands in the text.
    pub(super) range: Range<usize>,
    /// The line.
    pub(super) line: &'a [u8],
}

/// Calls `found` with each setting of a text whose name is `wanted`; what values others have is not looked at.
/// `rest_of_line`: whether values without quotes go to the end of the line.
pub(super) fn each<'a>(
    text: &'a [u8],
    rest_of_line: bool,
    wanted: fn(&str) -> bool,
    mut found: impl FnMut(Setting<'a>),
) {
    for range in lines(text) {
        let line = &text[range.clone()];
        let mut past = 0;
        for at in memchr::memchr3_iter(b'=', b':', b'>', line) {
            if at < past {
                continue;
            }
            let Some(name) = name(&line[..at], line[at]).filter(|name| wanted(name)) else { continue };
            let Some(value) = value(line, at + 1, rest_of_line && line[at] == b'=') else { continue };
            // In a value in quotes others may stand: `-c "password=x"`.
            past = if rest_of_line { value.end } else { at + 1 };
            let range = range.start + value.start..range.start + value.end;
            found(Setting { name, value: &line[value], range, line });
        }
    }
}

/// Where the lines of a text are, without what ends them.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let end = start + length - usize::from(rest[..length].ends_with(b"\r"));
        let range = start..end;
        start += length + 1;
        Some(range)
    })
}

/// The name at the end of what stands before a sign; in XML it is an element.
fn name(before: &[u8], sign: u8) -> Option<String> {
    let is_xml = sign == b'>';
    let trim = |text: &mut &[u8], bytes: &[u8]| {
        let count = text.iter().rev().take(MAX_SPACES).take_while(|b| bytes.contains(b)).count();
        *text = &text[..text.len() - count];
    };
    let mut before = before;
    if !is_xml {
        // `:=` and `?=`; then the quote of a name, which may itself be in quotes.
        trim(&mut before, b" \t:?");
        trim(&mut before, b"\"'\\]");
    }
    let is_part = |b: &u8| Set::NAME.has(*b) || *b == b'.';
    let length = before.iter().rev().take(MAX_NAME + 1).take_while(|b| is_part(b)).count();
    let (before, name) = before.split_at(before.len() - length);
    let is_element = !is_xml || before.ends_with(b"<");
    // `arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-a1b2c3` has fields, and no names with values.
    let is_field = sign == b':' && before.ends_with(b":");
    (is_element && !is_field && (1..=MAX_NAME).contains(&length)).then(|| plain_name(name))
}

/// `clientSecret`, `client-secret`, `Client.Secret`: `client_secret`.
fn plain_name(name: &[u8]) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    let mut previous = b'_';
    for &byte in name {
        if byte.is_ascii_uppercase() && previous.is_ascii_lowercase() {
            plain.push('_');
        }
        plain.push(if matches!(byte, b'-' | b'.') { '_' } else { char::from(byte.to_ascii_lowercase()) });
        previous = byte;
    }
    plain
}

/// Where the value is that begins at or behind `at`, without quotes.
fn value(line: &[u8], at: usize, rest_of_line: bool) -> Option<Range<usize>> {
    let rest = line.get(at..)?;
    // What is left of `=>` and `==`.
    let start = at + rest.iter().take(MAX_SPACES).take_while(|b| b" \t=>".contains(b)).count();
    let rest = &line[start..];
    let (quote, opening) = match rest {
        [b'\\', quote @ (b'"' | b'\''), ..] => (Some(*quote), 2),
        [quote @ (b'"' | b'\'' | b'`'), ..] => (Some(*quote), 1),
        _ => (None, 0),
    };
    let inner = &rest[opening..rest.len().min(opening + MAX_VALUE + 1)];
    let length = match quote {
        Some(quote) => inner.iter().position(|b| *b == quote)?.checked_sub(opening - 1)?,
        None if rest_of_line => inner.trim_ascii_end().len(),
        None => inner.iter().position(|b| ENDS[usize::from(*b)]).unwrap_or(inner.len()),
    };
    let start = start + opening;
    (length > 0 && length <= MAX_VALUE).then_some(start..start + length)
}
