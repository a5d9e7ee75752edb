//! What stands where: tokens to nodes, without recursion, all mistakes in one pass.

use super::mistake::{self, Mistakes};
use super::token::{self, Kind, Token};
use super::value::Words;
use super::{Argument, Name, Node, Property};
use crate::diagnostic::{Diagnostic, FileId, Span};

/// How deep blocks may be nested.
pub const MAX_DEPTH: usize = 32;

/// The nodes of a text that [`add`](super::add) took.
pub fn parse(file: FileId, text: &str) -> Result<Vec<Node>, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::default();
    let tokens = token::tokens(text, file, &mut mistakes);
    let words = Words { text, file };
    let nodes = Parser { words, tokens: &tokens, at: 0, mistakes: &mut mistakes, blocks: Vec::new() }.document();
    mistakes.into_result(nodes)
}

struct Parser<'t, 'm> {
    words: Words<'t>,
    tokens: &'t [Token],
    at: usize,
    mistakes: &'m mut Mistakes,
    /// The blocks that are open, outermost first.
    blocks: Vec<Block>,
}

/// A block that is open.
struct Block {
    /// Its brace.
    open: Token,
    /// Taken out by a slashdash.
    dropped: bool,
    /// The node to which it belongs.
    owner: Option<Draft>,
    /// What stood before the owner in its own block.
    siblings: Vec<Node>,
}

/// A node of which not all was read yet.
struct Draft {
    node: Node,
    /// Taken out by a slashdash, or without a proper name.
    dropped: bool,
    /// Where its first block began, taken out or not: no value may stand after it.
    first_block: Option<Span>,
    /// Where its block began.
    block: Option<Span>,
}

impl Parser<'_, '_> {
    fn document(mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        loop {
            self.skip(Kind::is_line_space);
            let Some(token) = self.peek() else { break };
            if self.mistakes.full() || self.blocks.len() > MAX_DEPTH {
                return nodes;
            }
            match token.kind {
                Kind::Close => {
                    self.at += 1;
                    self.close(token, &mut nodes);
                }
                Kind::Semicolon => {
                    self.at += 1;
                    self.mistakes.add(mistake::empty_node(self.words.span(token)));
                }
                _ => {
                    if let Some(draft) = self.node_head() {
                        self.entries(draft, &mut nodes);
                    }
                }
            }
        }
        for block in &self.blocks {
            self.mistakes.add(mistake::open_block(self.words.span(block.open)));
        }
        nodes
    }

    /// Reads up to and including a node's name; None where the node is nothing but a mistake.
    fn node_head(&mut self) -> Option<Draft> {
        let first = self.peek()?;
        let dropped = first.kind == Kind::Slashdash;
        if dropped {
            self.at += 1;
            self.skip(Kind::is_line_space);
        }
        let annotation = match self.peek() {
            Some(token) if token.kind == Kind::OpenType => self.annotation(),
            _ => None,
        };
        self.skip(Kind::is_node_space);
        let Some(token) = self.peek().filter(|token| !matches!(token.kind, Kind::Close | Kind::Semicolon)) else {
            let mistake = if dropped { mistake::dangling_slashdash } else { mistake::expected_name };
            self.mistakes.add(mistake(self.words.span(first)));
            return None;
        };
        let span = self.words.span(token);
        let name = match token.kind {
            kind if kind.is_word() => {
                self.at += 1;
                self.words.name(token, self.mistakes, mistake::name_is_no_word)
            }
            // The block is read all the same, for the mistakes in it.
            Kind::Open => {
                self.mistakes.add(mistake::block_without_node(span));
                None
            }
            Kind::Newline | Kind::LineComment => {
                self.mistakes.add(mistake::expected_name(span));
                None
            }
            kind => {
                self.at += 1;
                self.mistakes.add(match kind {
                    Kind::Equals => mistake::stray_equals(span),
                    Kind::CloseType => mistake::stray_close_type(span),
                    _ => mistake::expected_name(span),
                });
                None
            }
        };
        let dropped = dropped || name.is_none();
        let name = name.unwrap_or_else(|| Name { text: String::new(), span });
        let node = Node { name, annotation, args: Vec::new(), props: Vec::new(), children: None, span };
        Some(Draft { node, dropped, first_block: None, block: None })
    }

