//! `require`: what must be attached to an image.

use super::POLICY;
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// What must be attached to an image, and be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Require {
    /// What it is.
    pub proof: Spanned<Proof>,
    /// The whole node.
    pub span: Span,
}

/// Something that is attached to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A signature of the image.
    Signature,
    /// A bill of materials.
    Sbom,
    /// Provenance, of at least this level of SLSA.
    Provenance(u8),
    /// The result of a check that passed, by its name in the spec; of any where there is none.
    Check(Option<String>),
}

const REQUIRE: Form = Form::within(POLICY, "require", "require \"provenance\" level=2");

const PROOFS: [&str; 4] = ["signature", "sbom", "provenance", "check"];

/// Reads `require`.
pub(super) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Require> {
    let mut reader = Reader::new(cx, item, REQUIRE);
    let span = reader.span();
    let word = reader.word("the name of a proof")?;
    let proof = match word.as_str() {
        "signature" => Some(Proof::Signature),
        "sbom" => Some(Proof::Sbom),
        "provenance" => {
            let level = reader.number_property("level", 1, 3).unwrap_or(1);
            Some(Proof::Provenance(u8::try_from(level).unwrap_or(1)))
        }
        "check" => Some(Proof::Check(reader.text_property("name").map(|name| name.value))),
        _ => {
            reader.report(mistake::unknown_choice(word.span, "proof", &word, &PROOFS));
            reader.leave();
            return None;
        }
    };
    reader.finish();
    proof.map(|proof| Require { proof: Spanned::new(proof, word.span), span })
}
