//! Where people read advisories.

use crate::advisories::record::Source;

/// The page of an advisory, by the family of its name; OSV has a page for all.
pub fn page(source: Source, id: &str) -> String {
    let family = |prefix: &str| id.starts_with(prefix);
    match id {
        _ if source == Source::DebianTracker || family("DSA-") || family("DLA-") || family("TEMP-") => {
            format!("https://security-tracker.debian.org/tracker/{id}")
        }
        _ if family("GHSA-") => format!("https://github.com/advisories/{id}"),
        _ if family("RUSTSEC-") => format!("https://rustsec.org/advisories/{id}.html"),
        _ if family("GO-") => format!("https://pkg.go.dev/vuln/{id}"),
        _ if family("CVE-") => format!("https://nvd.nist.gov/vuln/detail/{id}"),
        _ if family("USN-") || family("LSN-") => format!("https://ubuntu.com/security/notices/{id}"),
        _ if family("RHSA-") || family("RHBA-") || family("RHEA-") => {
            format!("https://access.redhat.com/errata/{id}")
        }
        _ if family("RLSA-") => format!("https://errata.rockylinux.org/{id}"),
        _ => match (id.strip_prefix("DEBIAN-CVE-"), id.strip_prefix("UBUNTU-CVE-")) {
            (Some(number), _) => format!("https://security-tracker.debian.org/tracker/CVE-{number}"),
            (_, Some(number)) => format!("https://ubuntu.com/security/CVE-{number}"),
            _ => format!("https://osv.dev/vulnerability/{id}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advisories_have_pages() {
        for (source, id, expected) in [
            (Source::DebianTracker, "CVE-2024-1", "https://security-tracker.debian.org/tracker/CVE-2024-1"),
            (Source::Osv, "CVE-2024-1", "https://nvd.nist.gov/vuln/detail/CVE-2024-1"),
            (Source::Osv, "RUSTSEC-2024-0001", "https://rustsec.org/advisories/RUSTSEC-2024-0001.html"),
            (Source::Osv, "DEBIAN-CVE-2024-1", "https://security-tracker.debian.org/tracker/CVE-2024-1"),
            (Source::Osv, "PYSEC-2024-1", "https://osv.dev/vulnerability/PYSEC-2024-1"),
        ] {
            assert_eq!(page(source, id), expected);
        }
    }
}
