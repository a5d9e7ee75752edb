//! Until when distributions are repaired.

use super::{Facts, rule};
use crate::catalog::OsRelease;
use crate::evidence::scan::finding::Finding;
use crate::evidence::scan::place::Place;
use jiff::civil::Date;

/// The last day of repairs that everybody gets without paying, by the distributions' own announcements; of Debian that
/// includes what its LTS team does.
const ENDS: &[(&str, &str, &str)] = &[
    ("almalinux", "8", "2029-03-01"),
    ("almalinux", "9", "2032-05-31"),
    ("almalinux", "10", "2035-05-31"),
    ("alpine", "3.14", "2023-05-01"),
    ("alpine", "3.15", "2023-11-01"),
    ("alpine", "3.16", "2024-05-23"),
    ("alpine", "3.17", "2024-11-22"),
    ("alpine", "3.18", "2025-05-09"),
    ("alpine", "3.19", "2025-11-01"),
    ("alpine", "3.20", "2026-04-01"),
    ("alpine", "3.21", "2026-11-01"),
    ("alpine", "3.22", "2027-05-01"),
    ("alpine", "3.23", "2027-11-01"),
    ("amzn", "1", "2023-12-31"),
    ("amzn", "2", "2026-06-30"),
    ("amzn", "2023", "2029-06-30"),
    ("centos", "6", "2020-11-30"),
    ("centos", "7", "2024-06-30"),
    ("centos", "8", "2021-12-31"),
    ("debian", "8", "2020-06-30"),
    ("debian", "9", "2022-06-30"),
    ("debian", "10", "2024-06-30"),
    ("debian", "11", "2026-08-31"),
    ("debian", "12", "2028-06-30"),
    ("debian", "13", "2030-06-30"),
    ("fedora", "39", "2024-11-26"),
    ("fedora", "40", "2025-05-13"),
    ("fedora", "41", "2025-12-15"),
    ("fedora", "42", "2026-05-13"),
    ("opensuse-leap", "15.5", "2024-12-31"),
    ("opensuse-leap", "15.6", "2026-04-30"),
    ("ol", "7", "2024-12-31"),
    ("ol", "8", "2029-07-31"),
    ("ol", "9", "2032-06-30"),
    ("rhel", "7", "2024-06-30"),
    ("rhel", "8", "2029-05-31"),
    ("rhel", "9", "2032-05-31"),
    ("rhel", "10", "2035-05-31"),
    ("rocky", "8", "2029-05-31"),
    ("rocky", "9", "2032-05-31"),
    ("rocky", "10", "2035-05-31"),
    ("ubuntu", "16.04", "2021-04-30"),
    ("ubuntu", "18.04", "2023-05-31"),
    ("ubuntu", "20.04", "2025-05-31"),
    ("ubuntu", "22.04", "2027-04-01"),
    ("ubuntu", "24.04", "2029-05-31"),
    ("ubuntu", "25.04", "2026-01-15"),
    ("ubuntu", "25.10", "2026-07-09"),
];

/// The last day on which a distribution is repaired, where that is known.
fn end(distribution: &OsRelease) -> Option<Date> {
    let version = distribution.version.as_deref()?;
    let is_release =
        |known: &str| version == known || version.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'));
    let row = ENDS.iter().find(|(id, known, _)| *id == distribution.id && is_release(known))?;
    row.2.parse().ok()
}

pub(super) fn findings(facts: &Facts<'_>) -> Option<Finding> {
    let distribution = facts.distribution?;
    let end = end(distribution).filter(|end| *end < facts.day)?;
    let name = format!("{} {}", distribution.id, distribution.version.as_deref().unwrap_or_default());
    let title = format!("{name} gets no repairs since {end}");
    Some(Finding::plain(rule("end-of-life"), title, vec![Place::part(format!("distribution {name}"))]))
}

#[cfg(test)]
mod tests {
    use super::{ENDS, end};
    use crate::catalog::OsRelease;

    #[test]
    fn every_end_is_a_day() {
        for (id, version, day) in ENDS {
            assert!(day.parse::<jiff::civil::Date>().is_ok(), "{id} {version}");
        }
    }

    #[test]
    fn point_releases_end_with_their_release() {
        let of = |id: &str, version: &str| {
            end(&OsRelease { id: id.into(), version: Some(version.into()), like: Vec::new() })
        };
        assert_eq!(of("alpine", "3.18.4"), of("alpine", "3.18"));
        assert_eq!(of("alpine", "3.1"), None);
        assert_eq!(of("rhel", "8.10").map(|d| d.to_string()).as_deref(), Some("2029-05-31"));
        assert_eq!(of("debian", "1"), None);
    }
}
