//! What an engine says, handed on to whoever listens to kiln.

use super::session::Session;
use crate::llb::Vertex;
use crate::oci::Digest;
use crate::solve::embedded::sandbox::Stream;
use crate::solve::{Outcome, Progress};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Hands an engine's words on.
pub(super) struct Listener<'a> {
    session: &'a Session<'a>,
    /// The commands that run, with their numbers and when they began.
    running: Mutex<BTreeMap<Digest, (u64, Instant)>>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(session: &'a Session<'a>) -> Self {
        Listener { session, running: Mutex::default() }
    }

    fn number(&self, vertex: &Vertex) -> Option<u64> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&vertex.digest).map(|(number, _)| *number)
    }
}

impl Progress for Listener<'_> {
    fn finished(&self, vertex: &Vertex, outcome: Outcome) {
        let ran = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&vertex.digest);
        match ran {
            Some((number, began)) => {
                let seconds = began.elapsed().as_secs_f64();
                self.session.progress.ended(number, &vertex.name(), outcome == Outcome::Failed, seconds);
            }
            None if outcome != Outcome::Failed => {
                self.session.progress.done(&vertex.name(), outcome == Outcome::Cached);
            }
            None => {}
        }
    }

    fn running(&self, vertex: &Vertex) {
        let number = self.session.next_command();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(vertex.digest, (number, Instant::now()));
        self.session.progress.command(number, &vertex.name());
    }

    fn output(&self, vertex: &Vertex, _: Stream, bytes: &[u8]) {
        if let Some(number) = self.number(vertex) {
            self.session.progress.wrote(number, bytes);
        }
    }

    fn warning(&self, vertex: &Vertex, text: &str) {
        self.session.warn(&format!("{}: {text}", vertex.name()));
    }
}
