//! `symlink`: symbolic links.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Makes a symbolic link; its parents are made too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymlinkStep {
    /// Where the link stands: absolute and clean.
    pub path: Spanned<String>,
    /// What it says: absolute or relative, not followed.
    pub target: Spanned<String>,
    /// The whole node.
    pub span: Span,
}

const SYMLINK: Form = Form::new("symlink", "symlink \"/usr/bin/python\" to=\"python3\"");

/// Reads `symlink`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<SymlinkStep> {
    let mut reader = Reader::new(cx, item, SYMLINK);
    let path = reader.word("the path of the link").and_then(|path| reader.absolute(path));
    let target = reader.required_text("to").and_then(|target| {
        let fits = !target.is_empty() && target.len() < 4096;
        if !fits {
            let help =
                "say where the link leads: `to=\"/usr/bin/python3\"`, or relative to its folder: `to=\"python3\"`";
            reader.report(mistake::bad_value(target.span, "a link's target is a path", help));
        }
        fits.then_some(target)
    });
    let span = reader.span();
    reader.finish();
    Some(SymlinkStep { path: path?, target: target?, span })
}