    /// Reads a node's values up to its end or to its block, which is then open.
    fn entries(&mut self, mut draft: Draft, nodes: &mut Vec<Node>) {
        loop {
            let spaced = self.skip(Kind::is_node_space);
            let Some(token) = self.peek() else { break };
            match token.kind {
                Kind::Newline | Kind::LineComment | Kind::Semicolon => {
                    self.at += 1;
                    break;
                }
                Kind::Close => break,
                Kind::Slashdash => {
                    if !spaced {
                        self.mistakes.add(mistake::missing_space(self.words.span(token)));
                    }
                    self.at += 1;
                    self.skip(Kind::is_line_space);
                    match self.peek() {
                        Some(next) if next.kind == Kind::Open => return self.open(draft, true, nodes),
                        Some(next) if next.kind.is_word() || next.kind == Kind::OpenType => {
                            if draft.first_block.is_some() {
                                self.mistakes.add(mistake::value_after_block(self.words.span(next)));
                            }
                            let mut ignored = draft.scratch();
                            self.entry(&mut ignored);
                        }
                        _ => self.mistakes.add(mistake::dangling_slashdash(self.words.span(token))),
                    }
                }
                Kind::Open => return self.open(draft, false, nodes),
                Kind::Equals | Kind::CloseType => {
                    self.at += 1;
                    let mistake =
                        if token.kind == Kind::Equals { mistake::stray_equals } else { mistake::stray_close_type };
                    self.mistakes.add(mistake(self.words.span(token)));
                    // The value after a stray `=` is part of the same mistake.
                    self.skip(Kind::is_node_space);
                    if token.kind == Kind::Equals && self.peek().is_some_and(|token| token.kind.is_word()) {
                        self.at += 1;
                    }
                }
                _ => {
                    if let Some(mistake) = self.misplaced(&draft, token, spaced) {
                        self.mistakes.add(mistake);
                    }
                    self.entry(&mut draft);
                }
            }
            if self.mistakes.full() {
                return;
            }
        }
        finish(draft, nodes);
    }

    /// Why a value may not begin with this token, seen from what stands before it.
    fn misplaced(&self, draft: &Draft, token: Token, spaced: bool) -> Option<Diagnostic> {
        let span = self.words.span(token);
        if draft.first_block.is_some() {
            return Some(mistake::value_after_block(span));
        }
        if spaced {
            return None;
        }
        let before = self.tokens[..self.at].last().map(|token| token.kind);
        // What follows on something unreadable was not meant to be a value of its own.
        if before == Some(Kind::Bad) || token.kind == Kind::Bad {
            return None;
        }
        Some(if self.words.text(token).starts_with(',') {
            mistake::comma(Span { end: span.start + 1, ..span })
        } else {
            mistake::missing_space(span)
        })
    }

    /// Reads an argument or a property into a draft.
    fn entry(&mut self, draft: &mut Draft) {
        let Some(first) = self.peek() else { return };
        if first.kind.is_word() {
            let mut ahead = self.at + 1;
            while self.tokens.get(ahead).is_some_and(|token| token.kind.is_node_space()) {
                ahead += 1;
            }
            if self.tokens.get(ahead).is_some_and(|token| token.kind == Kind::Equals) {
                let name = self.words.name(first, self.mistakes, mistake::property_name_is_no_word);
                self.at = ahead + 1;
                self.skip(Kind::is_node_space);
                let value = self.argument(&format!("`{}=`", mistake::clip(self.words.text(first))));
                if let (Some(name), Some(value)) = (name, value) {
                    let span = name.span.until(value.span);
                    draft.extend(span);
                    draft.node.props.push(Property { name, value, span });
                }
                return;
            }
        }
        if let Some(argument) = self.argument("the type annotation") {
            draft.extend(argument.span);
            draft.node.args.push(argument);
        }
    }

