//! What tests build their worlds from. Fixtures are made by code when a test runs; no test needs the network
//! unless it is ignored by default.
//!
//! Where the library's own tests have a fixture, its file is included here, so that there is one of each. Such a
//! file names what it needs as `super::…` (imported by the including module) or `crate::…` (imported by `main.rs`).

pub mod actions;
pub mod catalog;
pub mod deb;
pub mod files;
pub mod gateway;
pub mod git;
pub mod http;
pub mod objects;
pub mod program;
pub mod registry;
pub mod secrets;
pub mod toolbox;
