//! How bad a finding is.

use std::fmt;
use std::str::FromStr;

/// How bad a finding is, mildest first. A finding that nobody weighed has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Not worth a repair of its own: what Debian calls unimportant.
    Negligible,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All of them, mildest first.
    pub const ALL: [Severity; 5] =
        [Severity::Negligible, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The word for it, as specs and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Negligible => "negligible",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// What a CVSS score of tenths (0 to 100) means by the qualitative scale of CVSS v3.1, section 5, and of v4.0,
    /// section 6; none for 0.
    pub fn of_tenths(tenths: u8) -> Option<Severity> {
        match tenths {
            0 => None,
            1..=39 => Some(Severity::Low),
            40..=69 => Some(Severity::Medium),
            70..=89 => Some(Severity::High),
            90.. => Some(Severity::Critical),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Severity {
    type Err = ();

    /// Reads one of the words, and `moderate` and `important`, which other vendors write for medium and high; in any case.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.to_ascii_lowercase();
        match text.as_str() {
            "moderate" => return Ok(Severity::Medium),
            "important" => return Ok(Severity::High),
            "unimportant" => return Ok(Severity::Negligible),
            _ => {}
        }
        Severity::ALL.into_iter().find(|severity| severity.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn scores_and_words_are_read() {
        let words = [0, 1, 39, 40, 69, 70, 89, 90, 100].map(|t| Severity::of_tenths(t).map_or("none", Severity::name));
        assert_eq!(words, ["none", "low", "low", "medium", "medium", "high", "high", "critical", "critical"]);
        for severity in Severity::ALL {
            assert_eq!(severity.name().to_uppercase().parse(), Ok(severity));
        }
        assert_eq!("Moderate".parse(), Ok(Severity::Medium));
        assert_eq!("severe".parse::<Severity>(), Err(()));
    }
}
