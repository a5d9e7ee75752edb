//! Databases of package managers, programs and archives that tell of packages, made when a test runs.

#[allow(dead_code, reason = "made for the tests of cataloguers, which need all of it")]
#[path = "../../src/catalog/fixtures/mod.rs"]
mod written;

pub(crate) use written::*;
