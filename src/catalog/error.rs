//! Why a file does not say what is in it.

use std::io;

/// Why a file could not be catalogued. What it would have told of is unknown, which whoever judges must know.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The content could not be read.
    #[error("the {what} cannot be read: {source}")]
    Read {
        /// What was read.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The content is not what the file's name promises.
    #[error(
        "the {what} is damaged: {reason}; the packages that it should tell of are not known: \
         write it again, or take the file out of the image"
    )]
    Damaged {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The content is larger than anything honest.
    #[error(
        "the {what} has more than {limit} {unit}, which no file of its kind needs; it was not read to its end, \
         so its packages are not known: take the file out of the image"
    )]
    TooMuch {
        /// What was read.
        what: &'static str,
        /// How much is read.
        limit: u64,
        /// Of what: `bytes`, `packages`.
        unit: &'static str,
    },
}

impl CatalogError {
    /// For `map_err`: content that ends too early is damaged, anything else is a failure to read.
    pub(super) fn reading(what: &'static str) -> impl Fn(io::Error) -> CatalogError {
        move |source| match source.kind() {
            io::ErrorKind::UnexpectedEof => CatalogError::Damaged { what, reason: "it ends too early" },
            _ => CatalogError::Read { what, source },
        }
    }

    /// For `ok_or_else`: content that contradicts its own format.
    pub(super) fn damaged(what: &'static str, reason: &'static str) -> impl Fn() -> CatalogError {
        move || CatalogError::Damaged { what, reason }
    }
}
