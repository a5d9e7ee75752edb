//! Judgement, held against policies as people write them.

use super::{Case, Outcome, Proofs, Reached, Standing, Told, Trusted, Verdict, Vex, is_of, judge, reached};
use crate::diagnostic::Sources;
use crate::evidence::scan::{Detail, Finding, Place, Weight};
use crate::evidence::vex;
use crate::oci::Digest;
use crate::rules::{Confidence, Rule, Severity};
use crate::spec::{LoadError, Loader, Policy, load_policy};
use crate::tree::TreePath;
use jiff::civil::date;

/// One file in memory.
struct Memory(String);

impl Loader for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        if path == "policy.kdl" { Ok(self.0.clone().into_bytes()) } else { Err(LoadError::NotFound) }
    }
}

fn policies(body: &str, sources: Sources) -> (Vec<Policy>, Sources) {
    load_policy(&Memory(format!("kiln 1\npolicy {{\n{body}\n}}\n")), "policy.kdl", sources).expect("a policy")
}

/// What a policy of the spec's own, and one above it, say of findings; an empty text is no policy.
fn judged(own: &str, above: &str, findings: Vec<Finding>, proofs: &Proofs) -> Verdict {
    let mut sources = Sources::default();
    let mut all = Vec::new();
    for (standing, body) in [(Standing::Own, own), (Standing::Above, above)] {
        if !body.is_empty() {
            let (read, texts) = policies(body, sources);
            sources = texts;
            all.extend(read.into_iter().map(|policy| (standing, policy)));
        }
    }
    let documents: Vec<Vex> = all
        .iter()
        .flat_map(|(standing, policy)| policy.vex.iter().map(|named| not_affected(*standing, named.span)))
        .collect();
    judge(Case {
        policies: all.iter().map(|(standing, policy)| (*standing, policy)).collect(),
        vex: &documents,
        image: "example.com/hello",
        sources: &sources,
        findings,
        proofs,
        day: date(2026, 11, 30),
    })
}

/// A document that says of one hole that it does not matter.
fn not_affected(standing: Standing, span: crate::diagnostic::Span) -> Vex {
    let document = r#"{"@context": "https://openvex.dev/ns", "statements": [
        {"vulnerability": "CVE-2026-1", "status": "not_affected", "impact_statement": "never called"}]}"#;
    Vex { standing, span, of: None, statements: vex::read(document.as_bytes()).expect("a document").statements }
}

fn hole(severity: Option<Severity>) -> Finding {
    let hole = Weight {
        id: "CVE-2026-1".into(),
        aliases: vec!["GHSA-a".into()],
        package: "pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64".into(),
        name: "libssl3t64".into(),
        fixed: vec!["3.5.1-2".into()],
        exploited: Some("2026-10-01".into()),
        epss: Some(50_000),
        days: Some(30),
        ..Weight::default()
    };
    Finding::new(rule("vulnerability"), severity, "a hole", Detail::Hole(Box::new(hole)), Vec::new())
}

fn setuid(paths: &[&str]) -> Finding {
    let places = paths.iter().map(|path| Place::at(&TreePath::new(path.trim_start_matches('/')).expect("a path")));
    Finding::plain(rule("setuid"), "programs", places.collect())
}

fn rule(id: &str) -> &'static Rule {
    Rule::named(id).expect("a rule")
}

/// What becomes of one finding by the spec's own policy.
fn outcome(own: &str, finding: Finding) -> Outcome {
    let verdict = judged(own, "", vec![finding], &Proofs::default());
    assert_eq!(verdict.findings.len(), 1);
    verdict.findings[0].outcome
}

