//! Images judged before they leave: by the spec's policy, and by one that stands above it.

mod bench;
mod build;
mod facts;
mod scene;

pub use bench::JudgeOptions;
pub(super) use bench::{Bench, asks_for_holes, repository};
pub(super) use build::{Built, Taken, hidden};
pub use build::Judgement;
pub(super) use scene::Scene;
