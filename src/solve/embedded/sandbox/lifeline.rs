//! No process of a sandbox outlives the one that started it.

use super::channel::Channel;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use std::io;

/// Lets this process be killed when the thread that started it ends; fails where that has happened already.
///
/// A change of user or group takes this back, so it is said again after one.
pub(super) fn die_with(parent: &Channel) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut ends = [PollFd::new(parent, PollFlags::empty())];
    rustix::event::poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    match ends[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
        true => Err(io::ErrorKind::BrokenPipe.into()),
        false => Ok(()),
    }
}
