//! The one layout that `kiln fmt` gives.
//!
//! Tokens stay as they were written; only the white space between them changes, and semicolons that end a line
//! go. A line break of the author stays a line break, so what fits on one line may stand on one.

use super::mistake::Mistakes;
use super::token::{self, Kind, Token};
use super::{Node, Value, parse};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources, Span};

const INDENT: &str = "    ";

/// A text in kiln's layout, with all its comments; the same text again where it has that layout already.
pub fn format(name: &str, text: &str) -> Result<String, Diagnostics> {
    let mut sources = Sources::default();
    let refuse = |list, sources: &Sources| Diagnostics::new(list, sources.clone());
    let file = super::add(&mut sources, name, text.as_bytes()).map_err(|list| refuse(list, &sources))?;
    let before = parse(file, text).map_err(|list| refuse(list, &sources))?;
    let formatted = lay_out(text, file);
    // Nobody reads a formatted spec again from the beginning: it must mean what it meant.
    match parse(file, &formatted) {
        Ok(after) if same_nodes(&before, &after) => Ok(formatted),
        _ => Err(refuse(vec![changed_meaning(Span::new(file, 0, 0))], &sources)),
    }
}

fn changed_meaning(span: Span) -> Diagnostic {
    Diagnostic::error("syntax::format", "formatting this file would change its meaning; it is left as it is", span, "")
        .with_help("this is a mistake in kiln: please report it together with the file")
}

fn lay_out(text: &str, file: FileId) -> String {
    let tokens = token::tokens(text, file, &mut Mistakes::default());
    let blocks = layouts(text, &tokens);
    let mut writer = Writer { text, out: String::with_capacity(text.len()), ..Writer::default() };
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Space => {}
            Kind::Newline if blocks[i] == Layout::Empty => {}
            Kind::Newline => writer.newline(),
            Kind::Continuation => writer.continuation(*token),
            Kind::Semicolon if ends_line(text, &tokens[i + 1..]) => writer.node_end(),
            kind => writer.token(*token, kind == Kind::Open && blocks[i] == Layout::Broken),
        }
    }
    writer.finish()
}

/// How the block is written that a brace begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// On one line, or no brace at all.
    Inline,
    /// On several lines.
    Broken,
    /// Nothing but white space is in it; its line breaks are marked too, to be left out.
    Empty,
}

/// The layout of the block that each token begins.
fn layouts(text: &str, tokens: &[Token]) -> Vec<Layout> {
    let mut layouts = vec![Layout::Inline; tokens.len()];
    // The open braces, with whether there is a line break and whether there is anything else in them.
    let mut open: Vec<(usize, bool, bool)> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Space => {}
            Kind::Newline | Kind::Continuation => {
                if let Some((_, line_break, content)) = open.last_mut() {
                    *line_break = true;
                    *content |= is_commented(text, token);
                }
            }
            Kind::Close => match open.pop() {
                Some((brace, true, true)) => {
                    layouts[brace] = Layout::Broken;
                    if let Some((_, line_break, _)) = open.last_mut() {
                        *line_break = true;
                    }
                }
                Some((brace, true, false)) => layouts[brace..i].fill(Layout::Empty),
                _ => {}
            },
            kind => {
                if let Some((_, _, content)) = open.last_mut() {
                    *content = true;
                }
                if kind == Kind::Open {
                    open.push((i, false, false));
                }
            }
        }
    }
    layouts
}

/// Whether nothing but comments follows on the line or in the block.
fn ends_line(text: &str, rest: &[Token]) -> bool {
    rest.iter()
        .find(|token| match token.kind {
            Kind::Space | Kind::BlockComment => false,
            // Between two nodes it joins nothing; what is left of it is its comment.
            Kind::Continuation => is_commented(text, token),
            _ => true,
        })
        .is_none_or(|token| matches!(token.kind, Kind::Newline | Kind::LineComment | Kind::Close | Kind::Continuation))
}

/// Whether a continuation ends with a comment.
fn is_commented(text: &str, token: &Token) -> bool {
    text[token.start..token.end].contains("//")
}

#[derive(Default)]
struct Writer<'t> {
    text: &'t str,
    out: String,
    /// The last token written.
    last: Option<Kind>,
    /// Line breaks since then.
    newlines: usize,
    /// The open blocks: whether each is written on several lines.
    blocks: Vec<bool>,
    /// Lines to be joined, each with its comment, before the next token of the same node.
    joins: Vec<&'t str>,
    /// Whether a node has begun and not ended: only then a continuation joins anything.
    in_node: bool,
    /// Whether a slashdash waits for what it takes out: line breaks mean nothing until then.
    slashdash: bool,
}

impl<'t> Writer<'t> {
    fn newline(&mut self) {
        if self.slashdash && self.last != Some(Kind::LineComment) {
            return;
        }
        self.drop_joins();
        self.newlines += 1;
        self.in_node &= self.slashdash;
    }

    fn node_end(&mut self) {
        self.drop_joins();
        self.in_node = false;
    }

    fn continuation(&mut self, token: Token) {
        let text = &self.text[token.start..token.end];
        let comment = text.find("//").map_or("", |i| text[i..].trim_end());
        if self.in_node && !self.slashdash {
            self.joins.push(comment);
        } else if !comment.is_empty() {
            self.line_comment(comment);
            self.newlines += 1;
        }
    }

