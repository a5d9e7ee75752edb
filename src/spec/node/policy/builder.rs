//! `builder`: which level of SLSA a builder is trusted to reach.

use super::{POLICY, key};
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// A builder that is trusted: provenance that names it reaches a level of SLSA, whatever it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedBuilder {
    /// Its id, as provenance has it in `runDetails.builder.id`; with the wildcards that a policy knows.
    pub id: Spanned<String>,
    /// The level of SLSA's build track, 1 to 3.
    pub level: u8,
    /// A file with the public key that must have signed the provenance; none for the key by which the image is verified.
    pub key: Option<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

const BUILDER: Form = Form::within(POLICY, "builder", "builder \"https://example.com/builder@v1\" level=3");

/// The longest id of a builder.
const MAX_ID: usize = 2_000;

/// Reads `builder`.
pub(super) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<TrustedBuilder> {
    let mut reader = Reader::new(cx, item, BUILDER);
    let span = reader.span();
    let id = reader.word("the id of a builder").filter(|id| is_id(&mut reader, id));
    let given = reader.node().props.iter().any(|property| property.name.text == "level");
    let level = reader.number_property("level", 1, 3).and_then(|level| u8::try_from(level).ok());
    if !given {
        reader.missing_property("level");
    }
    let key = reader.text_property("key").and_then(|path| key(&mut reader, path));
    reader.finish();
    Some(TrustedBuilder { id: id?, level: level?, key, span })
}

fn is_id(reader: &mut Reader<'_, '_>, id: &Spanned<String>) -> bool {
    let is_uri = id.contains(':') && id.len() <= MAX_ID && !id.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_uri {
        let message = format!("`{}` is no id of a builder", mistake::clip(id));
        let help = "it is the URI that provenance has in `runDetails.builder.id`";
        reader.report(mistake::bad_value(id.span, message, help));
    }
    is_uri
}
