//! Registries (distribution-spec 1.1): images and what refers to them, pulled and pushed.
//!
//! A registry is taken for hostile: every document is bounded and checked against its digest, every layer
//! is checked while it comes, and credentials go to nobody but the host that they are for.

mod certificates;
mod challenge;
mod credentials;
mod document;
mod endpoint;
mod error;
mod exchange;
mod host;
mod lend;
mod local;
mod mirror;
mod outgoing;
mod pages;
mod probe;
mod pull;
mod push;
mod referrers;
mod repository;
mod seen;
mod tag;
mod tags;
mod token;
mod upload;

pub use credentials::{CredentialFile, CredentialPlaces, Given, Secret};
pub use document::Document;
pub use error::RegistryError;
pub use host::{Registries, Settings};
pub use lend::Lent;
pub use mirror::Mirror;
pub use pull::{Name, Pulled, Want, pull, pull_blobs};
pub use push::{Contents, Outgoing, Part, Pushed, push, push_referrers};
pub use repository::Repository;
pub use tag::{Moved, tag};
pub use tags::stands_for_referrers;

/// Hears how transfers go on. May be called from many tasks at once.
pub trait Progress: Send + Sync {
    /// So many bytes will travel.
    fn expect(&self, bytes: u64);
    /// Some of them have.
    fn advance(&self, bytes: u64);
}

/// Nobody listens.
impl Progress for () {
    fn expect(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
