//! Scores of vulnerabilities, computed from CVSS vectors (FIRST's specifications of v2, v3.0, v3.1 and v4.0).
//!
//! Feeds give vectors, and seldom the score. A vector with threat or temporal and environmental metrics is scored with
//! all of them, as its author meant it.

mod v2;
mod v3;
mod v4;
mod vector;

use crate::rules::Severity;

/// Longest text that is taken for a vector, in bytes. One with every metric of v4.0 has fewer than 250.
const MAX_VECTOR: usize = 512;

/// A version of CVSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Version 2, whose vectors have no prefix.
    V2,
    /// Version 3.0.
    V30,
    /// Version 3.1, which rounds otherwise and has another formula for environments.
    V31,
    /// Version 4.0.
    V40,
}

/// A vector's version and its score in tenths, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score {
    /// The version of CVSS that the vector is of.
    pub version: Version,
    /// The score in tenths, 0 to 100.
    pub tenths: u8,
}

impl Score {
    /// How bad that is by the qualitative scale of its version.
    ///
    /// Version 2 has none of its own; NVD's has no critical, and calls 0 low. By the scales of the others 0 is none.
    pub fn severity(self) -> Option<Severity> {
        match self.version {
            Version::V2 => Some(match self.tenths {
                0..=39 => Severity::Low,
                40..=69 => Severity::Medium,
                70.. => Severity::High,
            }),
            Version::V30 | Version::V31 | Version::V40 => Severity::of_tenths(self.tenths),
        }
    }
}

/// Why a text has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CvssError {
    /// It is longer than any vector.
    #[error("the vector has {0} bytes, and none has more than {MAX_VECTOR}: it is no CVSS vector")]
    TooLong(usize),
    /// It is of a version that is not known here.
    #[error("`{0}` is no version of CVSS that kiln can score: 2, 3.0, 3.1 and 4.0 are")]
    Version(String),
    /// A part is not a metric and its value.
    #[error("`{0}` is no metric with a value: metrics are written as `AV:N`, with slashes between them")]
    Malformed(String),
    /// A metric is not one of this version's.
    #[error("`{0}` is no metric of this version of CVSS: correct it, or the vector's version")]
    Metric(String),
    /// A value is not one of this metric's.
    #[error("`{value}` is no value of the metric `{metric}`: it may be {allowed}")]
    Value {
        /// The metric.
        metric: &'static str,
        /// What it was given.
        value: String,
        /// What it may be given.
        allowed: String,
    },
    /// A metric stands there twice.
    #[error("the metric `{0}` stands in the vector twice: leave one of them")]
    Repeated(&'static str),
    /// A metric is not there that each vector has.
    #[error("the metric `{0}` is missing, and there is no score without it")]
    Missing(&'static str),
}

/// The score of a vector such as `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`.
///
/// Metrics may stand in any order. A vector of version 2 may stand in parentheses, as NVD wrote it.
///
/// # Errors
/// Where the text is no vector of these versions: each metric that has to be there stands there once, and none that
/// the version does not know.
pub fn score(text: &str) -> Result<Score, CvssError> {
    let text = text.trim();
    if text.len() > MAX_VECTOR {
        return Err(CvssError::TooLong(text.len()));
    }
    let (version, tenths) = match text.strip_prefix("CVSS:") {
        None => (Version::V2, v2::tenths(without_parentheses(text))?),
        Some(rest) => match rest.split_once('/').unwrap_or((rest, "")) {
            ("3.0", metrics) => (Version::V30, v3::tenths(metrics, v3::Minor::Zero)?),
            ("3.1", metrics) => (Version::V31, v3::tenths(metrics, v3::Minor::One)?),
            ("4.0", metrics) => (Version::V40, v4::tenths(metrics)?),
            (other, _) => return Err(CvssError::Version(vector::shown(other))),
        },
    };
    Ok(Score { version, tenths })
}

fn without_parentheses(text: &str) -> &str {
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text)
}

#[cfg(test)]
mod tests;
