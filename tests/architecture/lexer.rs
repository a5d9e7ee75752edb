//! As much of Rust's lexical structure as it takes to tell names from text and comments.

/// A token and the line that it starts on, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An identifier, a keyword or a number.
    Word(&'a str),
    /// What a string says, escapes as written.
    Text(&'a str),
    /// What a documentation comment says.
    Doc(&'a str),
    /// `::`
    Join,
    Sign(char),
}

pub fn lex(text: &str) -> Vec<Token<'_>> {
    let (mut rest, mut line, mut tokens) = (text, 1, vec![]);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next(rest, first);
        if let Some(kind) = kind {
            tokens.push(Token { kind, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The token at the start of `rest`, if any starts there, and how many bytes it takes.
fn next(rest: &str, first: char) -> (Option<Kind<'_>>, usize) {
    if let Some(comment) = rest.strip_prefix("//") {
        let end = rest.find('\n').unwrap_or(rest.len());
        let doc = comment.starts_with(['/', '!']) && !rest.starts_with("////");
        return (doc.then(|| Kind::Doc(&rest[3..end])), end);
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        let end = block_end(rest);
        return (comment.starts_with(['*', '!']).then(|| Kind::Doc(&rest[2..end])), end);
    }
    if let Some((start, close)) = string_start(rest) {
        let length = match close.is_empty() {
            true => escaped_end(&rest[start..], '"'),
            false => rest[start..].find(&close).unwrap_or(rest.len() - start),
        };
        let end = start + length;
        return (Some(Kind::Text(&rest[start..end])), (end + close.len().max(1)).min(rest.len()));
    }
    if first == '\'' || rest.starts_with("b'") {
        return (None, character(rest));
    }
    if rest.starts_with("::") {
        return (Some(Kind::Join), 2);
    }
    let word = rest.strip_prefix("r#").unwrap_or(rest);
    let length = word.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(word.len());
    if length > 0 {
        return (Some(Kind::Word(&word[..length])), rest.len() - word.len() + length);
    }
    ((!first.is_whitespace()).then_some(Kind::Sign(first)), first.len_utf8())
}

/// Where a block comment ends; they nest.
fn block_end(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let found = rest[at..].find("/*").into_iter().chain(rest[at..].find("*/")).min();
        let Some(found) = found else { return rest.len() };
        depth = if rest[at + found..].starts_with("/*") { depth + 1 } else { depth - 1 };
        at += found + 2;
        if depth == 0 {
            return at;
        }
    }
}

/// Where the content of a string literal starts, and what closes it if it is a raw one.
fn string_start(rest: &str) -> Option<(usize, String)> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| rest.strip_prefix(prefix).is_some_and(|after| after.trim_start_matches('#').starts_with('"')))?;
    let hashes = rest[prefix.len()..].find('"')?;
    match prefix.ends_with('r') {
        true => Some((prefix.len() + hashes + 1, format!("\"{}", "#".repeat(hashes)))),
        false => (hashes == 0).then(|| (prefix.len() + 1, String::new())),
    }
}

/// Where the closing quote is that no backslash escapes.
fn escaped_end(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    rest.len()
}

/// How long the character literal or the lifetime at the start is.
fn character(rest: &str) -> usize {
    let start = rest.find('\'').unwrap_or(0) + 1;
    let after = &rest[start..];
    let mut chars = after.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => start + escaped_end(after, '\'') + 1,
        (Some(c), Some('\'')) => start + c.len_utf8() + 1,
        _ => start,
    }
}

#[test]
fn names_are_told_from_text_and_comments() {
    let words = |text| -> Vec<String> {
        let words = lex(text).into_iter().filter_map(|token| match token.kind {
            Kind::Word(word) => Some(word.to_owned()),
            _ => None,
        });
        words.collect()
    };
    assert_eq!(words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
    assert_eq!(words(r####"a "b \" c" d r#"e " f"# g b"h" br##"i"## c"j" k"####), ["a", "d", "g", "k"]);
    assert_eq!(words(r"a 'b' c '\'' d 'x: e b'f' g '\u{1F600}' h '\\' i"), ["a", "c", "d", "x", "e", "g", "h", "i"]);
    assert_eq!(words("r#type 1_000u64 bread"), ["type", "1_000u64", "bread"]);
    let lines: Vec<usize> = lex("a\n\"x\ny\" b\n/* \n */ c").iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 2, 3, 5]);
}
