//! What can be wrong with a spec: one constructor a kind of mistake.
//!
//! The page is added where the mistake is reported, because only the node that is being read knows its own.

use super::Spanned;
use super::vocabulary::{self, Form};
use crate::diagnostic::{Diagnostic, Span, nearest};

fn error(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message, span, label)
}

/// Adds what was probably meant, or else what there is to choose from.
fn choosing<'a>(diagnostic: Diagnostic, word: &str, choices: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    if let Some(near) = nearest(word, choices.clone().into_iter().take(MOST_CHOICES)) {
        return diagnostic.with_help(format!("did you mean `{near}`?"));
    }
    match listed(choices) {
        Some(list) => diagnostic.with_help(list),
        None => diagnostic,
    }
}

/// How many names are compared with what was written: a hostile spec may hold thousands.
const MOST_CHOICES: usize = 200;

/// `choose from a, b, c`; none where there is nothing to choose from.
fn listed<'a>(choices: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let list: Vec<String> = choices.into_iter().take(41).map(|choice| format!("`{choice}`")).collect();
    match list.as_slice() {
        [] => None,
        [one] => Some(format!("the only choice is {one}")),
        // More would be no help.
        some if some.len() > 40 => None,
        _ => Some(format!("choose from {}", list.join(", "))),
    }
}

/// A piece of a text that is fit for a message.
pub(super) fn clip(text: &str) -> String {
    let short = printable(text.chars().take(60));
    if text.chars().nth(60).is_some() { format!("{short}…") } else { short }
}

/// A text whose characters do nothing to a terminal.
pub(super) fn printable(text: impl IntoIterator<Item = char>) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.into_iter().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

// Files and the first node.

pub(super) fn unreadable_spec(span: Span, name: &str, reason: &str) -> Diagnostic {
    error("spec::unreadable", format!("cannot read `{}`: {reason}", clip(name)), span, "")
        .with_help("a spec is a file `kiln.kdl` at the top of the project; another one is named on the command line")
}

pub(super) fn unreadable_include(span: Span, path: &str, reason: &str) -> Diagnostic {
    error("spec::include", format!("cannot include `{}`: {reason}", clip(path)), span, "included here")
}

pub(super) fn include_outside(span: Span, path: &str) -> Diagnostic {
    error("spec::include", format!("`{}` leads out of the spec's folder", clip(path)), span, "included here").with_help(
        "what a spec includes stands in its folder or below, so that a project can be moved and rebuilt as a whole",
    )
}

pub(super) fn include_cycle(span: Span, chain: &[String]) -> Diagnostic {
    error("spec::include-cycle", format!("files include each other: {}", chain.join(" → ")), span, "closes the circle")
}

pub(super) fn include_too_deep(span: Span, chain: &[String], limit: usize) -> Diagnostic {
    error(
        "spec::include-depth",
        format!("includes are nested more than {limit} deep: {}", chain.join(" → ")),
        span,
        "one too many",
    )
}

pub(super) fn too_many_files(span: Span, limit: usize) -> Diagnostic {
    error("spec::too-large", format!("a spec has at most {limit} files"), span, "one too many")
}

pub(super) fn no_version(span: Span, found: Option<&str>) -> Diagnostic {
    let label = found.map_or_else(|| "the file is empty".to_owned(), |name| format!("`{}` stands first", clip(name)));
    error("spec::version", "the first node of a spec is `kiln 1`", span, label)
        .with_help("write `kiln 1` on the first line: it says which version of the language the file is written in")
}

pub(super) fn other_version(span: Span, found: &str) -> Diagnostic {
    error(
        "spec::version",
        format!("this kiln reads version 1 of the language, not version {}", clip(found)),
        span,
        "another version",
    )
    .with_help("a newer version of the language needs a newer kiln")
}

pub(super) fn second_version(span: Span) -> Diagnostic {
    error("spec::version", "`kiln` stands only once in a file, as its first node", span, "remove it")
}

pub(super) fn no_image(span: Span) -> Diagnostic {
    error("spec::no-image", "the spec has no image", span, "nothing to build")
        .with_help("write `image \"name\" { … }`: it says what is built")
}

