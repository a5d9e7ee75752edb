//! `sign`: with what images are signed.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// With what images are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// A file with a private key: absolute, or relative to the spec's folder.
    pub key: Spanned<String>,
    /// The whole node.
    pub span: Span,
}

const SIGN: Form = Form::new("sign", "sign { key \"release.key\" }");
const KEY: Form = Form::within(SIGN, "key", "key \"release.key\"");

/// Reads `sign`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Sign> {
    let mut reader = Reader::new(cx, item, SIGN);
    let span = reader.span();
    let mut key: Option<Spanned<String>> = None;
    for child in reader.required_children("a `key`") {
        if child.node.name.text != "key" {
            reader.unknown_child(&child, &["key"]);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, KEY);
        let path = inner.word("the path of a private key").and_then(|path| {
            // Keys are kept out of projects: an absolute path is allowed here.
            if path.starts_with('/') { inner.absolute(path) } else { inner.project_file(path) }
        });
        inner.finish();
        match (&key, path) {
            (Some(first), Some(path)) => {
                reader.report(mistake::duplicate_node(path.span, first.span, "key", "`sign`"));
            }
            (None, path) => key = path,
            (Some(_), None) => {}
        }
    }
    reader.finish();
    Some(Sign { key: key?, span })
}
