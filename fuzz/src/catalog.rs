//! The samples of the catalogue's own tests, as seeds.

pub use kiln::catalog::Question;

#[path = "../../src/catalog/fixtures/mod.rs"]
pub mod fixtures;
#[path = "../../src/catalog/tests/samples.rs"]
pub mod samples;
