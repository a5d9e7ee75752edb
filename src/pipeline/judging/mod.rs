//! Images judged before they leave: by the spec's policy, and by one that stands above it; and images of others, as they are.

mod attached;
mod bench;
mod build;
mod cases;
mod facts;
mod judgement;
mod listed;
mod scan;
mod scene;
mod trust;
mod written;

pub use bench::JudgeOptions;
pub(super) use bench::{Bench, above, asks_for_holes, repository};
pub(super) use build::{Built, Taken, hidden};
pub use cases::{CaseReport, CasesReport, policy_test};
pub use judgement::Judgement;
pub(super) use listed::component;
pub(super) use scan::proofs;
pub use scan::scan;
pub(super) use scene::Found;
pub(super) use trust::Demands;
pub(super) use written::{Claim, statement_of_index, statements};
pub use written::{VerdictForm, written};
