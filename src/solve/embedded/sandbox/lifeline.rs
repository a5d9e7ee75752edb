//! No process of a sandbox outlives the one that started it.

use super::channel::Channel;
use rustix::process::Signal;
use std::io;

/// Lets this process be killed when the thread that started it ends; fails where that has happened already.
///
/// A change of user or group takes this back, so it is said again after one.
pub(super) fn die_with(parent: &Channel) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if parent.is_open()? { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}
