//! Patterns as automata.

use super::BadPattern;
use bstr::ByteSlice;

/// Which language a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `filepath.Match`: two stars are one.
    Go,
    /// `patternmatcher`: two stars cross slashes.
    Moby,
}

/// What the next character must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// This one.
    Char(char),
    /// Any but a slash.
    One,
    /// Any number of characters that are no slashes.
    Star,
    /// One of a class, or one that is not in it.
    Class { ranges: Vec<(char, char)>, negated: bool },
    /// Any number of characters.
    Any,
    /// Any number of characters with a slash behind them, or nothing. This step is its beginning…
    Folders,
    /// …and this one its middle, where nothing is no longer enough.
    InFolders,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Program {
    steps: Vec<Step>,
    /// The text, where the pattern is nothing but one.
    literal: Option<Vec<u8>>,
}

impl Program {
    pub(super) fn compile(pattern: &str, dialect: Dialect) -> Result<Self, BadPattern> {
        let bad = || BadPattern(pattern.chars().take(120).collect());
        let mut steps = Vec::new();
        let mut rest = pattern.chars();
        // moby tells three cases apart before it makes a regular expression. In one of them, two
        // stars in front of a text without other wildcards, the stars match any beginning at all.
        let only_leading_stars = dialect == Dialect::Moby && is_plain_but_for_leading_stars(pattern);
        while let Some(c) = rest.next() {
            match c {
                '*' if dialect == Dialect::Moby && rest.as_str().starts_with('*') => {
                    rest.next();
                    let slash = rest.as_str().starts_with('/');
                    if slash {
                        rest.next();
                    }
                    if rest.as_str().is_empty() || only_leading_stars && !slash {
                        steps.push(Step::Any);
                    } else {
                        steps.extend([Step::Folders, Step::InFolders]);
                    }
                }
                '*' => steps.push(Step::Star),
                '?' => steps.push(Step::One),
                '[' => steps.push(class(&mut rest).ok_or_else(bad)?),
                '\\' => steps.push(Step::Char(rest.next().ok_or_else(bad)?)),
                c => steps.push(Step::Char(c)),
            }
        }
        let chars = steps.iter().map(|step| match step {
            Step::Char(c) => Some(*c),
            _ => None,
        });
        let literal = chars.collect::<Option<String>>().map(String::into_bytes);
        Ok(Program { steps, literal })
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match &self.literal {
            Some(literal) => literal == text,
            None => self.run(text).contains(self.steps.len()),
        }
    }

    /// Whether a text that begins with this folder and a slash can match.
    pub(super) fn can_match_below(&self, folder: &[u8]) -> bool {
        if folder.is_empty() {
            return true;
        }
        match &self.literal {
            Some(literal) => literal.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/')),
            None => {
                let mut states = self.run(folder);
                states = self.advance(&states, '/');
                !states.is_empty()
            }
        }
    }

    fn run(&self, text: &[u8]) -> States {
        let mut states = States::new(self.steps.len());
        self.enter(&mut states, 0);
        for c in text.chars() {
            states = self.advance(&states, c);
            if states.is_empty() {
                break;
            }
        }
        states
    }

    /// The steps that may come next after `c`.
    fn advance(&self, states: &States, c: char) -> States {
        let mut next = States::new(self.steps.len());
        for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| states.contains(*i)) {
            match step {
                Step::Char(expected) if *expected == c => self.enter(&mut next, i + 1),
                Step::One if c != '/' => self.enter(&mut next, i + 1),
                Step::Star if c != '/' => self.enter(&mut next, i),
                Step::Any => self.enter(&mut next, i),
                Step::Class { ranges, negated }
                    if ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated =>
                {
                    self.enter(&mut next, i + 1);
                }
                Step::Folders | Step::InFolders => {
                    let middle = if *step == Step::Folders { i + 1 } else { i };
                    next.insert(middle);
                    if c == '/' {
                        self.enter(&mut next, middle + 1);
                    }
                }
                _ => {}
            }
        }
        next
    }

    /// Adds a step, and those behind it that can be reached without a character.
    fn enter(&self, states: &mut States, mut i: usize) {
        loop {
            states.insert(i);
            i = match self.steps.get(i) {
                Some(Step::Star | Step::Any) => i + 1,
                Some(Step::Folders) => i + 2,
                _ => return,
            };
        }
    }
}

/// A set of steps; the number of steps itself stands for the end of the pattern.
struct States {
    words: Vec<u64>,
}

impl States {
    fn new(steps: usize) -> Self {
        States { words: vec![0; steps / 64 + 1] }
    }

    fn insert(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
    }

    fn contains(&self, i: usize) -> bool {
        self.words[i / 64] & (1 << (i % 64)) != 0
    }

    fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

fn is_plain_but_for_leading_stars(pattern: &str) -> bool {
    pattern.strip_prefix("**").is_some_and(|rest| !rest.contains(['*', '?', '[', ']', '\\']))
}

/// A class, behind its opening bracket: at least one range, then the closing bracket.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Step> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(Step::Class { ranges, negated }),
            ']' | '-' => return None,
            '\\' => rest.next()?,
            c => c,
        };
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = match rest.next()? {
                ']' | '-' => return None,
                '\\' => rest.next()?,
                c => c,
            };
        }
        ranges.push((low, high));
    }
}
