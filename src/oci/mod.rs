//! The nouns of the OCI specifications as data: no I/O.
//!
//! Serialised forms have a fixed field order and sorted maps, so that the same
//! value always gives the same bytes; unknown fields are ignored when read.

mod config;
mod descriptor;
mod digest;
pub mod document;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use config::{Config, Empty, Healthcheck, History, ImageConfig, RootFs};
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Digester, hex};
pub use manifest::{Index, Manifest};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError, is_tag};

/// The bytes of an OCI document: compact JSON in the order of its fields.
pub fn to_json(document: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("documents have string keys and no failing serialisers")
}

#[cfg(test)]
mod tests;
