//! A registry on loopback, which misbehaves where a test wants it to.

#[path = "../../src/registry/fixtures/mod.rs"]
mod server;

#[allow(unused_imports, reason = "the same")]
pub(crate) use server::*;