#[test]
fn a_clause_means_what_fits_all_of_its_conditions() {
    let high = || hole(Some(Severity::High));
    assert_eq!(outcome("deny \"shell\"", high()), Outcome::Noted);
    assert_eq!(outcome("warn \"vulnerability\"", high()), Outcome::Warned);
    for fits in [
        "severity=\"high\"",
        "severity=\"low\"",
        "fixable=#true",
        "exploited=#true",
        "epss=\"5%\"",
        "age=\"30d\"",
        "severity=\"high\" fixable=#true exploited=#true epss=\"4.9%\" age=\"4w\"",
    ] {
        assert_eq!(outcome(&format!("deny \"vulnerability\" {fits}"), high()), Outcome::Denied, "{fits}");
    }
    for other in [
        "severity=\"critical\"",
        "fixable=#false",
        "exploited=#false",
        "epss=\"5.1%\"",
        "age=\"31d\"",
        "severity=\"low\" fixable=#true age=\"31d\"",
    ] {
        assert_eq!(outcome(&format!("deny \"vulnerability\" {other}"), high()), Outcome::Noted, "{other}");
    }
    // What nobody weighed is neither mild nor bad.
    assert_eq!(outcome("deny \"vulnerability\" severity=\"negligible\"", hole(None)), Outcome::Noted);
    assert_eq!(outcome("deny \"vulnerability\"", hole(None)), Outcome::Denied);
}

#[test]
fn the_strictest_clause_decides_whatever_the_order() {
    for own in ["deny \"setuid\"\nwarn \"setuid\"", "warn \"setuid\"\ndeny \"setuid\""] {
        let verdict = judged(own, "", vec![setuid(&["/a"])], &Proofs::default());
        assert_eq!(verdict.findings[0].outcome, Outcome::Denied);
        assert_eq!(verdict.findings[0].because.len(), 1);
        assert_eq!(verdict.findings[0].because[0].clause, "deny \"setuid\"");
        assert!(!verdict.passed);
    }
}

#[test]
fn an_acceptance_counts_until_its_day() {
    let of = |until: &str| {
        let own = format!("deny \"vulnerability\"\naccept \"GHSA-a\" until=\"{until}\" reason=\"not reachable\"");
        judged(&own, "", vec![hole(None)], &Proofs::default())
    };
    let counts = of("2026-11-30");
    assert!(counts.passed);
    assert_eq!(counts.findings[0].outcome, Outcome::Accepted);
    assert_eq!(counts.findings[0].because[0].reason.as_deref(), Some("not reachable"));
    assert_eq!(counts.findings[0].because[0].at.line, 4);
    let ended = of("2026-11-29");
    assert!(!ended.passed);
    assert_eq!(ended.findings[0].expired.as_ref().map(|expired| expired.until), Some(date(2026, 11, 29)));
    assert!(ended.unused.is_empty(), "it was about something");
}

#[test]
fn an_acceptance_is_about_the_places_that_it_names() {
    let own = "deny \"setuid\"\naccept \"setuid\" path=\"/usr/**/su*\" reason=\"operators need it\"";
    let verdict = judged(own, "", vec![setuid(&["/usr/bin/su", "/usr/bin/sudo", "/opt/x"])], &Proofs::default());
    let told: Vec<(Outcome, Vec<&str>)> = verdict
        .findings
        .iter()
        .map(|judged| {
            (judged.outcome, judged.finding.places.iter().filter_map(|place| place.path.as_deref()).collect())
        })
        .collect();
    assert_eq!(told, [(Outcome::Denied, vec!["/opt/x"]), (Outcome::Accepted, vec!["/usr/bin/su", "/usr/bin/sudo"])]);
    assert!(!verdict.passed);
    let all = judged(own, "", vec![setuid(&["/usr/bin/su"])], &Proofs::default());
    assert!(all.passed);
}

#[test]
fn a_spec_cannot_weaken_what_stands_above_it() {
    let accept = "accept \"setuid\" reason=\"we like it\"";
    let of = |own: &str, above: &str| judged(own, above, vec![setuid(&["/a"])], &Proofs::default());
    assert!(!of(accept, "deny \"setuid\"").passed);
    assert!(of(accept, "deny \"setuid\" waivable=#true").passed);
    // One that stands above accepts for itself, and not in the name of the spec.
    assert!(of("", &format!("deny \"setuid\"\n{accept}")).passed);
    assert!(!of("deny \"setuid\"", accept).passed);
    assert!(!of(&format!("deny \"setuid\"\n{accept}"), "deny \"setuid\"").passed);
    // A VEX document stands where the policy stands that names it.
    let of = |own: &str, above: &str| judged(own, above, vec![hole(None)], &Proofs::default());
    assert!(of("deny \"vulnerability\"\nvex \"app.json\"", "").passed);
    assert!(!of("vex \"app.json\"", "deny \"vulnerability\"").passed);
    assert!(of("vex \"app.json\"", "deny \"vulnerability\" waivable=#true").passed);
    let told = of("", "deny \"vulnerability\"\nvex \"app.json\"");
    assert_eq!(told.findings[0].because[0].reason.as_deref(), Some("not_affected: never called"));
}

