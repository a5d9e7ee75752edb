//! Rules for single values that several nodes share: paths, patterns, modes, owners, names.

use super::node::account::{Owner, Principal};
use super::reader::Reader;
use super::{Spanned, mistake};
use crate::diagnostic::{Diagnostic, Span};

const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

impl Reader<'_, '_> {
    /// An absolute, clean path below the root.
    pub(super) fn absolute(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let found = absolute(&path, path.span, false);
        self.accepted(found).map(|()| path)
    }

    /// An absolute, clean path that is a folder to put things into if it ends with a slash.
    pub(super) fn destination(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let found = absolute(&path, path.span, true);
        self.accepted(found).map(|()| path)
    }

    /// A clean path below the spec's folder; the folder itself, `.`, becomes the empty path.
    pub(super) fn project_path(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let found = project_path(&path, path.span);
        self.accepted(found).map(|value| Spanned::new(value, path.span))
    }

    /// A clean path of a file below the spec's folder.
    pub(super) fn project_file(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let span = path.span;
        let path = self.project_path(path)?;
        if path.is_empty() {
            self.report(mistake::bad_value(span, "this is a folder, not a file", "name the file"));
        }
        (!path.is_empty()).then_some(path)
    }

    /// An address of one of some schemes, without anything secret in it.
    pub(super) fn address(&mut self, address: &Spanned<String>, schemes: &[&str]) -> Option<url::Url> {
        let parsed = url::Url::parse(address).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
        let Some(url) = parsed.filter(|_| !address.contains(|c: char| c.is_whitespace() || c.is_control())) else {
            let message = format!("`{}` is no address", mistake::clip(address));
            let help = format!("it begins with `{}://` and a host", schemes.join("://` or `"));
            self.report(mistake::bad_value(address.span, message, help));
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            let help = "a spec is no place for secrets: it is copied into the provenance";
            self.report(mistake::bad_value(address.span, "the address holds a user name or a password", help));
            return None;
        }
        if url.fragment().is_some() {
            self.report(mistake::bad_value(address.span, "a server never sees what follows `#`", "leave it out"));
            return None;
        }
        Some(url)
    }

    /// A clean path in a source, possibly a pattern; `/` and `.` are the source's root and become the empty path.
    pub(super) fn source_pattern(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let bare = path.strip_prefix('/').unwrap_or(&path);
        if bare.is_empty() || bare == "." {
            if path.is_empty() {
                self.report(mistake::bad_value(path.span, "the path is empty", "the whole source is `.`"));
                return None;
            }
            return Some(Spanned::new(String::new(), path.span));
        }
        let found = clean(bare, &path, path.span).and_then(|()| pattern(bare, path.span)).map(|()| bare.to_owned());
        self.accepted(found).map(|value| Spanned::new(value, path.span))
    }

    /// One clean path in a source; `/` and `.` are the source's root and become the empty path.
    pub(super) fn source_part(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let path = self.source_pattern(path)?;
        if is_pattern(&path) {
            self.report(mistake::bad_value(path.span, "a part of a source is one path", "leave out the wildcards"));
            return None;
        }
        Some(path)
    }

    /// A pattern that leaves out or lets in: without a slash it matches at any depth.
    pub(super) fn filter(&mut self, text: Spanned<String>) -> Option<Spanned<String>> {
        let bare = text.strip_prefix('!').unwrap_or(&text);
        let found = match bare {
            "" => Err(mistake::bad_pattern(text.span, &text, "it is empty")),
            _ => clean(bare, &text, text.span).and_then(|()| pattern(bare, text.span)),
        };
        self.accepted(found).map(|()| text)
    }

    /// An absolute, clean path with wildcards.
    pub(super) fn absolute_pattern(&mut self, path: Spanned<String>) -> Option<Spanned<String>> {
        let found = absolute(&path, path.span, false).and_then(|()| pattern(&path, path.span));
        self.accepted(found).map(|()| path)
    }

    /// File mode bits from a property: `"0644"`.
    pub(super) fn mode(&mut self, name: &'static str) -> Option<Spanned<u16>> {
        let argument = self.property(name)?;
        let help = "write it as a string of octal digits: `\"0644\"`, `\"0755\"`";
        let given = self.value(argument)?;
        let super::expand::Given::Text(text) = given else {
            self.report(mistake::wrong_type(argument.span, "a mode", given.kind()).with_help(help));
            return None;
        };
        let digits = (3..=5).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        match u16::from_str_radix(&text, 8) {
            Ok(mode) if digits && mode <= 0o7777 => Some(Spanned::new(mode, argument.span)),
            _ => {
                let message = format!("`{}` is no file mode", mistake::clip(&text));
                self.report(mistake::bad_value(argument.span, message, help));
                None
            }
        }
    }

    /// The `owner` property.
    pub(super) fn owner(&mut self) -> Option<Spanned<Owner>> {
        let argument = self.property("owner")?;
        self.owner_value(argument)
    }

    /// A user, with a group or without one.
    pub(super) fn owner_value(&mut self, argument: &crate::syntax::Argument) -> Option<Spanned<Owner>> {
        use super::expand::Given;
        let owner = match self.value(argument)? {
            Given::Int(number) => {
                self.id(argument.span, number).map(|id| Owner { user: Principal::Id(id), group: None })
            }
            Given::AnyInt(number) => {
                self.id(argument.span, number.into()).map(|id| Owner { user: Principal::Id(id), group: None })
            }
            Given::Text(text) => self.owner_text(&text, argument.span),
            other => {
                self.report(mistake::wrong_type(argument.span, "an owner", other.kind()));
                None
            }
        };
        owner.map(|owner| Spanned::new(owner, argument.span))
    }

