use crate::advisories::database::Database;
use crate::advisories::fixtures::{advisory, database, epss, feed, holes, kev, osv, tracker};
use crate::advisories::hole::{Exploited, Hole, Likelihood, State};
use crate::rules::Severity;
use serde_json::{Value, json};

const V3: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const V2: &str = "AV:N/AC:L/Au:N/C:P/I:P/A:P";

/// The names of the holes of a package.
fn ids(database: &Database, purl: &str) -> Vec<String> {
    holes(database, purl).into_iter().map(|hole| hole.id).collect()
}

/// The only hole of a package.
fn only(database: &Database, purl: &str) -> Hole {
    let mut holes = holes(database, purl);
    assert_eq!(holes.len(), 1, "{holes:#?}");
    holes.remove(0)
}

/// Whether each version of a crate is affected, and by what it is fixed.
fn verdicts(advisory: Value, versions: &[&str]) -> Vec<Option<Vec<String>>> {
    let (_folder, _, database) = database(&[osv(&[advisory])]);
    let verdict = |version: &&str| {
        let holes = holes(&database, &format!("pkg:cargo/a@{version}"));
        holes.first().map(|hole| hole.state.fixed().to_vec())
    };
    versions.iter().map(verdict).collect()
}

/// The versions of a crate, out of a fixed line of them, that events make affected.
fn affected(events: &[(&str, &str)]) -> String {
    let versions = ["0.0.0-alpha", "0.1.0", "1.0.0-rc.1", "1.0.0", "1.5.0", "2.0.0", "2.5.0", "3.0.0", "4.0.0"];
    let verdicts = verdicts(advisory("A-1", "crates.io", "a", events), &versions);
    let affected = versions.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_some());
    affected.map(|(version, _)| *version).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_decide_in_the_order_of_versions() {
    let (introduced, fixed, last, limit) = ("introduced", "fixed", "last_affected", "limit");
    let before_2 = "0.0.0-alpha 0.1.0 1.0.0-rc.1 1.0.0 1.5.0";
    assert_eq!(affected(&[(introduced, "0"), (fixed, "2.0.0")]), before_2);
    assert_eq!(affected(&[(fixed, "2.0.0"), (introduced, "0")]), before_2, "sorted or not");
    assert_eq!(affected(&[(introduced, "1.0.0"), (fixed, "2.0.0")]), "1.0.0 1.5.0");
    assert_eq!(affected(&[(introduced, "1.0.0"), (last, "2.0.0")]), "1.0.0 1.5.0 2.0.0");
    assert_eq!(affected(&[(introduced, "2.5.0")]), "2.5.0 3.0.0 4.0.0");
    let two = [(introduced, "3.0.0"), (fixed, "1.0.0"), (introduced, "0"), (fixed, "4.0.0")];
    assert_eq!(affected(&two), "0.0.0-alpha 0.1.0 1.0.0-rc.1 3.0.0");
    assert_eq!(affected(&[(introduced, "0"), (fixed, "1.5.0"), (introduced, "1.5.0"), (fixed, "2.0.0")]), before_2);
    assert_eq!(affected(&[(introduced, "1.0.0"), (limit, "2.0.0")]), "1.0.0 1.5.0");
    assert_eq!(affected(&[(introduced, "2.0.0"), (limit, "*")]), "2.0.0 2.5.0 3.0.0 4.0.0");
    assert_eq!(affected(&[(introduced, "0"), (fixed, "1.0.0"), (limit, "0.1.0")]), "0.0.0-alpha");
    assert_eq!(affected(&[(fixed, "2.0.0")]), "", "nothing begins");
    assert_eq!(affected(&[(introduced, "1.0.0"), (fixed, "1.0.0")]), "", "nothing lies between");
    assert_eq!(affected(&[(introduced, "0"), (fixed, "no version")]).split(' ').count(), 9, "told of, not lost");
}

#[test]
fn any_range_and_any_listed_version_counts() {
    let mut told = advisory("A-1", "crates.io", "a", &[("introduced", "1.0.0"), ("fixed", "1.2.0")]);
    told["affected"][0]["ranges"].as_array_mut().unwrap().extend([
        json!({ "type": "SEMVER", "events": [{ "introduced": "2.0.0" }, { "fixed": "2.2.0" }, { "fixed": "2.1.0" }] }),
        json!({ "type": "GIT", "repo": "https://example.com", "events": [{ "introduced": "0" }] }),
    ]);
    told["affected"][0]["versions"] = json!(["0.5.0", "1.1.0", "nightly"]);
    let fixed = |versions: &[&str]| Some(versions.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        verdicts(told, &["0.4.0", "0.5.0", "1.1.0", "1.2.0", "2.0.5", "2.1.0", "nightly", "weekly"]),
        [None, fixed(&["1.2.0", "2.1.0"]), fixed(&["1.2.0"]), None, fixed(&["2.1.0"]), None, fixed(&[]), None]
    );
}