#[test]
fn packages_and_digests_narrow_an_acceptance_down() {
    let of = |what: &str| {
        outcome(
            &format!("deny \"vulnerability\"\naccept \"CVE-2026-1\" until=\"2027-01-01\" reason=\"x\" {what}"),
            hole(None),
        )
    };
    assert_eq!(of("package=\"libssl3t64\""), Outcome::Accepted);
    assert_eq!(of("package=\"pkg:deb/debian/libssl3t64\""), Outcome::Accepted);
    assert_eq!(of("package=\"libssl3\""), Outcome::Denied);
    assert_eq!(of("package=\"pkg:deb/debian/libssl3\""), Outcome::Denied);
    let digest = Digest::of("a secret");
    let secret = || {
        let detail = Detail::Secret { form: "x".into(), confidence: Confidence::Likely, digest };
        Finding::new(rule("secret"), Some(Severity::High), "a key", detail, vec![Place::part("variable KEY")])
    };
    let of = |what: &str| outcome(&format!("deny \"secret\" {what}"), secret());
    assert_eq!(of("confidence=\"likely\""), Outcome::Denied);
    assert_eq!(of("confidence=\"certain\""), Outcome::Noted);
    assert_eq!(of(&format!("\naccept \"secret\" digest=\"{digest}\" reason=\"of a test\"")), Outcome::Accepted);
    assert_eq!(
        of(&format!("\naccept \"secret\" digest=\"{}\" reason=\"of a test\"", Digest::of("b"))),
        Outcome::Denied
    );
    assert_eq!(of("\naccept \"secret\" path=\"/**\" reason=\"of a test\""), Outcome::Denied, "a variable has no path");
}

#[test]
fn licences_are_judged_as_expressions() {
    let of = |clause: &str, licence: &str| {
        let detail = Detail::Licence { package: "pkg:deb/debian/x".into(), name: "x".into(), licence: licence.into() };
        outcome(
            &format!("deny \"licence\" {{ {clause} }}"),
            Finding::new(rule("licence"), None, "x", detail, Vec::new()),
        )
    };
    let only = "only \"MIT\" \"Apache-2.0\"";
    assert_eq!(of(only, "MIT"), Outcome::Noted);
    assert_eq!(of(only, "MIT AND Apache-2.0"), Outcome::Noted);
    assert_eq!(of(only, "GPL-2.0-only OR MIT"), Outcome::Noted, "there is a choice");
    assert_eq!(of(only, "GPL-2.0-only AND MIT"), Outcome::Denied);
    assert_eq!(of(only, "NOASSERTION"), Outcome::Denied);
    assert_eq!(of(only, "my own terms"), Outcome::Denied);
    let refuse = "refuse \"AGPL-3.0-only\"";
    assert_eq!(of(refuse, "MIT AND AGPL-3.0-only"), Outcome::Denied);
    assert_eq!(of(refuse, "MIT OR AGPL-3.0-only"), Outcome::Noted);
    assert_eq!(of(refuse, "my own terms"), Outcome::Noted);
}

