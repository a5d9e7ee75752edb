//! What commands write: heard by people at once, kept for the case of a failure.

use super::super::mask::{Masking, Masks};
use super::super::sandbox::{Listener, Stream};
use super::error::Written;
use crate::llb::Vertex;
use crate::solve::Progress;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// As much is kept of what a command writes.
const KEPT: usize = 1 << 20;

/// Hears one command; secrets end here.
pub(in crate::solve) struct Hearing<'a> {
    vertex: &'a Vertex,
    progress: &'a dyn Progress,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
    streams: Mutex<Streams<'a>>,
}

struct Streams<'a> {
    out: Masking<'a>,
    err: Masking<'a>,
    kept: VecDeque<u8>,
    cut: u64,
}

impl<'a> Hearing<'a> {
    pub(in crate::solve) fn new(
        vertex: &'a Vertex,
        progress: &'a dyn Progress,
        is_stopped: &'a (dyn Fn() -> bool + Sync),
        masks: &'a Masks,
    ) -> Self {
        let (out, err) = (Masking::new(masks), Masking::new(masks));
        let streams = Streams { out, err, kept: VecDeque::new(), cut: 0 };
        Hearing { vertex, progress, is_stopped, streams: Mutex::new(streams) }
    }

    /// What was written in all, when nothing more comes.
    pub(in crate::solve) fn finish(self) -> Written {
        let Hearing { vertex, progress, streams, .. } = self;
        let mut streams = streams.into_inner().unwrap_or_else(PoisonError::into_inner);
        for stream in [Stream::Out, Stream::Err] {
            let mut clean = Vec::new();
            streams.masking(stream).finish(&mut clean);
            streams.keep(&clean);
            if !clean.is_empty() {
                progress.output(vertex, stream, &clean);
            }
        }
        Written { bytes: streams.kept.into(), cut: streams.cut }
    }
}

impl Listener for Hearing<'_> {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.masking(stream).push(bytes, &mut clean);
        streams.keep(&clean);
        // Still under the lock, so that pieces are heard in the order in which they are kept.
        if !clean.is_empty() {
            self.progress.output(self.vertex, stream, &clean);
        }
    }

    fn is_cancelled(&self) -> bool {
        (self.is_stopped)()
    }
}

impl<'a> Streams<'a> {
    fn masking(&mut self, stream: Stream) -> &mut Masking<'a> {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    fn keep(&mut self, clean: &[u8]) {
        self.kept.extend(clean);
        let over = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..over);
        self.cut += over as u64;
    }
}
