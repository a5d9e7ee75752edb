//! Documents of JSON inside of a stream, each bounded.

use super::Stop;
use super::limits::{MAX_DOCUMENT, MAX_SUMMARY};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

/// What a stream of JSON consists of.
pub trait Documents {
    /// Takes an element of the outer array, or of an array that [`is_list`](Self::is_list).
    fn element(&mut self, document: &RawValue) -> Result<(), Stop>;

    /// Takes a member of the outer object, or of an object inside of it that [`is_map`](Self::is_map).
    /// `within` is the name of that one.
    fn member(&mut self, within: Option<&str>, name: &str, document: &RawValue) -> Result<(), Stop>;

    /// Whether the member `name` of the outer object is an array of documents.
    fn is_list(&self, name: &str) -> bool;

    /// Whether the members of the outer object are objects of documents.
    fn is_map(&self) -> bool;
}

/// Reads a stream that is an object or an array.
///
/// Only one document is in memory, which has at most [`MAX_DOCUMENT`] bytes; nothing is as deep as it likes, because
/// what is not asked for is passed over without recursion.
pub fn read(content: impl Read, documents: &mut dyn Documents) -> Result<(), Stop> {
    let left = Cell::new(MAX_DOCUMENT);
    let content = Metered { content: BufReader::with_capacity(128 << 10, content), left: &left };
    let mut json = serde_json::Deserializer::from_reader(content);
    let mut stop = None;
    let outer = Outer { documents, left: &left, stop: &mut stop, within: None };
    let done = outer.deserialize(&mut json).and_then(|()| {
        left.set(MAX_DOCUMENT);
        json.end()
    });
    match (stop, done) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) if error.is_io() => Err(Stop::of(error.into())),
        (None, Err(error)) => Err(Stop::Malformed(error.to_string())),
    }
}

/// Content of which so much may be read until somebody fills up what is left.
struct Metered<'m, R> {
    content: R,
    left: &'m Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, "a document in it is too large")),
        }
        Ok(count)
    }
}

/// The outer object or array, or an object in the former.
struct Outer<'d> {
    documents: &'d mut dyn Documents,
    left: &'d Cell<u64>,
    stop: &'d mut Option<Stop>,
    within: Option<&'d str>,
}

impl Outer<'_> {
    /// Remembers why it stops, and gives the parser an error to stop by.
    fn stopped<E: serde::de::Error>(&mut self, taken: Result<(), Stop>) -> Result<(), E> {
        taken.map_err(|stop| {
            *self.stop = Some(stop);
            E::custom("stopped")
        })
    }

    fn inner<'i>(&'i mut self, within: &'i str) -> Outer<'i> {
        Outer { documents: &mut *self.documents, left: self.left, stop: &mut *self.stop, within: Some(within) }
    }
}

impl<'de> DeserializeSeed<'de> for Outer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Outer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object or an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        loop {
            self.left.set(MAX_DOCUMENT);
            let Some(document) = elements.next_element::<Box<RawValue>>()? else { return Ok(()) };
            let taken = self.documents.element(&document);
            self.stopped(taken)?;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        loop {
            self.left.set(MAX_DOCUMENT);
            let Some(name) = members.next_key::<String>()? else { return Ok(()) };
            if self.within.is_none() && (self.documents.is_map() || self.documents.is_list(&name)) {
                members.next_value_seed(self.inner(&name))?;
                continue;
            }
            let document = members.next_value::<Box<RawValue>>()?;
            let taken = self.documents.member(self.within, &name, &document);
            self.stopped(taken)?;
        }
    }

    // What is neither has no documents: a package without holes may be `null`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A field that may be `null`, or of another type than it should be: then it is as if it were missing.
pub fn lenient<'de, D, T>(json: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let raw = Box::<RawValue>::deserialize(json)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// A field that may be `null`.
pub fn nullable<'de, D: Deserializer<'de>, T: serde::Deserialize<'de> + Default>(json: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(json)?.unwrap_or_default())
}

/// A stranger's text as a line: without signs that a terminal would obey, spaces for stretches of blanks, and cut.
pub fn line(text: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for word in
        text.split(|c: char| c.is_whitespace() || c.is_control() || is_format(c)).filter(|word| !word.is_empty())
    {
        let length = word.chars().count() + usize::from(count > 0);
        if count + length > MAX_SUMMARY {
            let room = MAX_SUMMARY.saturating_sub(count + 1);
            if count == 0 {
                line.extend(word.chars().take(room));
            }
            line.push('…');
            break;
        }
        if count > 0 {
            line.push(' ');
        }
        line.push_str(word);
        count += length;
    }
    line
}

/// Signs that change in which direction the others are read, or are not seen.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_harmless() {
        assert_eq!(line(" a\n\tb \u{1b}[31m\u{202e}c\0 "), "a b [31m c");
        assert_eq!(line(""), "");
        let long = line(&"word ".repeat(1000));
        assert!(long.chars().count() <= MAX_SUMMARY + 1 && long.ends_with("word…"));
        assert!(line(&"x".repeat(1000)).chars().count() <= MAX_SUMMARY);
    }
}
