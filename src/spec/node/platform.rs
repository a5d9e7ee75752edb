//! `platform`: what an image is built for.

use crate::diagnostic::nearest;
use crate::oci::Platform;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

const PLATFORM: Form = Form::new("platform", "platform \"linux/amd64\" \"linux/arm64\"");

/// Reads `platform`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Vec<Spanned<Platform>> {
    let mut reader = Reader::new(cx, item, PLATFORM);
    let words = reader.words("a platform");
    let platforms = words.iter().filter_map(|word| platform(&mut reader, word)).collect();
    reader.finish();
    platforms
}

/// A platform's name.
pub(in crate::spec) fn platform(reader: &mut Reader, word: &Spanned<String>) -> Option<Spanned<Platform>> {
    match word.parse() {
        Ok(platform) => Some(Spanned::new(platform, word.span)),
        Err(_) => {
            let help = match nearest(word, Platform::NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("choose from {}", Platform::NAMES.join(", ")),
            };
            let message = format!("`{}` is no platform that kiln builds for", mistake::clip(word));
            reader.report(mistake::bad_value(word.span, message, help));
            None
        }
    }
}
