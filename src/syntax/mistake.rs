//! What can be wrong with a text before anything is known of its meaning.

use crate::diagnostic::{Diagnostic, Span, nearest};

const PAGE: &str = "specs/language/syntax.md";

/// Mistakes found so far, up to a limit: a hostile text may hold a million.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    list: Vec<Diagnostic>,
}

impl Mistakes {
    const MAX: usize = 64;

    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        match self.list.len() {
            n if n < Self::MAX => self.list.push(diagnostic),
            Self::MAX => {
                if let Some(span) = diagnostic.span() {
                    self.list.push(too_many(span));
                }
            }
            _ => {}
        }
    }

    /// Whether looking on is of no use.
    pub(super) fn full(&self) -> bool {
        self.list.len() > Self::MAX
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        if self.list.is_empty() { Ok(value) } else { Err(self.list) }
    }
}

fn error(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message, span, label).with_page(PAGE)
}

/// A piece of the text for a message: short, without line breaks.
pub(super) fn clip(text: &str) -> String {
    let line = text.split(super::token::is_newline).next().unwrap_or_default();
    match line.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn too_many(span: Span) -> Diagnostic {
    error("syntax::too-many", "too many mistakes; the rest is not shown", span, "from here on, nothing was read")
}

// The text as a whole.

pub(super) fn too_long(span: Span, limit: usize) -> Diagnostic {
    let message = format!("the file is longer than {limit} bytes");
    error("syntax::too-long", message, span, "a file this long is no hand-written spec")
        .with_help("move what is long into files of the project and `copy` them")
}

pub(super) fn byte_order_mark(span: Span) -> Diagnostic {
    error("syntax::encoding", "the file begins with a byte order mark", span, "three invisible bytes")
        .with_help("save the file as UTF-8 without a byte order mark")
}

pub(super) fn utf16(span: Span) -> Diagnostic {
    error("syntax::encoding", "the file is UTF-16, not UTF-8", span, "").with_help("save the file as UTF-8")
}

pub(super) fn not_utf8(span: Span, byte: u8) -> Diagnostic {
    error("syntax::encoding", format!("the file is not UTF-8: there is a byte 0x{byte:02x} here"), span, "not UTF-8")
        .with_help("save the file as UTF-8")
}

pub(super) fn forbidden_character(span: Span, c: char) -> Diagnostic {
    let code = u32::from(c);
    let message = match c {
        '\0' => "the file holds a NUL character; is it a text at all?".to_owned(),
        '\u{feff}' => "a byte order mark (U+FEFF) stands inside the file".to_owned(),
        '\u{200e}'..='\u{2069}' => format!("U+{code:04X} changes the direction of text and can hide what a file says"),
        _ => format!("the control character U+{code:04X} may not stand in a text"),
    };
    error("syntax::character", message, span, "this character")
        .with_help(format!("remove it; inside a quoted string it can be written as `\\u{{{code:x}}}`"))
}

// Tokens.

pub(super) fn open_comment(span: Span) -> Diagnostic {
    error("syntax::open-comment", "this comment is never closed", span, "opened here")
        .with_help("close it with `*/`; comments nest, so each `/*` needs one")
}

pub(super) fn stray_backslash(span: Span) -> Diagnostic {
    error("syntax::backslash", "a backslash outside of a string joins two lines", span, "the line goes on after it")
        .with_help("write it at the end of the line, or put the text into quotes")
}

pub(super) fn open_string(span: Span, multi: bool) -> Diagnostic {
    let diagnostic = error("syntax::open-string", "this string is never closed", span, "opened here");
    if multi {
        diagnostic.with_help("close it with `\"\"\"` on a line of its own")
    } else {
        diagnostic.with_help("close it with `\"` on the same line; text of several lines stands in `\"\"\"`")
    }
}

pub(super) fn open_raw_string(span: Span, quotes: &str, hashes: &str) -> Diagnostic {
    let close = clip(&format!("{quotes}{hashes}"));
    error("syntax::open-string", "this raw string is never closed", span, "opened here").with_help(
        if quotes.len() > 1 {
            format!("close it with `{close}` on a line of its own")
        } else {
            format!("close it with `{close}` on the same line; text of several lines stands in `{hashes}\"\"\"`")
        },
    )
}

pub(super) fn text_after_triple_quotes(span: Span) -> Diagnostic {
    error("syntax::triple-quotes", "`\"\"\"` must end its line", span, "the text begins on the next line")
        .with_help("for text on one line, use single quotes: `\"…\"`")
}

pub(super) fn needs_quotes(span: Span, word: &str) -> Diagnostic {
    let word = clip(word);
    let diagnostic = error("syntax::needs-quotes", format!("`{word}` needs quotes"), span, "not a plain word");
    if word.contains("//") || word.contains("/*") || word.contains("/-") {
        diagnostic.with_help(format!("write `\"{word}\"`; if a comment begins there, put a space before it"))
    } else {
        diagnostic.with_help(format!("write `\"{word}\"`"))
    }
}

pub(super) fn single_quotes(span: Span) -> Diagnostic {
    error("syntax::needs-quotes", "text stands in double quotes, not in single ones", span, "single quotes")
        .with_help("write `\"…\"`")
}

// Values.

pub(super) fn bare_keyword(span: Span, word: &str) -> Diagnostic {
    error("syntax::keyword", format!("`{word}` is written `#{word}`"), span, "neither a word nor a value")
        .with_help(format!("write `#{word}` for the value, or `\"{word}\"` for the word"))
}

pub(super) fn unknown_keyword(span: Span, word: &str) -> Diagnostic {
    let known = ["#true", "#false", "#null", "#inf", "#-inf", "#nan"];
    let diagnostic = error("syntax::keyword", format!("`{}` is no value", clip(word)), span, "unknown");
    match nearest(word, known) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => {
            diagnostic.with_help("after `#` comes `true`, `false`, `null` or a raw string; comments begin with `//`")
        }
    }
}