pub(super) fn no_policy(span: Span) -> Diagnostic {
    error("spec::no-policy", "the file has no policy", span, "nothing to satisfy")
        .with_help("write `policy { … }`: it says what a release must satisfy")
}

pub(super) fn only_in_spec(span: Span, name: &str) -> Diagnostic {
    error(
        "spec::only-in-spec",
        format!("`{name}` stands in a spec, and this is a policy of its own"),
        span,
        "of a spec",
    )
    .with_help("name a file that holds `policy` nodes and nothing else: what is built stands in the spec")
}

pub(super) fn not_in_template(span: Span, name: &str) -> Diagnostic {
    error("spec::not-in-template", format!("`{name}` cannot come out of a template"), span, "stands in a template")
        .with_help(format!("`{name}` stands at the top of a file"))
}

// Nodes, arguments, properties, blocks.

pub(super) fn unknown_node(span: Span, name: &str, parent: Option<&str>, allowed: &[&str]) -> Diagnostic {
    let place = parent.map_or_else(|| "at the top of a spec".to_owned(), |parent| format!("in `{parent}`"));
    if vocabulary::LATER.contains(&name) {
        return error("spec::not-yet", format!("`{name}` is not supported by this version of kiln"), span, "not yet")
            .with_help("it belongs to the language, but the kiln that reads it is still to come");
    }
    let name = clip(name);
    let diagnostic = error("spec::unknown-node", format!("there is no `{name}` {place}"), span, "unknown here");
    match vocabulary::home(&name) {
        Some(home) if nearest(&name, allowed.iter().copied()).is_none() => {
            diagnostic.with_help(format!("`{name}` stands {home}"))
        }
        _ => choosing(diagnostic, &name, allowed.iter().copied()),
    }
}

pub(super) fn unknown_property(span: Span, name: &str, form: Form, known: &[&str]) -> Diagnostic {
    let message = if known.is_empty() {
        format!("`{}` has no properties", form.name)
    } else {
        format!("`{}` has no property `{}`", form.name, clip(name))
    };
    choosing(error("spec::unknown-property", message, span, "unknown here"), name, known.iter().copied())
}

pub(super) fn repeated_property(span: Span, first: Span, name: &str) -> Diagnostic {
    error("spec::repeated-property", format!("`{}` is said twice", clip(name)), span, "said again")
        .with_label(first, "said first")
}

pub(super) fn missing_argument(span: Span, form: Form, what: &str) -> Diagnostic {
    error("spec::missing-argument", format!("`{}` needs {what}", form.name), span, "nothing follows")
        .with_help(format!("for example: `{}`", form.usage))
}

pub(super) fn extra_argument(span: Span, form: Form) -> Diagnostic {
    error("spec::extra-argument", format!("`{}` takes no further value", form.name), span, "one too many")
        .with_help(format!("for example: `{}`", form.usage))
}

pub(super) fn missing_property(span: Span, form: Form, name: &str) -> Diagnostic {
    error("spec::missing-property", format!("`{}` needs `{name}=`", form.name), span, format!("no `{name}=` here"))
        .with_help(format!("for example: `{}`", form.usage))
}

pub(super) fn no_block(span: Span, form: Form) -> Diagnostic {
    error("spec::no-block", format!("`{}` has no block", form.name), span, "takes no block")
        .with_help(format!("for example: `{}`", form.usage))
}

pub(super) fn missing_block(span: Span, form: Form, what: &str) -> Diagnostic {
    error("spec::missing-block", format!("`{}` needs a block with {what}", form.name), span, "no block follows")
        .with_help(format!("for example: `{}`", form.usage))
}

pub(super) fn annotation(span: Span, text: &str) -> Diagnostic {
    error("spec::annotation", format!("the type annotation `({})` means nothing here", clip(text)), span, "remove it")
}

pub(super) fn wrong_type(span: Span, expected: &str, found: &str) -> Diagnostic {
    error("spec::type", format!("expected {expected}, found {found}"), span, format!("expected {expected}"))
}

pub(super) fn out_of_range(span: Span, what: &str, low: i64, high: i64) -> Diagnostic {
    error("spec::range", format!("{what} is a number from {low} to {high}"), span, "outside of this range")
}

