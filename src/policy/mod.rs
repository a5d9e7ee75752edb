//! Judgement on findings: what is denied, told or accepted, by which clause and why. Pure: whoever asks brings the
//! findings, the policies and the day.

mod accept;
mod builder;
mod clause;
mod judge;
mod licence;
mod proof;
pub mod report;
mod signer;
mod verdict;

pub use builder::{Reached, Told, Trusted, reached};
pub use clause::{WANTED_LABELS, line};
pub use judge::{Case, Standing, Vex, VexOf, judge, texts};
pub use proof::{Missing, Proofs};
pub use signer::is_of;
pub use verdict::{Because, Expired, Judged, Outcome, PolicyText, Verdict};

#[cfg(test)]
mod tests;