#[test]
fn labels_stages_and_databases_have_conditions_of_their_own() {
    let label =
        |name: &str| Finding::new(rule("missing-label"), None, "x", Detail::Label { name: name.into() }, Vec::new());
    assert_eq!(outcome("deny \"missing-label\"", label("org.opencontainers.image.source")), Outcome::Denied);
    assert_eq!(outcome("deny \"missing-label\"", label("com.example.team")), Outcome::Noted);
    assert_eq!(
        outcome("deny \"missing-label\" label=\"com.example.team\"", label("com.example.team")),
        Outcome::Denied
    );
    let network = |stage: Option<&str>| {
        let detail = Detail::Command { stage: stage.map(str::to_owned) };
        Finding::new(rule("network"), None, "x", detail, vec![Place::default()])
    };
    assert_eq!(outcome("deny \"network\" stage=\"fetch\"", network(Some("fetch"))), Outcome::Denied);
    assert_eq!(outcome("deny \"network\" stage=\"fetch\"", network(Some("build"))), Outcome::Noted);
    let accepted = "deny \"network\"\naccept \"network\" stage=\"fetch\" reason=\"pinned there\"";
    assert_eq!(outcome(accepted, network(Some("fetch"))), Outcome::Accepted);
    assert_eq!(outcome(accepted, network(None)), Outcome::Denied);
    let database = |days| Finding::new(rule("old-database"), None, "x", Detail::Database { days }, Vec::new());
    assert_eq!(outcome("deny \"old-database\" age=\"7d\"", database(7)), Outcome::Denied);
    assert_eq!(outcome("deny \"old-database\" age=\"7d\"", database(6)), Outcome::Noted);
}

#[test]
fn what_must_be_attached_is_missed() {
    let of = |own: &str, proofs: &Proofs| {
        let verdict = judged(own, "", Vec::new(), proofs);
        assert_eq!(verdict.passed, verdict.missing.is_empty());
        verdict.missing.into_iter().map(|missing| format!("{}: {}", missing.at.line, missing.what)).collect::<Vec<_>>()
    };
    let all = "require \"signature\"\nrequire \"sbom\"\nrequire \"provenance\" level=2\nrequire \"check\"\nrequire \"check\" name=\"unit\"";
    assert_eq!(
        of(all, &Proofs::default()),
        [
            "3: the image is not signed",
            "4: the image has no bill of materials",
            "5: the image has no provenance",
            "6: no check passed for the image",
            "7: the check unit did not run for the image",
        ]
    );
    let reaching = |level| Some(Reached { level, above: 0 });
    let some = Proofs { signature: true, sbom: true, provenance: reaching(1), checks: vec![("unit".into(), false)] };
    assert_eq!(
        of(all, &some),
        [
            "5: the image's provenance reaches SLSA level 1 of build, and not 2",
            "6: no check passed for the image",
            "7: the check unit did not pass",
        ]
    );
    let good = Proofs { provenance: reaching(2), checks: vec![("unit".into(), true)], ..some };
    assert_eq!(of(all, &good), Vec::<String>::new());
    // Whom the spec trusts says nothing to what stands above it.
    let above = judged("", "require \"provenance\" level=2", Vec::new(), &good).missing;
    let above: Vec<&str> = above.iter().map(|missing| missing.what.as_str()).collect();
    assert_eq!(above, ["the image's provenance is of a builder that the policy does not name"]);
}

#[test]
fn a_level_is_the_policys_word_for_the_builder_that_the_right_key_names() {
    let trusted = |standing, body: &str, key: Option<&str>| {
        let (policies, _) = policies(body, Sources::default());
        let builders = policies.into_iter().flat_map(|policy| policy.builders);
        let key = key.map(str::to_owned);
        builders.map(|builder| Trusted { standing, builder, key: key.clone() }).collect::<Vec<_>>()
    };
    let told =
        |builder: &str, is_kiln, key: &str| [Told { builder: builder.into(), is_kiln, keys: [key.into()].into() }];
    let level = |told: &[Told], trusted: &[Trusted]| reached(told, trusted, "ours").map(|r| (r.level, r.above));
    let kiln = told("urn:kiln:builder:local", true, "ours");
    assert_eq!(level(&[], &[]), None);
    assert_eq!(level(&kiln, &[]), Some((1, 1)));
    assert_eq!(level(&told("urn:kiln:builder:local", true, "theirs"), &[]), Some((0, 0)));
    assert_eq!(level(&told("urn:kiln:builder:local", false, "ours"), &[]), Some((0, 0)));
    let own = trusted(Standing::Own, "builder \"urn:kiln:builder:*\" level=3", None);
    assert_eq!(level(&kiln, &own), Some((3, 1)), "a spec says for nobody else whom they trust");
    let hosted = "https://ci.example.com/acme/release@v2";
    let above = trusted(Standing::Above, "builder \"https://ci.example.com/*/release@v2\" level=2", Some("ci"));
    assert_eq!(level(&told(hosted, false, "ci"), &above), Some((2, 2)));
    assert_eq!(level(&told(hosted, false, "ours"), &above), Some((0, 0)), "of another key");
    assert_eq!(level(&told("https://ci.example.com/a/b/release@v2", false, "ci"), &above), Some((0, 0)));
    let both = [kiln, told(hosted, false, "ci")].concat();
    assert_eq!(level(&both, &above), Some((2, 2)), "the highest counts");
}

