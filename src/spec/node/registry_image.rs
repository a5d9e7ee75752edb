//! Images of registries: as a source's `image`, and where `base` and `copy` name one directly.

use super::source::{Source, SourceKind};
use crate::diagnostic::Span;
use crate::oci::{Platform, Reference};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryImage {
    /// Where it is; with a tag, a digest, or both.
    pub reference: Spanned<Reference>,
    /// A file with the public key that must have signed it: absolute, or relative to the spec's folder.
    pub signed_by: Option<Spanned<String>>,
    /// The platform to take. None: that of the image being built.
    pub platform: Option<Spanned<Platform>>,
    /// The node that names it first.
    pub span: Span,
}

impl RegistryImage {
    /// The platform to take where an image for `built` is made.
    pub fn platform<'a>(&'a self, built: &'a Platform) -> &'a Platform {
        self.platform.as_ref().map_or(built, |platform| &platform.value)
    }
}

/// Reads the `image` of a source.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, form: Form) -> Option<RegistryImage> {
    let mut reader = Reader::new(cx, item, form);
    let reference = reader.word("a reference").and_then(|written| reference(&mut reader, &written));
    let signed_by = signed_by(&mut reader);
    let platform =
        reader.text_property("platform").and_then(|platform| super::platform::platform(&mut reader, &platform));
    let span = reader.span();
    reader.finish();
    Some(RegistryImage { reference: reference?, signed_by, platform, span })
}

/// Whether a name can only be that of an image of a registry.
pub(in crate::spec) fn looks_like_one(name: &str) -> bool {
    name.contains(['/', ':', '@'])
}

/// Makes a source of an image that is named where it is used. What is said of it in one place counts for all places that
/// name it in the same way.
pub(in crate::spec) fn named(reader: &mut Reader, written: &Spanned<String>, key: Option<Spanned<String>>) -> bool {
    let Some(reference) = reference(reader, written) else { return false };
    let known = reader.cx.named.iter_mut().find(|source| *source.name == written.value);
    let Some(SourceKind::Image(image)) = known.map(|source| &mut source.kind) else {
        let span = reader.span();
        let image = RegistryImage { reference, signed_by: key, platform: None, span };
        let source = Source { name: written.clone(), kind: SourceKind::Image(image), span };
        reader.cx.named.push(source);
        return true;
    };
    match (&image.signed_by, key) {
        (Some(first), Some(key)) if first.value != key.value => {
            let message = format!("`{}` is to be signed by another key here", mistake::clip(written));
            let help = "name the same key, or make a `source` for each of the two";
            let mistake = mistake::conflict(key.span, message, first.span, help);
            reader.report(mistake);
        }
        (None, Some(key)) => image.signed_by = Some(key),
        _ => {}
    }
    true
}

/// A reference that says which image is meant.
fn reference(reader: &mut Reader, written: &Spanned<String>) -> Option<Spanned<Reference>> {
    if let Some((scheme, rest)) = written.split_once("://") {
        let message = format!("`{}://` does not belong to a reference", mistake::clip(scheme));
        reader.report(mistake::bad_value(written.span, message, format!("write `\"{}\"`", mistake::clip(rest))));
        return None;
    }
    let reference = match written.parse::<Reference>() {
        Ok(reference) => reference,
        Err(error) => {
            let help = "for example `\"docker.io/library/debian:13\"`";
            reader.report(mistake::bad_value(written.span, mistake::printable(error.to_string().chars()), help));
            return None;
        }
    };
    if reference.tag.is_none() && reference.digest.is_none() {
        let message = format!("`{}` has neither tag nor digest", mistake::clip(written));
        let help = format!("write `\"{}:latest\"`, or better the version that you mean", mistake::clip(written));
        reader.report(mistake::bad_value(written.span, message, help));
        return None;
    }
    Some(Spanned::new(reference, written.span))
}

/// The key that an image must be signed with: `signed-by` where it stands alone.
pub(in crate::spec) fn signed_by(reader: &mut Reader) -> Option<Spanned<String>> {
    let signer = reader.text_property("signed-by");
    let issuer = reader.text_property("issuer");
    let Some(signer) = signer else {
        if issuer.is_some() {
            reader.missing_property("signed-by");
        }
        return None;
    };
    let looks_like_identity = signer.contains("://") || (signer.contains('@') && !signer.contains('/'));
    match issuer {
        Some(_) => reader.report(mistake::no_identities(signer.span)),
        None if looks_like_identity => {
            let message = format!("`{}` is no file with a public key", mistake::clip(&signer));
            let help = "write the path of a key, `\"keys/base.pub\"`; an identity needs an `issuer=` as well";
            reader.report(mistake::bad_value(signer.span, message, help));
        }
        // Keys of machines are kept out of projects: an absolute path is allowed here.
        None if signer.starts_with('/') => return reader.absolute(signer),
        None => return reader.project_file(signer),
    }
    None
}
