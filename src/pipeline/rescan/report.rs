//! What a rescan found, as data: `specs/rescan.md`.

use super::super::report::AttestationReport;
use crate::oci::{Digest, Platform};
use crate::policy::PolicyText;
use jiff::civil::Date;
use serde::Serialize;

/// What became of published images since somebody judged them last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RescanReport {
    /// The version of this report's form.
    pub rescan: u32,
    /// The version of kiln.
    pub kiln: String,
    /// The day of the judgement.
    pub day: Date,
    /// The database of advisories.
    pub database: AskedDatabase,
    /// The policies by which images were judged.
    pub policies: Vec<PolicyText>,
    /// The images, by repository and digest.
    pub images: Vec<RescannedImage>,
    /// Names of which nobody knows what they mean, as they could not be asked for.
    pub unreadable: Vec<UnreadableName>,
    /// How many tags name something else than an image.
    pub others: usize,
    /// Sums over all images.
    pub totals: Totals,
}

/// A database of advisories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedDatabase {
    /// Its digest.
    pub digest: Digest,
    /// How old what it knows is: RFC 3339.
    pub date: String,
}

/// A name that could not be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnreadableName {
    /// A repository, or a tag or digest in it.
    pub name: String,
    /// Why not.
    pub problem: String,
}

/// Sums over all images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Images.
    pub images: usize,
    /// Those that nobody judged before.
    pub never_judged: usize,
    /// Those that the policy denies.
    pub denied: usize,
    /// Those without a bill of materials that counts.
    pub unjudged: usize,
    /// Those whose documents cannot be read, and names that could not be asked for.
    pub unreadable: usize,
    /// Those to which no fresh verdict could be attached.
    pub unattached: usize,
    /// Holes that are new.
    pub new: usize,
    /// Holes that are gone.
    pub gone: usize,
}

/// What is said of an image today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing denies it.
    Passed,
    /// The policy denies it.
    Denied,
    /// No bill of materials counts: nobody can say.
    Unjudged,
    /// What is attached to it cannot be read.
    Unreadable,
}

/// An image of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RescannedImage {
    /// Where it is: `registry.example.com/acme/hello`.
    pub repository: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The tags that lead to it, of those that were asked for.
    pub tags: Vec<String>,
    /// What it is for, where an index says so.
    pub platform: Option<Platform>,
    /// What is said of it today.
    pub standing: Standing,
    /// Why it cannot be read or judged.
    pub problem: Option<String>,
    /// The bills of materials that it is judged by.
    pub bills: Vec<BillReport>,
    /// How many packages they name.
    pub packages: usize,
    /// The last scan that is attached; none where nobody judged it before.
    pub last: Option<LastScan>,
    /// Whether the last verdict that is attached passed; none where there is none.
    pub passed_then: Option<bool>,
    /// The holes that it has today, those that are new first.
    pub holes: Vec<HoleReport>,
    /// The holes that it had at the last scan and has no more.
    pub gone: Vec<GoneHole>,
    /// What else is denied or warned: the age of the database, proofs that are missing.
    pub findings: Vec<OtherFinding>,
    /// What was attached now.
    pub attached: Vec<AttestationReport>,
    /// Why a fresh verdict could not be attached.
    pub not_attached: Option<String>,
}

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BillReport {
    /// The digest of the bundle or the statement.
    pub digest: Digest,
    /// Its form: a predicate type.
    pub form: String,
    /// Whether a key that was given signed it.
    pub signed: bool,
}

/// A scan that is attached to an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastScan {
    /// The digest of the bundle.
    pub digest: Digest,
    /// When it ended, as it says.
    pub time: String,
    /// The database that it asked, as it says.
    pub database: Option<String>,
}

/// A hole of an image's package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoleReport {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Whether the last scan did not know it.
    pub new: bool,
    /// What becomes of it: `denied`, `warned`, `accepted` or `noted`.
    pub outcome: &'static str,
    /// How bad it is: `critical`, `high`, `medium`, `low`, `negligible` or `unknown`.
    pub severity: &'static str,
    /// The package: its package URL.
    pub package: String,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The versions in which it is repaired, nearest first.
    pub fixed: Vec<String>,
    /// Since when it is known to be exploited.
    pub exploited: Option<String>,
    /// What it is, in a line.
    pub title: String,
}

/// A hole that is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GoneHole {
    /// Its name.
    pub id: String,
    /// The package that had it; none where the scan did not say.
    pub package: Option<String>,
}

/// Something that is wrong and no hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherFinding {
    /// What becomes of it.
    pub outcome: &'static str,
    /// What is wrong, in a line.
    pub title: String,
}

impl RescanReport {
    /// Whether somebody should hear of it: something is new, or denied.
    pub fn is_news(&self) -> bool {
        self.totals.new > 0 || self.totals.denied > 0
    }
}

impl Totals {
    /// The sums over these images and names.
    pub(super) fn of(images: &[RescannedImage], unreadable: &[UnreadableName]) -> Self {
        let count = |is: &dyn Fn(&RescannedImage) -> bool| images.iter().filter(|image| is(image)).count();
        let standing = |standing| count(&|image| image.standing == standing);
        let is_judged = |image: &RescannedImage| matches!(image.standing, Standing::Passed | Standing::Denied);
        Totals {
            images: images.len(),
            never_judged: count(&|image| is_judged(image) && image.last.is_none()),
            denied: standing(Standing::Denied),
            unjudged: standing(Standing::Unjudged),
            unreadable: standing(Standing::Unreadable) + unreadable.len(),
            unattached: count(&|image| image.not_attached.is_some()),
            new: images.iter().flat_map(|image| &image.holes).filter(|hole| hole.new).count(),
            gone: images.iter().map(|image| image.gone.len()).sum(),
        }
    }
}
