//! The words that BuildKit has for places: `type=s3,bucket=b`, a line of values with commas between them.
//!
//! What stands there may be secret, and so no message repeats a value: names of fields alone.

use super::super::error::Error;
use crate::diagnostic::nearest;
use crate::http::Url;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer words are no names of fields, and may be secrets.
const LONGEST_NAME: usize = 32;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// Words.
    Text,
    /// What nobody may see.
    Secret,
    /// An address, which may hold what nobody may see.
    Address,
    /// `true` or `false`, also in the short forms of Go.
    Flag,
    /// A whole number.
    Number,
    /// A time such as `10m`.
    Time,
    /// One of these words.
    One(&'static [&'static str]),
}

/// A kind of place with the fields that it may have.
pub(super) struct Form {
    pub name: &'static str,
    /// Groups of fields, as several forms have the same.
    pub fields: &'static [&'static [(&'static str, Value)]],
}

impl Form {
    fn fields(&self) -> impl Iterator<Item = &'static (&'static str, Value)> + use<> {
        self.fields.iter().copied().flatten()
    }
}

/// The fields of one place.
pub(super) struct Fields {
    form: &'static Form,
    values: BTreeMap<&'static str, SecretString>,
    shown: String,
}

impl Fields {
    /// Reads a line that says its type; `forms` are those that there are.
    ///
    /// # Errors
    /// One for the first mistake, with what was perhaps meant.
    pub fn read(text: &str, forms: &'static [Form]) -> Result<Fields, Error> {
        let pairs = pairs(text)?;
        let kind = pairs.iter().find(|(name, _)| name == "type").map(|(_, kind)| kind);
        let kind = kind.ok_or_else(|| usage(format!("a place has no `type`: it is {}", listed(forms))))?;
        let form = forms.iter().find(|form| form.name == *kind).ok_or_else(|| {
            let hint = did_you_mean(kind, forms.iter().map(|form| form.name));
            usage(format!(
                "{} is no type of a place for results of commands{hint}: it is {}",
                quoted(kind),
                listed(forms)
            ))
        })?;
        let mut fields = Fields { form, values: BTreeMap::new(), shown: format!("type={}", form.name) };
        pairs.into_iter().filter(|(name, _)| name != "type").try_for_each(|(name, value)| fields.add(&name, value))?;
        Ok(fields)
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Error> {
        let known = self.form.fields().find(|(known, _)| *known == name);
        let (name, kind) = known.ok_or_else(|| {
            let hint = did_you_mean(name, self.form.fields().map(|(known, _)| *known));
            usage(format!("`type={}` has no field {}{hint}", self.form.name, quoted(name)))
        })?;
        let wrong = |what: &str| usage(format!("the field `{name}` of `type={}` must be {what}", self.form.name));
        let shown = match kind {
            Value::Secret => "***".to_owned(),
            Value::Address => value.parse::<Url>().map_err(|error| wrong(&format!("an address: {error}")))?.to_string(),
            Value::Text => value.clone(),
            Value::Flag => flag(&value).ok_or_else(|| wrong("`true` or `false`"))?.to_string(),
            Value::Number => value.parse::<i64>().map_err(|_| wrong("a whole number"))?.to_string(),
            Value::Time => time(&value).map(|_| value.clone()).ok_or_else(|| wrong("a time such as `10m` or `90s`"))?,
            Value::One(words) => match words.contains(&value.as_str()) {
                true => value.clone(),
                false => return Err(wrong(&format!("one of {}", words.join(", ")))),
            },
        };
        self.shown += &format!(",{}", csv(&format!("{name}={shown}")));
        match self.values.insert(name, value.into()) {
            None => Ok(()),
            Some(_) => Err(usage(format!("the field `{name}` of `type={}` is said twice", self.form.name))),
        }
    }

    /// The type.
    pub fn kind(&self) -> &'static str {
        self.form.name
    }

    /// What may be told to anybody: the place without its secrets.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A field's words; none where it is not said or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    /// A field that nobody may see.
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// Whether a field says `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(flag).unwrap_or(false)
    }

    /// A field's number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A field's time.
    pub fn time(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(time)
    }

    /// The error for a field that is needed and neither said nor in the environment.
    pub fn missing(&self, name: &str, variable: Option<&str>) -> Error {
        let variable = variable.map(|variable| format!(", or set {variable}")).unwrap_or_default();
        usage(format!("`type={}` needs the field `{name}`: add `{name}=…`{variable}", self.form.name))
    }
}

/// The fields of a line, as Go's reader of CSV has them: one with a comma or a quote stands in quotes, in which a quote is
/// written twice.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    let mut rest = Some(text);
    while let Some(left) = rest {
        let (field, after) = match left.strip_prefix('"') {
            Some(quoted) => in_quotes(quoted)?,
            None => match left.split_once(',') {
                Some((field, after)) => (field.to_owned(), Some(after)),
                None => (left.to_owned(), None),
            },
        };
        if !left.starts_with('"') && field.contains('"') {
            return Err(usage(
                "a quote stands inside of a field: write the whole field in quotes, as in `\"name=a,b\"`",
            ));
        }
        let (name, value) = field.split_once('=').ok_or_else(|| {
            usage("of the fields of a place one has no `=`: they are NAME=VALUE with commas between them")
        })?;
        pairs.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    Ok(pairs)
}

/// A field up to its closing quote, and what comes after the comma behind it.
fn in_quotes(text: &str) -> Result<(String, Option<&str>), Error> {
    let mut field = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        field += before;
        match after.chars().next() {
            Some('"') => field.push('"'),
            Some(',') => return Ok((field, Some(&after[1..]))),
            None => return Ok((field, None)),
            Some(_) => break,
        }
        rest = &after[1..];
    }
    Err(usage("a field begins with a quote and does not end with one before the next comma"))
}

/// A field as [`pairs`] reads it.
fn csv(field: &str) -> String {
    match field.contains([',', '"']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn time(text: &str) -> Option<Duration> {
    text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok())
}

/// A name as it is told, unless it can be none.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match name.len() <= LONGEST_NAME && name.chars().all(plain) {
        true => format!("`{name}`"),
        false => "`…`".to_owned(),
    }
}

fn did_you_mean(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn listed(forms: &[Form]) -> String {
    forms.iter().map(|form| form.name).collect::<Vec<_>>().join(", ")
}

pub(super) fn usage(text: impl Into<String>) -> Error {
    Error::Usage(text.into())
}

#[cfg(test)]
mod tests;
