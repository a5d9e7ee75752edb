//! kiln turns one KDL file into a signed, minimal, reproducible container image.
//!
//! The modules are listed in rank order: each may name only modules above it,
//! as the table in ARCHITECTURE.md says and `tests/architecture.rs` enforces.

#![deny(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod rules;
pub mod oci;
pub mod store;
pub mod tree;
pub mod http;
pub mod secrets;
pub mod git;
pub mod syntax;
pub mod registry;
pub mod spec;
pub mod llb;
pub mod packages;
pub mod catalog;
pub mod advisories;
pub mod plan;
pub mod compile;
pub mod solve;
pub mod image;
pub mod evidence;
pub mod policy;
pub mod pipeline;
pub mod cli;
