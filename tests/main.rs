//! Everything that is tested from outside the library, in one binary: the shape of the code,
//! the program as its users run it, the samples of `specs/`, and the examples.
//!
//! Tests that need the network, root, or foreign tools are ignored by default;
//! `cargo test -- --ignored` runs them, as `.ci/run` does.

#![allow(clippy::disallowed_methods, reason = "tests have an environment and a clock")]

mod architecture;
mod building;
mod peers;
mod commands;
mod git;
mod installing;
mod release;
mod sandbox;
mod scanning;
mod shipped;
mod stages;
mod support;

// Where included fixtures say `crate::…`.
use kiln::{oci, store};
