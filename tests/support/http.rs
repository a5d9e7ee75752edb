//! A server on loopback that serves files, and misbehaves where a test wants it to.

use kiln::http::{Client, Settings, Url};

#[allow(dead_code, reason = "made for the client's own tests, which need all of it")]
#[path = "../../src/http/fixtures.rs"]
mod server;

pub(crate) use server::*;
