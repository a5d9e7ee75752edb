//! `env`: environment variables.

use super::image::Pair;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const ENV: Form = Form::new("env", "env PORT=\"8080\" LANG=\"C.UTF-8\"");

/// Reads `env`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Pair> {
    let mut reader = Reader::new(cx, item, ENV);
    let mut pairs = reader.pairs("`NAME=\"value\"`");
    pairs.retain(|pair| {
        let valid = !pair.name.is_empty() && !pair.name.contains(['=', '\0', '\n']);
        if !valid {
            let rule = "it is not empty and holds no `=`";
            reader.report(mistake::bad_name(pair.name.span, "a variable", &pair.name, rule));
        }
        valid
    });
    reader.finish();
    pairs
}