pub(super) fn unknown_choice(span: Span, what: &str, found: &str, choices: &[&str]) -> Diagnostic {
    let diagnostic =
        error("spec::choice", format!("`{}` is no {what}", clip(found)), span, format!("expected a {what}"));
    choosing(diagnostic, found, choices.iter().copied())
}

// Names.

pub(super) fn duplicate_node(span: Span, first: Span, name: &str, parent: &str) -> Diagnostic {
    error("spec::duplicate", format!("{parent} has only one `{name}`"), span, "said again")
        .with_label(first, "said first")
}

pub(super) fn duplicate_name(span: Span, first: Span, what: &str, name: &str) -> Diagnostic {
    error("spec::duplicate", format!("the {what} `{}` exists already", clip(name)), span, "said again")
        .with_label(first, "said first")
}

pub(super) fn unknown_name<'a>(
    span: Span,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let diagnostic = error("spec::unknown-name", format!("there is no {what} `{}`", clip(name)), span, "unknown");
    choosing(diagnostic, name, known)
}

pub(super) fn unknown_suite<'a>(
    suite: &Spanned<String>,
    apt: &Spanned<String>,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("the package source `{}` has no suite `{}`", apt.value, clip(suite));
    let diagnostic = error("spec::unknown-name", message, suite.span, "unknown");
    let diagnostic = choosing(diagnostic, suite, known);
    if apt.span == suite.span { diagnostic } else { diagnostic.with_label(apt.span, "the package source") }
}

pub(super) fn bad_name(span: Span, what: &str, name: &str, rule: &str) -> Diagnostic {
    let message = match name {
        "" => format!("the name of {what} is empty"),
        _ => format!("`{}` cannot be the name of {what}", clip(name)),
    };
    error("spec::name", message, span, "not a name").with_help(rule.to_owned())
}

/// A value that breaks a rule of its own.
pub(super) fn bad_value(span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    error("spec::value", message, span, "not allowed here").with_help(help)
}

/// Two things that exclude each other.
pub(super) fn conflict(span: Span, message: impl Into<String>, other: Span, help: impl Into<String>) -> Diagnostic {
    error("spec::conflict", message, span, "this").with_label(other, "and this").with_help(help)
}

/// An identity in place of a key.
pub(super) fn no_identities(span: Span) -> Diagnostic {
    let message = "signatures by an identity are not supported by this version of kiln";
    error("spec::not-yet", message, span, "not yet").with_help("name the public key: `signed-by=\"keys/base.pub\"`")
}

// Paths and patterns.

pub(super) fn relative_path(span: Span, path: &str) -> Diagnostic {
    error("spec::path", format!("`{}` is no absolute path", clip(path)), span, "begins without `/`")
        .with_help(format!("paths in the image begin with a slash: `/{}`", clip(path.trim_start_matches("./"))))
}

pub(super) fn unclean_path(span: Span, path: &str, clean: Option<&str>) -> Diagnostic {
    let diagnostic = error(
        "spec::path",
        format!("`{}` is not written in its shortest form", clip(path)),
        span,
        "`.`, `..` or an empty part",
    );
    match clean {
        Some(clean) => diagnostic.with_help(format!("write `{}`", clip(clean))),
        None => diagnostic.with_help("write the path without `.`, `..` and doubled slashes"),
    }
}

pub(super) fn outside_path(span: Span, path: &str) -> Diagnostic {
    error("spec::path", format!("`{}` leads out of the spec's folder", clip(path)), span, "outside of the project")
        .with_help("a spec uses only what is in its folder or below: put it at the top of the project")
}

pub(super) fn trailing_slash(span: Span, path: &str) -> Diagnostic {
    error("spec::path", format!("`{}` ends with a slash", clip(path)), span, "a slash at the end")
        .with_help(format!("write `{}`", clip(path.trim_end_matches('/'))))
}

pub(super) fn long_path(span: Span) -> Diagnostic {
    error("spec::path", "a path has at most 4096 bytes, and 255 between two slashes", span, "too long")
}

pub(super) fn bad_pattern(span: Span, pattern: &str, reason: &str) -> Diagnostic {
    error("spec::pattern", format!("`{}` is no pattern: {reason}", clip(pattern)), span, "not a pattern").with_help(
        "`*` stands for any part of a name, `?` for one character, `[a-z]` for one of several, `**` for any folders",
    )
}

