//! `base`: what an image stands on.

use super::registry_image;
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
    /// The name of a source that is an image, of a layout or of a registry: its layers are kept as they are.
    Source(String),
    /// The name of a stage: its files are a layer.
    Stage(String),
}

impl Base {
    /// The names of kiln's own bases.
    pub const OWN: [&'static str; 4] = ["static", "base", "cc", "python3"];
}

const BASE: Form = Form::new("base", "base \"cc\"");

/// Reads `base`; `images` are the names of the sources that are images, `others` those of all others.
///
/// A stage's name goes before: it is one of kiln's own, or a source's, for nobody else.
pub(in crate::spec) fn read<'n>(
    cx: &mut Cx<'n>,
    item: &Item<'n>,
    images: &[&str],
    others: &[&str],
    stages: &[&str],
) -> Option<Spanned<Base>> {
    let mut reader = Reader::new(cx, item, BASE);
    let name = reader.word("the name of a base");
    let given = reader.node().props.iter().find(|property| property.name.text == "signed-by").map(|p| p.span);
    let key = registry_image::signed_by(&mut reader);
    let base = name.and_then(|name| {
        let own = Base::OWN.contains(&name.as_str());
        if stages.contains(&name.as_str()) {
            if let Some(given) = given {
                let message = "`signed-by` stands here with an image of a registry only";
                reader.report(mistake::bad_value(given, message, "a stage is made by this build"));
            }
            return Some(Spanned::new(Base::Stage(name.value), name.span));
        }
        if own || images.contains(&name.as_str()) {
            if let Some(given) = given {
                let help = match own {
                    true => "kiln's own bases are part of kiln",
                    false => "say it where the source is declared",
                };
                let message = "`signed-by` stands here with an image of a registry only";
                reader.report(mistake::bad_value(given, message, help));
            }
            let base = if own { Base::Own(name.value) } else { Base::Source(name.value) };
            return Some(Spanned::new(base, name.span));
        }
        if registry_image::looks_like_one(&name) {
            let known = registry_image::named(&mut reader, &name, key);
            return known.then(|| Spanned::new(Base::Source(name.value.clone()), name.span));
        }
        let mistake = if others.contains(&name.as_str()) {
            let help = "an image stands on a source that is an image, with `oci` or `image`; \
                files of other sources are put into it by `copy`";
            mistake::bad_value(name.span, format!("the source `{}` is no image", mistake::clip(&name)), help)
        } else {
            mistake::unknown_name(name.span, "base", &name, Base::OWN.iter().chain(images).chain(stages).copied())
        };
        reader.report_unless_cut(mistake);
        None
    });
    reader.finish();
    base
}
