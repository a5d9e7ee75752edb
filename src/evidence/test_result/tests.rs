use super::*;
use crate::evidence::fixtures::{golden, staged};
use crate::oci::Digest;
use std::io::{self, Read};

fn read(form: Form, content: impl AsRef<[u8]>) -> Result<Report, ReportError> {
    Report::read(form, Digest::of(content.as_ref()), content.as_ref())
}

#[track_caller]
fn refused(form: Form, content: impl AsRef<[u8]>) -> String {
    read(form, content).unwrap_err().to_string()
}

#[track_caller]
fn junit(content: &str) -> Report {
    read(Form::Junit, content).unwrap()
}

#[track_caller]
fn sarif(run: &str) -> Report {
    read(Form::Sarif, format!(r#"{{"version":"2.1.0","runs":[{run}]}}"#)).unwrap()
}

/// A check of the image with stages.
fn checked(exit: Option<i32>, report: Option<Report>) -> Checked {
    let inventory = staged();
    let step = inventory.stages[1].steps[2].clone();
    Checked { stage: Some("compile".into()), step, specs: inventory.specs, exit, duration: None, report }
}

fn told(exit: Option<i32>, report: Option<Report>) -> (Verdict, Vec<String>, Vec<String>, Vec<String>) {
    let TestResult { result, passed_tests, warned_tests, failed_tests, .. } = TestResult::of(&checked(exit, report));
    (result, passed_tests, warned_tests, failed_tests)
}

const SUITES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="7" failures="1">
  <testsuite name="unit">
    <properties><property name="name" value="not a test"/></properties>
    <testcase classname="hello" name="greets &amp; leaves" time="0.1"/>
    <testsuite name="inner">
      <testcase name="alone"><system-out><![CDATA[<failure/>]]></system-out></testcase>
      <testcase classname="hello" name="breaks"><failure message="&lt;no&gt;">why</failure></testcase>
      <testcase classname="hello" name="stops"><error/></testcase>
    </testsuite>
    <testcase classname="hello" name="later"><skipped/></testcase>
    <testcase classname="hello" name="second try"><flakyFailure/></testcase>
    <testcase classname="hello" name="off" status="notrun"/>
  </testsuite>
</testsuites>
"#;

#[test]
fn test_cases_are_found_in_suites_within_suites() {
    let report = junit(SUITES);
    let [passed, warned, failed] = report.names();
    assert_eq!(passed, ["alone", "hello.greets & leaves"]);
    assert_eq!((warned, failed), (vec!["hello.second try".into()], vec!["hello.breaks".into(), "hello.stops".into()]));
    assert_eq!(report.counts(), Counts { passed: 2, warned: 1, failed: 2, skipped: 2, unlisted: 0 });
    // The same with one suite as the root, with a prefix, and after a byte order mark.
    let one =
        "<j:testsuite xmlns:j='urn:x'><j:testcase name='a'/><j:testcase name='b'><j:error/></j:testcase></j:testsuite>";
    assert_eq!(junit(one).names(), [vec!["a".to_owned()], vec![], vec!["b".to_owned()]]);
    assert_eq!(junit(&format!("\u{feff}{one}")).names(), junit(one).names());
}

#[test]
fn a_name_stands_once_by_its_worst_result() {
    let twice =
        "<testsuite><testcase name='a'/><testcase name='a'><failure/></testcase><testcase name='a'/></testsuite>";
    assert_eq!(junit(twice).names(), [vec![], vec![], vec!["a".to_owned()]]);
    assert_eq!(junit(twice).counts(), Counts { passed: 2, failed: 1, ..Counts::default() });
    let both = "<testsuite><testcase name='a'><failure/><skipped/></testcase></testsuite>";
    assert_eq!(junit(both).counts().failed, 1);
}

#[test]
fn the_command_decides_and_a_report_can_only_make_it_worse() {
    let good = || Some(junit("<testsuite><testcase name='a'/></testsuite>"));
    let bad = || Some(junit("<testsuite><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>"));
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let check = || names(&["unit tests"]);
    assert_eq!(told(Some(0), None), (Verdict::Passed, check(), vec![], vec![]));
    assert_eq!(told(Some(0), good()), (Verdict::Passed, names(&["a"]), vec![], vec![]));
    assert_eq!(told(Some(0), bad()), (Verdict::Warned, names(&["a"]), vec![], names(&["b"])));
    assert_eq!(told(Some(1), bad()), (Verdict::Failed, names(&["a"]), vec![], names(&["b"])));
    // A failure is never without a name.
    assert_eq!(told(Some(1), good()), (Verdict::Failed, names(&["a"]), vec![], check()));
    assert_eq!(told(Some(3), None), (Verdict::Failed, vec![], vec![], check()));
    assert_eq!(told(None, None), (Verdict::Failed, vec![], vec![], check()));
    // Tests of which none ran prove nothing.
    let skipped = junit("<testsuite><testcase name='a'><skipped/></testcase></testsuite>");
    assert_eq!(told(Some(0), Some(skipped)), (Verdict::Warned, vec![], check(), vec![]));
    // An analyser that finds nothing is content.
    assert_eq!(told(Some(0), Some(sarif(r#"{"tool":{"driver":{"name":"x"}},"results":[]}"#))).0, Verdict::Passed);
}

#[test]
fn results_of_analysers_are_counted_by_rule() {
    let report = sarif(
        r#"{
        "results": [
            { "ruleId": "E1", "level": "error", "message": { "text": "x" } },
            { "ruleId": "E1", "level": "error" },
            { "ruleId": "W1", "level": "warning", "locations": [{ "deep": [[[[1]]]] }] },
            { "ruleId": "W2" },
            { "ruleIndex": 0 },
            { "rule": { "id": "R2" } },
            { "ruleId": "N1", "level": "note" },
            { "ruleId": "P1", "kind": "pass", "level": "none" },
            { "ruleId": "O1", "kind": "open" },
            { "ruleId": "A1", "kind": "notApplicable" },
            { "ruleId": "S1", "level": "error", "suppressions": [{ "kind": "inSource" }] },
            { "ruleId": "S2", "level": "error", "suppressions": [{ "kind": "external", "status": "underReview" }] },
            { "ruleId": "S3", "level": "error", "suppressions": [] },
            { "ruleId": "G1", "level": "error", "baselineState": "absent" },
            { }
        ],
        "tool": { "driver": { "name": "lint", "rules": [
            { "id": "R1", "defaultConfiguration": { "level": "error" } },
            { "id": "R2", "defaultConfiguration": { "level": "note" } }
        ] } },
        "invocations": [{ "executionSuccessful": true }]
    }"#,
    );
    let [passed, warned, failed] = report.names();
    assert_eq!(passed, ["N1", "P1", "R2"]);
    assert_eq!(warned, ["(unnamed)", "O1", "W1", "W2"]);
    assert_eq!(failed, ["E1", "R1", "S2", "S3"]);
    assert_eq!(report.counts(), Counts { passed: 3, warned: 4, failed: 5, skipped: 2, unlisted: 0 });
    // A tool that did not get to its end says so, and has found no more than it could.
    let broken =
        sarif(r#"{"tool":{"driver":{"name":"lint"}},"results":null,"invocations":[{"executionSuccessful":false}]}"#);
    assert_eq!(told(Some(0), Some(broken)), (Verdict::Warned, vec![], vec!["lint".into()], vec![]));
    let marked = "\u{feff}{\"version\":\"2.1.0\",\"runs\":[]}";
    assert!(read(Form::Sarif, marked).is_ok());
}

#[test]
fn what_is_no_report_is_refused() {
    for (content, reason) in [
        ("", "ends before"),
        ("   ", "ends before"),
        ("plain text", "ends before"),
        ("<html><testcase name='a'/></html>", "not one element `testsuites`"),
        ("<testcase name='a'/>", "not one element `testsuites`"),
        ("<testsuite/><testsuite/>", "not one element `testsuites`"),
        ("<testsuite><testcase name='a'>", "ends before"),
        ("<testsuite><testcase></testsuite>", "no junit that can be read"),
        ("<testsuite></testsuite></testsuite>", "no junit that can be read"),
        ("<testsuite><testcase name='a></testsuite>", "no junit that can be read"),
        ("<testsuite><testcase name=\"&nobody;\"/></testsuite>", "nobody"),
        ("<testsuite><testcase name=\"&#0;\"/></testsuite>", "no junit that can be read"),
        ("<!DOCTYPE html><testsuite/>", "document type"),
    ] {
        let error = refused(Form::Junit, content);
        assert!(error.contains(reason), "{content}: {error}");
    }
    for (content, reason) in [
        ("", "EOF"),
        ("[]", "invalid length"),
        ("{}", "missing field"),
        (r#"{"version":"2.0.0","runs":[]}"#, "its version is 2.0.0"),
        (r#"{"version":"2.1.0","runs":[]} {}"#, "trailing"),
        (r#"{"version":"2.1.0","runs":[],"runs":[]}"#, "duplicate"),
        (r#"{"version":"2.1.0","runs":[{}]}"#, "missing field `tool`"),
        (r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":7}]}"#, "a list"),
        (r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"level":"ERROR"}]}]}"#, "variant"),
    ] {
        let error = refused(Form::Sarif, content);
        assert!(error.contains(reason), "{content}: {error}");
    }
}

#[test]
fn entities_are_not_expanded() {
    let mut laughs = String::from("<!DOCTYPE x [<!ENTITY l0 'ha'>");
    for i in 1..20 {
        laughs.push_str(&format!("<!ENTITY l{i} '{}'>", format!("&l{};", i - 1).repeat(10)));
    }
    laughs.push_str("]><testsuite><testcase name='&l19;'/></testsuite>");
    assert!(refused(Form::Junit, laughs).contains("document type"));
    let outside = "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><testsuite><testcase name='&f;'/></testsuite>";
    assert!(refused(Form::Junit, outside).contains("document type"));
    // In text they are no business of ours, and nobody expands them.
    assert_eq!(junit("<testsuite><testcase name='a'>&nobody;</testcase></testsuite>").counts().passed, 1);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "<testsuite>".repeat(depth), "</testsuite>".repeat(depth));
    assert!(read(Form::Junit, nested(64)).is_ok());
    assert!(refused(Form::Junit, nested(65)).contains("64 deep"));
    assert!(refused(Form::Junit, "<testsuite>".repeat(1 << 20)).contains("64 deep"));
    let lists =
        |depth: usize| format!(r#"{{"version":"2.1.0","runs":[],"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(read(Form::Sarif, lists(100)).is_ok());
    // What is passed over may be as deep as it likes.
    assert!(read(Form::Sarif, lists(1 << 20)).is_ok());
    let rules = format!(r#"{{"version":"2.1.0","runs":{}{}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(read(Form::Sarif, rules).is_err());
}

#[test]
fn broken_text_is_refused() {
    let mut bytes = b"<testsuite><testcase name='a".to_vec();
    bytes.extend([0xff, 0xfe]);
    bytes.extend(b"'/></testsuite>");
    assert!(refused(Form::Junit, &bytes).contains("utf-8"));
    let utf16: Vec<u8> = "\u{feff}<testsuite/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    read(Form::Junit, &utf16).unwrap_err();
    read(Form::Sarif, &utf16).unwrap_err();
    read(Form::Sarif, b"{\"version\":\"2.1.0\",\"runs\":[],\"\xff\":1}").unwrap_err();
    read(Form::Junit, b"\0\0\0\0").unwrap_err();
}

#[test]
fn names_are_short_lines_that_steer_no_terminal() {
    let long = "n".repeat(10 << 20);
    let report = junit(&format!("<testsuite><testcase name='{long}'/></testsuite>"));
    let [passed, ..] = report.names();
    assert_eq!((passed[0].len(), passed[0].ends_with('…')), (512 + '…'.len_utf8(), true));
    let report = junit("<testsuite><testcase name=' a&#27;[31m&#10;b\u{9b} '/><testcase/></testsuite>");
    let [passed, ..] = report.names();
    assert_eq!(passed, ["(unnamed)", "a\u{fffd}[31m\u{fffd}b\u{fffd}"]);
    let attributes: String = (0..100_000).map(|i| format!(" a{i}='x'")).collect();
    assert!(refused(Form::Junit, format!("<testsuite><testcase{attributes}/></testsuite>")).contains("64 attributes"));
    let many = format!("<testsuite{attributes}><testcase name='a'/></testsuite>");
    assert_eq!(junit(&many).counts().passed, 1, "attributes that nobody looks at cost nothing");
}

#[test]
fn tests_beyond_the_limit_are_counted() {
    let mut content = String::from("<testsuite>");
    for i in 0..200_010 {
        content.push_str(&format!("<testcase name='t{i}'/>"));
    }
    content.push_str("<testcase name='t5'/><testcase name='last'><failure/></testcase></testsuite>");
    let report = junit(&content);
    let [passed, _, failed] = report.names();
    assert_eq!((passed.len(), failed), (200_000, vec!["last".to_owned()]));
    assert_eq!(report.counts(), Counts { passed: 200_011, failed: 1, unlisted: 10, ..Counts::default() });
    assert_eq!(told(Some(0), Some(report)).0, Verdict::Warned);
    let long = |i: usize| format!("<testcase name='{i:06}{}'/>", "x".repeat(500));
    let content: String = (0..40_000).map(long).collect();
    let report = junit(&format!("<testsuite>{content}</testsuite>"));
    assert!(report.names()[0].iter().map(String::len).sum::<usize>() <= 16 << 20);
    assert!(report.counts().unlisted > 0);
    let results: String = (0..200_002).map(|i| format!(r#"{{"ruleId":"r{i}"}},"#)).collect();
    let run = format!(r#"{{"tool":{{"driver":{{"name":"x"}}}},"results":[{}{{}}]}}"#, results);
    assert!(refused(Form::Sarif, format!(r#"{{"version":"2.1.0","runs":[{run}]}}"#)).contains("200000 rows"));
}

/// Spaces without end after a beginning.
struct Endless(&'static [u8], u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.0.is_empty() {
            return self.0.read(buffer);
        }
        buffer.fill(b' ');
        self.1 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[test]
fn a_report_that_does_not_end_is_left() {
    for (form, beginning) in
        [(Form::Junit, b"<testsuite>".as_slice()), (Form::Junit, b"<testsuite "), (Form::Sarif, b"{")]
    {
        let mut endless = Endless(beginning, 0);
        let error = Report::read(form, Digest::of(""), &mut endless).unwrap_err();
        assert!(matches!(error, ReportError::TooLarge), "{error}");
        assert!(endless.1 <= MAX_REPORT + 1);
    }
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for form in [Form::Junit, Form::Sarif] {
        let error = Report::read(form, Digest::of(""), Broken).unwrap_err();
        assert!(matches!(&error, ReportError::Read(e) if e.to_string() == "the disk is gone"), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_written_gets_an_answer(changes in proptest::collection::vec((0..SUITES.len(), 0..=255u8), 1..20), cut in 0..SUITES.len()) {
        let mut content = SUITES.as_bytes().to_vec();
        changes.iter().for_each(|(at, byte)| content[*at] = *byte);
        let _ = read(Form::Junit, &content);
        let _ = read(Form::Junit, &content[..cut]);
        let _ = read(Form::Sarif, &content[cut..]);
    }
}

#[test]
fn the_example_on_the_page_is_what_the_code_writes() {
    let checked = Checked { duration: Some(Duration::from_millis(1234)), ..checked(Some(0), Some(junit(SUITES))) };
    let about = vec![Subject::new(&staged().image.digest).named(staged().image.name)];
    let statement = checked.statement(about);
    let text = serde_json::to_string_pretty(&statement).unwrap();
    golden("stages/test-result.json", &text);
    assert_eq!(serde_json::from_str::<Statement<TestResult>>(&text).unwrap(), statement);
    let page = include_str!("../../../specs/test-result.md");
    let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    assert_eq!(example, text);
    assert!(page.contains(predicate::TEST_RESULT));
    for field in ["name", "stage", "command", "exitCode", "durationMs", "counts", "report"] {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
        assert!(text.contains(&format!("\"{field}\"")), "{field}");
    }
}

#[test]
fn statements_of_others_are_read_with_what_they_have() {
    let foreign =
        r#"{ "result": "FAILED", "configuration": [], "url": "https://example.com/1", "failedTests": ["a"] }"#;
    let read: TestResult = serde_json::from_str(foreign).unwrap();
    assert_eq!((read.result, read.failed_tests, read.check), (Verdict::Failed, vec!["a".to_owned()], None));
    assert!(serde_json::from_str::<TestResult>(r#"{ "result": "GREAT", "configuration": [] }"#).is_err());
}