    /// A continuation after which the node ended joins nothing; its comment stays.
    fn drop_joins(&mut self) {
        for comment in std::mem::take(&mut self.joins) {
            if !comment.is_empty() {
                self.line_comment(comment);
                self.newlines = 1;
            }
        }
    }

    fn line_comment(&mut self, comment: &str) {
        self.lead(Kind::LineComment);
        self.out.push_str(comment);
        self.last = Some(Kind::LineComment);
    }

    fn token(&mut self, token: Token, broken: bool) {
        let text = &self.text[token.start..token.end];
        let closed = if token.kind == Kind::Close {
            self.node_end();
            self.blocks.pop().unwrap_or_default()
        } else {
            false
        };
        if closed {
            self.newlines = 1;
        }
        match token.kind {
            Kind::LineComment => {
                self.drop_joins();
                return self.line_comment(text.trim_end());
            }
            Kind::Semicolon => {
                self.node_end();
                // A joined line's comment has ended the node already.
                if self.newlines > 0 {
                    return;
                }
            }
            _ => {}
        }
        self.join();
        self.lead(token.kind);
        match token.kind {
            Kind::Quoted { multi: true } | Kind::Raw { multi: true } | Kind::BlockComment => {
                self.out.push_str(&text.replace("\r\n", "\n"));
            }
            _ => self.out.push_str(text),
        }
        self.last = Some(token.kind);
        self.after(token.kind, broken);
    }

    /// What a token changes for those after it.
    fn after(&mut self, kind: Kind, broken: bool) {
        match kind {
            Kind::Open => {
                self.blocks.push(broken);
                self.in_node = false;
                self.slashdash = false;
                self.newlines = 0;
            }
            // After a block only slashdashed ones may follow in the same node.
            Kind::Close => {
                self.in_node = true;
                self.slashdash = false;
            }
            Kind::Slashdash => {
                self.in_node = true;
                self.slashdash = true;
            }
            Kind::Semicolon => self.in_node = false,
            Kind::BlockComment => {}
            _ => {
                self.in_node = true;
                self.slashdash = false;
            }
        }
    }

    /// Writes the continuations that were met since the last token.
    fn join(&mut self) {
        let joins = std::mem::take(&mut self.joins);
        let commented: Vec<&str> = joins.iter().copied().filter(|comment| !comment.is_empty()).collect();
        let lines = if commented.is_empty() && !joins.is_empty() { vec![""] } else { commented };
        for comment in lines {
            let space = if comment.is_empty() { "" } else { " " };
            self.space();
            self.out.push('\\');
            self.out.push_str(space);
            self.out.push_str(comment);
            self.out.push('\n');
            self.indent(1);
            self.last = Some(Kind::Continuation);
        }
    }

    /// Writes the white space that stands before a token.
    fn lead(&mut self, kind: Kind) {
        let opened = self.last == Some(Kind::Open) && self.blocks.last() == Some(&true);
        if opened && kind != Kind::LineComment {
            self.newlines = self.newlines.max(1);
        }
        if self.newlines == 0 || self.last.is_none() {
            if self.spaced(kind) {
                self.space();
            }
        } else {
            let first_in_block = self.last == Some(Kind::Open);
            let blank = self.newlines > 1 && !first_in_block && kind != Kind::Close;
            self.out.push_str(if blank { "\n\n" } else { "\n" });
            self.indent(0);
        }
        self.newlines = 0;
    }

    fn space(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
    }

    fn indent(&mut self, more: usize) {
        for _ in 0..self.blocks.iter().filter(|broken| **broken).count() + more {
            self.out.push_str(INDENT);
        }
    }

    /// Whether a space stands between the last token and the next one on the same line.
    fn spaced(&self, next: Kind) -> bool {
        let Some(last) = self.last else { return false };
        let comment = matches!(next, Kind::LineComment | Kind::BlockComment);
        let tight_after = matches!(last, Kind::OpenType | Kind::CloseType | Kind::Equals | Kind::Slashdash) && !comment;
        let tight_before = matches!(next, Kind::CloseType | Kind::Equals | Kind::Semicolon);
        let empty_block = last == Kind::Open && next == Kind::Close;
        !(tight_after || tight_before || empty_block)
    }

    fn finish(mut self) -> String {
        self.drop_joins();
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}

/// Whether two texts say the same, wherever it stands in them.
pub(super) fn same_nodes(a: &[Node], b: &[Node]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_node(a, b))
}

fn same_node(a: &Node, b: &Node) -> bool {
    let word = |name: &Option<super::Name>| name.as_ref().map(|name| name.text.clone());
    let value = |a: &super::Argument, b: &super::Argument| {
        same_value(&a.value, &b.value) && word(&a.annotation) == word(&b.annotation)
    };
    a.name.text == b.name.text
        && word(&a.annotation) == word(&b.annotation)
        && a.args.len() == b.args.len()
        && a.args.iter().zip(&b.args).all(|(a, b)| value(a, b))
        && a.props.len() == b.props.len()
        && a.props.iter().zip(&b.props).all(|(a, b)| a.name.text == b.name.text && value(&a.value, &b.value))
        && match (&a.children, &b.children) {
            (Some(a), Some(b)) => same_nodes(a, b),
            (None, None) => true,
            _ => false,
        }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
