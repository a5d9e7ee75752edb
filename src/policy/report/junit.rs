//! JUnit's XML: a suite for each family, a test for each finding. What is denied failed, what is accepted was skipped,
//! and the rest passed and says so in its output.

use super::tidy::Tidy;
use crate::evidence::scan::{Place, SpecLine};
use crate::oci::Digest;
use crate::policy::{Judged, Outcome};
use crate::rules::{Family, Severity};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A suite before it is written.
struct Suite<'a> {
    name: &'static str,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    /// Unique in its suite: Jenkins and GitLab take tests of one name for one test.
    name: String,
    rule: &'a str,
    at: Option<&'a SpecLine>,
    ending: Ending,
}

/// How a test ended.
enum Ending {
    Passed(String),
    Skipped(String),
    Failed(String),
}

pub(super) fn write(tidy: &Tidy<'_>, to: &mut dyn Write) -> io::Result<()> {
    let suites = suites(tidy);
    let day = format!("{}T00:00:00", tidy.verdict.day);
    let mut writer = Writer::new_with_indent(&mut *to, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let [all, failed, skipped] = counts(suites.iter().flat_map(|suite| &suite.cases));
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", format!("{}@{} {}", tidy.name, tidy.report.digest, tidy.report.platform).as_str()),
            ("tests", &all),
            ("failures", &failed),
            ("errors", "0"),
            ("skipped", &skipped),
        ])
        .write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(writer, suite, &day)))?;
    drop(writer);
    to.write_all(b"\n")
}

fn suites<'a>(tidy: &'a Tidy<'_>) -> Vec<Suite<'a>> {
    let of = |family: Family| {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let findings = tidy.findings().filter(|(judged, _)| judged.finding.rule.family == family);
        let cases = findings.map(|(judged, id)| case(judged, &id, &mut names)).collect();
        Suite { name: family.name(), cases }
    };
    let required = tidy.verdict.missing.iter().map(|missing| Case {
        name: missing.what.clone(),
        rule: "requirement",
        at: Some(&missing.at),
        ending: Ending::Failed(format!("{}\n{}:{}", missing.what, missing.at.file, missing.at.line)),
    });
    let required = Suite { name: "requirement", cases: required.collect() };
    Family::ALL.into_iter().map(of).chain([required]).filter(|suite| !suite.cases.is_empty()).collect()
}

fn case<'a>(judged: &'a Judged, id: &Digest, names: &mut BTreeMap<String, usize>) -> Case<'a> {
    let finding = &judged.finding;
    let count = names.entry(finding.title.clone()).or_default();
    *count += 1;
    let name = if *count == 1 { finding.title.clone() } else { format!("{} ({count})", finding.title) };
    let text = told(judged, id);
    let ending = match judged.outcome {
        Outcome::Denied => Ending::Failed(text),
        Outcome::Accepted => Ending::Skipped(accepted(judged)),
        Outcome::Warned | Outcome::Noted => Ending::Passed(text),
    };
    Case { name, rule: finding.rule.id, at: super::group::line(finding), ending }
}

fn accepted(judged: &Judged) -> String {
    let because = judged.because.first();
    let reason = because.and_then(|because| because.reason.as_deref()).unwrap_or("accepted");
    let until = because.and_then(|because| because.until).map(|until| format!(" (until {until})"));
    format!("{reason}{}", until.unwrap_or_default())
}

/// All that helps, in lines.
fn told(judged: &Judged, id: &Digest) -> String {
    let finding = &judged.finding;
    let severity = finding.severity.map_or("unknown", Severity::name);
    let mut lines = vec![format!("{}: {} ({severity})", judged.outcome.name(), finding.title)];
    lines.extend(finding.places.iter().map(place));
    lines.extend(judged.because.iter().map(|b| format!("because of {}:{} {}", b.at.file, b.at.line, b.clause)));
    let expired = judged.expired.as_ref();
    lines.extend(expired.map(|e| format!("accepted until {} at {}:{}", e.until, e.at.file, e.at.line)));
    lines.push(format!("what to do: {}", finding.remedy));
    lines.push(format!("id: {id}"));
    lines.join("\n")
}

fn place(place: &Place) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(place.path.clone());
    words.extend(place.inside.iter().map(|inside| format!("in it {inside}")));
    words.extend(place.part.clone());
    words.extend(place.line.map(|line| format!("line {line}")));
    words.extend(place.origin.owner.as_ref().map(|owner| format!("brought by {owner}")));
    words
        .extend((!place.origin.because.is_empty()).then(|| format!("because of {}", place.origin.because.join(" → "))));
    words.extend(place.origin.spec.as_ref().map(|at| format!("{}:{}", at.file, at.line)));
    format!("where: {}", words.join(", "))
}

/// How many there are, failed, were skipped.
fn counts<'a>(cases: impl Iterator<Item = &'a Case<'a>> + Clone) -> [String; 3] {
    let failed = cases.clone().filter(|case| matches!(case.ending, Ending::Failed(_))).count();
    let skipped = cases.clone().filter(|case| matches!(case.ending, Ending::Skipped(_))).count();
    [cases.count(), failed, skipped].map(|count| count.to_string())
}

fn write_suite<W: Write>(writer: &mut Writer<W>, suite: &Suite<'_>, day: &str) -> io::Result<()> {
    let [all, failed, skipped] = counts(suite.cases.iter());
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", suite.name),
            ("tests", &all),
            ("failures", &failed),
            ("errors", "0"),
            ("skipped", &skipped),
            ("timestamp", day),
        ])
        .write_inner_content(|writer| suite.cases.iter().try_for_each(|case| write_case(writer, suite.name, case)))?;
    Ok(())
}

fn write_case<W: Write>(writer: &mut Writer<W>, suite: &str, case: &Case<'_>) -> io::Result<()> {
    let class = format!("kiln.{suite}.{}", case.rule);
    let mut element = writer.create_element("testcase").with_attributes([
        ("classname", class.as_str()),
        ("name", &case.name),
        ("time", "0"),
    ]);
    if let Some(at) = case.at {
        element = element.with_attributes([("file", at.file.as_str()), ("line", &at.line.to_string())]);
    }
    element.write_inner_content(|writer| {
        match &case.ending {
            Ending::Failed(text) => writer
                .create_element("failure")
                .with_attributes([("message", case.name.as_str()), ("type", case.rule)])
                .write_text_content(BytesText::new(text))?,
            Ending::Skipped(reason) => {
                writer.create_element("skipped").with_attribute(("message", reason.as_str())).write_empty()?
            }
            Ending::Passed(text) => writer.create_element("system-out").write_text_content(BytesText::new(text))?,
        };
        Ok(())
    })?;
    Ok(())
}
