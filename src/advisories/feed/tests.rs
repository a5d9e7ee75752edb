use super::limits::{MAX_DOCUMENT, MAX_LINE};
use super::{Account, Feed, FeedError, Form, Told, read};
use crate::advisories::fixtures::{advisory, epss, feed, kev, osv, tracker, zip};
use serde_json::{Value, json};
use std::io::{self, Write};

/// All that a feed tells, as texts.
fn told(feed: &Feed) -> Result<(Account, Vec<String>), FeedError> {
    let mut told = vec![];
    let account = read(feed, &mut |one| {
        told.push(match one {
            Told::Advisory { base, name, record } => format!("{base} {name} {}", record.description.id),
            Told::Exploited(cve, _) | Told::Likely(cve, _) => cve,
        });
        Ok(())
    })?;
    Ok((account, told))
}

/// Why the one document of a feed is passed over, among many that are good.
fn reason(bad: &str) -> String {
    let good: Vec<(String, String)> =
        (0..30).map(|at| (format!("{at}.json"), advisory(&format!("A-{at}"), "npm", "a", &[]).to_string())).collect();
    let mut files: Vec<(&str, &[u8])> = good.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    files.push(("bad\u{1b}.json", bad.as_bytes()));
    let (account, _) = told(&feed("x", zip(&files))).unwrap();
    assert_eq!((account.count, account.skipped, account.examples.len()), (30, 1, 1));
    assert_eq!(account.examples[0].document, "bad .json");
    account.examples[0].reason.clone()
}

fn changed(change: impl Fn(&mut Value)) -> String {
    let mut told = advisory("A-1", "npm", "a", &[("introduced", "0")]);
    change(&mut told);
    told.to_string()
}

