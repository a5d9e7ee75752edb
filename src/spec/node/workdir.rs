//! `workdir`: where an image's program starts.

use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const WORKDIR: Form = Form::new("workdir", "workdir \"/srv/app\"");

/// Reads `workdir`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<String>> {
    let mut reader = Reader::new(cx, item, WORKDIR);
    // The root is a place to start in, unlike a place to put something at.
    let path = reader.word("a path").and_then(|path| if *path == "/" { Some(path) } else { reader.absolute(path) });
    reader.finish();
    path
}
