//! `file`: a file whose content stands in the spec.

use super::account::Owner;
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Writes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStep {
    /// Absolute and clean.
    pub path: Spanned<String>,
    /// Its content, byte for byte.
    pub content: Spanned<String>,
    /// Its mode; 0644 where nothing is said.
    pub mode: u16,
    /// Its owner; root where nothing is said.
    pub owner: Option<Spanned<Owner>>,
    /// The whole node.
    pub span: Span,
}

const FILE: Form = Form::new("file", "file \"/etc/app.conf\" \"listen 8080\\n\"");

/// Reads `file`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<FileStep> {
    let mut reader = Reader::new(cx, item, FILE);
    let path = reader.word("a path").and_then(|path| reader.absolute(path));
    let content = reader.word("its content");
    let mode = reader.mode("mode").map_or(0o644, |mode| mode.value);
    let owner = reader.owner();
    let span = reader.span();
    reader.finish();
    Some(FileStep { path: path?, content: content?, mode, owner, span })
}