pub(super) fn bad_number(span: Span, word: &str) -> Diagnostic {
    let word = clip(word);
    error("syntax::number", format!("`{word}` is no number"), span, "begins like a number")
        .with_help(format!("if it is text, write `\"{word}\"`"))
}

pub(super) fn bad_escape(span: Span, escape: &str) -> Diagnostic {
    error("syntax::escape", format!("`{}` is no escape", clip(escape)), span, "unknown escape").with_help(
        "the escapes are `\\n` `\\r` `\\t` `\\b` `\\f` `\\s` `\\\\` `\\\"` and `\\u{…}`; in a raw string `#\"…\"#` a backslash is a backslash",
    )
}

pub(super) fn bad_indent(span: Span) -> Diagnostic {
    error(
        "syntax::indent",
        "a line of this text is indented less than its closing quotes",
        span,
        "begins with other white space than the closing quotes' line",
    )
    .with_help("what stands before the closing quotes is taken off each line; move them to the left")
}

pub(super) fn closing_quotes_not_alone(span: Span) -> Diagnostic {
    error(
        "syntax::triple-quotes",
        "closing quotes of a text of several lines stand on their own line",
        span,
        "text before it",
    )
    .with_help("put the closing quotes on a line of their own; the line break before them is not part of the text")
}

pub(super) fn bad_value(span: Span, reason: &str) -> Diagnostic {
    error("syntax::value", format!("this is no value: {reason}"), span, "cannot be read")
}

// What stands where.

pub(super) fn block_without_node(span: Span) -> Diagnostic {
    error("syntax::lonely-block", "a block belongs to a node on the same line", span, "no node before it")
        .with_help("write the node's name before `{`, on the same line")
}

pub(super) fn name_is_no_word(span: Span, word: &str) -> Diagnostic {
    error("syntax::node-name", format!("a node begins with a name, not with `{}`", clip(word)), span, "expected a name")
}

pub(super) fn expected_name(span: Span) -> Diagnostic {
    error("syntax::node-name", "a node begins with a name", span, "expected a name here")
}

pub(super) fn empty_node(span: Span) -> Diagnostic {
    error("syntax::empty-node", "there is no node before this `;`", span, "ends nothing").with_help("remove it")
}

pub(super) fn missing_space(span: Span) -> Diagnostic {
    error("syntax::missing-space", "a space is missing here", span, "follows directly on the value before it")
}

pub(super) fn comma(span: Span) -> Diagnostic {
    error("syntax::comma", "values are separated by spaces, not by commas", span, "remove the comma")
}

pub(super) fn value_after_block(span: Span) -> Diagnostic {
    error("syntax::after-block", "nothing may follow a node's block on its line", span, "stands after the block")
        .with_help("values stand before the block; another node begins on the next line or after `;`")
}

pub(super) fn second_block(span: Span, first: Span) -> Diagnostic {
    error("syntax::second-block", "a node has one block only", span, "the second one")
        .with_label(first, "the first one begins here")
}

pub(super) fn expected_value(span: Span, after: &str) -> Diagnostic {
    error("syntax::expected-value", format!("a value must follow {after}"), span, "no value here")
}

pub(super) fn stray_equals(span: Span) -> Diagnostic {
    error("syntax::equals", "a property is a name, `=` and a value", span, "no name before it")
        .with_help("values follow a node's name after a space, without `=`: `workdir \"/srv\"`")
}

pub(super) fn property_name_is_no_word(span: Span, word: &str) -> Diagnostic {
    error("syntax::property-name", format!("`{}` cannot be a property's name", clip(word)), span, "expected a word")
}

pub(super) fn bad_annotation(span: Span) -> Diagnostic {
    error("syntax::annotation", "a type annotation is one word in parentheses", span, "expected `(word)`")
        .with_help("text with parentheses needs quotes")
}

pub(super) fn stray_close_type(span: Span) -> Diagnostic {
    error("syntax::annotation", "this `)` closes nothing", span, "no `(` before it")
        .with_help("text with parentheses needs quotes")
}

pub(super) fn dangling_slashdash(span: Span) -> Diagnostic {
    error("syntax::slashdash", "`/-` takes out the node, value or block after it", span, "nothing after it")
}

pub(super) fn stray_close(span: Span) -> Diagnostic {
    error("syntax::stray-brace", "this `}` closes nothing", span, "no `{` is open here")
}

pub(super) fn open_block(span: Span) -> Diagnostic {
    error("syntax::open-block", "this block is never closed", span, "opened here").with_help("close it with `}`")
}

pub(super) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    error("syntax::too-deep", format!("blocks are nested more than {limit} deep"), span, "one too many")
}
