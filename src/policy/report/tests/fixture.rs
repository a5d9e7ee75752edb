//! A verdict with one of everything.

use crate::evidence::scan::{Component, Detail, Finding, Origin, Place, RuleRef, SpecLine, Weight};
use crate::evidence::vex::Status;
use crate::oci::{Digest, Platform};
use crate::policy::report::{Attestation, Database, Layer, Report, Share, Signature};
use crate::policy::{Because, Expired, Judged, Missing, Outcome, PolicyText, Verdict};
use crate::rules::{Confidence, Justification, Rule, Severity};
use jiff::civil::{Date, date};

/// What a report borrows.
pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    pub(super) platform: Platform,
    pub(super) components: Vec<Component>,
    pub(super) shares: Vec<Share>,
    pub(super) layers: Vec<Layer>,
    pub(super) database: Database,
    pub(super) attestations: Vec<Attestation>,
    pub(super) signatures: Vec<Signature>,
}

impl Fixture {
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            version: "0.1.0",
            verdict: &self.verdict,
            name: &self.name,
            digest: Digest::of("image"),
            platform: &self.platform,
            spec: "kiln.kdl",
            components: &self.components,
            shares: &self.shares,
            layers: &self.layers,
            database: Some(&self.database),
            attestations: &self.attestations,
            signatures: &self.signatures,
            times: None,
        }
    }
}

pub(super) const DAY: Date = date(2026, 11, 30);

pub(super) fn at(line: u32) -> SpecLine {
    SpecLine { file: "kiln.kdl".into(), line }
}

pub(super) fn because(clause: &str, line: u32) -> Because {
    Because { clause: clause.into(), at: at(line), reason: None, status: None, justification: None, until: None }
}

pub(super) fn accepted(clause: &str, line: u32, reason: &str, until: Option<Date>) -> Because {
    Because { reason: Some(reason.into()), status: Some(Status::Affected), until, ..because(clause, line) }
}

pub(super) fn judged(finding: Finding, outcome: Outcome, because: Vec<Because>) -> Judged {
    Judged { finding, outcome, because, expired: None }
}

pub(super) fn rule(name: &str) -> &'static Rule {
    Rule::named(name).unwrap()
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-13")
}

/// A place that a package brought.
pub(super) fn installed(chain: &[&str], line: u32) -> Place {
    let because = chain.iter().map(|name| (*name).to_owned()).collect();
    let owner = chain.last().map(|name| format!("package {name}"));
    let origin =
        Origin { layer: Some(Digest::of("layer 1")), owner, because, spec: Some(at(line)), ..Origin::default() };
    Place { origin, ..Place::default() }
}

pub(super) fn file(path: &str, line: u32) -> Place {
    let origin = Origin { owner: Some("source app".into()), spec: Some(at(line)), ..Origin::default() };
    Place { path: Some(path.into()), origin, ..Place::default() }
}

/// A hole of a package of Debian.
pub(super) fn hole(id: &str, (name, version): (&str, &str), fixed: &[&str], severity: Option<Severity>) -> Finding {
    let weight = Weight {
        id: id.into(),
        package: purl(name, version),
        name: name.into(),
        version: version.into(),
        summary: format!("what {id} lets others do to {name}"),
        fixed: fixed.iter().map(|version| (*version).to_owned()).collect(),
        published: Some("2026-10-01".into()),
        days: Some(60),
        ..Weight::default()
    };
    let remedy = match fixed.first() {
        Some(fixed) => format!("update {name} to {fixed}"),
        None => format!("do without {name}: nobody has repaired it"),
    };
    Finding {
        rule: RuleRef(rule("vulnerability")),
        severity,
        title: format!("{name} {version} has {id}"),
        detail: Detail::Hole(Box::new(weight)),
        places: vec![installed(&["curl", name], 12)],
        remedy,
    }
}

/// Changes what is known of a hole.
pub(super) fn with(mut finding: Finding, change: impl FnOnce(&mut Weight)) -> Finding {
    if let Detail::Hole(hole) = &mut finding.detail {
        change(hole);
    }
    finding
}

