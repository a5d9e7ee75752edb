//! `copy`: files from a source into the image.

use super::account::Owner;
use super::registry_image;
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::check::is_pattern;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Puts files of a source into the image.
///
/// Every match keeps its path below the fixed part of its pattern, which is the folder of the first component
/// that holds a wildcard, or the parent of a path without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStep {
    /// What is copied: clean paths relative to the source's root, possibly with wildcards; the root itself is empty.
    pub paths: Vec<Spanned<String>>,
    /// The source's name; of an image that is named without being declared, its reference as written.
    pub from: Spanned<String>,
    /// Absolute and clean. With a slash at the end it is the folder that matches are put into; without one it is
    /// the new name of the one file or folder that is copied.
    pub to: Spanned<String>,
    /// Mode of the files; where nothing is said, 0755 for executable ones and 0644 for others (of a context), or
    /// what the source says.
    pub mode: Option<u16>,
    /// Mode of the folders; where nothing is said, 0755 or what the source says.
    pub dir_mode: Option<u16>,
    /// Owner of all; what the source says where nothing is said, which is root for a context.
    pub owner: Option<Spanned<Owner>>,
    /// What is left out: patterns; without a slash they match names at any depth.
    pub exclude: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

const COPY: Form = Form::new("copy", "copy \"dist\" from=\"app\" to=\"/srv/www\"");
const EXCLUDE: Form = Form::within(COPY, "exclude", "exclude \"*.pyc\"");

/// Reads `copy`; `sources` are the names that `from` may name.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, sources: &[&str]) -> Option<CopyStep> {
    let mut reader = Reader::new(cx, item, COPY);
    let words = reader.words("the path of what is copied");
    let given = words.len();
    let paths: Vec<_> = words.into_iter().filter_map(|path| reader.source_pattern(path)).collect();
    let from = reader.required_text("from");
    let to = reader.required_text("to").and_then(|to| reader.destination(to));
    let mode = reader.mode("mode").map(|mode| mode.value);
    let dir_mode = reader.mode("dir-mode").map(|mode| mode.value);
    let owner = reader.owner();
    let mut exclude = Vec::new();
    for child in reader.children() {
        if child.node.name.text != "exclude" {
            reader.unknown_child(&child, &["exclude"]);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, EXCLUDE);
        for pattern in inner.words("a pattern") {
            exclude.extend(inner.filter(pattern));
        }
        inner.finish();
    }
    let from = from.and_then(|from| named(&mut reader, from, sources));
    if let Some(to) = &to {
        several_into_one(&mut reader, &paths, to);
    }
    let span = reader.span();
    reader.finish();
    let whole = paths.len() == given && given > 0;
    Some(CopyStep { from: from?, to: to?, paths: whole.then_some(paths)?, mode, dir_mode, owner, exclude, span })
}

/// What is taken from: a source, a stage, or after `image ` an image of a registry, which becomes known by that.
pub(super) fn named(reader: &mut Reader, from: Spanned<String>, sources: &[&str]) -> Option<Spanned<String>> {
    match from.strip_prefix("image ") {
        Some(reference) => {
            let written = Spanned::new(reference.trim_start().to_owned(), from.span);
            registry_image::named(reader, &written, None).then_some(written)
        }
        None => {
            known(reader, &from, sources);
            Some(from)
        }
    }
}

/// Reports the name of a source that is none.
fn known(reader: &mut Reader, from: &Spanned<String>, sources: &[&str]) {
    if sources.contains(&from.as_str()) {
        return;
    }
    let mistake = mistake::unknown_name(from.span, "source or stage", from, sources.iter().copied());
    let mistake = match registry_image::looks_like_one(from) {
        true => {
            mistake.with_help(format!("an image of a registry is written `from=\"image {}\"`", mistake::clip(from)))
        }
        false => mistake,
    };
    reader.report_unless_cut(mistake);
}

/// Several things, or a pattern, cannot all get one name.
fn several_into_one(reader: &mut Reader, paths: &[Spanned<String>], to: &Spanned<String>) {
    if to.ends_with('/') {
        return;
    }
    let help = format!("end it with a slash: `to=\"{}/\"`", mistake::clip(to));
    if let Some(path) = paths.iter().find(|path| is_pattern(path)) {
        let message = "what a pattern matches is put into a folder, and `to` does not end with a slash";
        reader.report(mistake::conflict(to.span, message, path.span, help));
    } else if let [_, second, ..] = paths {
        let message = "several things are put into a folder, and `to` does not end with a slash";
        reader.report(mistake::conflict(to.span, message, second.span, help));
    }
}
