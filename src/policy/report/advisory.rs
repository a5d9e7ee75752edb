//! Who gave a hole its name, and where its page is.

use crate::evidence::scan::{Detail, Finding, Weight};
use crate::rules::Severity;
use url::Url;

/// A name of a hole, looked up.
pub(super) struct Advisory {
    /// The kind of name, as GitLab writes it: `cve`.
    pub(super) kind: &'static str,
    /// Who keeps the list.
    pub(super) source: &'static str,
    /// The page about it; none where the name is none that could have one.
    pub(super) page: Option<String>,
}

/// Beginning of the name, kind, source, and what its page's address begins and ends with.
const SOURCES: &[(&str, &str, &str, &str, &str)] = &[
    ("CVE-", "cve", "NVD", "https://nvd.nist.gov/vuln/detail/", ""),
    ("GHSA-", "ghsa", "GitHub", "https://github.com/advisories/", ""),
    ("RUSTSEC-", "rustsec", "RustSec", "https://rustsec.org/advisories/", ".html"),
    ("GO-", "go", "Go", "https://pkg.go.dev/vuln/", ""),
    ("PYSEC-", "pysec", "PyPI", "https://osv.dev/vulnerability/", ""),
    ("DSA-", "dsa", "Debian", "https://security-tracker.debian.org/tracker/", ""),
    ("DLA-", "dla", "Debian", "https://security-tracker.debian.org/tracker/", ""),
    ("TEMP-", "debian", "Debian", "https://security-tracker.debian.org/tracker/", ""),
    ("USN-", "usn", "Ubuntu", "https://ubuntu.com/security/notices/", ""),
    ("RHSA-", "rhsa", "Red Hat", "https://access.redhat.com/errata/", ""),
];

/// Looks up a name.
pub(super) fn advisory(id: &str) -> Advisory {
    let sound = id.len() <= 100 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    let known = SOURCES.iter().find(|(beginning, ..)| id.starts_with(beginning));
    let (_, kind, source, before, after) = known.unwrap_or(&("", "osv", "OSV", "https://osv.dev/vulnerability/", ""));
    Advisory { kind, source, page: sound.then(|| format!("{before}{id}{after}")) }
}

/// An address that a page may link to: of the web, without credentials, in canonical form.
pub(super) fn link(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str()?.is_empty() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

/// The number of a weakness: 79 of `CWE-79`.
pub(super) fn weakness(text: &str) -> Option<u32> {
    text.strip_prefix("CWE-")?.parse().ok().filter(|number| *number > 0)
}

/// What CVSS a vector is of: CycloneDX's word for it.
pub(super) fn method(vector: &str) -> &'static str {
    let known = [("CVSS:4.0/", "CVSSv4"), ("CVSS:3.1/", "CVSSv31"), ("CVSS:3.0/", "CVSSv3"), ("AV:", "CVSSv2")];
    known.iter().find(|(beginning, _)| vector.starts_with(beginning)).map_or("other", |(_, method)| method)
}

/// A score of tenths as people write it.
pub(super) fn score(tenths: u8) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A share of millionths as a percentage with a digit: `94.1 %`.
pub(super) fn percent(millionths: u32) -> String {
    let tenths = millionths.saturating_add(500) / 1000;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// The score, in tenths, that a finding has on the scale of CVSS: its own where that is as bad as it was weighed, or
/// else the middle of what it was weighed as. Readers of scores then see the severity by which it was judged.
pub(super) fn tenths(finding: &Finding) -> Option<u8> {
    let severity = finding.severity?;
    let own = match &finding.detail {
        Detail::Hole(hole) => newest(hole),
        _ => None,
    };
    let middle = match severity {
        Severity::Negligible => 1,
        Severity::Low => 20,
        Severity::Medium => 55,
        Severity::High => 80,
        Severity::Critical => 95,
    };
    Some(own.filter(|own| Severity::of_tenths(*own) == Some(severity)).unwrap_or(middle))
}

/// The score of the newest CVSS, in tenths.
pub(super) fn newest(hole: &Weight) -> Option<u8> {
    hole.scores.first().map(|(_, score)| (*score).min(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_pages_and_hostile_ones_none() {
        let page = |id: &str| advisory(id).page;
        assert_eq!(page("CVE-2026-1").as_deref(), Some("https://nvd.nist.gov/vuln/detail/CVE-2026-1"));
        assert_eq!(page("RUSTSEC-2026-1").as_deref(), Some("https://rustsec.org/advisories/RUSTSEC-2026-1.html"));
        assert_eq!(advisory("MAL-2026-1").source, "OSV");
        for hostile in ["CVE-\"onclick=", "CVE-<script>", "CVE-2026 1", &"x".repeat(200)] {
            assert_eq!(page(hostile), None, "{hostile}");
        }
        assert_eq!(link("https://u:p@example.com/a b\">").as_deref(), Some("https://example.com/a%20b%22%3E"));
        for hostile in ["javascript:alert(1)", "data:text/html,x", "//example.com", "example.com", "file:///etc"] {
            assert_eq!(link(hostile), None, "{hostile}");
        }
        assert_eq!(weakness("CWE-79"), Some(79));
        assert_eq!([weakness("CWE-0"), weakness("79"), weakness("CWE-99999999999")], [None; 3]);
        assert_eq!(method("CVSS:3.1/AV:N"), "CVSSv31");
        assert_eq!(
            (percent(941_499), percent(1_000_000), percent(49)),
            ("94.1 %".into(), "100.0 %".into(), "0.0 %".into())
        );
    }
}
