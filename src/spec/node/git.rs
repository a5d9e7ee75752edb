//! Commits of git repositories: a source's `git`.

use super::source::SOURCE;
use crate::diagnostic::Span;
use crate::git::{Address, AddressError, Revision};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Where the repository is; over plain `http` only if the commit is said.
    pub address: Spanned<Address>,
    /// A branch, a tag or a commit. None: the repository's HEAD.
    pub revision: Option<Spanned<Revision>>,
    /// The folder of the repository that is meant, clean and relative; empty for all of it.
    pub subdir: Spanned<String>,
    /// Whether submodules are part of it.
    pub submodules: bool,
    /// The `git` node.
    pub span: Span,
}

const GIT: Form = Form::within(SOURCE, "git", "git \"https://example.com/docs.git\" ref=\"v1.2\"");

/// Reads the `git` of a source.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Git> {
    let mut reader = Reader::new(cx, item, GIT);
    let address = reader.word("the address of a repository").and_then(|text| address(&mut reader, &text));
    // None where it is wrong, as opposed to not said.
    let revision = match reader.text_property("ref") {
        Some(text) => revision(&mut reader, &text).map(Some),
        None => Some(None),
    };
    let span = reader.span();
    let subdir = match reader.text_property("subdir") {
        Some(path) => reader.source_part(path),
        None => Some(Spanned::new(String::new(), span)),
    };
    let submodules = reader.flag_property("submodules").unwrap_or(false);
    let pins =
        |revision: &Option<Spanned<Revision>>| matches!(revision, Some(r) if matches!(r.value, Revision::Commit(_)));
    if let (Some(address), Some(revision)) = (&address, &revision)
        && address.is_plain_http()
        && !pins(revision)
    {
        let message = "plain `http` needs a commit as `ref`: anybody on the way could change what comes";
        let help = "use `https` or ssh, or say with all 40 digits which commit must come";
        reader.report(mistake::bad_value(address.span, message, help));
    }
    reader.finish();
    Some(Git { address: address?, revision: revision?, subdir: subdir?, submodules, span })
}

fn address(reader: &mut Reader, text: &Spanned<String>) -> Option<Spanned<Address>> {
    let error = match text.parse::<Address>() {
        Ok(address) => return Some(Spanned::new(address, text.span)),
        Err(error) => error,
    };
    let usual = "write `\"https://example.com/docs.git\"` or `\"git@example.com:acme/docs.git\"`".to_owned();
    let help = match &error {
        AddressError::Secret(_) => {
            "a spec is no place for secrets, it is copied into the provenance: git finds them by its credential helpers"
                .into()
        }
        AddressError::Malformed(_) if text.starts_with(['/', '.', '~']) => {
            "a repository of this machine is written with its whole path: `\"file:///srv/docs.git\"`".into()
        }
        AddressError::Scheme(scheme) => match text.split_once("://") {
            Some((_, rest)) if matches!(scheme.as_str(), "git" | "git+https" | "git+http") && !rest.contains('@') => {
                format!("write `\"https://{}\"`", mistake::clip(rest))
            }
            Some((_, rest)) if matches!(scheme.as_str(), "git+ssh" | "ssh+git") && !rest.contains(':') => {
                format!("write `\"ssh://{}\"`", mistake::clip(rest))
            }
            _ => usual,
        },
        _ => usual,
    };
    let message = match &error {
        AddressError::Option => format!("`{}` is no address: {error}", mistake::clip(text)),
        _ => mistake::printable(error.to_string().chars()),
    };
    reader.report(mistake::bad_value(text.span, message, help));
    None
}

fn revision(reader: &mut Reader, text: &Spanned<String>) -> Option<Spanned<Revision>> {
    match Revision::parse(text) {
        Ok(revision) => Some(Spanned::new(revision, text.span)),
        Err(reason) => {
            let message = format!("`{}` is no branch, tag or commit: {reason}", mistake::clip(text));
            let help = "write the name of a branch or a tag, or all 40 digits of a commit";
            reader.report(mistake::bad_value(text.span, message, help));
            None
        }
    }
}
