//! Package indexes: what an archive offers, ready to be searched.
//!
//! A `Packages` file has tens of megabytes of text, most of which nobody asks for.
//! It is read once, and what a resolver needs of it is written down in a form that
//! is searched where it lies: names in order, packages of fixed width, strings by
//! offset, relations unparsed until a package is looked at. That form is a blob of
//! the store, so the next run only reads it.

mod build;
mod layout;
mod view;

pub use build::{build, is_name};
pub use view::{Index, Name, Provider, Row};

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It could not be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Its text makes no sense.
    #[error("the package index makes no sense: {0}")]
    Malformed(String),
    /// It has more of something than anybody needs.
    #[error("the package index is too large: more than {0}")]
    TooLarge(String),
}

#[cfg(test)]
mod tests;
