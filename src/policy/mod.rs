//! Judgement on findings: what is denied, told or accepted, by which clause and why. Pure: whoever asks brings the
//! findings, the policies and the day.

mod accept;
mod clause;
mod judge;
mod licence;
mod proof;
pub mod report;
mod verdict;

pub use clause::WANTED_LABELS;
pub use judge::{Case, Standing, Vex, judge, texts};
pub use proof::{Missing, Proofs};
pub use verdict::{Because, Expired, Judged, Outcome, PolicyText, Verdict};

#[cfg(test)]
mod tests;
