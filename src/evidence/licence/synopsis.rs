//! The first line of a `License` field: short names joined by "and", "or" and commas.
//!
//! As DEP-5 says, "and" binds tighter than "or", unless a comma stands before it: `A or B, and C` is
//! `(A OR B) AND C`.

use super::expression::Expression;
use super::names;
use std::collections::BTreeSet;

/// A joining word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

/// Parses a synopsis. Names that SPDX does not have are added to `unknown` as (reference, name in the file).
/// `text` gives what the file says under this synopsis; it decides between exceptions of the same name.
pub(super) fn parse(synopsis: &str, text: &dyn Fn() -> String, unknown: &mut BTreeSet<(String, String)>) -> Expression {
    if is_prose(synopsis) {
        return reference(synopsis, unknown);
    }
    let mut groups: Vec<(Join, Expression)> = Vec::new();
    for (n, group) in synopsis.split([',', ';']).map(str::trim).filter(|group| !group.is_empty()).enumerate() {
        let words: Vec<&str> = group.split_whitespace().collect();
        let (join, words) = match words.split_first() {
            Some((first, rest)) if n > 0 => match joins(first) {
                Some(join) => (join, rest),
                None => (Join::And, words.as_slice()),
            },
            _ => (Join::And, words.as_slice()),
        };
        groups.extend(alternatives(words, text, unknown).map(|expression| (join, expression)));
    }
    let mut alternatives: Vec<Vec<Expression>> = Vec::new();
    for (join, expression) in groups {
        match (join, alternatives.last_mut()) {
            (Join::And, Some(last)) => last.push(expression),
            _ => alternatives.push(vec![expression]),
        }
    }
    let alternatives = alternatives.into_iter().filter_map(Expression::all).collect();
    Expression::any(alternatives).unwrap_or_else(|| reference(synopsis, unknown))
}

fn alternatives(
    words: &[&str],
    text: &dyn Fn() -> String,
    unknown: &mut BTreeSet<(String, String)>,
) -> Option<Expression> {
    let split = |words: &[&str], join: Join| -> Vec<Vec<String>> {
        let parts = words.split(|word| joins(word) == Some(join));
        parts.map(|part| part.iter().map(|word| (*word).to_owned()).collect()).collect()
    };
    let mut any = Vec::new();
    for alternative in split(words, Join::Or) {
        let alternative: Vec<&str> = alternative.iter().map(String::as_str).collect();
        let all = split(&alternative, Join::And).into_iter().filter(|name| !name.is_empty());
        let all = all.map(|name| licence(&name.join(" "), text, unknown)).collect();
        any.extend(Expression::all(all));
    }
    Expression::any(any)
}

fn joins(word: &str) -> Option<Join> {
    match word.to_ascii_lowercase().as_str() {
        "and" | "&" => Some(Join::And),
        "or" | "and/or" | "|" => Some(Join::Or),
        _ => None,
    }
}

fn licence(name: &str, text: &dyn Fn() -> String, unknown: &mut BTreeSet<(String, String)>) -> Expression {
    names::spdx(name, text).unwrap_or_else(|| reference(name, unknown))
}

fn reference(name: &str, unknown: &mut BTreeSet<(String, String)>) -> Expression {
    let id = reference_id(name);
    unknown.insert((id.clone(), name.to_owned()));
    Expression::licence(id)
}

/// `LicenseRef-debian-<name>` with what SPDX does not allow replaced.
fn reference_id(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().take(60) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' => slug.push(c),
            '+' => slug.push_str("plus"),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_matches('-');
    format!("LicenseRef-debian-{}", if slug.is_empty() { "unnamed" } else { slug })
}

/// Whether somebody wrote sentences where names belong.
fn is_prose(synopsis: &str) -> bool {
    let groups = synopsis.split([',', ';']);
    let names = groups.flat_map(|group| {
        let words: Vec<&str> = group.split_whitespace().collect();
        words.split(|word| joins(word).is_some()).map(<[&str]>::len).collect::<Vec<_>>()
    });
    names.max().unwrap_or_default() > 7 || synopsis.contains(['(', ')', ':'])
}