// Args, templates, interpolation.

pub(super) fn unknown_arg<'a>(span: Span, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Diagnostic {
    let diagnostic =
        error("spec::unknown-arg", format!("the spec has no arg `{}`", clip(name)), span, "given on the command line");
    choosing(diagnostic, name, known)
}

pub(super) fn unset_arg(span: Span, name: &str) -> Diagnostic {
    error("spec::unset-arg", format!("the arg `{name}` has no value"), span, "has no default")
        .with_help(format!("set it with `--arg {name}=…`, or give it a `default=`"))
}

pub(super) fn bad_arg(span: Span, name: &str, kind: &str, declared: Option<Span>) -> Diagnostic {
    let diagnostic = error("spec::type", format!("`{}` must be {kind}", clip(name)), span, format!("expected {kind}"));
    match declared {
        Some(declared) => diagnostic.with_label(declared, "declared here"),
        None => diagnostic,
    }
}

pub(super) fn unknown_variable<'a>(
    span: Span,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let diagnostic = error("spec::unknown-arg", format!("there is no arg `{}`", clip(name)), span, "unknown");
    match nearest(name, known.into_iter().take(MOST_CHOICES)) {
        Some(near) => diagnostic.with_help(format!("did you mean `${{{near}}}`?")),
        None => diagnostic.with_help(
            "declare it with `arg`; to mean the characters themselves, write `$${` or use a raw string `#\"…\"#`",
        ),
    }
}

pub(super) fn open_variable(span: Span) -> Diagnostic {
    error("spec::interpolation", "`${` is never closed", span, "no `}` follows")
        .with_help("`${name}` stands for the value of an arg; to mean the characters themselves, write `$${`")
}

pub(super) fn fixed_text(span: Span, what: &str) -> Diagnostic {
    error("spec::interpolation", format!("{what} cannot depend on args"), span, "`${` stands here")
}

pub(super) fn stage_circle(span: Span, chain: &[&str]) -> Diagnostic {
    let shown = match chain {
        [first, .., last] if chain.len() > 8 => format!("{first} → … → {last}, {} of them", chain.len() - 1),
        chain => chain.join(" → "),
    };
    error("spec::stage-circle", format!("stages use each other: {shown}"), span, "begins and ends the circle")
}

pub(super) fn template_cycle(span: Span, chain: &[&str]) -> Diagnostic {
    error("spec::template-cycle", format!("templates use each other: {}", chain.join(" → ")), span, "closes the circle")
}

pub(super) fn template_too_deep(span: Span, limit: usize) -> Diagnostic {
    error("spec::template-depth", format!("templates are nested more than {limit} deep"), span, "one too many")
}

pub(super) fn unknown_parameter(span: Span, name: &str, template: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let message = format!("the template `{}` has no parameter `{}`", template.value, clip(name));
    let diagnostic = error("spec::unknown-parameter", message, span, "unknown");
    choosing(diagnostic, name, known.iter().copied()).with_label(template.span, "the template")
}

pub(super) fn unset_parameter(span: Span, name: &Spanned<String>, template: &Spanned<String>) -> Diagnostic {
    let message = format!("the template `{}` needs `{}=`", template.value, name.value);
    error("spec::unset-parameter", message, span, format!("no `{}=` here", name.value))
        .with_label(name.span, "has no default")
}

pub(super) fn expansion_too_large(span: Span, limit: usize) -> Diagnostic {
    error(
        "spec::too-large",
        format!("with all templates in place, the spec has more than {limit} nodes"),
        span,
        "used here",
    )
}

pub(super) fn text_too_large(span: Span, limit: usize) -> Diagnostic {
    error(
        "spec::too-large",
        format!("with all args in place, the spec has more than {limit} bytes of text"),
        span,
        "here",
    )
}

pub(super) fn too_many(span: Span) -> Diagnostic {
    error("spec::too-many", "too many mistakes; the rest is not shown", span, "from here on, nothing was checked")
}

pub(super) fn unused(span: Span, what: &str, name: &str) -> Diagnostic {
    Diagnostic::warning("spec::unused", format!("the {what} `{}` is never used", clip(name)), span, "never used")
}
