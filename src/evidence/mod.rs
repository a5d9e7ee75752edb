//! Evidence: what an image holds, how it was built, and who says so.
//!
//! The input is plain data ([`Inventory`], [`provenance::Build`]) that the
//! builder fills in. From it come the bills of materials and the provenance as
//! in-toto statements, signed as sigstore bundles, and what checks them again.

mod bundle;
pub mod claims;
pub mod contents;
#[cfg(test)]
pub(crate) mod fixtures;
mod inventory;
pub mod licence;
pub mod provenance;
mod referrer;
pub mod sbom;
pub mod scan;
pub mod sign;
mod stage;
mod statement;
pub mod test_result;
mod time;
pub mod verify;
pub mod vex;

pub use bundle::{Bundle, BundleError, Identity, MAX_BUNDLE, pre_authentication_digest};
pub use inventory::{
    Base, File, FileKind, GitCommit, ImageIdentity, Inventory, Layer, Location, Owner, Package, PackageIndex, Source,
    SourceKind, SpecFile, bytes_of, bytes_text, path_text,
};
pub use referrer::{PREDICATE_TYPE, Referrer};
pub use stage::{Material, Network, Stage, Step};
pub use statement::{Nothing, STATEMENT, STATEMENT_0_1, Statement, Subject, predicate};
