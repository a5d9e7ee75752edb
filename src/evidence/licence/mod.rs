//! Licences of packages as SPDX expressions: [of Debian's](from_debian_copyright) from their copyright files, of others [from
//! their own words](from_words).
//!
//! Machine-readable files (DEP-5) say it themselves. From others, what they refer to and well-known
//! phrases are taken, and the result is marked as possibly incomplete. What cannot be named by SPDX becomes
//! `LicenseRef-debian-<name>` with its text; where nothing is recognised, nothing is asserted.

mod copyright;
mod expression;
mod free_form;
mod names;
mod synopsis;
#[cfg(test)]
mod tests;

use copyright::Copyright;
use expression::Expression;
use std::collections::{BTreeMap, BTreeSet};

/// What a package's copyright file says about its licences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    /// An SPDX expression over everything in the package; none where the file does not say it in a form that can be trusted.
    pub expression: Option<String>,
    /// The texts of the `LicenseRef-…` names in the expression.
    pub texts: BTreeMap<String, String>,
    /// Whether the expression was put together from phrases in a file that is not machine-readable: others may be missing.
    pub guessed: bool,
}

/// Larger files are not looked at: the largest in Debian have some megabytes.
const MAX_COPYRIGHT: usize = 16 << 20;
/// Texts that are longer are cut: SPDX wants them for people.
const MAX_TEXT: usize = 64 << 10;

/// Reads `/usr/share/doc/<package>/copyright`. Never fails: a file that says nothing asserts nothing.
pub fn from_debian_copyright(content: &[u8]) -> Licence {
    if content.len() > MAX_COPYRIGHT {
        return Licence::default();
    }
    let text = String::from_utf8_lossy(content);
    match Copyright::parse(&text) {
        Some(copyright) => machine_readable(&copyright),
        None => free_form(&text),
    }
}

/// A licence in the few words that metadata of packages have for it; none where SPDX has no expression that is surely the
/// same. Names of one's own (`LicenseRef-…`) are none: their texts are not known.
pub fn from_words(words: &str) -> Option<String> {
    // Cargo had a slash before it had expressions.
    let candidates = [words.trim().to_owned(), words.replace('/', " OR ").trim().to_owned()];
    let expression = candidates.into_iter().find(|text| is_listed(text));
    expression.or_else(|| full_name(words.trim()).map(str::to_owned))
}

/// Whether a text is an expression in which all names are on SPDX's list.
fn is_listed(text: &str) -> bool {
    let mode = spdx::ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..spdx::ParseMode::STRICT };
    let is_listed = |wanted: &spdx::LicenseReq| {
        wanted.license.id().is_some() && wanted.addition.as_ref().is_none_or(|addition| addition.id().is_some())
    };
    let parsed = spdx::Expression::parse_mode(text, mode);
    parsed.is_ok_and(|expression| expression.requirements().all(|wanted| is_listed(&wanted.req)))
}

/// The identifier of a licence by its whole name: `MIT License`.
fn full_name(words: &str) -> Option<&'static str> {
    let licence = spdx::identifiers::LICENSES.iter().find(|known| known.full_name.eq_ignore_ascii_case(words))?;
    Some(licence.name)
}

fn machine_readable(copyright: &Copyright<'_>) -> Licence {
    let mut unknown = BTreeSet::new();
    let synopses: BTreeSet<&str> = copyright.synopses().into_iter().collect();
    let parts = synopses.into_iter().map(|synopsis| {
        let text = || copyright.text_of(synopsis);
        synopsis::parse(synopsis, &text, &mut unknown)
    });
    let expression = Expression::all(parts.collect());
    let texts = unknown.into_iter().map(|(id, name)| (id, clip(copyright.text_of(&name)))).collect();
    Licence { expression: expression.map(|expression| expression.to_string()), texts, guessed: false }
}

fn free_form(text: &str) -> Licence {
    let names = free_form::recognise(text);
    let expression = Expression::all(names.into_iter().map(Expression::licence).collect());
    Licence {
        guessed: expression.is_some(),
        expression: expression.map(|expression| expression.to_string()),
        texts: BTreeMap::new(),
    }
}

/// A text of a licence; SPDX demands one, and where there is none it must say so.
fn clip(text: String) -> String {
    if text.trim().is_empty() {
        return "The copyright file names this licence without its text.".into();
    }
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].to_owned()
}