#[test]
fn listed_versions_alone_are_enough() {
    let mut told = advisory("A-1", "crates.io", "a", &[]);
    told["affected"][0] = json!({ "package": { "ecosystem": "crates.io", "name": "a" }, "versions": ["1.0.0"] });
    assert_eq!(verdicts(told, &["1.0.0", "1.0.1"]), [Some(vec![]), None]);
}

#[test]
fn withdrawn_advisories_tell_nothing() {
    let mut told = advisory("A-1", "crates.io", "a", &[("introduced", "0")]);
    let older = osv(&[told.clone()]);
    (told["withdrawn"], told["modified"]) = (json!("2025-02-02T00:00:00Z"), json!("2025-02-02T00:00:00Z"));
    assert_eq!(verdicts(told.clone(), &["1.0.0"]), [None]);
    let (_folder, compiled, database) = database(&[older, osv(&[told])]);
    assert!(ids(&database, "pkg:cargo/a@1.0.0").is_empty(), "even where another feed has it as it was");
    assert_eq!(compiled.facts.records["crates.io"], 0);
}

#[test]
fn other_ecosystems_and_releases_are_others() {
    let mut told = advisory("A-1", "Debian:12", "a", &[("introduced", "0"), ("fixed", "2")]);
    let more = json!({ "package": { "ecosystem": "Debian:13", "name": "a" }, "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "3" }] }] });
    told["affected"].as_array_mut().unwrap().push(more);
    let (_folder, _, database) = database(&[osv(&[told])]);
    assert_eq!(only(&database, "pkg:deb/debian/a@1?distro=debian-12").state.fixed(), ["2"]);
    assert_eq!(only(&database, "pkg:deb/debian/a@2?distro=debian-13").state.fixed(), ["3"]);
    for purl in [
        "pkg:deb/debian/a@2?distro=debian-12",
        "pkg:deb/debian/a@1?distro=debian-11",
        "pkg:deb/ubuntu/a@1",
        "pkg:cargo/a@1",
    ] {
        assert!(ids(&database, purl).is_empty(), "{purl}");
    }
    let hole = only(&database, "pkg:deb/debian/b@9?distro=debian-12&upstream=a@1");
    assert_eq!(hole.advisories[0].ecosystem, "Debian:12", "by the source package and its version");
}

#[test]
fn one_hole_is_one_finding() {
    let with = |id: &str, aliases: &[&str], fixed: &str| {
        let mut told = advisory(id, "crates.io", "a", &[("introduced", "0"), ("fixed", fixed)]);
        told["aliases"] = json!(aliases);
        told
    };
    let mut related = with("RUSTSEC-2025-0009", &[], "5.0.0");
    related["related"] = json!(["CVE-2025-0001"]);
    let (_folder, _, database) = database(&[osv(&[
        with("RUSTSEC-2025-0001", &["GHSA-aaaa-bbbb-cccc"], "2.0.0"),
        with("OTHER-1", &["CVE-2025-0001"], "2.0.0"),
        with("GHSA-aaaa-bbbb-cccc", &["CVE-2025-0001"], "1.10.0"),
        with("RUSTSEC-2025-0002", &["GHSA-dddd-eeee-ffff"], "3.0.0"),
        with("RUSTSEC-2025-0003", &[], "4.0.0"),
        related,
    ])]);
    let holes = holes(&database, "pkg:cargo/a@1.0.0");
    let named: Vec<_> =
        holes.iter().map(|hole| (hole.id.as_str(), hole.aliases.join(" "), hole.state.fixed().join(" "))).collect();
    let expected = [
        ("CVE-2025-0001", "GHSA-aaaa-bbbb-cccc OTHER-1 RUSTSEC-2025-0001", "1.10.0 2.0.0"),
        ("GHSA-dddd-eeee-ffff", "RUSTSEC-2025-0002", "3.0.0"),
        ("RUSTSEC-2025-0003", "", "4.0.0"),
        ("RUSTSEC-2025-0009", "", "5.0.0"),
    ];
    assert_eq!(named, expected.map(|(id, aliases, fixed)| (id, aliases.to_owned(), fixed.to_owned())));
    let advisories: Vec<&str> = holes[0].advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    assert_eq!(advisories, ["GHSA-aaaa-bbbb-cccc", "OTHER-1", "RUSTSEC-2025-0001"]);
    assert_eq!(holes[0].advisories[2].url, "https://rustsec.org/advisories/RUSTSEC-2025-0001.html");
}

#[test]
fn a_bulletin_is_about_each_of_its_holes() {
    let mut bulletin = advisory("DSA-1-1", "Debian:13", "a", &[("introduced", "0"), ("fixed", "2")]);
    bulletin["upstream"] = json!(["CVE-2025-0001", "CVE-2025-0002"]);
    let mut single = advisory("DEBIAN-CVE-2025-0001", "Debian:13", "a", &[("introduced", "0"), ("fixed", "2")]);
    single["upstream"] = json!(["CVE-2025-0001"]);
    let (_folder, _, database) = database(&[osv(&[bulletin, single])]);
    let holes = holes(&database, "pkg:deb/debian/a@1?distro=debian-13");
    let named: Vec<_> = holes.iter().map(|hole| (hole.id.as_str(), hole.aliases.join(" "))).collect();
    assert_eq!(
        named,
        [("CVE-2025-0001", "DEBIAN-CVE-2025-0001 DSA-1-1".to_owned()), ("CVE-2025-0002", "DSA-1-1".to_owned())]
    );
}

#[test]
fn the_tracker_has_the_last_word() {
    let release = |status: &str, more: Value| {
        let mut release =
            json!({ "status": status, "urgency": "not yet assigned", "repositories": { "trixie": "1-1" } });
        release.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "description": "Bad\nthing.", "scope": "remote", "releases": { "trixie": release, "warty": release } })
    };
    let told = tracker(
        "a",
        json!({
            "CVE-2025-0001": release("resolved", json!({ "fixed_version": "2-1", "urgency": "low" })),
            "CVE-2025-0002": release("open", json!({ "urgency": "unimportant" })),
            "CVE-2025-0003": release("open", json!({ "nodsa": "Minor issue", "nodsa_reason": "ignored" })),
            "CVE-2025-0004": release("open", json!({ "nodsa": "Minor issue", "nodsa_reason": "" })),
            "CVE-2025-0005": release("open", json!({ "urgency": "end-of-life" })),
            "CVE-2025-0006": release("resolved", json!({ "fixed_version": "0" })),
            "CVE-2025-0007": release("undetermined", json!({})),
            "CVE-2025-0008": release("open", json!({})),
            "TEMP-0000000-ABCDEF": release("open", json!({ "urgency": "high**" })),
        }),
    );
    let export = |number: u32| {
        let mut told = advisory(&format!("DEBIAN-CVE-2025-000{number}"), "Debian:13", "a", &[("introduced", "0")]);
        told["upstream"] = json!([format!("CVE-2025-000{number}")]);
        told
    };
    let mut scored = advisory("GHSA-1111-2222-3333", "PyPI", "other", &[("introduced", "0")]);
    (scored["aliases"], scored["severity"]) = (json!(["CVE-2025-0008"]), json!([{ "type": "CVSS_V3", "score": V3 }]));
    let exports: Vec<Value> = (1..9).map(export).chain([scored]).collect();
    let (_folder, _, database) = database(&[osv(&exports), told]);

    let holes = holes(&database, "pkg:deb/debian/a@1-1?distro=debian-13");
    let note = Some("Minor issue".to_owned());
    let state = |fixed: &[&str]| State::Affected { fixed: fixed.iter().map(ToString::to_string).collect() };
    let told: Vec<_> = holes.iter().map(|hole| (hole.id.as_str(), hole.state.clone(), hole.severity)).collect();
    assert_eq!(
        told,
        [
            ("CVE-2025-0001", state(&["2-1"]), Some(Severity::Low)),
            ("CVE-2025-0002", state(&[]), Some(Severity::Negligible)),
            ("CVE-2025-0003", State::WontFix { note: note.clone() }, None),
            ("CVE-2025-0004", State::Deferred { note }, None),
            ("CVE-2025-0005", State::EndOfLife, None),
            ("CVE-2025-0007", state(&[]), None),
            ("CVE-2025-0008", state(&[]), Some(Severity::Critical)),
            ("TEMP-0000000-ABCDEF", state(&[]), Some(Severity::High)),
        ]
    );
    assert_eq!(holes[0].summary, "Bad thing.");
    assert!(holes[0].aliases.is_empty(), "the export's record is the same hole");
    assert_eq!(holes[0].advisories[0].url, "https://security-tracker.debian.org/tracker/CVE-2025-0001");
    assert_eq!(holes[5].advisories[0].id, "DEBIAN-CVE-2025-0007", "the tracker does not know, others do");
    assert_eq!(ids(&database, "pkg:deb/debian/a@2-1?distro=debian-13").len(), 7);
    assert!(ids(&database, "pkg:deb/debian/a@1-1?distro=debian").is_empty(), "sid is not spoken of");
}

