//! A verdict in the forms that people and programs read.

use super::super::report::VerdictReport;

/// A form in which a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictForm {
    /// x
    Text,
    /// x
    Json,
    /// x
    Sarif,
    /// x
    Cyclonedx,
    /// x
    Junit,
    /// x
    Gitlab,
    /// x
    Markdown,
    /// x
    Html,
}

/// A verdict in a form.
pub fn written(report: &VerdictReport, _form: VerdictForm) -> String {
    String::from_utf8_lossy(&crate::oci::to_json(report)).into_owned()
}
