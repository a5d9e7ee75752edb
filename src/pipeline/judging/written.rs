//! A verdict in the forms that people and programs read, and as statements about the image.

use super::super::report::VerdictReport;
use crate::evidence::{Statement, Subject};
use crate::oci::to_json;
pub use crate::policy::report::Form as VerdictForm;
use crate::policy::report::{OpenVex, Report, Summary, Vulnerabilities};
use serde_json::value::RawValue;

/// A claim whose predicate is JSON.
pub(in super::super) type Claim = Statement<Box<RawValue>>;

/// A verdict in a form, with a line's end after it.
pub fn written(verdict: &VerdictReport, form: VerdictForm) -> Vec<u8> {
    let mut out = Vec::new();
    verdict.report(|report| report.write(form, &mut out)).expect("writing to memory never fails");
    out
}

/// What is said about an image of its verdict: which holes it has, where somebody looked for them, why some of them are
/// accepted, and whether it may be released.
pub(in super::super) fn statements(verdict: &VerdictReport, subject: &[Subject]) -> Vec<Claim> {
    let about = |kind: &str, predicate: Vec<u8>| {
        let predicate = String::from_utf8(predicate).expect("JSON is UTF-8");
        Statement::new(subject.to_vec(), kind, RawValue::from_string(predicate).expect("it was written as JSON"))
    };
    verdict.report(|report| {
        let holes = Vulnerabilities::of(report).map(|holes| about(Vulnerabilities::TYPE, to_json(&holes)));
        let summary = Summary::of(report, verdict.level);
        let said = OpenVex::of(report).map(|said| about(OpenVex::TYPE, to_json(&said)));
        holes.into_iter().chain(said).chain([about(Summary::TYPE, to_json(&summary))]).collect()
    })
}

impl VerdictReport {
    fn report<T>(&self, tell: impl FnOnce(&Report<'_>) -> T) -> T {
        let judgement = &self.judgement;
        tell(&Report {
            version: env!("CARGO_PKG_VERSION"),
            verdict: &judgement.verdict,
            name: &self.image,
            digest: self.digest,
            platform: &self.platform,
            spec: &self.spec,
            components: &judgement.components,
            shares: &judgement.shares,
            layers: &judgement.layers,
            database: judgement.database.as_ref(),
            attestations: &[],
            signatures: &[],
            times: None,
        })
    }
}