#[test]
fn severity_is_the_newest_score_or_a_word() {
    let with = |id: &str, severity: Value, word: Value| {
        let mut told = advisory(id, "npm", "a", &[("introduced", "0")]);
        (told["severity"], told["database_specific"]) = (severity, word);
        told
    };
    let scores = json!([{ "type": "CVSS_V2", "score": V2 }, { "type": "CVSS_V3", "score": V3 }]);
    let (_folder, _, database) = database(&[osv(&[
        with("GHSA-1", scores, json!({ "severity": "LOW", "cwe_ids": ["CWE-79", "CWE-20", "x"] })),
        with("GHSA-2", json!([{ "type": "CVSS_V3", "score": "CVSS:3.1/nonsense" }]), json!({ "severity": "MODERATE" })),
        with("GHSA-3", Value::Null, json!({ "severity": 7 })),
        with("GHSA-4", Value::Null, json!("none")),
        with("MAL-1", Value::Null, Value::Null),
    ])]);
    let holes = holes(&database, "pkg:npm/a@1.0.0");
    let severities: Vec<_> = holes.iter().map(|hole| hole.severity).collect();
    assert_eq!(severities, [Some(Severity::Critical), Some(Severity::Medium), None, None, Some(Severity::Critical)]);
    let methods: Vec<_> = holes[0].scores.iter().map(|score| (score.method.name(), score.vector.as_str())).collect();
    assert_eq!(methods, [("CVSS_V3", V3), ("CVSS_V2", V2)]);
    assert_eq!(holes[0].weaknesses, ["CWE-20", "CWE-79"]);
}

