//! What only shows when a spec is put together with its inputs.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::llb::LlbError;

/// Why a spec cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The spec is wrong.
    #[error("{0}")]
    Spec(Diagnostics),
    /// The image would have no files at all.
    #[error("the image {image} is empty: give it a base, packages or files")]
    Empty {
        /// The image's name.
        image: String,
    },
    /// Nothing was to be compiled.
    #[error("no image was asked for")]
    NoLevel,
    /// The graph breaks a limit of its format.
    #[error(transparent)]
    Graph(#[from] LlbError),
}

pub(super) fn unpinned(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "compile::unpinned",
        format!("source \"{name}\" has no digest in the lock"),
        span,
        "this input is not pinned",
    )
    .with_help("run `kiln lock` to pin it")
    .with_page("specs/lock.md")
}

pub(super) fn empty_stage(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "compile::empty-stage",
        format!("the stage \"{name}\" has no files"),
        span,
        "there is nothing in it",
    )
    .with_help("give it a base, packages or files")
    .with_page("specs/language/stage.md")
}

pub(super) fn mounted_readonly(path: &str, from: &str, span: Span, stage: &str) -> Diagnostic {
    Diagnostic::error(
        "compile::mounted",
        format!("/{path} of the stage \"{stage}\" is what it mounts of \"{from}\", and no part of it"),
        span,
        "mounted read-only there",
    )
    .with_help(format!(
        "copy it from \"{from}\", or let the stage's commands change it: `mount \"{from}\" … writable=#true`"
    ))
    .with_page("specs/language/mount.md")
}

pub(super) fn modes_apart(file: u16, dir: u16, span: Span) -> Diagnostic {
    Diagnostic::error(
        "compile::modes-apart",
        format!("files of mode {file:04o} in folders of mode {dir:04o} cannot be copied in one step"),
        span,
        "these modes differ in more than the folders' x bits",
    )
    .with_help("leave out dir-mode, or copy the folders in a step of their own")
    .with_page("specs/language/copy.md")
}
