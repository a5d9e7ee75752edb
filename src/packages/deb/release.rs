//! What an archive says about a suite: the signed Release file.

use super::control;
use super::trust::{Keyring, SignatureError, Signed, Signer};
use crate::oci::Digest;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How far an archive's clock may run ahead of ours, in seconds.
const CLOCK_SKEW: i64 = 3600;

/// A suite's Release file, verified.
#[derive(Debug, Clone)]
pub struct Release {
    /// Who publishes it: `Debian`.
    pub origin: Option<String>,
    /// The suite's moving name: `stable`.
    pub suite: Option<String>,
    /// The suite's fixed name: `trixie`.
    pub codename: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// Until when it holds.
    pub valid_until: Option<Timestamp>,
    /// Whether indexes can be fetched by digest.
    pub by_hash: bool,
    /// Whether there are packages for all architectures that the indexes of single ones do not list.
    pub separate_all: bool,
    /// How much its packages are wanted, in apt's numbers: 500, or less for suites that only serve on demand.
    pub priority: u16,
    /// Components.
    pub components: Vec<String>,
    /// Digest and size of every index, by its path below the suite.
    pub files: BTreeMap<String, (Digest, u64)>,
    /// Whose signatures are good.
    pub signers: Vec<Signer>,
}

/// What is asked of a Release file.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The suite, by either name.
    pub suite: &'a str,
    /// Whether `Valid-Until` counts.
    pub check_valid_until: bool,
    /// The date of the newest one seen so far: older ones are replays.
    pub floor: Option<Timestamp>,
    /// The current time.
    pub now: Timestamp,
}

/// Why a Release file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// Its signatures.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Its text.
    #[error("its signed text makes no sense: {0}")]
    Malformed(String),
    /// It is about another suite.
    #[error("it is about the suite {actual}, not about {wanted}")]
    OtherSuite {
        /// What was asked for.
        wanted: String,
        /// What it says.
        actual: String,
    },
    /// It holds no longer.
    #[error(
        "it was valid until {0} only; the mirror is out of date, or somebody holds back updates (check-valid-until=#false accepts it)"
    )]
    Expired(Timestamp),
    /// It comes from the future.
    #[error("it was made on {0}, after the current time; is this machine's clock right?")]
    NotYet(Timestamp),
    /// A newer one was seen before.
    #[error(
        "it was made on {date}, but a newer one of {floor} was seen before; the mirror is out of date, or somebody replays an old state"
    )]
    Replay {
        /// Its date.
        date: Timestamp,
        /// The date of the newest one seen.
        floor: Timestamp,
    },
}

impl Release {
    /// Verifies an InRelease file: signature, suite, dates.
    pub fn verify(in_release: &[u8], keyring: &Keyring, wanted: &Wanted<'_>) -> Result<Self, ReleaseError> {
        let signed = keyring.verify(in_release, wanted.now.as_second())?;
        let release = Self::parse(signed)?;
        release.check(wanted)?;
        Ok(release)
    }

    fn parse(signed: Signed) -> Result<Self, ReleaseError> {
        let malformed = |what: &str| ReleaseError::Malformed(what.into());
        let mut paragraphs = control::paragraphs(&signed.text);
        let fields = paragraphs.next().ok_or_else(|| malformed("it is empty"))?;
        if paragraphs.next().is_some() {
            return Err(malformed("it has more than one paragraph"));
        }
        let text = |name| fields.get(name).map(str::to_owned);
        let words = |name| fields.get(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        let date = fields.get("Date").and_then(date).ok_or_else(|| malformed("it has no readable Date"))?;
        let valid_until = match fields.get("Valid-Until") {
            Some(until) => Some(self::date(until).ok_or_else(|| malformed("its Valid-Until cannot be read"))?),
            None => None,
        };
        let says = |name| fields.get(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        let architectures: Vec<String> = words("Architectures");
        let without_all = fields.get("No-Support-for-Architecture-all").is_some_and(|what| what == "Packages");
        Ok(Release {
            origin: text("Origin"),
            suite: text("Suite"),
            codename: text("Codename"),
            date,
            valid_until,
            by_hash: says("Acquire-By-Hash"),
            separate_all: !without_all && architectures.iter().any(|name| name == "all"),
            priority: match (says("NotAutomatic"), says("ButAutomaticUpgrades")) {
                (false, _) => 500,
                (true, true) => 100,
                (true, false) => 1,
            },
            components: words("Components"),
            files: files(fields.get("SHA256").ok_or_else(|| malformed("it lists no SHA256 digests"))?)
                .ok_or_else(|| malformed("its list of SHA256 digests cannot be read"))?,
            signers: signed.signers,
        })
    }

    fn check(&self, wanted: &Wanted<'_>) -> Result<(), ReleaseError> {
        let names = [&self.codename, &self.suite];
        if !names.iter().any(|name| name.as_deref() == Some(wanted.suite)) {
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            let actual = if names.is_empty() { "(unnamed)".into() } else { names.join("/") };
            return Err(ReleaseError::OtherSuite { wanted: wanted.suite.into(), actual });
        }
        if self.date.as_second() > wanted.now.as_second() + CLOCK_SKEW {
            return Err(ReleaseError::NotYet(self.date));
        }
        if let Some(until) = self.valid_until
            && wanted.check_valid_until
            && until < wanted.now
        {
            return Err(ReleaseError::Expired(until));
        }
        match wanted.floor {
            Some(floor) if self.date < floor => Err(ReleaseError::Replay { date: self.date, floor }),
            _ => Ok(()),
        }
    }
}

/// Reads `Sat, 12 Sep 2026 07:55:41 UTC`.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let plain = ["UTC", "GMT", "Z", "+0000"].into_iter().find_map(|zone| text.strip_suffix(zone))?;
    let time = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S", plain.trim_end()).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Lines of digest, size and path.
fn files(list: &str) -> Option<BTreeMap<String, (Digest, u64)>> {
    let mut files = BTreeMap::new();
    for line in list.lines().filter(|line| !line.trim_ascii().is_empty()) {
        let mut words = line.split_ascii_whitespace();
        let digest = Digest::from_hex(words.next()?).ok()?;
        let size = words.next()?.parse().ok()?;
        files.insert(words.next()?.to_owned(), (digest, size));
    }
    Some(files)
}

#[cfg(test)]
mod tests;
