use super::fixture::fixture;
use crate::evidence::vex::{self, Status};
use crate::evidence::{Statement, Subject};
use crate::oci::Digest;
use crate::policy::Outcome;
use crate::policy::report::{OpenVex, Report, Summary, Vulnerabilities};
use jiff::civil::date;
use serde_json::{Value, json};

#[test]
fn holes_are_a_predicate_that_is_read_back() {
    let fixture = fixture();
    let holes = Vulnerabilities::of(&fixture.report()).unwrap();
    let value = serde_json::to_value(&holes).unwrap();
    insta::assert_snapshot!("vulns", serde_json::to_string_pretty(&value).unwrap());
    assert_eq!(serde_json::from_value::<Vulnerabilities>(value.clone()).unwrap(), holes);
    assert_eq!(value["scanner"]["uri"], "pkg:generic/kiln@0.1.0");
    assert_eq!(value["scanner"]["db"]["version"], Digest::of("database").to_string());
    assert_eq!(value["metadata"]["scanStartedOn"], "2026-11-30T00:00:00Z");
    // Accepted ones are told too: an acceptance takes no hole away.
    assert_eq!(value["scanner"]["result"].as_array().unwrap().len(), 8);
    // Nobody looked: that is no empty list.
    assert_eq!(Vulnerabilities::of(&Report { database: None, ..fixture.report() }), None);
}

#[test]
fn statements_of_other_scanners_are_read() {
    let other = json!({
        "scanner": {
            "uri": "pkg:github/example/scanner@1",
            "db": { "lastUpdate": "2021-08-06T17:45:50.52Z" },
            "result": [{ "id": "CVE-123", "severity": [{ "method": "nvd", "score": "medium" }] }],
        },
        "metadata": { "scanStartedOn": "2021-08-06T17:45:50.52Z", "scanFinishedOn": "2021-08-06T17:50:50.52Z" },
    });
    let read: Vulnerabilities = serde_json::from_value(other.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), other);
}

#[test]
fn the_verdict_is_summed_up_and_read_back() {
    let mut fixture = fixture();
    let summary = Summary::of(&fixture.report(), Some(3));
    assert_eq!(summary.verification_result, "FAILED");
    assert_eq!(summary.verified_levels, ["FAILED"]);
    fixture.verdict.passed = true;
    let summary = Summary::of(&fixture.report(), Some(3));
    let value = serde_json::to_value(&summary).unwrap();
    insta::assert_snapshot!("summary", serde_json::to_string_pretty(&value).unwrap());
    assert_eq!(serde_json::from_value::<Summary>(value).unwrap(), summary);
    assert_eq!(summary.verified_levels, ["SLSA_BUILD_LEVEL_3"]);
    assert_eq!(Summary::of(&fixture.report(), None).verified_levels, Vec::<String>::new());
    // Two policies are the list of both, whatever their order; one is its file.
    let list = format!("{}  kiln.kdl\n{}  team/policy.kdl\n", Digest::of("policy").hex(), Digest::of("team").hex());
    assert_eq!(summary.policy.digest["sha256"], Digest::of(list).hex());
    fixture.verdict.policies.reverse();
    assert_eq!(Summary::of(&fixture.report(), Some(3)), summary);
    fixture.verdict.policies.truncate(1);
    assert_eq!(Summary::of(&fixture.report(), Some(3)).policy.digest["sha256"], Digest::of("team").hex());
    // It is a predicate like the others.
    let (bytes, place) =
        Statement::new(vec![Subject::new(&Digest::of("image"))], Summary::TYPE, summary).to_json(0).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes[place]).unwrap()["verificationResult"], "PASSED");
}

#[test]
fn accepted_holes_are_told_as_open_vex() {
    let mut fixture = fixture();
    let said = OpenVex::of(&fixture.report()).unwrap();
    insta::assert_snapshot!("open_vex", serde_json::to_string_pretty(&said).unwrap());
    // kiln reads what it writes.
    let read = vex::read(&serde_json::to_vec(&said).unwrap()).unwrap();
    assert_eq!(read.written, Some("2026-11-30T00:00:00Z".parse().unwrap()));
    let states: Vec<_> = read.statements.iter().map(|said| (said.status, said.until)).collect();
    assert_eq!(states, [(Status::NotAffected, Some(date(2027, 1, 31))), (Status::Affected, None)]);
    // Findings in another order are the same document; another day makes another one.
    fixture.verdict.findings.reverse();
    assert_eq!(OpenVex::of(&fixture.report()).unwrap(), said);
    fixture.verdict.day = date(2026, 12, 1);
    assert_ne!(OpenVex::of(&fixture.report()).unwrap(), said);
    fixture.verdict.findings.retain(|judged| judged.outcome != Outcome::Accepted);
    assert_eq!(OpenVex::of(&fixture.report()), None);
}
