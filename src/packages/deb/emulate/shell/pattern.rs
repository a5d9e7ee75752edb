//! The shell's patterns: `*`, `?`, `[a-z]`.

/// A pattern ready for matching.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

#[derive(Debug)]
enum Token {
    Literal(char),
    Any,
    Star,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// A pattern from characters, each with whether it was quoted and so stands for itself.
    pub(super) fn new(text: &[(char, bool)]) -> Self {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some((c, quoted)) = text.get(at) {
            at += 1;
            let token = match (c, quoted) {
                ('*', false) => Token::Star,
                ('?', false) => Token::Any,
                ('[', false) => match class(&text[at..]) {
                    Some((token, length)) => {
                        at += length;
                        token
                    }
                    None => Token::Literal('['),
                },
                (c, _) => Token::Literal(*c),
            };
            tokens.push(token);
        }
        Pattern(tokens)
    }

    /// Whether it stands for more than its own text.
    pub(super) fn is_special(&self) -> bool {
        self.0.iter().any(|token| !matches!(token, Token::Literal(_)))
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.matches_chars(&text)
    }

    fn matches_chars(&self, text: &[char]) -> bool {
        // Where the last star stands and how much it took: the only place to come back to.
        let mut star: Option<(usize, usize)> = None;
        let (mut token, mut at) = (0, 0);
        loop {
            match self.0.get(token) {
                Some(Token::Star) => {
                    star = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(other) if text.get(at).is_some_and(|c| other.takes(*c)) => {
                    (token, at) = (token + 1, at + 1);
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            match &mut star {
                Some((place, taken)) if *taken < text.len() => {
                    *taken += 1;
                    (token, at) = (*place + 1, *taken);
                }
                _ => return false,
            }
        }
    }

    /// The length in bytes of the shortest or longest beginning of `text` that matches.
    pub(super) fn prefix(&self, text: &str, longest: bool) -> Option<usize> {
        let ends = text.char_indices().map(|(i, _)| i).chain([text.len()]);
        let mut matching = ends.filter(|end| self.matches(&text[..*end]));
        if longest { matching.next_back() } else { matching.next() }
    }

    /// The length in bytes of what stands before the shortest or longest end of `text` that matches.
    pub(super) fn suffix(&self, text: &str, longest: bool) -> Option<usize> {
        let starts = text.char_indices().map(|(i, _)| i).chain([text.len()]);
        let mut matching = starts.filter(|start| self.matches(&text[*start..]));
        if longest { matching.next() } else { matching.next_back() }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Literal(own) => *own == c,
            Token::Any => true,
            Token::Star => false,
            Token::Class { negated, ranges } => ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated,
        }
    }
}

/// The class behind a `[`, and its length.
fn class(text: &[(char, bool)]) -> Option<(Token, usize)> {
    let get = |i: usize| text.get(i).map(|(c, _)| *c);
    let mut at = 0;
    let negated = matches!(get(0), Some('!' | '^'));
    at += usize::from(negated);
    let start = at;
    let mut ranges = Vec::new();
    loop {
        let c = get(at)?;
        if c == ']' && at > start {
            return Some((Token::Class { negated, ranges }, at + 1));
        }
        if c == '[' && get(at + 1) == Some(':') {
            let length = text[at + 2..].windows(2).position(|w| (w[0].0, w[1].0) == (':', ']'))?;
            let name: String = text[at + 2..at + 2 + length].iter().map(|(c, _)| *c).collect();
            ranges.extend(named_class(&name)?);
            at += length + 4;
            continue;
        }
        match (get(at + 1), get(at + 2)) {
            (Some('-'), Some(end)) if end != ']' => {
                ranges.push((c, end));
                at += 3;
            }
            _ => {
                ranges.push((c, c));
                at += 1;
            }
        }
    }
}

/// The characters of `[:name:]` in the C locale.
pub(in crate::packages::deb::emulate) fn named_class(name: &str) -> Option<Vec<(char, char)>> {
    Some(match name {
        "upper" => vec![('A', 'Z')],
        "lower" => vec![('a', 'z')],
        "alpha" => vec![('A', 'Z'), ('a', 'z')],
        "digit" => vec![('0', '9')],
        "alnum" => vec![('0', '9'), ('A', 'Z'), ('a', 'z')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "xdigit" => vec![('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(&text.chars().map(|c| (c, false)).collect::<Vec<_>>())
    }

    #[test]
    fn patterns_match_whole_texts() {
        let yes = [("*", ""), ("a*c", "abbc"), ("?[!x]", "ab"), ("[a-c]*", "bzz"), ("[]]", "]"), ("[[:digit:]]", "7")];
        let no = [("a", "ab"), ("?", ""), ("[!a]", "a"), ("a*b*c", "ab"), ("[a-c]", "-"), ("x[", "x")];
        for (p, text) in yes {
            assert!(pattern(p).matches(text), "{p} {text}");
        }
        for (p, text) in no {
            assert!(!pattern(p).matches(text), "{p} {text}");
        }
        let quoted = Pattern::new(&[('*', true)]);
        assert!(quoted.matches("*") && !quoted.matches("a") && !quoted.is_special());
    }

    #[test]
    fn beginnings_and_ends_are_short_or_long() {
        assert_eq!(pattern("*/").prefix("a/b/c", false), Some(2));
        assert_eq!(pattern("*/").prefix("a/b/c", true), Some(4));
        assert_eq!(pattern("/*").suffix("a/b/c", false), Some(3));
        assert_eq!(pattern("/*").suffix("a/b/c", true), Some(1));
        assert_eq!(pattern("x").prefix("abc", true), None);
    }

    #[test]
    fn hostile_patterns_end() {
        let text = "a".repeat(3000);
        assert!(!pattern(&"a*".repeat(300)).matches(&format!("{text}b")[1..3000].replace('a', "b")));
        assert!(!pattern(&format!("{}b", "a*".repeat(300))).matches(&text));
    }
}
