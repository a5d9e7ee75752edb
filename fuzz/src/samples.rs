//! Small feeds, as seeds.

use serde_json::json;

/// Advisories in OSV's form, about packages that [`asked`](crate::asked::PACKAGES) has.
pub fn advisories() -> Vec<Vec<u8>> {
    [
        ("Debian:13", "openssl", "3.0.1-2"),
        ("Ubuntu:22.04:LTS", "openssl", "2"),
        ("Alpine:v3.20", "openssl", "3.1-r1"),
        ("Red Hat:enterprise_linux:9::appstream", "openssl", "1:3.0.2-1.el9"),
        ("openSUSE:Leap 15.6", "openssl", "1.3"),
        ("crates.io", "a", "1.0.1"),
        ("Go", "example.com/a", "1.7.0"),
        ("npm", "a", "2.0.0-rc.1"),
        ("PyPI", "a", "1.1"),
        ("Maven", "org.example:a", "2.1"),
        ("Packagist", "a/a", "1.1"),
        ("NuGet", "a", "1.1"),
        ("RubyGems", "a", "7.1"),
    ]
    .into_iter()
    .map(|(ecosystem, name, fixed)| advisory(ecosystem, name, fixed))
    .collect()
}

fn advisory(ecosystem: &str, name: &str, fixed: &str) -> Vec<u8> {
    let advisory = json!({
        "schema_version": "1.7.0", "id": "GHSA-aaaa-bbbb-cccc",
        "modified": "2025-02-01T00:00:00Z", "published": "2025-01-01T00:00:00Z",
        "aliases": ["CVE-2025-0001"], "upstream": ["CVE-2025-0002"], "summary": "About it",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "severity": [{ "type": "Ubuntu", "score": "low" }],
            "ranges": [
                { "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] },
                { "type": "SEMVER", "events": [{ "introduced": "9" }, { "last_affected": "10" }, { "limit": "*" }] },
            ],
            "versions": ["1", fixed],
            "ecosystem_specific": {
                "urgency": "low", "imports": [{ "path": "a/b", "symbols": ["C"] }], "affects": { "functions": ["a::b"] },
            },
            "database_specific": { "informational": "unmaintained", "severity": "HIGH" },
        }],
        "references": [{ "type": "ADVISORY", "url": "https://example.com/1" }],
        "database_specific": { "severity": "MODERATE", "cwe_ids": ["CWE-79"] },
    });
    advisory.to_string().into_bytes()
}

/// What Debian's tracker says of one package.
pub fn tracker() -> Vec<u8> {
    let hole = |status: &str, fixed: &str| {
        json!({
            "description": "A hole", "scope": "remote",
            "releases": {
                "trixie": { "status": status, "urgency": "low", "fixed_version": fixed, "nodsa": "Minor", "nodsa_reason": "ignored" },
                "bookworm": { "status": "open", "urgency": "end-of-life" },
            },
        })
    };
    json!({ "openssl": { "CVE-2025-0001": hole("resolved", "3.0.1-2"), "CVE-2025-0003": hole("open", "") } })
        .to_string()
        .into_bytes()
}

/// A catalogue of exploited holes.
pub fn kev() -> Vec<u8> {
    json!({
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": "2025.03.01", "dateReleased": "2025-03-01T15:00:00.1234Z", "count": 1,
        "vulnerabilities": [{
            "cveID": "CVE-2025-0001", "dateAdded": "2025-03-01", "dueDate": "2025-03-22",
            "knownRansomwareCampaignUse": "Known",
        }],
    })
    .to_string()
    .into_bytes()
}

/// A table of likelihoods.
pub fn epss() -> Vec<u8> {
    let head = "#model_version:v2025.03.14,score_date:2025-03-02T00:00:00+0000\ncve,epss,percentile\n";
    format!("{head}CVE-2025-0001,0.94372,0.99912\nCVE-2025-0002,0.1,0.2\n").into_bytes()
}
