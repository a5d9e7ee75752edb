//! `registry`: how a registry is reached.

use crate::diagnostic::Span;
use crate::oci::Reference;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// How a registry, or a part of one, is reached. Never matters for what is got: content is named by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Its host, `docker.io` or `localhost:5000`, or with the beginning of a path: `docker.io/library`.
    pub name: Spanned<String>,
    /// Whether it is spoken to without TLS.
    pub plain_http: bool,
    /// Where its content is asked for first, in this order.
    pub mirrors: Vec<RegistryMirror>,
    /// The whole node.
    pub span: Span,
}

/// A place that has what a registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryMirror {
    /// What stands in the place of the registry's name: `mirror.example.com/hub`.
    pub at: Spanned<String>,
    /// Whether it is spoken to without TLS.
    pub plain_http: bool,
}

const REGISTRY: Form = Form::new("registry", "registry \"docker.io\" { mirror \"mirror.example.com/hub\" }");
const MIRROR: Form = Form::within(REGISTRY, "mirror", "mirror \"mirror.example.com/hub\"");

/// What may stand in a `registry`.
pub(in crate::spec) const CHILDREN: &[&str] = &["mirror"];

/// Each mirror that does not answer costs time.
const MAX_MIRRORS: usize = 16;

/// Reads `registry`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Registry> {
    let mut reader = Reader::new(cx, item, REGISTRY);
    let name = reader.word("a host").and_then(|name| place(&mut reader, name));
    let plain_http = reader.flag_property("plain-http");
    let span = reader.span();
    let mut mirrors: Vec<RegistryMirror> = Vec::new();
    for child in reader.children() {
        if child.node.name.text != "mirror" {
            reader.unknown_child(&child, CHILDREN);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, MIRROR);
        let at = inner.word("a host").and_then(|at| place(&mut inner, at));
        let plain_http = inner.flag_property("plain-http").unwrap_or(false);
        inner.finish();
        let Some(at) = at else { continue };
        if let Some(first) = mirrors.iter().find(|mirror| mirror.at.value == at.value) {
            reader.report(mistake::duplicate_name(at.span, first.at.span, "mirror", &at));
        } else if mirrors.len() == MAX_MIRRORS {
            reader.report(mistake::bad_value(at.span, "a `registry` has at most 16 mirrors", "use fewer"));
            break;
        } else {
            mirrors.push(RegistryMirror { at, plain_http });
        }
    }
    if let Some(name) = name.as_ref().filter(|name| plain_http.is_some() && name.contains('/')) {
        let help = "say it of the host alone";
        reader.report(mistake::bad_value(name.span, "`plain-http` is for a whole registry", help));
    }
    if mirrors.is_empty() && plain_http.is_none() && item.node.children.as_ref().is_none_or(Vec::is_empty) {
        reader.report(mistake::missing_block(reader.name_span(), REGISTRY, "a `mirror`"));
    }
    reader.finish();
    Some(Registry { name: name?, plain_http: plain_http.unwrap_or(false), mirrors, span })
}

/// A host, with or without the beginning of a path.
fn place(reader: &mut Reader, written: Spanned<String>) -> Option<Spanned<String>> {
    if let Some((scheme, rest)) = written.split_once("://") {
        let rest = mistake::clip(rest.trim_end_matches('/'));
        let help = match scheme {
            "http" => format!("write `\"{rest}\" plain-http=#true`"),
            _ => format!("write `\"{rest}\"`"),
        };
        reader.report(mistake::bad_value(written.span, "a registry is named by its host, without a scheme", help));
        return None;
    }
    // As a reference names it: what stands in front of a repository's last part.
    let host = written.split('/').next().unwrap_or_default();
    let reference = format!("{}/x", *written).parse::<Reference>().ok();
    if reference.is_none_or(|reference| reference.registry != host || reference.tag.is_some()) {
        let message = format!("`{}` is no registry", mistake::clip(&written));
        let help = "it is a host, with a port or the beginning of a path where needed: `\"registry.example.com:5000\"`";
        reader.report(mistake::bad_value(written.span, message, help));
        return None;
    }
    Some(written)
}
