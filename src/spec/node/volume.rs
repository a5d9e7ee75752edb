//! `volume`: folders that hold data.

use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const VOLUME: Form = Form::new("volume", "volume \"/var/lib/app\"");

/// Reads `volume`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Spanned<String>> {
    let mut reader = Reader::new(cx, item, VOLUME);
    let words = reader.words("a path");
    let paths = words.into_iter().filter_map(|path| reader.absolute(path)).collect();
    reader.finish();
    paths
}
