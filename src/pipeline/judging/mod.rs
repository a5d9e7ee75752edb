//! Images judged before they leave: by the spec's policy, and by one that stands above it.

mod bench;
mod build;
mod facts;
mod scene;

pub use bench::JudgeOptions;
pub(super) use bench::Bench;
pub(super) use build::Judgement;
pub(super) use scene::Scene;
