//! Interrupts: what runs is ended in order, and what was finished is kept.

use crate::cli::args::ProgressMode;
use crate::cli::{exit, progress};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the work may take to end by itself; what was not finished by then is cleared by the next run.
const GRACE: Duration = Duration::from_secs(3);

/// Watches for interrupts as long as the runtime lives. The first sets `cancelled`; the second, or the end of a time of
/// grace, ends the process.
pub(super) fn watch(runtime: &Runtime, cancelled: Arc<AtomicBool>, mode: ProgressMode) {
    let _inside = runtime.enter();
    // Where signals cannot be watched, they do what they always do.
    let (Ok(interrupt), Ok(terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    runtime.spawn(wait(interrupt, terminate, cancelled, mode));
}

async fn wait(mut interrupt: Signal, mut terminate: Signal, cancelled: Arc<AtomicBool>, mode: ProgressMode) {
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    cancelled.store(true, Ordering::Relaxed);
    progress::interrupted(mode);
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, () = tokio::time::sleep(GRACE) => {} }
    std::process::exit(exit::INTERRUPTED.into());
}
