//! SLSA provenance v1: how an image was built, told so that others can check and repeat it.
//!
//! The build type, its parameters and an example are described in `specs/build-type.md`.

mod build;
mod document;
mod step;
#[cfg(test)]
pub(crate) mod tests;

pub use build::{Build, Builder, BuiltStage, Dependency, Repository, Run, UsedDocument, UsedImage};
pub(super) use document::plain;
pub use document::{
    BUILD_TYPE, BuildDefinition, BuilderId, ExternalParameters, InternalParameters, Metadata, Provenance, Resource,
    RunDetails, builder, read,
};
pub use step::StepRun;
pub(super) use step::material;
