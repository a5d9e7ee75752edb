//! `base`: what an image stands on.

use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// What an image stands on, where it stands on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// One of kiln's own: its packages are resolved together with the image's.
    Own(String),
    /// The name of a source that is an OCI layout: its layers are kept as they are.
    Source(String),
}

impl Base {
    /// The names of kiln's own bases.
    pub const OWN: [&'static str; 4] = ["static", "base", "cc", "python3"];
}

const BASE: Form = Form::new("base", "base \"cc\"");

/// Reads `base`; `layouts` are the names of the sources that are OCI layouts, `others` those of all others.
pub(in crate::spec) fn read<'n>(
    cx: &mut Cx<'n>,
    item: &Item<'n>,
    layouts: &[&str],
    others: &[&str],
) -> Option<Spanned<Base>> {
    let mut reader = Reader::new(cx, item, BASE);
    let name = reader.word("the name of a base");
    reader.finish();
    let name = name?;
    let base = if Base::OWN.contains(&name.as_str()) {
        Base::Own(name.value)
    } else if layouts.contains(&name.as_str()) {
        Base::Source(name.value)
    } else {
        let mistake = if others.contains(&name.as_str()) {
            let help =
                "an image stands on a source with an `oci` layout; files of other sources are put into it by `copy`";
            mistake::bad_value(name.span, format!("the source `{}` is no image", mistake::clip(&name)), help)
        } else if name.contains(['/', ':', '@']) {
            let help =
                "save the image as an OCI layout, name it as `source \"…\" { oci \"path\" }`, and use that name here";
            mistake::bad_value(name.span, "bases from a registry are not supported by this version of kiln", help)
        } else {
            mistake::unknown_name(name.span, "base", &name, Base::OWN.iter().chain(layouts).copied())
        };
        cx.report_unless_cut(mistake, BASE, &item.scope);
        return None;
    };
    Some(Spanned::new(base, name.span))
}