#[test]
fn a_distributions_word_goes_before_scores() {
    let mut told = advisory("UBUNTU-CVE-2025-0001", "Ubuntu:22.04:LTS", "a", &[("introduced", "0")]);
    told["severity"] = json!([{ "type": "CVSS_V3", "score": V3 }]);
    told["affected"][0]["severity"] = json!([{ "type": "Ubuntu", "score": "negligible" }]);
    let (_folder, _, database) = database(&[osv(&[told])]);
    let hole = only(&database, "pkg:deb/ubuntu/a@1?distro=ubuntu-22.04");
    assert_eq!((hole.id.as_str(), hole.urgency.as_deref()), ("CVE-2025-0001", Some("negligible")));
    assert_eq!((hole.severity, hole.scores.len()), (Some(Severity::Negligible), 1));
}

#[test]
fn a_bulletins_word_is_the_distributions() {
    let mut told = advisory(
        "RHSA-2025:1",
        "Red Hat:enterprise_linux:9::appstream",
        "a-libs",
        &[("introduced", "0"), ("fixed", "0:2-1")],
    );
    (told["upstream"], told["database_specific"]) = (json!(["CVE-2025-0001"]), json!({ "severity": "Important" }));
    told["severity"] = json!([{ "type": "CVSS_V3", "score": V3 }]);
    let (_folder, _, database) = database(&[osv(&[told])]);
    let hole = only(&database, "pkg:rpm/redhat/a-libs@1-1.el9?distro=rhel-9.4&upstream=a-1-1.el9.src.rpm");
    assert_eq!((hole.urgency.as_deref(), hole.severity), (Some("Important"), Some(Severity::High)));
    assert_eq!(hole.state.fixed(), ["0:2-1"]);
    assert!(ids(&database, "pkg:rpm/redhat/a-libs@2-1.el9?distro=rhel-9.4").is_empty());
}

