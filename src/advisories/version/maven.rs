//! Maven's version order specification (POM reference, "Version Order Specification").
//!
//! A version is numbers and qualifiers, each behind a dot or a dash; where digits and letters meet, a dash is thought
//! between them. The class `ComparableVersion` makes nested lists of them, and contradicts itself for some
//! texts; the specification's flat list has one order for all.

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if a.trim().is_empty() || b.trim().is_empty() {
        return None;
    }
    Some(pairwise::compare(tokens(a.trim()), tokens(b.trim()), compare_tokens))
}

/// A part of a version.
#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    /// Digits behind a dot, or at the beginning.
    Dotted(&'a str),
    /// Digits behind a dash.
    Dashed(&'a str),
    /// A word; it does not matter what stands before it.
    Qualifier(Qualifier<'a>),
}

/// A word, earliest first.
#[derive(Debug, Clone, Copy)]
enum Qualifier<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    /// What is the same as nothing.
    Release,
    ServicePack,
    Other(&'a str),
}

/// A qualifier is less than a number behind a dash, and that less than one behind a dot; nothing is `Release`.
fn compare_tokens(a: Option<Token>, b: Option<Token>) -> Ordering {
    match (a, b) {
        (Some(Token::Dotted(a)), Some(Token::Dotted(b))) | (Some(Token::Dashed(a)), Some(Token::Dashed(b))) => {
            digits::compare(a, b)
        }
        (Some(Token::Qualifier(Qualifier::Other(a))), Some(Token::Qualifier(Qualifier::Other(b)))) => {
            lower(a).cmp(lower(b))
        }
        (a, b) => weight(a).cmp(&weight(b)),
    }
}

fn weight(token: Option<Token>) -> u8 {
    match token.unwrap_or(Token::Qualifier(Qualifier::Release)) {
        Token::Qualifier(Qualifier::Alpha) => 0,
        Token::Qualifier(Qualifier::Beta) => 1,
        Token::Qualifier(Qualifier::Milestone) => 2,
        Token::Qualifier(Qualifier::Candidate) => 3,
        Token::Qualifier(Qualifier::Snapshot) => 4,
        Token::Qualifier(Qualifier::Release) => 5,
        Token::Qualifier(Qualifier::ServicePack) => 6,
        Token::Qualifier(Qualifier::Other(_)) => 7,
        Token::Dashed(_) => 8,
        Token::Dotted(_) => 9,
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The tokens of a text without those that mean nothing.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(8);
    let (mut rest, mut dashed) = (text, false);
    loop {
        let end = match rest.bytes().next() {
            Some(b'0'..=b'9') => digits::split(rest).0.len(),
            _ => rest.find(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        // An empty token is 0.
        let is_number = token.is_empty() || digits::is_number(token);
        tokens.push(match (is_number, dashed) {
            (true, true) => Token::Dashed(token),
            (true, false) => Token::Dotted(token),
            (false, _) => Token::Qualifier(qualifier(token, behind)),
        });
        (rest, dashed) = match behind.bytes().next() {
            None => break,
            Some(b'.') => (behind.get(1..).unwrap_or_default(), false),
            Some(b'-') => (behind.get(1..).unwrap_or_default(), true),
            Some(_) => (behind, true),
        };
    }
    trim(&mut tokens);
    tokens
}

/// Removes zeros before the end and before each dash; a qualifier counts as one. Words that are the same as nothing
/// stay, since Maven 3.9.1: `1.final-foo` is earlier than `1-sp-foo`.
fn trim(tokens: &mut Vec<Token>) {
    let mut before_dot = false;
    tokens.reverse();
    tokens.retain(|token| {
        let (is_zero, is_dotted) = match token {
            Token::Dotted(digits) => (digits::is_zero(digits), true),
            Token::Dashed(digits) => (digits::is_zero(digits), false),
            Token::Qualifier(_) => (false, false),
        };
        let keep = !is_zero || before_dot;
        before_dot = if keep { is_dotted } else { before_dot };
        keep
    });
    tokens.reverse();
}

/// What a word says. One letter is short for a stage, but only right before a number.
fn qualifier<'a>(word: &'a str, behind: &str) -> Qualifier<'a> {
    let meets_digit = behind.starts_with(|c: char| c.is_ascii_digit());
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    match word {
        _ if is(&["alpha"]) || meets_digit && is(&["a"]) => Qualifier::Alpha,
        _ if is(&["beta"]) || meets_digit && is(&["b"]) => Qualifier::Beta,
        _ if is(&["milestone"]) || meets_digit && is(&["m"]) => Qualifier::Milestone,
        _ if is(&["rc", "cr"]) => Qualifier::Candidate,
        _ if is(&["snapshot"]) => Qualifier::Snapshot,
        _ if is(&["ga", "final", "release"]) => Qualifier::Release,
        _ if is(&["sp"]) => Qualifier::ServicePack,
        _ => Qualifier::Other(word),
    }
}
