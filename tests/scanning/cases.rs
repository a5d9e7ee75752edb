//! `kiln policy test`: a team's own cases.

use super::Judged;
use serde_json::{Value, json};

const POLICY: &str = "kiln 1\npolicy { deny \"setuid\"; warn \"missing-healthcheck\"; require \"sbom\" }\n";

#[test]
fn cases_come_out_as_they_should_or_say_how_not() {
    let judged = Judged::new("policy { warn \"missing-healthcheck\" }");
    judged.build(&["-o", "oci:out", "--verdict", "json:recorded.json"]).run().done();
    judged.world.write("company.kdl", POLICY);
    let setuid = json!({ "rule": "setuid", "severity": "medium", "title": "sudo", "detail": { "kind": "plain" },
        "places": [{ "path": "/usr/bin/sudo" }], "remedy": "" });
    let cases = json!({ "policy": "company.kdl", "cases": [
        { "name": "recorded", "day": "2026-11-30", "verdict": "recorded.json", "proofs": { "sbom": true },
          "expect": { "passed": true, "denied": [], "warned": ["missing-healthcheck"], "missing": 0 } },
        { "name": "written", "day": "2026-11-30", "findings": [setuid], "expect": { "passed": false, "denied": ["setuid"], "missing": 1 } },
    ] });
    judged.world.write("cases.json", cases.to_string());
    let outcome = judged.world.kiln(["policy", "test", "cases.json"]).run().done();
    outcome.says("cases.json\n  ok      recorded\n  ok      written\n");
    judged.world.write("company.kdl", POLICY.replace("warn", "deny"));
    let outcome = judged.world.kiln(["policy", "test", "cases.json"]).run().code(1);
    outcome.says(
        "cases.json\n  failed  recorded\n          it did not pass, and should have\n          \
         missing-healthcheck was denied, and should not have been\n          \
         missing-healthcheck was not warned, and should have been\n  ok      written\n",
    );
    let shown = judged.world.kiln(["policy", "test", "cases.json", "--format", "json"]).run().code(1).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["cases"][1], json!({ "name": "written", "differences": [] }));
}

#[test]
fn files_that_say_something_else_are_refused() {
    let judged = Judged::new("");
    judged.world.write("company.kdl", POLICY);
    let case = |more: Value| {
        let mut case = json!({ "name": "x", "day": "2026-11-30", "expect": {} });
        case.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "policy": "company.kdl", "cases": [case] }).to_string()
    };
    for (text, said) in [
        ("{".to_owned(), "EOF"),
        (case(json!({ "epxect": {} })), "unknown field `epxect`"),
        (case(json!({ "day": "soon" })), "as year"),
        (case(json!({ "findings": [{ "rule": "setiud" }] })), "there is no rule setiud"),
        (case(json!({ "verdict": "nowhere.json" })), "nowhere.json"),
    ] {
        judged.world.write("cases.json", &text);
        let outcome = judged.world.kiln(["policy", "test", "cases.json"]).run().code(2);
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    judged.world.kiln(["policy", "test", "missing.json"]).run().code(2);
    judged.world.kiln(["policy", "test"]).run().code(2);
}