#[test]
fn notices_are_no_holes_unless_somebody_says_so() {
    let notice = |id: &str, kind: &str, aliases: &[&str]| {
        let mut told = advisory(id, "crates.io", "a", &[("introduced", "0.0.0-0")]);
        told["affected"][0]["database_specific"] = json!({ "informational": kind });
        told["affected"][0]["ecosystem_specific"] =
            json!({ "affects": { "functions": ["a::b", "a::a"] }, "affected_functions": null });
        told["aliases"] = json!(aliases);
        told
    };
    let mut hole = advisory("GHSA-1", "crates.io", "a", &[("introduced", "0")]);
    hole["aliases"] = json!(["RUSTSEC-2"]);
    let told = [notice("RUSTSEC-1", "unmaintained", &[]), notice("RUSTSEC-2", "unsound", &["GHSA-1"]), hole];
    let (_folder, _, database) = database(&[osv(&told)]);
    let holes = holes(&database, "pkg:cargo/a@1.0.0");
    let notices: Vec<_> = holes.iter().map(|hole| (hole.id.as_str(), hole.notice.as_deref())).collect();
    assert_eq!(notices, [("GHSA-1", None), ("RUSTSEC-1", Some("unmaintained"))]);
    assert_eq!(holes[1].functions, ["a::a", "a::b"]);
}

#[test]
fn what_is_known_of_a_cve_is_told() {
    let mut told = advisory("GHSA-1", "npm", "a", &[("introduced", "0")]);
    told["aliases"] = json!(["CVE-2025-0001"]);
    let table = epss(&[("CVE-2025-0001", "0.94372", "0.99912"), ("CVE-2025-0002", "0.1", "0.2")]);
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, table.as_bytes()).unwrap();
    let feeds = [osv(&[told]), kev(&["CVE-2025-0001"]), feed("epss.csv.gz", packed.finish().unwrap())];
    let (_folder, compiled, database) = database(&feeds);
    let hole = only(&database, "pkg:npm/a@1.0.0");
    assert_eq!(
        hole.kev,
        Some(Exploited { added: "2025-03-01".into(), due: Some("2025-03-22".into()), ransomware: true })
    );
    assert_eq!(hole.epss, Some(Likelihood { score: 943_720, percentile: 999_120 }));
    assert_eq!(compiled.facts.date, "2025-03-02T00:00:00Z", "the newest that a feed names");
    assert_eq!(compiled.facts.records, [("CVE".to_owned(), 2), ("npm".to_owned(), 1)].into());
}

#[test]
fn many_records_of_one_hole_take_no_longer_than_others() {
    let told: Vec<Value> = (0..3000)
        .map(|at| {
            let fixed = format!("{}.0.0", at + 2);
            let mut told = advisory(&format!("X-{at:05}"), "npm", "a", &[("introduced", "0"), ("fixed", &fixed)]);
            told["aliases"] = json!([format!("X-{:05}", at + 1), "CVE-2025-0001"]);
            told
        })
        .collect();
    let (_folder, _, database) = database(&[osv(&told)]);
    let hole = only(&database, "pkg:npm/a@1.0.0");
    assert_eq!((hole.id.as_str(), hole.aliases.len(), hole.advisories.len()), ("CVE-2025-0001", 3001, 3000));
    assert_eq!(hole.state.fixed().len(), 3000);
}

#[test]
fn hits_come_in_the_order_of_packages() {
    let told = ["B-2", "B-1"].map(|id| advisory(id, "npm", "b", &[("introduced", "0")]));
    let (_folder, _, database) =
        database(&[osv(&told), osv(&[advisory("A-1", "crates.io", "a", &[("introduced", "0")])])]);
    let hits = database
        .find(&["pkg:npm/b@2.0.0", "nonsense", "pkg:cargo/a@1.0.0", "pkg:npm/b@1.0.0", "pkg:npm/b@2.0.0"])
        .unwrap();
    let hits: Vec<_> = hits.iter().map(|hit| (hit.package, hit.hole.id.as_str())).collect();
    assert_eq!(hits, [(0, "B-1"), (0, "B-2"), (2, "A-1"), (3, "B-1"), (3, "B-2"), (4, "B-1"), (4, "B-2")]);
    assert_eq!(database.find(&[]).unwrap(), []);
    assert!(database.covers("pkg:npm/unknown@1.0.0"));
    assert!(!database.covers("pkg:pypi/b@1.0.0") && !database.covers("nonsense"));
}
