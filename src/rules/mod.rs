//! What kiln judges by: the rules' names and how bad a finding is, as data that the language, the findings and
//! the verdict share.

mod severity;

pub use severity::Severity;
