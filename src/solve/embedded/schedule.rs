//! Runs the vertices of a graph in parallel, each when its inputs are there.
//!
//! Vertices wait in two queues: those that wait for the network have threads of their
//! own, so that a slow server never holds up work that needs a processor. Which thread
//! runs what, and in which order, changes no result; and where several vertices fail,
//! the one that stands first in the graph is reported.
//!
//! The others learn of a failure, or that somebody wants no result any more, by what `work`
//! itself looks at; those that stop for it say so and are no failures.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// As many downloads run at once.
const DOWNLOADS: usize = 8;

/// One vertex for the scheduler; it is named by its position in the list.
pub(super) struct Job {
    /// The jobs whose results it takes.
    pub(super) inputs: Vec<usize>,
    /// Whether it mostly waits.
    pub(super) waits: bool,
}

/// Why a job has no result, or all of them have none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop<E> {
    /// It failed.
    Failed(E),
    /// Nobody wants its result any more.
    Cancelled,
}

/// Runs all jobs; none if one failed, and then its position and error.
///
/// After a failure no further job begins; those that run are waited for.
pub(super) fn run<T, E>(
    jobs: &[Job],
    parallelism: usize,
    work: impl Fn(usize, &[T]) -> Result<T, Stop<E>> + Sync,
) -> Result<Vec<T>, Stop<(usize, E)>>
where
    T: Clone + Send,
    E: Send,
{
    let state = Mutex::new(State::new(jobs));
    let changed = Condvar::new();
    let worker = |waits: bool| {
        while let Some((job, inputs)) = next(&state, &changed, jobs, waits) {
            let alarm = Alarm { state: &state, changed: &changed };
            let result = work(job, &inputs);
            drop(alarm);
            let mut state = lock(&state);
            match result {
                Ok(value) => state.finish(job, value),
                Err(Stop::Failed(error)) => state.fail(job, error),
                Err(Stop::Cancelled) => state.cancelled = true,
            }
            changed.notify_all();
        }
    };
    let downloads = jobs.iter().filter(|job| job.waits).count().min(DOWNLOADS);
    let workers = parallelism.max(1).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..downloads {
            scope.spawn(|| worker(true));
        }
        for _ in 1..workers {
            scope.spawn(|| worker(false));
        }
        worker(false);
    });
    let State { results, failure, cancelled, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failure {
        Some(failure) => Err(Stop::Failed(failure)),
        None if cancelled => Err(Stop::Cancelled),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

struct State<T, E> {
    results: Vec<Option<T>>,
    /// How many inputs each job still waits for.
    missing: Vec<usize>,
    /// Who takes the result of each job.
    takers: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    left: usize,
    failure: Option<(usize, E)>,
    cancelled: bool,
    panicked: bool,
}

/// Tells the other threads when a job panics: they would wait for its result for ever.
struct Alarm<'a, T, E> {
    state: &'a Mutex<State<T, E>>,
    changed: &'a Condvar,
}

impl<T, E> Drop for Alarm<'_, T, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.state).panicked = true;
            self.changed.notify_all();
        }
    }
}

impl<T, E> State<T, E> {
    fn new(jobs: &[Job]) -> Self {
        let mut takers = vec![Vec::new(); jobs.len()];
        for (i, job) in jobs.iter().enumerate() {
            job.inputs.iter().for_each(|input| takers[*input].push(i));
        }
        State {
            results: jobs.iter().map(|_| None).collect(),
            missing: jobs.iter().map(|job| job.inputs.len()).collect(),
            takers,
            ready: (0..jobs.len()).filter(|i| jobs[*i].inputs.is_empty()).collect(),
            left: jobs.len(),
            failure: None,
            cancelled: false,
            panicked: false,
        }
    }

    fn finish(&mut self, job: usize, value: T) {
        self.results[job] = Some(value);
        self.left -= 1;
        for taker in std::mem::take(&mut self.takers[job]) {
            self.missing[taker] -= 1;
            if self.missing[taker] == 0 {
                self.ready.insert(taker);
            }
        }
    }

