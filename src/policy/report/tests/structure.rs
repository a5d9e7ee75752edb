use super::fixture::*;
use super::written;
use crate::evidence::scan::Finding;
use crate::oci::Digest;
use crate::policy::report::sarif::{MAX_RESULTS, MAX_TAGS};
use crate::policy::report::text::WIDTH;
use crate::policy::report::{Change, Form, groups};
use crate::policy::{Judged, Outcome, Verdict};
use crate::rules::Severity;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::civil::date;
use quick_xml::events::Event;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn json_of(fixture: &Fixture, form: Form) -> Value {
    serde_json::from_str(&written(&fixture.report(), form)).unwrap()
}

fn rows<'v>(value: &'v Value, pointer: &str) -> &'v Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list at {pointer}"))
}

fn texts<'v>(rows: &'v [Value], pointer: &str) -> Vec<&'v str> {
    rows.iter()
        .map(|row| row.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {row}")))
        .collect()
}

/// All texts are there once.
fn unique(texts: &[&str]) {
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "{texts:?}");
}

/// A verdict of these findings alone.
fn of(findings: Vec<Judged>) -> Fixture {
    let mut fixture = fixture();
    fixture.verdict = Verdict { findings, missing: vec![], unused: vec![], ..fixture.verdict };
    fixture
}

fn noted(finding: Finding) -> Judged {
    judged(finding, Outcome::Noted, vec![])
}

#[test]
fn findings_are_grouped_by_what_to_change_and_the_worst_come_first() {
    let fixture = fixture();
    let groups = groups(&fixture.verdict);
    let told: Vec<(&str, String, usize)> =
        groups.iter().map(|group| (group.outcome.name(), group.change.subject(), group.findings.len())).collect();
    let row = |outcome, subject: &str, count| (outcome, subject.to_owned(), count);
    assert_eq!(
        told,
        [
            row("denied", "openssl 3.5.1-1", 3),
            row("denied", "root-user", 1),
            row("denied", "secret", 1),
            row("denied", "licence", 1),
            row("warned", "tar 0.4.1", 1),
            row("warned", "old-database", 1),
            row("warned", "shell", 2),
            row("accepted", "the parser is not called with input of others", 1),
            row("accepted", "crates come from the mirror", 1),
            row("accepted", "the risk is small", 1),
            row("noted", "paste 1.0.15", 1),
            row("noted", "missing-label", 1),
            row("noted", "zlib1g 1:1.3-1", 1),
        ]
    );
    // The version that repairs all that can be repaired, and not the first that is named.
    let first = groups.first().unwrap();
    assert!(matches!(&first.change, Change::Update { to, open: 1, .. } if to == "3.5.1-1+deb13u10"), "{first:?}");
    assert_eq!((first.at.clone(), first.through.as_slice()), (Some(at(12)), ["curl".to_owned()].as_slice()));
    assert_eq!(first.severity, Some(Severity::Critical));
    // Nothing is lost but licences that no clause is about.
    let count: usize = groups.iter().map(|group| group.findings.len()).sum();
    assert_eq!(count, fixture.verdict.findings.len() - 1);
}

#[test]
fn a_group_without_any_repair_says_what_the_distribution_says() {
    let closed = with(hole("CVE-1", ("a", "1"), &[], None), |hole| hole.state = Some("end-of-life".into()));
    let fixture = of(vec![noted(closed), noted(hole("CVE-2", ("a", "1"), &[], None))]);
    let groups = groups(&fixture.verdict);
    assert_eq!(groups.len(), 1);
    assert!(groups[0].change.sentence().ends_with("its distribution says `end-of-life`"), "{groups:?}");
    assert_eq!(groups[0].severity, None);
}

