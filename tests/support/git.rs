//! Repositories on disk, made object by object.

#[allow(dead_code, reason = "made for the library's own tests, which need all of it")]
#[path = "../../src/git/fixtures.rs"]
mod repositories;

pub(crate) use repositories::*;
