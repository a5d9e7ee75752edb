//! `label`: labels of the image's configuration.

use super::image::Pair;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const LABEL: Form = Form::new("label", "label \"org.opencontainers.image.title\"=\"Hello\"");

/// Reads `label`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Pair> {
    let mut reader = Reader::new(cx, item, LABEL);
    let mut pairs = reader.pairs("`name=\"text\"`");
    pairs.retain(|pair| {
        let valid = !pair.name.trim().is_empty();
        if !valid {
            reader.report(mistake::bad_name(pair.name.span, "a label", &pair.name, "it is not empty"));
        }
        valid
    });
    reader.finish();
    pairs
}
