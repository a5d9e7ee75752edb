//! `annotation`: annotations of the image's manifest.

use super::image::Pair;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const ANNOTATION: Form = Form::new("annotation", "annotation \"org.opencontainers.image.vendor\"=\"Acme\"");

/// Reads `annotation`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Pair> {
    let mut reader = Reader::new(cx, item, ANNOTATION);
    let mut pairs = reader.pairs("`name=\"text\"`");
    pairs.retain(|pair| {
        let valid = !pair.name.trim().is_empty();
        if !valid {
            reader.report(mistake::bad_name(pair.name.span, "an annotation", &pair.name, "it is not empty"));
        }
        valid
    });
    reader.finish();
    pairs
}
