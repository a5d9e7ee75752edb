//! SLSA provenance v1: how an image was built, told so that others can check and repeat it.

mod build;

pub use build::{Build, Builder, Dependency, Repository, Run};
