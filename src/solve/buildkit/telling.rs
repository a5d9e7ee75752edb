//! What a daemon tells of a graph while it solves it, in the words of whoever made the graph.
//!
//! Daemons have other digests for vertices than their clients, so that these are known by their names. Of several with one
//! name, each is the next.

use crate::llb::{Graph, Vertex, pb};
use crate::oci::Digest;
use crate::solve::embedded::mask::Masks;
use crate::solve::embedded::sandbox::{Limit, Listener, Status, Stream};
use crate::solve::embedded::{ExecError, Hearing, Problem, shown};
use crate::solve::{Outcome, Progress, SolveError};
use bollard_buildkit_proto::moby::buildkit::v1::{self, StatusResponse};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Hears a daemon.
pub(super) struct Telling<'a> {
    progress: &'a dyn Progress,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    masks: &'a Masks,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    /// Those that the daemon did not tell of yet, the last first.
    waiting: BTreeMap<String, Vec<&'a Vertex>>,
    /// Those that it told of, by the digests that it has for them.
    known: BTreeMap<String, Known<'a>>,
}

struct Known<'a> {
    vertex: &'a Vertex,
    /// Since when it runs, where it is a command that does.
    began: Option<Instant>,
    hearing: Option<Hearing<'a>>,
    took: Option<Duration>,
    is_finished: bool,
    has_failed: bool,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        progress: &'a dyn Progress,
        cancelled: &'a (dyn Fn() -> bool + Sync),
        masks: &'a Masks,
    ) -> Self {
        let mut waiting: BTreeMap<String, Vec<&Vertex>> = BTreeMap::new();
        for vertex in graph.vertices().iter().rev() {
            waiting.entry(vertex.name()).or_default().push(vertex);
        }
        Telling { progress, cancelled, masks, state: RefCell::new(State { waiting, known: BTreeMap::new() }) }
    }

    pub(super) fn hear(&self, told: &StatusResponse) {
        let mut state = self.state.borrow_mut();
        for vertex in &told.vertexes {
            self.vertex(&mut state, vertex);
        }
        for log in &told.logs {
            let hearing = state.known.get(&log.vertex).and_then(|known| known.hearing.as_ref());
            if let Some(hearing) = hearing {
                hearing.output(if log.stream == 2 { Stream::Err } else { Stream::Out }, &log.msg);
            }
        }
    }

    fn vertex(&self, state: &mut State<'a>, told: &v1::Vertex) {
        let State { waiting, known } = state;
        if !known.contains_key(&told.digest) {
            let Some(vertex) = waiting.get_mut(&told.name).and_then(Vec::pop) else { return };
            known.insert(told.digest.clone(), Known::new(vertex));
        }
        let Some(known) = known.get_mut(&told.digest) else { return };
        let is_command = matches!(known.vertex.op, pb::op::Op::Exec(_));
        let is_running = told.started.is_some() && told.completed.is_none() && !told.cached;
        if is_running && is_command && known.began.is_none() {
            known.began = Some(Instant::now());
            known.hearing = Some(Hearing::new(known.vertex, self.progress, self.cancelled, self.masks));
            self.progress.running(known.vertex);
        }
        known.has_failed |= !told.error.is_empty();
        if told.completed.is_some() && !known.is_finished {
            known.is_finished = true;
            known.took = known.began.map(|began| began.elapsed());
            let outcome = match (known.has_failed, told.cached) {
                (true, _) => Outcome::Failed,
                (false, true) => Outcome::Cached,
                (false, false) => Outcome::Done,
            };
            self.progress.finished(known.vertex, outcome);
        }
    }

    /// Whether to stop: somebody wants it, or a command takes longer than it may.
    pub(super) fn is_over(&self) -> bool {
        (self.cancelled)() || self.late().is_some()
    }

    /// A command that takes longer than it may.
    fn late(&self) -> Option<&'a Vertex> {
        let state = self.state.borrow();
        let is_late = |known: &&Known<'_>| match (known.began, known.vertex.limits.time) {
            (Some(began), Some(seconds)) => !known.is_finished && began.elapsed() >= Duration::from_secs(seconds),
            _ => false,
        };
        state.known.values().find(is_late).map(|known| known.vertex)
    }

    /// Why it was stopped.
    pub(super) fn stopped(&self) -> SolveError {
        let late = self.late().and_then(|vertex| self.ended(vertex.digest, Status::Exceeded(Limit::Time)));
        late.unwrap_or(SolveError::Cancelled)
    }

    /// The command that failed with this code; none where none is known.
    pub(super) fn failed(&self, code: i32) -> Option<SolveError> {
        let failed = self.state.borrow().known.values().find(|known| known.has_failed).map(|known| known.vertex.digest);
        self.ended(failed?, Status::Exited(code))
    }

    fn ended(&self, vertex: Digest, status: Status) -> Option<SolveError> {
        let mut state = self.state.borrow_mut();
        let known = state.known.values_mut().find(|known| known.vertex.digest == vertex)?;
        let pb::op::Op::Exec(exec) = &known.vertex.op else { return None };
        let ended = ExecError::Ended {
            status,
            command: shown(exec, self.masks),
            limits: known.vertex.limits,
            written: known.hearing.take().map(Hearing::finish).unwrap_or_default(),
        };
        Some(SolveError::Failed { vertex, name: known.vertex.name(), problem: Box::new(Problem::Exec(ended)) })
    }

    /// A text without secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        self.masks.text(text)
    }

    /// How long commands ran, by their vertices.
    pub(super) fn milliseconds(&self) -> BTreeMap<Digest, u64> {
        let state = self.state.borrow();
        let took = state.known.values().filter_map(|known| Some((known.vertex.digest, known.took?)));
        took.map(|(vertex, took)| (vertex, u64::try_from(took.as_millis()).unwrap_or(u64::MAX))).collect()
    }
}

impl<'a> Known<'a> {
    fn new(vertex: &'a Vertex) -> Self {
        Known { vertex, began: None, hearing: None, took: None, is_finished: false, has_failed: false }
    }
}
