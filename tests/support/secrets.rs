//! Secrets, made when a test runs.

#[allow(dead_code, reason = "made for the search, which needs all of it")]
#[path = "../../src/secrets/checksum.rs"]
mod checksum;

#[allow(dead_code, reason = "the same")]
#[path = "../../src/secrets/set.rs"]
mod set;

#[allow(dead_code, reason = "made for the tests of the search, which need all of it")]
#[path = "../../src/secrets/fixtures/mod.rs"]
mod fixtures;

pub(crate) use fixtures::*;