fn malformed(feed: &Feed) -> String {
    match told(feed) {
        Err(FeedError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_form_is_found_out_and_read() {
    let range = [("introduced", "0")];
    let one = advisory("A-1", "npm", "a", &range).to_string();
    let array = format!(" [{one}, {}]", advisory("A-2", "PyPI", "B_b", &range));
    let holes = json!({ "CVE-2025-0001": { "releases": { "trixie": { "status": "open" } } } });
    for (feed, form, expected) in [
        (osv(&[advisory("A-1", "npm", "a", &range)]), Form::Osv, "npm a A-1"),
        (feed("x", &one), Form::Osv, "npm a A-1"),
        (feed("x", &array), Form::Osv, "npm a A-1,PyPI b-b A-2"),
        (tracker("t", holes), Form::DebianTracker, "Debian t CVE-2025-0001"),
        (kev(&["CVE-2025-0001"]), Form::Kev, "CVE-2025-0001"),
        (feed("x", epss(&[("CVE-2025-0001", "0.1", "0.2")])), Form::Epss, "CVE-2025-0001"),
    ] {
        let (account, told) = told(&feed).unwrap();
        assert_eq!((account.form, told.join(",")), (form, expected.to_owned()));
        assert_eq!(account.skipped, 0);
    }
    assert!(matches!(told(&feed("x", "<html>")), Err(FeedError::Unknown(_))));
    assert!(matches!(told(&feed("x", "")), Err(FeedError::Unknown(_))));
    assert!(Form::ALL.iter().all(|form| !form.name().is_empty()));
}

#[test]
fn a_feed_that_is_packed_otherwise_is_the_same_feed() {
    let table = epss(&[("CVE-2025-0001", "0.1", "0.2")]);
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    packed.write_all(table.as_bytes()).unwrap();
    let digest = |content: &[u8]| told(&feed("x", content)).unwrap().0.digest;
    assert_eq!(digest(table.as_bytes()), digest(&packed.finish().unwrap()));
    assert_ne!(digest(table.as_bytes()), digest(table.replace("0.2", "0.3").as_bytes()));
    let (a, b) = (advisory("A-1", "npm", "a", &[]), advisory("B-1", "npm", "a", &[]));
    let zipped = |told: &[Value]| told_digest(&osv(told));
    assert_eq!(zipped(&[a.clone(), b.clone()]), zipped(&[b.clone(), a.clone()]));
    assert_ne!(zipped(&[a.clone(), b]), zipped(&[a]));
}

fn told_digest(feed: &Feed) -> crate::oci::Digest {
    told(feed).unwrap().0.digest
}

#[test]
fn one_unreadable_advisory_is_told_of_and_many_are_refused() {
    assert!(reason("{").contains("EOF"));
    let bad: Vec<(&str, &[u8])> = vec![("a.json", b"{}"), ("b.json", b"[]"), ("README.md", b"#")];
    let error = told(&feed("x", zip(&bad))).unwrap_err();
    assert!(matches!(error, FeedError::Spoiled { skipped: 2, count: 0, .. }), "{error}");
}

#[test]
fn hostile_advisories_are_passed_over() {
    let events = |count: usize| {
        changed(|told| told["affected"][0]["ranges"][0]["events"] = json!(vec![json!({ "fixed": "1" }); count]))
    };
    assert!(reason(&events(1_000_000)).contains("1000000 events"));
    assert!(reason(&events(150_000)).contains("150000 events"));
    let versions = json!(vec!["1"; 300_000]);
    assert!(reason(&changed(|told| told["affected"][0]["versions"] = versions.clone())).contains("300000 versions"));
    let packages = |told: &mut Value| told["affected"] = json!(vec![told["affected"][0].clone(); 30_000]);
    assert!(reason(&changed(packages)).contains("30000 packages"));
    assert!(reason(&changed(|told| told["aliases"] = json!(vec!["A"; 5000]))).contains("other names"));
    for name in ["a\0b", "", "a\u{7f}", &"x".repeat(1000)] {
        assert!(
            reason(&changed(|told| told["affected"][0]["package"]["name"] = json!(name))).contains("a package's name")
        );
        assert!(reason(&changed(|told| told["id"] = json!(name))).contains("its name"));
        assert!(reason(&changed(|told| told["aliases"] = json!([name]))).contains("another name"));
        let version = |told: &mut Value| told["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": name }]);
        assert!(reason(&changed(version)).contains("a version"));
    }
    let repeated = |told: &mut Value| {
        let names: Vec<Value> = (0..10_000)
            .map(|at| json!({ "package": { "ecosystem": "npm", "name": at.to_string() }, "versions": ["1"] }))
            .collect();
        told["affected"] = json!(names);
        told["aliases"] = json!((0..3000).map(|at| format!("A-{at:0100}")).collect::<Vec<_>>());
    };
    assert!(reason(&changed(repeated)).contains("is too much"), "three gigabytes from a megabyte");
    assert!(reason(&changed(|told| told["id"] = json!("A 1"))).contains("its name"));
    assert!(reason(&"{\"id\":".repeat(100_000)).contains("invalid type"));
    let deep = format!("{{\"id\":\"A-1\",\"affected\":{}", "[".repeat(1_000_000));
    assert!(!reason(&deep).is_empty());
}

#[test]
fn what_is_not_asked_for_may_be_as_deep_as_it_likes() {
    let depth = 500_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let text = advisory("A-1", "npm", "a", &[("introduced", "0")]).to_string();
    let text = format!("{{\"unknown\":{deep},\"database_specific\":{{\"severity\":{deep}}},{}", &text[1..]);
    assert_eq!(told(&Feed { form: Some(Form::Osv), ..feed("x", &text) }).unwrap().1, ["npm a A-1"]);
    assert_eq!(told(&feed("x", format!("[{text}]"))).unwrap().1, ["npm a A-1"]);
}

#[test]
fn zips_that_swell_or_lie_are_refused() {
    let bomb = vec![b' '; usize::try_from(MAX_DOCUMENT).unwrap() * 4];
    let error = told(&feed("x", zip(&[("a.json", &bomb)]))).unwrap_err();
    assert!(matches!(&error, FeedError::Spoiled { example, .. } if example.reason.contains("bytes")), "{error}");
    let good = zip(&[("a.json", b"{}")]);
    for end in 4..good.len() {
        assert!(told(&feed("x", &good[..end])).is_err(), "cut at {end}");
    }
    // Every byte of the directory, and every count and length in it, may be a lie.
    let advisory = advisory("A-1", "npm", "a", &[("introduced", "0")]).to_string();
    let good = zip(&[("a.json", advisory.as_bytes())]);
    for at in 0..good.len() {
        for value in [0, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            let _ = told(&Feed { form: Some(Form::Osv), ..feed("x", &bad) });
        }
    }
}

#[test]
fn documents_in_streams_are_bounded() {
    let long = "x".repeat(usize::try_from(MAX_DOCUMENT).unwrap() + 1);
    let range = [("introduced", "0")];
    let mut told = advisory("A-1", "npm", "a", &range);
    told["details"] = json!(long);
    assert!(malformed(&feed("x", told.to_string())).contains("too large"));
    for document in [
        json!([told]),
        json!({ "catalogVersion": "1", "vulnerabilities": [{ "cveID": long }] }),
        json!({ "a": { "CVE-2025-0001": { "releases": {}, "description": long } } }),
    ] {
        assert!(malformed(&feed("x", document.to_string())).contains("too large"));
    }
    let line = format!("{}{}", epss(&[]), "1".repeat(usize::try_from(MAX_LINE).unwrap()));
    assert!(malformed(&feed("x", line)).contains("too long"));
    // Together they may be larger than one.
    let many: Vec<Value> = (0..5)
        .map(|at| {
            let mut told = advisory(&format!("A-{at}"), "npm", "a", &range);
            told["details"] = json!("x".repeat(usize::try_from(MAX_DOCUMENT).unwrap() / 2));
            told
        })
        .collect();
    assert_eq!(super::tests::told(&feed("x", json!(many).to_string())).unwrap().0.count, 5);
}

#[test]
fn tables_and_catalogues_are_read_strictly() {
    let rows: Vec<(String, &str, &str)> = (0..30).map(|at| (format!("CVE-2025-{at:04}"), "0.1", "0.2")).collect();
    let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(cve, a, b)| (cve.as_str(), *a, *b)).collect();
    let bad = format!("{}CVE-2025-1,2,3\n\n", epss(&rows));
    let (account, _) = told(&feed("x", bad)).unwrap();
    assert_eq!((account.count, account.skipped, account.examples[0].document.as_str()), (30, 1, "line 33"));
    assert!(malformed(&feed("x", "#model_version:v1\nno,columns\n")).contains("no column `cve`"));
    assert!(malformed(&feed("x", "#model_version:v1\n")).contains("no columns"));
    let other_order = "#model_version:v1\npercentile,cve,epss\n0.2,CVE-2025-0001,0.1\n";
    assert_eq!(told(&feed("x", other_order)).unwrap().1, ["CVE-2025-0001"]);
    assert!(matches!(told(&kev(&["CVE-x"])), Err(FeedError::Spoiled { .. })));
    assert!(malformed(&feed("x", "{\"catalogVersion\":\"1\",\"vulnerabilities\":3}")).contains("expected"));
    assert!(malformed(&Feed { form: Some(Form::DebianTracker), ..feed("x", "[1]") }).contains("array"));
    assert!(malformed(&feed("x", "[] x")).contains("trailing"));
}

