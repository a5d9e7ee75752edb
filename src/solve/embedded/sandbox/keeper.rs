//! Threads that start processes and stay: a process of a sandbox dies with the thread that started it.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc;
use std::thread;

/// What a thread of its own makes; waited for also when this is dropped.
#[derive(Debug)]
pub(super) struct Coming<T> {
    made: mpsc::Receiver<T>,
}

/// Keeps the thread that made something; a part of it, which goes after its process has ended.
#[derive(Debug)]
pub(super) struct Life {
    _end: mpsc::Sender<Infallible>,
}

impl<T: Send + 'static> Coming<T> {
    /// Begins to make something in a new thread, which lives as long as the life that `make` is given.
    pub(super) fn begin(make: impl FnOnce(Life) -> T + Send + 'static) -> io::Result<Self> {
        let (tell, made) = mpsc::channel();
        let (life, end) = mpsc::channel();
        thread::Builder::new().spawn(move || {
            // It is waited for by whoever began it.
            let _ = tell.send(make(Life { _end: life }));
            drop(tell);
            // It ends with an error, as nothing can ever be received.
            let _ = end.recv();
        })?;
        Ok(Coming { made })
    }

    /// Waits until it is made.
    pub(super) fn wait(self) -> io::Result<T> {
        self.made.recv().map_err(|_| io::Error::other("a thread panicked"))
    }
}

impl<T> Drop for Coming<T> {
    fn drop(&mut self) {
        // Nothing more comes where it was taken.
        let _ = self.made.recv();
    }
}

#[cfg(test)]
mod tests;
