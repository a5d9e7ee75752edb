//! Messages between the processes of a sandbox: frames over a socket, with open files beside them.
//!
//! Both ends are kiln. A step never gets hold of either: each is closed before its command starts.

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// No frame is longer, in bytes.
const LONGEST: usize = 64 << 20;

/// No message has more open files beside it.
const FILES: usize = 4;

/// One end of a conversation.
#[derive(Debug)]
pub(super) struct Channel {
    socket: UnixStream,
}

impl Channel {
    /// Both ends; the second is to be the standard input of a process.
    pub(super) fn pair() -> io::Result<(Channel, OwnedFd)> {
        let (socket, other) = UnixStream::pair()?;
        Ok((Channel { socket }, other.into()))
    }

    /// The end that this process was started with.
    ///
    /// # Errors
    /// Where standard input is no socket: somebody called a helper of the sandbox by hand.
    pub(super) fn of_stdin() -> io::Result<Channel> {
        let own = io::stdin().as_fd().try_clone_to_owned()?;
        rustix::net::sockopt::socket_type(&own)?;
        Ok(Channel { socket: own.into() })
    }

    /// Sends a message, and open files with it.
    pub(super) fn send(&mut self, message: &impl Serialize, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        let body = serde_json::to_vec(message)?;
        self.header(body.len(), files)?;
        self.socket.write_all(&body)
    }

    /// Sends bytes that nobody may see.
    pub(super) fn send_secret(&mut self, secret: &SecretSlice<u8>) -> io::Result<()> {
        self.header(secret.expose_secret().len(), &[])?;
        self.socket.write_all(secret.expose_secret())
    }

    /// Waits for the next message, and takes the open files that came with it.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the other end is gone.
    pub(super) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<(T, Vec<OwnedFd>)> {
        let (body, files) = self.frame()?;
        Ok((serde_json::from_slice(&body)?, files))
    }

    /// Waits for bytes that were sent by [`send_secret`](Self::send_secret).
    pub(super) fn receive_secret(&mut self) -> io::Result<SecretSlice<u8>> {
        Ok(self.frame()?.0.into())
    }

    /// Whether the other end is still there.
    pub(super) fn is_open(&self) -> io::Result<bool> {
        let mut ends = [PollFd::new(self, PollFlags::empty())];
        rustix::event::poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        Ok(!ends[0].revents().intersects(PollFlags::HUP | PollFlags::ERR))
    }

    /// Ends the conversation for both.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Both)
    }

    fn header(&mut self, length: usize, files: &[BorrowedFd<'_>]) -> io::Result<()> {
        if length > LONGEST || files.len() > FILES {
            return Err(io::Error::other(format!("a message of {length} bytes is more than {LONGEST}")));
        }
        let length = (length as u64).to_le_bytes();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            beside.push(SendAncillaryMessage::ScmRights(files));
        }
        let flags = rustix::net::SendFlags::empty();
        let sent = rustix::net::sendmsg(&self.socket, &[IoSlice::new(&length)], &mut beside, flags)?;
        self.socket.write_all(&length[sent..])
    }

    fn frame(&mut self) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
        let mut length = [0; 8];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let read = {
            let mut buffer = [IoSliceMut::new(&mut length)];
            rustix::io::retry_on_intr(|| {
                rustix::net::recvmsg(&self.socket, &mut buffer, &mut beside, RecvFlags::CMSG_CLOEXEC)
            })?
        };
        if read.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut files = Vec::new();
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                files.extend(rights);
            }
        }
        self.socket.read_exact(&mut length[read.bytes..])?;
        let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(io::Error::other(format!("a message of {length} bytes is more than {LONGEST}")));
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body)?;
        Ok((body, files))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests;
