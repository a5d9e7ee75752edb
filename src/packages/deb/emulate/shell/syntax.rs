//! What a shell script is made of.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands in sequence.
#[derive(Debug, Default)]
pub(super) struct List(pub(super) Vec<AndOr>);

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(super) struct AndOr {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Join, Pipeline)>,
    /// Whether it was to run in the background.
    pub(super) background: bool,
}

/// What stands between two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Debug)]
pub(super) struct Command {
    /// The line that it begins on, counted from 1.
    pub(super) line: u32,
    pub(super) body: Body,
    pub(super) redirects: Vec<Redirect>,
}

/// The kinds of commands.
#[derive(Debug)]
pub(super) enum Body {
    Simple {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
    },
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    Loop {
        until: bool,
        condition: List,
        body: List,
    },
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
    /// `[[ … ]]`
    Condition(Vec<Word>),
}

/// One arm of a `case`.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) patterns: Vec<Word>,
    pub(super) body: List,
}

/// Where an input comes from or an output goes.
#[derive(Debug)]
pub(super) struct Redirect {
    pub(super) descriptor: u32,
    pub(super) kind: RedirectKind,
}

/// The kinds of redirections.
#[derive(Debug)]
pub(super) enum RedirectKind {
    Read(Word),
    Write(Word),
    Append(Word),
    /// `>&2`, `<&3`, `>&-`
    Duplicate(Word),
    /// The text comes behind the line; until that was read the cell is empty.
    Here(Rc<OnceCell<Word>>),
}

/// A word before expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

/// A piece of a word.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text { text: String, quoted: bool },
    Parameter { name: String, operation: Operation, quoted: bool },
    Command { body: Rc<List>, quoted: bool },
    Arithmetic { expression: Word, quoted: bool },
}

/// What `${…}` does with a parameter.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Value,
    Length,
    /// `${x-w}`, `${x=w}`, `${x?w}`, `${x+w}`; with the colon, empty counts as unset.
    Fallback {
        kind: char,
        colon: bool,
        word: Word,
    },
    /// `${x#p}` and its like.
    Trim {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    /// `${x/p/w}` of bash.
    Replace {
        all: bool,
        pattern: Word,
        with: Word,
    },
}

impl Word {
    /// The word, if it is nothing but unquoted text.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
