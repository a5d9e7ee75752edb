//! Installed gems, by their specifications: Ruby programs that RubyGems writes in one form, read without Ruby.

use super::content::Lines;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use std::io::Read;

/// The most bytes that are read of one specification; lists of files make some long.
const LONGEST: u64 = 4 << 20;

/// The gem of a specification in a file called `name`.
///
/// RubyGems writes `s.name = "rake".freeze`; the older `%q{rake}` and `Gem::Version.new("1.2")` are read too. Where the
/// version is an expression, the comment `# stub: rake 13.1.0 ruby lib` or else the file's name has it.
pub(super) fn package(content: &mut impl Read, name: &str) -> Result<Vec<Found>, CatalogError> {
    let mut lines = Lines::new(content.take(LONGEST), "specification of a gem");
    let (mut gem, mut version, mut licence, mut author) = (None, None, None, None);
    let mut stub = None;
    while let Some(line) = lines.next()? {
        let line = String::from_utf8_lossy(line);
        if let Some(words) = line.strip_prefix("# stub: ") {
            let mut words = words.split_ascii_whitespace();
            stub = words.next().zip(words.next()).map(|(name, version)| (name.to_owned(), version.to_owned()));
        }
        let Some((attribute, value)) = assignment(&line) else { continue };
        let mut texts = quoted(value);
        let place = match attribute {
            "name" => &mut gem,
            "version" => &mut version,
            "license" | "licenses" => &mut licence,
            "author" | "authors" => &mut author,
            _ => continue,
        };
        if place.is_none() {
            *place = match attribute {
                "licenses" => Some(texts.collect::<Vec<_>>().join(" OR ")).filter(|all| !all.is_empty()),
                _ => texts.next().map(str::to_owned),
            };
        }
    }
    let is_said = |text: &String| !text.contains("#{");
    let by_file = || {
        let (name, version) = name.strip_suffix(".gemspec")?.rsplit_once('-')?;
        version.starts_with(|c: char| c.is_ascii_digit()).then(|| (name.to_owned(), version.to_owned()))
    };
    let known = gem.filter(is_said).zip(version.filter(is_said)).or(stub).or_else(by_file);
    let found = |(name, version)| Found {
        licence,
        supplier: author,
        ..Found::new(Kind::Gem, Cataloguer::Gemspec, name, version)
    };
    Ok(known.map(found).into_iter().collect())
}

/// `s.name = …` as its attribute and what is assigned, whatever the variable is called.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (left, value) = line.split_once('=')?;
    let (variable, attribute) = left.trim().split_once('.')?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_word(variable) && is_word(attribute) && !value.starts_with(['=', '~'])).then_some((attribute, value))
}

/// The texts in quotes of either kind, or between `%q{` and `}`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    const QUOTES: [(&str, char); 3] = [("\"", '"'), ("'", '\''), ("%q{", '}')];
    let mut rest = text;
    std::iter::from_fn(move || {
        let starts = QUOTES.iter().filter_map(|(open, close)| Some((rest.find(open)?, open, close)));
        let (start, open, close) = starts.min_by_key(|(start, ..)| *start)?;
        let (inner, after) = rest.get(start + open.len()..)?.split_once(*close)?;
        rest = after;
        Some(inner)
    })
}
