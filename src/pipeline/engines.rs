//! Where commands run.

pub use crate::solve::buildkit::{Address, DaemonAt, Tls, TlsParts};

/// Where commands run.
#[derive(Debug, Clone, Default)]
pub enum EngineChoice {
    /// In a sandbox of this machine.
    #[default]
    Embedded,
    /// In BuildKit daemons, of which there is one at least.
    BuildKit(Vec<DaemonAt>),
}

impl EngineChoice {
    /// How many places there are in which commands run beside one another.
    pub(super) fn places(&self) -> usize {
        match self {
            EngineChoice::Embedded => 1,
            EngineChoice::BuildKit(daemons) => daemons.len(),
        }
    }
}