fn holes() -> Vec<Judged> {
    let deny = || vec![because("deny \"vulnerability\" severity=\"high\"", 40)];
    let openssl = ("openssl", "3.5.1-1");
    let worst = with(hole("CVE-2026-1234", openssl, &["3.5.1-1+deb13u9"], Some(Severity::Critical)), |hole| {
        hole.aliases = vec!["DSA-6001-1".into(), "GHSA-aaaa-bbbb-cccc".into()];
        hole.scores = vec![
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N".into(), 93),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into(), 98),
        ];
        hole.weaknesses = vec!["CWE-787".into(), "CWE-20".into()];
        hole.exploited = Some("2026-11-02".into());
        hole.ransomware = true;
        hole.epss = Some(941_234);
        hole.published = Some("2026-10-01T12:30:00Z".into());
        hole.references =
            vec!["https://www.openssl.org/news/secadv/20261001.txt".into(), "mailto:x@example.com".into()];
    });
    let second = with(hole("CVE-2026-1300", openssl, &["3.5.1-1+deb13u10"], Some(Severity::High)), |hole| {
        hole.scores = vec![("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N".into(), 74)];
        hole.urgency = Some("medium".into());
    });
    let unrepaired = with(hole("CVE-2025-999", openssl, &[], Some(Severity::Negligible)), |hole| {
        hole.state = Some("will not fix".into());
        hole.urgency = Some("unimportant".into());
    });
    let zlib = hole("CVE-2026-77", ("zlib1g", "1:1.3-1"), &[], None);
    let mut log = with(hole("RUSTSEC-2026-0001", ("tar", "0.4.1"), &["0.4.46"], Some(Severity::Medium)), |hole| {
        hole.package = "pkg:cargo/tar@0.4.1".into();
    });
    log.places = vec![file("/usr/bin/hello", 30)];
    let unused = hole("CVE-2026-500", ("libxml2", "2.14-1"), &["2.14-2"], Some(Severity::High));
    let risk = hole("CVE-2026-501", ("libxml2", "2.14-1"), &[], Some(Severity::Low));
    let old = Finding::new(
        rule("old-database"),
        Some(Severity::Medium),
        "the database of advisories is 12 days old",
        Detail::Database { days: 12 },
        vec![],
    );
    let unmaintained = Finding {
        rule: RuleRef(rule("unmaintained")),
        ..hole("RUSTSEC-2025-0100", ("paste", "1.0.15"), &[], Some(Severity::Low))
    };
    let not_reachable = "the parser is not called with input of others";
    vec![
        judged(worst, Outcome::Denied, deny()),
        Judged {
            expired: Some(Expired { at: at(44), until: date(2026, 10, 31) }),
            ..judged(second, Outcome::Denied, deny())
        },
        judged(log, Outcome::Warned, vec![because("warn \"vulnerability\"", 41)]),
        judged(old, Outcome::Warned, vec![because("warn \"old-database\"", 42)]),
        judged(
            unused,
            Outcome::Accepted,
            vec![Because {
                status: Some(Status::NotAffected),
                justification: Some(Justification::CodeNotInExecutePath),
                ..accepted("accept \"CVE-2026-500\"", 45, not_reachable, Some(date(2027, 1, 31)))
            }],
        ),
        judged(risk, Outcome::Accepted, vec![accepted("accept \"CVE-2026-501\"", 46, "the risk is small", None)]),
        judged(unrepaired, Outcome::Noted, vec![]),
        judged(zlib, Outcome::Noted, vec![]),
        judged(unmaintained, Outcome::Noted, vec![]),
    ]
}

