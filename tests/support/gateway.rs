//! A daemon that runs `kiln frontend`.

#[allow(dead_code, reason = "made for the client's own tests, which need all of it")]
#[path = "../../src/solve/gateway/fixtures.rs"]
mod daemon;

pub(crate) use daemon::Daemon;