    /// Reads a value with its annotation; reports and takes nothing that is none.
    fn argument(&mut self, after: &str) -> Option<Argument> {
        let first = self.peek();
        let annotated = first.is_some_and(|token| token.kind == Kind::OpenType);
        let annotation = if annotated { self.annotation() } else { None };
        self.skip(Kind::is_node_space);
        let Some(token) = self.peek().filter(|token| token.kind.is_word()) else {
            if annotated && annotation.is_none() {
                return None;
            }
            let before = self.tokens[..self.at].iter().rev().find(|token| !token.kind.is_node_space()).copied();
            self.mistakes.add(mistake::expected_value(self.words.span(before.or(first)?), after));
            return None;
        };
        self.at += 1;
        let value = self.words.value(token, self.mistakes)?;
        let whole = self.words.span(token);
        let span = first.map_or(whole, |first| self.words.span(first).until(whole));
        Some(Argument { value, annotation, span })
    }

    /// Reads `(word)`.
    fn annotation(&mut self) -> Option<Name> {
        let open = self.peek()?;
        self.at += 1;
        self.skip(Kind::is_node_space);
        let word = self.peek().filter(|token| token.kind.is_word());
        let name = match word {
            Some(token) => {
                self.at += 1;
                self.words.name(token, self.mistakes, |span, _| mistake::bad_annotation(span))
            }
            None => None,
        };
        self.skip(Kind::is_node_space);
        match self.peek() {
            Some(token) if token.kind == Kind::CloseType && word.is_some() => {
                self.at += 1;
                name
            }
            Some(token) if token.kind == Kind::CloseType => {
                self.at += 1;
                self.mistakes.add(mistake::bad_annotation(self.words.span(open).until(self.words.span(token))));
                None
            }
            _ => {
                self.mistakes.add(mistake::bad_annotation(self.words.span(open)));
                None
            }
        }
    }

    /// Opens the block that the next token begins.
    fn open(&mut self, mut draft: Draft, dropped: bool, nodes: &mut Vec<Node>) {
        let Some(open) = self.peek() else { return };
        self.at += 1;
        let span = self.words.span(open);
        if let (Some(first), false) = (draft.block, dropped) {
            self.mistakes.add(mistake::second_block(span, first));
        }
        draft.first_block.get_or_insert(span);
        if !dropped {
            draft.block.get_or_insert(span);
        }
        if self.blocks.len() == MAX_DEPTH {
            self.mistakes.add(mistake::too_deep(span, MAX_DEPTH));
        }
        self.blocks.push(Block { open, dropped, owner: Some(draft), siblings: std::mem::take(nodes) });
    }

    /// Closes the innermost block and goes on with the node to which it belongs.
    fn close(&mut self, token: Token, nodes: &mut Vec<Node>) {
        let Some(mut block) = self.blocks.pop() else {
            self.mistakes.add(mistake::stray_close(self.words.span(token)));
            return;
        };
        let children = std::mem::replace(nodes, block.siblings);
        if let Some(mut draft) = block.owner.take() {
            draft.extend(self.words.span(token));
            if !block.dropped {
                draft.node.children.get_or_insert(children);
            }
            self.entries(draft, nodes);
        }
    }

    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    /// Steps over tokens; whether there were any.
    fn skip(&mut self, wanted: fn(Kind) -> bool) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|token| wanted(token.kind)) {
            self.at += 1;
        }
        self.at > start
    }
}

fn finish(draft: Draft, nodes: &mut Vec<Node>) {
    if !draft.dropped {
        nodes.push(draft.node);
    }
}

impl Draft {
    fn extend(&mut self, span: Span) {
        self.node.span = self.node.span.until(span);
    }

    /// A draft that takes what a slashdash takes out.
    fn scratch(&self) -> Draft {
        let node = Node {
            name: self.node.name.clone(),
            annotation: None,
            args: Vec::new(),
            props: Vec::new(),
            children: None,
            span: self.node.span,
        };
        Draft { node, dropped: true, first_block: None, block: None }
    }
}
