//! What standards ask for.

/// A standard that rules are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standard {
    /// CIS Docker Benchmark 1.6.0, chapters 4 and 5.
    Cis,
    /// NIST SP 800-190, Application Container Security Guide, chapter 4.
    Nist,
    /// PCI DSS 4.0, the requirements.
    Pci,
    /// HIPAA's Security Rule, 45 CFR part 164.
    Hipaa,
}

impl Standard {
    /// All of them.
    pub const ALL: [Standard; 4] = [Standard::Cis, Standard::Nist, Standard::Pci, Standard::Hipaa];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Standard::Cis => "CIS Docker Benchmark",
            Standard::Nist => "NIST SP 800-190",
            Standard::Pci => "PCI DSS 4",
            Standard::Hipaa => "HIPAA",
        }
    }
}

/// A control of a standard: its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// The standard.
    pub standard: Standard,
    /// The number: `4.1`, `164.312(a)(1)`.
    pub number: &'static str,
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.standard.name(), self.number)
    }
}
