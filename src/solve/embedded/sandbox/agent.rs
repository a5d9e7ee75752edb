//! The caller's ssh agent as a step sees it: a socket of kiln's own, behind which keys can be listed and used for
//! signatures, and nothing else (the agent protocol is draft-ietf-sshm-ssh-agent).

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeMap;
use std::io::{self, PipeWriter, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The longest message, in bytes; OpenSSH has the same bound.
const LONGEST: u32 = 256 << 10;

/// The most connections at a time; further ones are closed.
const MOST: usize = 32;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const EXTENSION: u8 = 27;

/// Extensions that change nothing in the agent but what it allows this connection.
const EXTENSIONS: [&[u8]; 2] = [b"query", b"session-bind@openssh.com"];

/// A socket behind which the caller's agent answers, until this is dropped.
#[derive(Debug)]
pub(in crate::solve) struct LentAgent {
    /// Closed to end the thread that listens.
    over: Option<PipeWriter>,
    listens: Option<JoinHandle<()>>,
    open: Arc<Open>,
}

/// The connections, each with that to the agent, by number; none is added once they are closed for good.
#[derive(Debug, Default)]
struct Open(Mutex<Option<BTreeMap<u64, [UnixStream; 2]>>>);

impl LentAgent {
    /// Lends the agent at `agent` under a new name in `folder`.
    ///
    /// # Errors
    /// Where nobody answers at `agent`.
    pub(in crate::solve) fn new(agent: &Path, folder: &Path, name: &str) -> io::Result<LentAgent> {
        UnixStream::connect(agent)?;
        // A path in the store may be longer than the address of a socket.
        let folder = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let place = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        let listener = UnixListener::bind(place)?;
        listener.set_nonblocking(true)?;
        let (ended, over) = io::pipe()?;
        let open = Arc::new(Open(Mutex::new(Some(BTreeMap::new()))));
        let (agent, connections) = (agent.to_owned(), open.clone());
        let listens = std::thread::Builder::new().spawn(move || listen(&listener, &ended, &agent, &connections))?;
        Ok(LentAgent { over: Some(over), listens: Some(listens), open })
    }
}

impl Drop for LentAgent {
    fn drop(&mut self) {
        self.over.take();
        if let Some(listens) = self.listens.take() {
            // It panics never, and there is nobody to tell.
            let _ = listens.join();
        }
        let rest = self.open.connections().take();
        for stream in rest.into_iter().flatten().flat_map(|(_, streams)| streams) {
            // Those that have ended are shut already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Open {
    fn connections(&self) -> MutexGuard<'_, Option<BTreeMap<u64, [UnixStream; 2]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room for it.
    fn add(&self, number: u64, streams: [UnixStream; 2]) -> bool {
        match &mut *self.connections() {
            Some(all) if all.len() < MOST => all.insert(number, streams).is_none(),
            _ => false,
        }
    }

    fn remove(&self, number: u64) {
        if let Some(all) = &mut *self.connections() {
            all.remove(&number);
        }
    }
}

/// Accepts connections until the other end of `ended` is closed.
fn listen(listener: &UnixListener, ended: &io::PipeReader, agent: &Path, open: &Arc<Open>) {
    for number in 0.. {
        let mut ready = [PollFd::new(listener, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        if rustix::io::retry_on_intr(|| rustix::event::poll(&mut ready, None)).is_err()
            || !ready[1].revents().is_empty()
        {
            return;
        }
        let Ok((client, _)) = listener.accept() else { continue };
        let open = open.clone();
        // A connection that fails is closed, as by an agent that ends; the next one begins anew.
        let _ = connect(client, agent, number, open);
    }
}

fn connect(client: UnixStream, agent: &Path, number: u64, open: Arc<Open>) -> io::Result<()> {
    client.set_nonblocking(false)?;
    let agent = UnixStream::connect(agent)?;
    if open.add(number, [client.try_clone()?, agent.try_clone()?]) {
        std::thread::Builder::new().spawn(move || {
            let _ = serve(client, agent);
            open.remove(number);
        })?;
    }
    Ok(())
}

/// Passes on what is allowed, and the answers, until one of them ends.
fn serve(mut client: UnixStream, mut agent: UnixStream) -> io::Result<()> {
    while let Some(request) = receive(&mut client)? {
        if !is_allowed(&request) {
            send(&mut client, &[FAILURE])?;
            continue;
        }
        send(&mut agent, &request)?;
        let Some(answer) = receive(&mut agent)? else { break };
        send(&mut client, &answer)?;
    }
    Ok(())
}

/// Whether a request changes nothing in the agent.
fn is_allowed(request: &[u8]) -> bool {
    match request {
        [REQUEST_IDENTITIES] | [SIGN_REQUEST, ..] => true,
        [EXTENSION, rest @ ..] => {
            let name = rest.split_first_chunk().map(|(length, rest)| (u32::from_be_bytes(*length) as usize, rest));
            name.is_some_and(|(length, rest)| rest.get(..length).is_some_and(|name| EXTENSIONS.contains(&name)))
        }
        _ => false,
    }
}

/// A message without its length; none where the other end is closed.
fn receive(from: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

fn send(to: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    to.write_all(&[&length.to_be_bytes(), message].concat())
}

#[cfg(test)]
mod tests;
