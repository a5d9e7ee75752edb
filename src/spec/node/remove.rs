//! `remove`: what an image does without.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Removes files and folders that earlier steps, packages or the base brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveStep {
    /// Absolute and clean, possibly with wildcards; at least one. Each must match something.
    pub paths: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

const REMOVE: Form = Form::new("remove", "remove \"/usr/share/doc\" \"/usr/lib/*.a\"");

/// Reads `remove`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<RemoveStep> {
    let mut reader = Reader::new(cx, item, REMOVE);
    let mut paths = Vec::new();
    for path in reader.words("a path") {
        let Some(path) = reader.absolute_pattern(path) else { continue };
        if path.split('/').any(|part| part == "**") {
            let help =
                "name the folder itself, which goes with all that is in it, or use `*` for the parts between slashes";
            reader.report(mistake::bad_value(path.span, "`**` is not known to `remove`", help));
            continue;
        }
        paths.push(path);
    }
    let span = reader.span();
    reader.finish();
    (!paths.is_empty()).then_some(RemoveStep { paths, span })
}
