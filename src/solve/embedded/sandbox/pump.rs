//! Bytes on their way between a step and whoever called it.

use super::{Listener, Stream};
use rustix::event::{PollFd, PollFlags};
use std::fs::File;
use std::io::{self, Read, Write};

/// As much as is read at a time, in bytes; no more is kept here.
const PIECE: usize = 64 << 10;

/// Takes bytes from a file and gives them to somebody, until the file ends.
#[derive(Debug)]
pub(super) struct Pump {
    from: File,
    to: Sink,
    /// What was read and could not be written yet.
    pending: Vec<u8>,
    /// The step has not ended before this has: it is what the step writes.
    pub(super) is_awaited: bool,
}

/// Where bytes go.
#[derive(Debug)]
pub(super) enum Sink {
    /// To the listener, as this stream.
    Listener(Stream),
    /// Into a file that does not block.
    File(File),
}

impl Pump {
    /// What a step writes.
    pub(super) fn out_of_step(from: File, to: Sink) -> Self {
        Pump { from, to, pending: Vec::new(), is_awaited: true }
    }

    /// What somebody types.
    pub(super) fn into_step(from: File, to: File) -> Self {
        Pump { from, to: Sink::File(to), pending: Vec::new(), is_awaited: false }
    }

    /// What it waits for.
    pub(super) fn waits_for(&self) -> PollFd<'_> {
        match &self.to {
            Sink::File(file) if !self.pending.is_empty() => PollFd::new(file, PollFlags::OUT),
            _ => PollFd::new(&self.from, PollFlags::IN),
        }
    }

    /// Goes on, after what it waited for has come; false where there is nothing more to come.
    pub(super) fn go_on(&mut self, listener: &dyn Listener) -> io::Result<bool> {
        if self.pending.is_empty() {
            let mut buffer = vec![0; PIECE];
            match self.from.read(&mut buffer) {
                Ok(count) => buffer.truncate(count),
                Err(e) if is_not_now(&e) => return Ok(true),
                // So a terminal ends when its last user is gone.
                Err(e) if rustix::io::Errno::from_io_error(&e) == Some(rustix::io::Errno::IO) => buffer.clear(),
                Err(e) => return Err(e),
            }
            if buffer.is_empty() {
                return Ok(false);
            }
            self.pending = buffer;
        }
        match &mut self.to {
            Sink::Listener(stream) => {
                listener.output(*stream, &self.pending);
                self.pending.clear();
            }
            Sink::File(file) => match file.write(&self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(e) if is_not_now(&e) => {}
                // The step has closed its end, and may go on all the same.
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
                Err(e) => return Err(e),
            },
        }
        Ok(true)
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
