//! POSIX regular expressions, carried over to those of the `regex` crate, which always end in linear time.

use crate::packages::deb::emulate::shell::named_class;
use regex::bytes::{Regex, RegexBuilder};

/// As large as a compiled expression may become.
const MAX_SIZE: usize = 4 << 20;

/// How an expression is written and meant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// `grep -E`, `sed -E`: brackets and `+?|{}` are special without backslashes.
    pub(super) extended: bool,
    /// Upper and lower case are the same.
    pub(super) any_case: bool,
    /// `grep -F`: nothing is special.
    pub(super) fixed: bool,
    /// `grep -w`
    pub(super) words: bool,
    /// `grep -x`
    pub(super) lines: bool,
}

/// Compiles an expression; none where it is malformed or refers back to its own parts.
pub(super) fn compile(text: &str, style: Style) -> Option<Regex> {
    let mut own = if style.fixed { regex::escape(text) } else { translate(text, style.extended)? };
    if style.words {
        own = format!(r"\b(?:{own})\b");
    }
    if style.lines {
        own = format!("^(?:{own})$");
    }
    RegexBuilder::new(&own)
        .unicode(false)
        .case_insensitive(style.any_case)
        .dot_matches_new_line(true)
        .size_limit(MAX_SIZE)
        .build()
        .ok()
}

fn translate(text: &str, extended: bool) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    // Whether something could be repeated here; in the basic style a star without it is a star.
    let mut repeatable = false;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        if c == '[' {
            at += bracket(&chars[at..], &mut out)?;
            repeatable = true;
            continue;
        }
        let escaped = c == '\\';
        let c = if escaped { *chars.get(at)? } else { c };
        at += usize::from(escaped);
        let before = repeatable;
        repeatable = true;
        match c {
            '(' | '|' if escaped != extended => {
                out.push(c);
                repeatable = false;
            }
            ')' | '{' | '}' if escaped != extended => out.push(c),
            '+' | '?' if escaped != extended && before => out.push(c),
            '*' if !escaped && before => out.push('*'),
            '*' if !escaped && extended => return None,
            '^' if !escaped && (extended || out.is_empty() || out.ends_with('(') || out.ends_with('|')) => {
                out.push('^');
                repeatable = false;
            }
            '$' if !escaped && (extended || ends_here(&chars[at..])) => out.push('$'),
            '.' if !escaped => out.push('.'),
            '<' if escaped => out.push_str(r"\b{start}"),
            '>' if escaped => out.push_str(r"\b{end}"),
            'b' | 'B' | 's' | 'S' | 'w' | 'W' if escaped => out.extend(['\\', c]),
            'n' if escaped => out.push_str("\\n"),
            't' if escaped => out.push_str("\\t"),
            '1'..='9' if escaped => return None,
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Some(out)
}

/// Whether a `$` before this is the end of the expression or of a part of it.
fn ends_here(rest: &[char]) -> bool {
    matches!(rest, [] | ['\\', ')' | '|', ..])
}

/// Carries a bracket expression over; returns its length.
fn bracket(chars: &[char], out: &mut String) -> Option<usize> {
    let mut at = 0;
    out.push('[');
    if chars.first() == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let start = at;
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > start {
            out.push(']');
            return Some(at + 1);
        }
        if c == '[' && chars.get(at + 1) == Some(&':') {
            let length = chars[at + 2..].windows(2).position(|w| w == [':', ']'])?;
            let name: String = chars[at + 2..at + 2 + length].iter().collect();
            for (a, b) in named_class(&name)? {
                out.push_str(&format!("\\x{:02X}-\\x{:02X}", a as u32, b as u32));
            }
            at += length + 4;
            continue;
        }
        // A range keeps its hyphen, everything else stands for itself.
        let is_range = c == '-' && at > start && !matches!(chars.get(at + 1), None | Some(']'));
        match c {
            '-' if is_range => out.push('-'),
            // Inside of brackets sed reads these two as the characters that they name.
            '\\' if matches!(chars.get(at + 1), Some('n' | 't')) => {
                out.extend(['\\', chars[at + 1]]);
                at += 1;
            }
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => out.push(c),
            c => out.push_str(&format!("\\x{:02X}", c as u32)),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, extended: bool, text: &str) -> bool {
        compile(pattern, Style { extended, ..Style::default() }).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn both_styles_mean_what_they_should() {
        let basic = [
            (r"^a\(b\|c\)d$", "abd"),
            (r"a+b", "a+b"),
            (r"x*", ""),
            (r"^*a", "*a"),
            (r"[^[:space:]]\{2\}", "ab"),
            (r"a\.b", "a.b"),
            (r"\<word\>", "a word here"),
            (r"a$b", "a$b"),
            (r"[]x]", "]"),
            (r"[a\]]", r"\]"),
            ("(x)", "(x)"),
        ];
        for (pattern, text) in basic {
            assert!(matches(pattern, false, text), "{pattern} {text}");
        }
        let extended = [(r"^(a|b)+$", "abab"), (r"a{2}", "aa"), (r"\(x\)", "(x)"), (r"a?b", "b")];
        for (pattern, text) in extended {
            assert!(matches(pattern, true, text), "{pattern} {text}");
        }
        assert!(!matches(r"a\.b", false, "axb"));
        assert!(compile(r"\(a\)\1", Style::default()).is_none());
    }
}
