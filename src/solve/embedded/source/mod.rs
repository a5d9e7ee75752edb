//! Sources: trees that come from outside of the graph.

pub(super) mod http;
pub(super) mod image;

use crate::llb::Vertex;
use crate::llb::pb;

/// The kinds of sources that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A folder, by the name of its context.
    Local(&'a str),
    /// A download, by its address.
    Http(&'a str),
    /// An image or a tree in the store, by its reference.
    OciLayout(&'a str),
}

impl<'a> Kind<'a> {
    /// The kind of a source; none where it is one that cannot be read.
    pub(super) fn of(identifier: &'a str) -> Option<Self> {
        match identifier.split_once("://")? {
            ("local", name) => Some(Kind::Local(name)),
            ("http" | "https", _) => Some(Kind::Http(identifier)),
            ("oci-layout", reference) => Some(Kind::OciLayout(reference)),
            _ => None,
        }
    }
}

/// The source operation of a vertex.
pub(super) fn of(vertex: &Vertex) -> Option<&pb::SourceOp> {
    match &vertex.op {
        pb::op::Op::Source(source) => Some(source),
        _ => None,
    }
}
