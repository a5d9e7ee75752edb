//! `mkdir`: folders.

use super::account::Owner;
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Makes folders, with their parents; one that is there already gets the mode and the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MkdirStep {
    /// Absolute and clean; at least one.
    pub paths: Vec<Spanned<String>>,
    /// The mode; 0755 where nothing is said.
    pub mode: u16,
    /// The owner; root where nothing is said. Parents that are made on the way belong to root and have 0755.
    pub owner: Option<Spanned<Owner>>,
    /// The whole node.
    pub span: Span,
}

const MKDIR: Form = Form::new("mkdir", "mkdir \"/var/lib/app\" owner=\"app\"");

/// Reads `mkdir`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<MkdirStep> {
    let mut reader = Reader::new(cx, item, MKDIR);
    let words = reader.words("a path");
    let paths: Vec<_> = words.into_iter().filter_map(|path| reader.absolute(path)).collect();
    let mode = reader.mode("mode").map_or(0o755, |mode| mode.value);
    let owner = reader.owner();
    let span = reader.span();
    reader.finish();
    (!paths.is_empty()).then_some(MkdirStep { paths, mode, owner, span })
}
