//! `stage`: what is built on the way and not shipped.

use super::image::Image;
use crate::diagnostic::Span;
use crate::spec::Spanned;

/// A file system in which commands run, and which others copy from or stand on.
///
/// A stage is an image that is not shipped: the same nodes make its file system, and its commands run in it in the
/// order written, between the other steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What `copy`, `base`, `mount` and the command line call it.
    pub name: Spanned<String>,
    /// What it is made of. The name is `stage` and the stage's own, which no image can have; without platforms it is
    /// for those of the images that use it; what says how an image is started is empty.
    pub image: Image,
    /// The whole node.
    pub span: Span,
}
