//! The terminal of whoever called, lent to a step.
//!
//! The step gets a terminal of its own, made in its `/dev`, and bytes go back and forth: it never holds the caller's, by
//! which it could type commands there.

use super::SandboxError;
use super::pump::{Pump, Sink};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, Winsize};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The caller's standard files, while a step has them.
#[derive(Debug)]
pub(super) struct Terminal {
    /// How the terminal was; none where standard input is none.
    before: Option<Termios>,
    /// The step's own terminal, and the size that it was given.
    own: Option<(File, Winsize)>,
}

impl Terminal {
    /// Standard input is a terminal: what is typed goes to the step as it is, Ctrl-C included.
    pub(super) fn borrow() -> Self {
        let input = io::stdin();
        let before = rustix::termios::tcgetattr(&input).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            // A terminal that takes no other mode still works, line by line.
            let _ = rustix::termios::tcsetattr(&input, OptionalActions::Now, &raw);
        }
        Terminal { before, own: None }
    }

    /// Whether it is one.
    pub(super) fn is_terminal(&self) -> bool {
        self.before.is_some()
    }

    /// The way from standard input to the step, through a pipe, and the end of it that the step gets.
    pub(super) fn input_pipe() -> Result<(Pump, OwnedFd), SandboxError> {
        let work = || {
            let (end, to) = io::pipe()?;
            let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            Ok((Pump::into_step(from, nonblocking(to.into())?), end.into()))
        };
        work().map_err(failed)
    }

    /// Connects the step's own terminal, which has just been made, with the caller's.
    pub(super) fn connect(&mut self, own: OwnedFd) -> Result<[Pump; 2], SandboxError> {
        let work = || {
            let own = nonblocking(own)?;
            let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let pumps = [Pump::into_step(from, own.try_clone()?), Pump::out_of_step(own.try_clone()?, Sink::File(to))];
            let unknown = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
            self.own = Some((own, unknown));
            Ok(pumps)
        };
        let pumps = work().map_err(failed)?;
        self.follow_size();
        Ok(pumps)
    }

    /// Gives the step's terminal the size of the caller's, where that has changed.
    pub(super) fn follow_size(&mut self) {
        if let (Some((own, size)), Ok(now)) = (&mut self.own, rustix::termios::tcgetwinsize(io::stdin()))
            && (now.ws_row, now.ws_col) != (size.ws_row, size.ws_col)
        {
            *size = now;
            // A step whose terminal is gone needs no size.
            let _ = rustix::termios::tcsetwinsize(own, now);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Nobody is left to hear of a failure.
            let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Drain, before);
        }
    }
}

fn nonblocking(file: OwnedFd) -> io::Result<File> {
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags | OFlags::NONBLOCK)?;
    Ok(file.into())
}

fn failed(source: io::Error) -> SandboxError {
    SandboxError::Io { action: "lend the terminal to the step".to_owned(), source }
}