    fn owner_text(&mut self, text: &str, span: Span) -> Option<Owner> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (principal(user), Some(principal(group))),
            None => (principal(text), None),
        };
        match (user, group) {
            (Some(user), None) => Some(Owner { user, group: None }),
            (Some(user), Some(Some(group))) => Some(Owner { user, group: Some(group) }),
            _ => {
                let message = format!("`{}` is no owner", mistake::clip(text));
                let help = "write a user, or a user and a group: `\"app\"`, `\"app:www\"`, `10001`, `\"10001:10001\"`";
                self.report(mistake::bad_value(span, message, help));
                None
            }
        }
    }

    /// A number of a user or a group.
    pub(super) fn id(&mut self, span: Span, number: i128) -> Option<u32> {
        let id = u32::try_from(number).ok().filter(|id| *id <= MAX_ID);
        if id.is_none() {
            self.report(mistake::out_of_range(span, "the number of a user or a group", 0, MAX_ID.into()));
        }
        id
    }

    /// A name for something of the spec: a source, a package source, a template.
    pub(super) fn identifier(&mut self, what: &str, whose: &str) -> Option<Spanned<String>> {
        let name = self.word(what)?;
        let valid = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !valid {
            let rule = "letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most 64";
            self.report(mistake::bad_name(name.span, whose, &name, rule));
        }
        valid.then_some(name)
    }

    fn accepted<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|mistake| self.report(mistake)).ok()
    }
}

/// The highest number of a user or a group; the next one means "nobody" to the kernel.
pub(super) const MAX_ID: u32 = u32::MAX - 1;

/// Whether a name can stand in `/etc/passwd` and `/etc/group`.
pub(super) fn is_account_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c))
}

fn principal(text: &str) -> Option<Principal> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.parse().ok().filter(|id| *id <= MAX_ID).map(Principal::Id);
    }
    is_account_name(text).then(|| Principal::Name(text.to_owned()))
}

fn absolute(path: &str, span: Span, folder: bool) -> Result<(), Diagnostic> {
    let Some(below) = path.strip_prefix('/') else {
        return Err(mistake::relative_path(span, path));
    };
    if below.is_empty() {
        let help = "name something below it";
        return if folder { Ok(()) } else { Err(mistake::bad_value(span, "the root itself is not meant here", help)) };
    }
    clean(below.strip_suffix('/').filter(|_| folder).unwrap_or(below), path, span)
}

/// Checks a path without its leading slash: no `.`, `..`, empty or overlong parts. `whole` is how it was written.
fn clean(path: &str, whole: &str, span: Span) -> Result<(), Diagnostic> {
    if path.len() > MAX_PATH || path.split('/').any(|part| part.len() > MAX_NAME) {
        return Err(mistake::long_path(span));
    }
    if path.len() > 1 && path.ends_with('/') && !path.ends_with("//") {
        return Err(mistake::trailing_slash(span, whole));
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let slash = if whole.ends_with('/') && !path.ends_with('/') { "/" } else { "" };
        let clean = shortest(whole).map(|short| format!("{short}{slash}"));
        return Err(mistake::unclean_path(span, whole, clean.as_deref()));
    }
    Ok(())
}

fn project_path(path: &str, span: Span) -> Result<String, Diagnostic> {
    if path == "." || path == "./" {
        return Ok(String::new());
    }
    if path.starts_with('/') || shortest(path).is_none() {
        return Err(mistake::outside_path(span, path));
    }
    if path.is_empty() {
        return Err(mistake::bad_value(span, "the path is empty", "the spec's own folder is `.`"));
    }
    let below = path.strip_prefix("./").unwrap_or(path);
    clean(below, path, span).map(|()| below.to_owned())
}

/// A path without `.`, `..` and doubled slashes; none if it leads out of where it begins.
pub(super) fn shortest(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    Some(format!("{root}{}", parts.join("/")))
}

/// Checks the wildcards of a clean path.
fn pattern(path: &str, span: Span) -> Result<(), Diagnostic> {
    let wrong = |reason: &str| Err(mistake::bad_pattern(span, path, reason));
    for part in path.split('/') {
        if part.contains("**") && part != "**" {
            return wrong("`**` stands alone between two slashes");
        }
        if part.contains('\\') {
            return wrong("a backslash does not quote here");
        }
        if !has_whole_classes(part) {
            return wrong("a class is written `[abc]`, `[a-z]` or `[^a-z]`");
        }
    }
    Ok(())
}

/// Whether each `[` has its `]`, with something between the two and no range backwards.
fn has_whole_classes(part: &str) -> bool {
    let mut rest = part;
    while let Some((_, class)) = rest.split_once('[') {
        let Some((inside, after)) = class.split_once(']') else { return false };
        let members: Vec<char> = inside.strip_prefix('^').unwrap_or(inside).chars().collect();
        let backwards = members.windows(3).any(|range| range[1] == '-' && range[0] > range[2]);
        if members.is_empty() || members.contains(&'[') || backwards {
            return false;
        }
        rest = after;
    }
    true
}

/// Whether a path holds wildcards.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}