#[test]
fn what_the_tracker_says_wrongly_is_passed_over() {
    let hole = |release: Value| json!({ "releases": { "trixie": release } });
    for (release, reason) in [
        (json!({ "status": "fixed" }), "its status is `fixed`"),
        (json!({ "status": "resolved" }), "in no version"),
        (json!({ "status": "resolved", "fixed_version": "1 2" }), "a version"),
        (json!({}), "missing field"),
    ] {
        let error = told(&tracker("a", json!({ "CVE-2025-0001": hole(release) }))).unwrap_err();
        assert!(matches!(&error, FeedError::Spoiled { example, .. } if example.reason.contains(reason)), "{error}");
    }
    let unknown = json!({ "CVE-2025-0001": { "releases": { "warty": { "status": "open" } } } });
    let (account, told) = told(&tracker("a", unknown)).unwrap();
    assert_eq!((account.count, told.len()), (1, 0));
}

#[test]
fn a_taker_that_fails_ends_it() {
    for feed in [osv(&[advisory("A-1", "npm", "a", &[("introduced", "0")])]), kev(&["CVE-2025-0001"])] {
        let refuse = |_| Err(io::Error::other("full"));
        let error = read(&feed, &mut refuse.clone()).unwrap_err();
        assert!(matches!(&error, FeedError::Io { source, .. } if source.to_string() == "full"), "{error}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(300))]
    #[test]
    fn any_bytes_can_be_a_feed(start in "(PK\u{3}\u{4}|\\[|\\{\"a\":\\{\"CVE-1\":|\\{\"catalogVersion\":1,\"vulnerabilities\":|cve,epss,percentile\n|\\{\"id\":)?", rest: Vec<u8>) {
        let _ = told(&feed("x", [start.as_bytes(), &rest].concat()));
    }
}
