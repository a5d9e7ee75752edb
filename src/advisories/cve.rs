//! What is known of a CVE whatever package has it: exploitation, its likelihood, and its score.

use super::cvss;
use super::wire::{Malformed, Reader, Writer};

/// CISA knows of attackers who use the hole (the catalogue of Known Exploited Vulnerabilities).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exploited {
    /// The day that it came into the catalogue: `2024-01-31`.
    pub added: String,
    /// The day by which agencies must have closed it.
    pub due: Option<String>,
    /// Whether it is known to be used for extortion.
    pub ransomware: bool,
}

/// How likely the hole is used within 30 days (FIRST's EPSS), in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likelihood {
    /// The probability: 1,000,000 is certain.
    pub score: u32,
    /// The part of all CVEs that are no likelier.
    pub percentile: u32,
}

/// All that is known of one CVE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cve {
    /// From the catalogue of exploited ones.
    pub exploited: Option<Exploited>,
    /// From EPSS.
    pub likelihood: Option<Likelihood>,
    /// A CVSS vector for each version of CVSS, for records that have none themselves.
    pub vectors: Vec<String>,
}

impl Cve {
    /// The bytes of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.list(self.exploited.as_slice(), |writer, exploited| {
            writer.text(&exploited.added);
            writer.optional(exploited.due.as_deref());
            writer.number(u64::from(exploited.ransomware));
        });
        writer.list(self.likelihood.as_slice(), |writer, likelihood| {
            writer.number(likelihood.score.into());
            writer.number(likelihood.percentile.into());
        });
        writer.texts(&self.vectors);
        writer.into_bytes()
    }

    /// Reads it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let exploited = reader.list(|reader| {
            let (added, due) = (reader.text()?.to_owned(), reader.optional()?);
            Ok(Exploited { added, due, ransomware: reader.number()? != 0 })
        })?;
        let millionths = |reader: &mut Reader<'_>| u32::try_from(reader.number()?).map_err(|_| Malformed);
        let likelihood =
            reader.list(|reader| Ok(Likelihood { score: millionths(reader)?, percentile: millionths(reader)? }))?;
        let (exploited, likelihood) = (exploited.into_iter().next(), likelihood.into_iter().next());
        Ok(Cve { exploited, likelihood, vectors: reader.texts()? })
    }
}

/// A version of CVSS, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Version 2.
    CvssV2,
    /// Version 3.0 or 3.1.
    CvssV3,
    /// Version 4.0.
    CvssV4,
}

impl Method {
    /// By what a vector is written.
    pub fn of(vector: &str) -> Method {
        match vector.get(..7) {
            Some("CVSS:4.") => Method::CvssV4,
            Some("CVSS:3.") => Method::CvssV3,
            _ => Method::CvssV2,
        }
    }

    /// OSV's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Method::CvssV2 => "CVSS_V2",
            Method::CvssV3 => "CVSS_V3",
            Method::CvssV4 => "CVSS_V4",
        }
    }
}

/// A vector and its score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// By which version of CVSS.
    pub method: Method,
    /// The vector.
    pub vector: String,
    /// The score in tenths, 0 to 100.
    pub tenths: u8,
    /// What the score means by that version's own scale.
    pub severity: Option<crate::rules::Severity>,
}

impl Scored {
    /// The score of a vector; none where it is no vector.
    pub fn of(vector: &str) -> Option<Scored> {
        let score = cvss::score(vector).ok()?;
        let (tenths, severity) = (score.tenths, score.severity());
        Some(Scored { method: Method::of(vector), vector: vector.to_owned(), tenths, severity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_comes_back() {
        let full = Cve {
            exploited: Some(Exploited { added: "2024-01-31".into(), due: None, ransomware: true }),
            likelihood: Some(Likelihood { score: 943_720, percentile: 1_000_000 }),
            vectors: vec!["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()],
        };
        for cve in [Cve::default(), full] {
            assert_eq!(Cve::from_bytes(&cve.to_bytes()), Ok(cve));
        }
        assert_eq!(Cve::from_bytes(&[]), Err(Malformed));
    }

    #[test]
    fn vectors_tell_their_version() {
        for (vector, name) in [
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "CVSS_V2"),
            ("CVSS:3.0/AV:N", "CVSS_V3"),
            ("CVSS:3.1/AV:N", "CVSS_V3"),
            ("CVSS:4.0/AV:N", "CVSS_V4"),
            ("üüüü", "CVSS_V2"),
        ] {
            assert_eq!(Method::of(vector).name(), name);
        }
    }
}
