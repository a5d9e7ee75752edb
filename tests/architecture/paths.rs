//! The paths that a file names, in `use` declarations, in expressions and types, and in its documentation.

use super::lexer::{Kind, Token};
use super::sources::Source;

/// A path from the crate's root, and the line that names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

/// Every path that starts at the library's root: by `crate`, `super`, `self`, or by the library's own name.
pub fn named(source: &Source) -> Vec<Named> {
    let tokens = source.tokens();
    let mut found = vec![];
    let mut here: Vec<String> = source.module().into_iter().map(str::to_owned).collect();
    // How many braces are open, and at which depth the inline modules around us were opened.
    let (mut depth, mut modules) = (0_usize, vec![]);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let after_join = at > 0 && tokens[at - 1].kind == Kind::Join;
        match token.kind {
            Kind::Sign('{') => {
                depth += 1;
                if let [.., Token { kind: Kind::Word("mod"), .. }, Token { kind: Kind::Word(name), .. }] = tokens[..at]
                {
                    here.push(name.to_owned());
                    modules.push(depth);
                }
            }
            Kind::Sign('}') => {
                if modules.last() == Some(&depth) {
                    modules.pop();
                    here.pop();
                }
                depth = depth.saturating_sub(1);
            }
            Kind::Doc(text) => found.extend(in_prose(text, token.line, &here)),
            Kind::Word("use") if !matches!(tokens.get(at + 1).map(|t| t.kind), Some(Kind::Sign('<'))) => {
                let mut cursor = at + 1;
                let mut leaves = vec![];
                tree(&tokens, &mut cursor, &mut vec![], &mut leaves);
                found.extend(leaves.into_iter().filter_map(|(path, line)| rooted(&path, line, &here)));
                at = cursor;
                continue;
            }
            // `pub(crate)` and `$crate` name nothing.
            Kind::Word(word) if !after_join && !restricts(&tokens, at) => {
                let (path, end) = straight(&tokens, at, word);
                found.extend(rooted(&path, token.line, &here));
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The path `a::b::c` that starts at a word; generic arguments end it.
fn straight(tokens: &[Token], at: usize, first: &str) -> (Vec<String>, usize) {
    let (mut path, mut at) = (vec![first.to_owned()], at + 1);
    while let (Some(Kind::Join), Some(next)) = (tokens.get(at).map(|t| t.kind), tokens.get(at + 1).map(|t| t.kind)) {
        match next {
            Kind::Word(word) => path.push(word.to_owned()),
            Kind::Sign('*') => path.push("*".into()),
            _ => break,
        }
        at += 2;
    }
    (path, at)
}

fn restricts(tokens: &[Token], at: usize) -> bool {
    let kind = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|t| t.kind);
    let before = kind(at.checked_sub(1));
    before == Some(Kind::Sign('$'))
        || (before == Some(Kind::Sign('(')) && kind(at.checked_sub(2)) == Some(Kind::Word("pub")))
}

/// Reads a `use` tree; leaves the cursor behind it.
fn tree(tokens: &[Token], at: &mut usize, prefix: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, usize)>) {
    let start = prefix.len();
    let mut line = 0;
    while let Some(token) = tokens.get(*at) {
        line = token.line;
        match token.kind {
            Kind::Word("as") => *at += 1,
            Kind::Word(word) => prefix.push(word.to_owned()),
            Kind::Sign('*') => prefix.push("*".into()),
            Kind::Sign('{') => {
                *at += 1;
                while !matches!(tokens.get(*at).map(|t| t.kind), Some(Kind::Sign('}')) | None) {
                    tree(tokens, at, prefix, leaves);
                    if matches!(tokens.get(*at).map(|t| t.kind), Some(Kind::Sign(','))) {
                        *at += 1;
                    }
                }
                *at += 1;
                prefix.truncate(start);
                return;
            }
            Kind::Join => {}
            _ => break,
        }
        *at += 1;
    }
    leaves.push((prefix.clone(), line));
    prefix.truncate(start);
}

/// A path as seen from the library's root, if that is where it starts. A path that stops there names `*`: everything.
fn rooted(path: &[String], line: usize, here: &[String]) -> Option<Named> {
    let mut base: Vec<String> = match path.first()?.as_str() {
        "crate" | "kiln" => vec![],
        "self" | "super" => here.to_vec(),
        _ => return None,
    };
    if path.len() == 1 && path[0] != "crate" {
        return None;
    }
    for segment in path.iter().skip(usize::from(path[0] != "super")) {
        match segment.as_str() {
            "super" => drop(base.pop()),
            "self" => {}
            name => base.push(name.to_owned()),
        }
    }
    if base.is_empty() {
        base.push("*".into());
    }
    Some(Named { path: base, line })
}

/// Paths that documentation names, as links do.
fn in_prose(text: &str, line: usize, here: &[String]) -> Vec<Named> {
    let part_of_name = |c: char| c == '_' || c == ':' || c.is_alphanumeric();
    text.split(|c| !part_of_name(c))
        .filter(|word| word.starts_with("crate::") || word.starts_with("super::"))
        .filter_map(|word| {
            let path: Vec<String> = word.trim_end_matches(':').split("::").map(str::to_owned).collect();
            rooted(&path, line, here)
        })
        .collect()
}
