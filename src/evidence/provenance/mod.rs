//! SLSA provenance v1: how an image was built, told so that others can check and repeat it.
//!
//! The build type, its parameters and an example are described in `specs/build-type.md`.

mod build;
mod document;
#[cfg(test)]
pub(crate) mod tests;

pub use build::{Build, Builder, Dependency, Repository, Run, UsedDocument, UsedImage};
pub use document::{
    BUILD_TYPE, BuildDefinition, BuilderId, ExternalParameters, InternalParameters, Metadata, Provenance, Resource,
    RunDetails, read,
};