    fn fail(&mut self, job: usize, error: E) {
        if self.failure.as_ref().is_none_or(|(first, _)| job < *first) {
            self.failure = Some((job, error));
        }
    }

    fn is_over(&self) -> bool {
        self.left == 0 || self.failure.is_some() || self.cancelled || self.panicked
    }
}

/// Waits for a job of one kind and takes it with its inputs; none when all is over.
fn next<T: Clone, E>(
    state: &Mutex<State<T, E>>,
    changed: &Condvar,
    jobs: &[Job],
    waits: bool,
) -> Option<(usize, Vec<T>)> {
    let mut state = lock(state);
    loop {
        if state.is_over() {
            return None;
        }
        if let Some(job) = state.ready.iter().copied().find(|job| jobs[*job].waits == waits) {
            state.ready.remove(&job);
            let inputs = jobs[job].inputs.iter().filter_map(|input| state.results[*input].clone()).collect();
            return Some((job, inputs));
        }
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The state is never left half changed, so a lock that a panic left behind is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn job(inputs: &[usize]) -> Job {
        Job { inputs: inputs.to_vec(), waits: false }
    }

    #[test]
    fn results_flow_along_the_graph() {
        let mut jobs = vec![job(&[]), job(&[]), job(&[0, 1]), job(&[2, 0])];
        jobs[1].waits = true;
        for parallelism in [0, 1, 2, 8] {
            let results: Result<Vec<usize>, Stop<(usize, ())>> =
                run(&jobs, parallelism, |i, inputs| Ok(inputs.iter().sum::<usize>() + i + 1));
            assert_eq!(results.unwrap(), [1, 2, 6, 11]);
        }
        assert_eq!(run(&[], 2, |_, _: &[()]| Err(Stop::Failed(()))), Ok(Vec::new()));
    }

    #[test]
    fn the_first_failure_of_the_graph_is_reported_and_nothing_depends_on_it() {
        let jobs = vec![job(&[]), job(&[0]), job(&[1])];
        let ran = AtomicUsize::new(0);
        let result = run(&jobs, 2, |i, _: &[()]| {
            ran.fetch_add(1, Ordering::Relaxed);
            if i == 1 { Err(Stop::Failed("no")) } else { Ok(()) }
        });
        assert_eq!(result, Err(Stop::Failed((1, "no"))));
        assert_eq!(ran.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn who_stops_for_another_is_not_to_blame() {
        let jobs = vec![job(&[]), job(&[]), job(&[0])];
        let failed = std::sync::atomic::AtomicBool::new(false);
        let result = run(&jobs, 2, |i, _: &[()]| {
            if i == 1 {
                failed.store(true, Ordering::Relaxed);
                return Err(Stop::Failed("no"));
            }
            while !failed.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Err(Stop::Cancelled)
        });
        assert_eq!(result, Err(Stop::Failed((1, "no"))));
        let result = run(&jobs, 1, |_, _: &[()]| Err::<(), Stop<()>>(Stop::Cancelled));
        assert_eq!(result, Err(Stop::Cancelled));
    }

    #[test]
    fn a_panic_ends_all_threads_and_goes_on() {
        let jobs = vec![job(&[]), job(&[]), job(&[0, 1])];
        let ended = std::panic::catch_unwind(|| {
            run(&jobs, 2, |i, _: &[()]| if i == 1 { panic!("no") } else { Ok::<_, Stop<()>>(()) })
        });
        assert!(ended.is_err());
    }

    #[test]
    fn many_jobs_run_once_each() {
        let jobs: Vec<Job> = (0..2000).map(|i| if i < 10 { job(&[]) } else { job(&[i - 10, i / 2]) }).collect();
        let ran: Vec<AtomicUsize> = (0..2000).map(|_| AtomicUsize::new(0)).collect();
        let result = run(&jobs, 4, |i, inputs: &[usize]| {
            ran[i].fetch_add(1, Ordering::Relaxed);
            assert!(inputs.iter().all(|input| *input < i));
            Ok::<_, Stop<()>>(i)
        });
        assert_eq!(result.unwrap().len(), 2000);
        assert!(ran.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }
}