fn others() -> Vec<Judged> {
    let secret = Finding::new(
        rule("secret"),
        Some(Severity::High),
        "a token of GitHub",
        Detail::Secret { form: "github-token".into(), confidence: Confidence::Certain, digest: Digest::of("token") },
        vec![
            Place { inside: vec!["META-INF/app.properties".into()], line: Some(7), ..file("/srv/app.jar", 31) },
            Place::part("variable TOKEN"),
        ],
    );
    let root = Finding::plain(
        rule("root-user"),
        "the program runs as root",
        vec![Place { origin: Origin { spec: Some(at(25)), ..Origin::default() }, ..Place::default() }],
    );
    let shell = |path: &str| {
        Finding::plain(
            rule("shell"),
            format!("a shell in the image: {path}"),
            vec![Place { path: Some(path.into()), ..installed(&["bash"], 13) }],
        )
    };
    let label = Finding::new(
        rule("missing-label"),
        Some(Severity::Low),
        "the label org.opencontainers.image.source is missing",
        Detail::Label { name: "org.opencontainers.image.source".into() },
        vec![],
    );
    let network = Finding::new(
        rule("network"),
        Some(Severity::Medium),
        "the command `cargo build` reached the network",
        Detail::Command { stage: Some("compile".into()) },
        vec![Place {
            origin: Origin { stages: vec!["compile".into()], spec: Some(at(9)), ..Origin::default() },
            ..Place::default()
        }],
    );
    let licence = |name: &str, licence: &str| {
        let detail = Detail::Licence { package: purl(name, "1"), name: name.into(), licence: licence.into() };
        let title = format!("{name} 1 is licensed as {licence}");
        Finding::new(rule("licence"), Some(Severity::Medium), title, detail, vec![installed(&[name], 12)])
    };
    let warn = |rule: &str| vec![because(&format!("warn \"{rule}\""), 43)];
    vec![
        judged(secret, Outcome::Denied, vec![because("deny \"secret\"", 39)]),
        judged(root, Outcome::Denied, vec![because("deny \"root-user\"", 39)]),
        judged(shell("/bin/bash"), Outcome::Warned, warn("shell")),
        judged(shell("/bin/sh"), Outcome::Warned, warn("shell")),
        judged(label, Outcome::Noted, vec![]),
        judged(
            network,
            Outcome::Accepted,
            vec![accepted("accept \"network\"", 47, "crates come from the mirror", None)],
        ),
        judged(licence("readline", "GPL-3.0-or-later"), Outcome::Denied, vec![because("deny \"licence\"", 38)]),
        judged(licence("curl", "curl"), Outcome::Noted, vec![]),
    ]
}

pub(super) fn fixture() -> Fixture {
    let mut findings = [holes(), others()].concat();
    // As a verdict is sorted.
    findings.sort_by_key(|judged| {
        let finding = &judged.finding;
        (judged.outcome, finding.rule.family, std::cmp::Reverse(finding.severity), finding.clone())
    });
    let component = |name: &str, version: &str| Component {
        purl: purl(name, version),
        name: name.into(),
        version: version.into(),
        licence: Some("MIT".into()),
        places: vec![installed(&[name], 12)],
    };
    let components = vec![component("openssl", "3.5.1-1"), component("libxml2", "2.14-1"), component("curl", "8.1-1")];
    let package = |name: &str, version: &str, size| Share { name: name.into(), purl: Some(purl(name, version)), size };
    let other = |name: &str, size| Share { name: name.into(), purl: None, size };
    let mut shares = vec![
        package("openssl", "3.5.1-1", 8_400_000),
        package("libxml2", "2.14-1", 2_100_000),
        package("curl", "8.1-1", 510_000),
        package("zlib1g", "1:1.3-1", 190_000),
        other("source app", 21_000_000),
        other("command make install", 3_300_000),
        other("the spec", 0),
    ];
    shares.extend((1..=120).map(|i| other(&format!("data {i}"), 1000 * i)));
    let policy = PolicyText { name: "kiln.kdl".into(), digest: Digest::of("policy"), above: false };
    let team = PolicyText { name: "team/policy.kdl".into(), digest: Digest::of("team"), above: true };
    Fixture {
        name: "registry.example.com/acme/hello".into(),
        verdict: Verdict {
            passed: false,
            day: DAY,
            policies: vec![policy, team],
            findings,
            missing: vec![Missing { what: "the image is not signed".into(), at: at(50) }],
            unused: vec![accepted("accept \"CVE-2020-1\"", 48, "not reachable", None)],
        },
        platform: Platform::linux("amd64", None),
        components,
        shares,
        layers: vec![
            Layer { digest: Digest::of("layer 1"), size: 11_200_000, about: "packages of Debian".into() },
            Layer { digest: Digest::of("layer 2"), size: 700, about: "the spec".into() },
        ],
        database: Database {
            name: "registry.example.com/security/advisories".into(),
            digest: Digest::of("database"),
            updated: "2026-11-18T06:00:00Z".parse().unwrap(),
            feeds: vec![("Debian".into(), 41_000), ("OSV crates.io".into(), 1_200)],
        },
        attestations: vec![Attestation {
            predicate: "https://slsa.dev/provenance/v1".into(),
            digest: Digest::of("provenance"),
            uri: None,
            verified: None,
        }],
        signatures: vec![Signature { by: "sha256:0123".into(), digest: Digest::of("signature"), verified: Some(true) }],
    }
}
