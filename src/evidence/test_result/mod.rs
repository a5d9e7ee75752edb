//! The result of a check as an in-toto statement, with the tests that its report names.
//!
//! The predicate is the one of the in-toto project; what it has no field for stands in an extension. The rules by which
//! a result is told are in `specs/test-result.md`.

mod junit;
mod report;
mod sarif;
#[cfg(test)]
mod tests;

pub use report::{Form, MAX_REPORT, Report, ReportError};

use super::inventory::SpecFile;
use super::provenance::{Resource, material, plain};
use super::stage::Step;
use super::statement::{Statement, Subject, predicate};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A check that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The stage in which it ran; none for the image itself.
    pub stage: Option<String>,
    /// The command.
    pub step: Step,
    /// The spec and the files that it includes.
    pub specs: Vec<SpecFile>,
    /// The code with which it ended; none where something else ended it: a signal, a limit.
    pub exit: Option<i32>,
    /// How long it ran, which is different in each run.
    pub duration: Option<Duration>,
    /// What it wrote about its tests.
    pub report: Option<Report>,
}

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// How the check went.
    pub result: Verdict,
    /// What decided what was tested, and how: the spec, and the trees that the check saw.
    pub configuration: Vec<Resource>,
    /// The tests that passed.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// The tests that passed and have something to say.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// The tests that failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
    /// More about the check; none in the statements of others.
    #[serde(rename = "kiln_check", skip_serializing_if = "Option::is_none", default)]
    pub check: Option<CheckRun>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything passed.
    Passed,
    /// The command was content, its report was not.
    Warned,
    /// The command failed.
    Failed,
}

/// A check, its command, and what its report counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    /// Its name in the spec.
    pub name: String,
    /// The stage in which it ran; none for the image itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<String>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The code with which it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<i32>,
    /// How long it ran, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<u64>,
    /// What the report counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counts: Option<Counts>,
    /// The report: its form as the name, and the digest of its bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<Resource>,
}

/// How many tests there were, all of them, whether they are listed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Passed, with something to say.
    pub warned: u64,
    /// Failed.
    pub failed: u64,
    /// Did not run.
    pub skipped: u64,
    /// Those of the first three kinds whose names are not listed because there are too many.
    pub unlisted: u64,
}

impl Checked {
    /// The result as a statement about an image.
    pub fn statement(&self, about: Vec<Subject>) -> Statement<TestResult> {
        Statement::new(about, predicate::TEST_RESULT, TestResult::of(self))
    }

    /// The name of the check.
    pub fn name(&self) -> &str {
        self.step.check.as_deref().unwrap_or(&self.step.name)
    }

    /// The command's own word decides whether a check failed. A report can only make it worse: what it complains of
    /// although the command was content is a warning, and so is a report of tests in which there is not one.
    fn verdict(&self) -> Verdict {
        match (self.exit, &self.report) {
            (Some(0), Some(report)) if report.complains() => Verdict::Warned,
            (Some(0), _) => Verdict::Passed,
            _ => Verdict::Failed,
        }
    }
}

impl TestResult {
    /// Tells of a check.
    pub fn of(checked: &Checked) -> Self {
        let result = checked.verdict();
        let [mut passed_tests, mut warned_tests, mut failed_tests] =
            checked.report.as_ref().map(Report::names).unwrap_or_default();
        // Where nothing is named that explains the result, the check is the test.
        let explains = match result {
            Verdict::Passed => &mut passed_tests,
            Verdict::Warned if failed_tests.is_empty() => &mut warned_tests,
            Verdict::Warned | Verdict::Failed => &mut failed_tests,
        };
        if explains.is_empty() {
            explains.push(checked.name().to_owned());
        }
        let spec = |(i, file): (usize, &SpecFile)| Resource {
            annotations: [("path".to_owned(), file.path.clone())].into(),
            ..plain(if i == 0 { "spec" } else { "include" }, &file.digest)
        };
        let specs = checked.specs.iter().enumerate().map(spec);
        TestResult {
            result,
            configuration: specs.chain(checked.step.inputs.iter().map(material)).collect(),
            passed_tests,
            warned_tests,
            failed_tests,
            check: Some(CheckRun {
                name: checked.name().to_owned(),
                stage: checked.stage.clone(),
                command: checked.step.command.clone(),
                exit_code: checked.exit,
                duration_ms: checked.duration.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
                counts: checked.report.as_ref().map(Report::counts),
                report: checked.report.as_ref().map(|report| Resource {
                    media_type: Some(report.form.media_type().into()),
                    ..plain(report.form.name(), &report.digest)
                }),
            }),
        }
    }
}