#[test]
fn hosts_outside_of_a_list_are_meant() {
    let host = |host: &str| {
        let detail = Detail::Host { host: host.into() };
        let rule = rule("foreign-host");
        Finding::new(rule, Some(rule.severity), "an input", detail, vec![Place::part("history 1")])
    };
    let own = "deny \"foreign-host\" { only \"example.com\"; only \"*.example.org\" }";
    assert_eq!(outcome(own, host("example.net")), Outcome::Denied);
    assert_eq!(outcome(own, host("git.example.org:8443")), Outcome::Noted);
    assert_eq!(outcome(own, host("example.com")), Outcome::Noted);
}

#[test]
fn names_of_repositories_have_one_form() {
    let is = |pattern: &str, image: &str| is_of(pattern, &image.parse().expect("a reference"));
    assert!(is("registry.example.com/base/**", "registry.example.com/base/a/b:1"));
    assert!(is("registry.example.com/base/*", "Registry.Example.COM:443/base/a:1"), "the same registry");
    assert!(!is("registry.example.com/base/*", "registry.example.com/base/a/b:1"));
    assert!(!is("registry.example.com/base/*", "registry.example.com:5000/base/a:1"), "another one");
    assert!(is("docker.io/library/*", "debian:13") && is("*/**", "localhost:5000/a:1"));
}

#[test]
fn the_worst_comes_first_and_useless_acceptances_are_told() {
    let own = "deny \"vulnerability\"\nwarn \"setuid\"\naccept \"CVE-2020-1\" until=\"2027-01-01\" reason=\"long ago\"";
    let verdict =
        judged(own, "", vec![setuid(&["/a"]), hole(None), hole(Some(Severity::Critical))], &Proofs::default());
    let order: Vec<(Outcome, Option<Severity>)> =
        verdict.findings.iter().map(|judged| (judged.outcome, judged.finding.severity)).collect();
    assert_eq!(
        order,
        [
            (Outcome::Denied, Some(Severity::Critical)),
            (Outcome::Denied, None),
            (Outcome::Warned, Some(Severity::Medium))
        ]
    );
    assert_eq!(verdict.unused.len(), 1);
    assert_eq!(verdict.unused[0].at.line, 5);
    let again: Verdict = serde_json::from_slice(&serde_json::to_vec(&verdict).expect("JSON")).expect("a verdict");
    assert_eq!(again, verdict);
}

mod patterns {
    use crate::policy::accept::matches;

    #[test]
    fn wildcards_stay_within_names_and_double_ones_do_not() {
        for (pattern, path, fits) in [
            ("/usr/bin/su", "/usr/bin/su", true),
            ("/usr/bin/*", "/usr/bin/su", true),
            ("/usr/*", "/usr/bin/su", false),
            ("/usr/**", "/usr/bin/su", true),
            ("/**/su", "/usr/bin/su", true),
            ("/**/su", "/su", true),
            ("/**", "/", true),
            ("/usr/bin/s?", "/usr/bin/su", true),
            ("/usr/bin/s?", "/usr/bin/s", false),
            ("/usr/bin/*u*", "/usr/bin/sudo", true),
            ("/*/*/*a*b", "/x/y/xaxbxb", true),
            ("/usr/bin/su", "/usr/bin/sudo", false),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer() {
        let pattern = format!("/{}b", "**/*a*".repeat(500));
        assert!(!matches(&pattern, &format!("/{}", "a/".repeat(500))));
        assert!(!matches(&format!("/{}b", "*a".repeat(2_000)), &format!("/{}", "a".repeat(4_000))));
    }
}
