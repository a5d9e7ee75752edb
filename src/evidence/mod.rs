//! Evidence: what an image holds, how it was built, and who says so.
//!
//! The input is plain data ([`Inventory`], [`provenance::Build`]) that the
//! builder fills in. From it come the bills of materials and the provenance as
//! in-toto statements, signed as sigstore bundles, and what checks them again.

#[cfg(test)]
pub(crate) mod fixtures;
mod inventory;
pub mod licence;
pub mod provenance;
pub mod sbom;
mod time;

pub use inventory::{
    Base, File, FileKind, ImageIdentity, Inventory, Layer, Location, Owner, Package, PackageIndex, Source, SourceKind,
    SpecFile, bytes_text, path_text,
};