#[test]
fn own_json_has_all_findings_and_its_counts_agree() {
    let fixture = fixture();
    let document = json_of(&fixture, Form::Json);
    assert_eq!(document["verdict"], 1);
    let findings = rows(&document, "/findings");
    assert_eq!(findings.len(), fixture.verdict.findings.len());
    for outcome in ["denied", "warned", "accepted", "noted"] {
        let count = findings.iter().filter(|row| row["outcome"] == outcome).count();
        assert_eq!(document["counts"][outcome], count);
    }
    let ids = texts(findings, "/id");
    unique(&ids);
    // Each change names findings that are there, and each of them once.
    let changed: Vec<&Value> =
        rows(&document, "/changes").iter().flat_map(|change| rows(change, "/findings")).collect();
    assert!(changed.iter().all(|id| ids.contains(&id.as_str().unwrap())));
    assert_eq!(changed.len(), findings.len() - 1);
    // The findings read back are the findings.
    let read: Vec<Finding> = findings.iter().map(|row| serde_json::from_value(row.clone()).unwrap()).collect();
    let were: Vec<&Finding> = fixture.verdict.findings.iter().map(|judged| &judged.finding).collect();
    assert_eq!(read.iter().collect::<Vec<_>>(), were);
    // The pages of the form say each member that is written.
    let page = include_str!("../../../../specs/verdict.md");
    for member in document.as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{member}` |")), "{member} is not in specs/verdict.md");
    }
    for member in findings.iter().flat_map(|row| row.as_object().unwrap().keys()).collect::<BTreeSet<_>>() {
        assert!(page.contains(&format!("| `{member}` |")), "{member} of a finding is not in specs/verdict.md");
    }
}

#[test]
fn order_of_what_a_report_is_given_does_not_matter() {
    let first = fixture();
    let mut other = fixture();
    other.components.reverse();
    other.shares.reverse();
    for form in [Form::Json, Form::CycloneDx, Form::Html] {
        assert_eq!(written(&first.report(), form), written(&other.report(), form));
    }
}

#[test]
fn sarif_has_a_rule_for_each_result_and_a_line_of_the_spec() {
    let fixture = fixture();
    let document = json_of(&fixture, Form::Sarif);
    let rules = rows(&document, "/runs/0/tool/driver/rules");
    let results = rows(&document, "/runs/0/results");
    // What is missing, and no licence that nobody asked about.
    assert_eq!(results.len(), fixture.verdict.findings.len() - 1 + 1);
    unique(&texts(rules, "/id"));
    unique(&texts(results, "/partialFingerprints/primaryLocationLineHash"));
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        for location in rows(result, "/locations") {
            assert_eq!(
                location["physicalLocation"]["artifactLocation"],
                json!({ "uri": "kiln.kdl", "uriBaseId": "%SRCROOT%" })
            );
            assert!(location["physicalLocation"]["region"]["startLine"].as_u64().unwrap() > 0);
        }
        let suppressed = result.get("suppressions").is_some();
        assert_eq!(suppressed, result["properties"]["outcome"] == "accepted");
        assert_eq!(result["level"] == "error", result["properties"]["outcome"] == "denied", "{result}");
    }
    let severities: BTreeMap<&str, &Value> =
        rules.iter().map(|rule| (rule["id"].as_str().unwrap(), &rule["properties"]["security-severity"])).collect();
    // The newest score where it agrees with the judgement, and what was judged where it does not.
    assert_eq!(severities["CVE-2026-1234"], "9.3");
    assert_eq!(severities["CVE-2026-1300"], "7.4");
    assert_eq!(severities["CVE-2025-999"], "0.1");
    assert_eq!(severities["CVE-2026-77"], &Value::Null);
    assert_eq!(severities["root-user"], "8.0");
}

#[test]
fn limits_of_github_hold_and_the_worst_stay() {
    let weak =
        |hole: &mut crate::evidence::scan::Weight| hole.weaknesses = (1..100).map(|i| format!("CWE-{i}")).collect();
    let all =
        (0..MAX_RESULTS + 10).map(|i| noted(with(hole(&format!("CVE-2026-{i}"), ("a", "1"), &["2"], None), weak)));
    let fixture = of(all.collect());
    let document = json_of(&fixture, Form::Sarif);
    let results = rows(&document, "/runs/0/results");
    assert_eq!(results.len(), MAX_RESULTS);
    assert_eq!(results[0]["ruleId"], "CVE-2026-0");
    assert_eq!(document["runs"][0]["properties"]["leftOff"], 10);
    for rule in rows(&document, "/runs/0/tool/driver/rules") {
        assert_eq!(rows(rule, "/properties/tags").len(), MAX_TAGS);
    }
    // The page of a job has a limit too, and says what it leaves off.
    let each = (0..30_000).map(|i| noted(hole(&format!("CVE-2026-{i}"), (&format!("package-{i}"), "1"), &["2"], None)));
    let page = written(&of(each.collect()).report(), Form::Markdown);
    assert!(page.len() < 1 << 20 && page.contains(" more that have no room here"), "{}", page.len());
}

#[test]
fn cyclonedx_names_only_components_that_are_there() {
    let document = json_of(&fixture(), Form::CycloneDx);
    let mut references = texts(rows(&document, "/components"), "/bom-ref");
    references.push("image");
    let holes = rows(&document, "/vulnerabilities");
    unique(&[references.clone(), texts(holes, "/bom-ref")].concat());
    for hole in holes {
        for affected in rows(hole, "/affects") {
            assert!(references.contains(&affected["ref"].as_str().unwrap()));
        }
    }
    let named = |id: &str| holes.iter().find(|hole| hole["id"] == id).unwrap();
    let worst = named("CVE-2026-1234");
    assert_eq!(worst["cwes"], json!([20, 787]));
    assert_eq!(worst["published"], "2026-10-01T12:30:00Z");
    let methods = texts(rows(worst, "/ratings"), "/method");
    assert_eq!(methods, ["other", "CVSSv4", "CVSSv31"]);
    assert_eq!(worst["ratings"][2]["score"], 9.8);
    assert_eq!(worst["advisories"], json!([{ "url": "https://www.openssl.org/news/secadv/20261001.txt" }]));
    assert_eq!(worst.get("analysis"), None, "nobody has said anything");
    let analysis = &named("CVE-2026-500")["analysis"];
    assert_eq!(
        (&analysis["state"], &analysis["justification"]),
        (&json!("not_affected"), &json!("code_not_reachable"))
    );
    let risk = &named("CVE-2026-501")["analysis"];
    assert_eq!((&risk["state"], risk.get("justification")), (&json!("exploitable"), None));
    // No hole at all is a list that is there.
    assert_eq!(json_of(&of(vec![]), Form::CycloneDx)["vulnerabilities"], json!([]));
}

#[test]
fn junit_counts_what_it_holds() {
    let fixture = fixture();
    let text = written(&fixture.report(), Form::JUnit);
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let key = attribute.key.as_ref().to_owned();
                    let value = attribute.value.to_string();
                    if name == "testsuites" {
                        told.insert(key, value);
                    } else if name == "testcase" && key == "name" {
                        names.push(value);
                    }
                }
                *seen.entry(name).or_default() += 1;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    for (element, counter) in [("testcase", "tests"), ("failure", "failures"), ("skipped", "skipped")] {
        assert_eq!(seen[element].to_string(), told[counter], "{element}");
    }
    assert_eq!(seen["failure"], fixture.verdict.count(Outcome::Denied) + fixture.verdict.missing.len());
    assert_eq!(seen["skipped"], fixture.verdict.count(Outcome::Accepted));
    unique(&names.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn junit_tells_tests_of_one_name_apart() {
    let twice = noted(hole("CVE-1", ("a", "1"), &[], None));
    let text = written(&of(vec![twice.clone(), twice]).report(), Form::JUnit);
    assert!(text.contains("name=\"a 1 has CVE-1\"") && text.contains("name=\"a 1 has CVE-1 (2)\""), "{text}");
}

#[test]
fn gitlab_gets_holes_alone_and_its_times_from_the_caller() {
    let fixture = fixture();
    let mut report = fixture.report();
    report.times = Some(("2026-11-30T10:00:00.5Z".parse().unwrap(), "2026-11-30T12:00:01+02:00".parse().unwrap()));
    let document: Value = serde_json::from_str(&written(&report, Form::GitLab)).unwrap();
    assert_eq!(document["scan"]["start_time"], "2026-11-30T10:00:00");
    assert_eq!(document["scan"]["end_time"], "2026-11-30T10:00:01");
    let holes = rows(&document, "/vulnerabilities");
    unique(&texts(holes, "/id"));
    // Neither secrets nor settings, and nothing that is accepted.
    assert_eq!(holes.len(), 6);
    for hole in holes {
        assert!(["Critical", "High", "Medium", "Low", "Info", "Unknown"].contains(&hole["severity"].as_str().unwrap()));
        assert!(!rows(hole, "/identifiers").is_empty());
        let system = hole["location"]["operating_system"].as_str().unwrap();
        assert!(["debian:13", "cargo"].contains(&system), "{system}");
    }
    let kinds = texts(rows(&holes[0], "/identifiers"), "/type");
    assert_eq!(kinds, ["cve", "dsa", "ghsa", "cwe", "cwe"]);
}

#[test]
fn names_of_findings_outlive_versions_layers_and_lines() {
    let old = hole("CVE-1", ("a", "1"), &[], None);
    let mut new = hole("CVE-1", ("a", "2"), &["3"], Some(Severity::High));
    new.places = vec![file("/elsewhere", 99)];
    let id = |finding: &Finding| {
        json_of(&of(vec![noted(finding.clone())]), Form::GitLab)["vulnerabilities"][0]["id"].clone()
    };
    assert_eq!(id(&old), id(&new));
    // A text that is cut for a report is another one than before, and its name the same.
    let mut long = Finding::plain(rule("shell"), "x".repeat(5000), vec![]);
    let first = json_of(&of(vec![noted(long.clone())]), Form::Json)["findings"][0]["id"].clone();
    assert_eq!(first, long.fingerprint().to_string());
    long.title.push('y');
    assert_ne!(first, json_of(&of(vec![noted(long)]), Form::Json)["findings"][0]["id"]);
}

#[test]
fn text_fits_its_columns_and_what_is_denied_stands_first() {
    let mut fixture = fixture();
    for judged in &mut fixture.verdict.findings {
        judged.finding.title = "漢字かな ".repeat(60);
    }
    for fixture in [super::fixture(), fixture] {
        let text = super::super::text(&fixture.report());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let at = |word: &str| text.find(&format!("\n{word} ─")).unwrap();
        assert!(at("missing") < at("denied") && at("denied") < at("warned") && at("warned") < at("accepted"));
        assert!(text.lines().all(|line| line == line.trim_end()));
    }
}

#[test]
fn nothing_found_is_a_page_too() {
    let mut fixture = of(vec![]);
    fixture.verdict.passed = true;
    fixture.verdict.day = date(2026, 1, 2);
    fixture.shares.clear();
    fixture.layers.clear();
    fixture.components.clear();
    for form in Form::ALL {
        let text = written(&fixture.report(), form);
        assert!(text.ends_with('\n') && !text.contains("DENIED"), "{text}");
    }
    assert_eq!(json_of(&fixture, Form::Sarif)["runs"][0]["results"], json!([]));
    assert_eq!(json_of(&fixture, Form::GitLab)["vulnerabilities"], json!([]));
    assert!(written(&fixture.report(), Form::Text).contains("PASSED on 2026-01-02: 0 denied"));
}

#[test]
fn the_html_page_loads_nothing_and_is_balanced() {
    let page = written(&fixture().report(), Form::Html);
    for forbidden in ["<script", " src=", " onload", "@import", "url(", "<img", "<link", "<iframe", "style=\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src"));
    // The browser takes the digest of what stands between the tags.
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = BASE64_STANDARD.encode(Digest::of(style).as_bytes());
    assert!(page.contains(&format!("style-src &#39;sha256-{digest}&#39;;")));
    // Every element is closed where it must be.
    let body = &page[page.find("<body>").unwrap()..];
    let mut open: Vec<&str> = Vec::new();
    for piece in body.split('<').skip(1) {
        let name = piece.split([' ', '>']).next().unwrap();
        match name.strip_prefix('/') {
            Some("html") => {}
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None if name == "input" => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    // Links within the page lead somewhere, and labels belong to something.
    let values = |attribute: &str| -> BTreeSet<String> {
        let start = format!(" {attribute}=\"");
        page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let ids = values("id");
    let links = values("href").into_iter().filter_map(|link| Some(link.strip_prefix('#')?.to_owned()));
    for id in links.chain(values("for")).chain(values("aria-labelledby")) {
        assert!(ids.contains(&id), "{id}");
    }
    assert_eq!(page.matches(" id=\"").count(), ids.len());
    assert!(page.contains(&Digest::of("database").to_string()) && page.contains(&Digest::of("policy").to_string()));
}
