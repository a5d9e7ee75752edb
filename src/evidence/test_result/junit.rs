//! JUnit's XML: suites of test cases, in which an element says that one failed.
//!
//! There is no schema that all writers follow; what they share is read, and the rest is passed over. Entities are never
//! expanded: a document that declares any is refused.

use super::report::{Outcome, Tests};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::io::BufRead;

/// Elements are not deeper: suites stand in suites, and nobody nests them like this.
const MAX_DEPTH: usize = 64;
/// No element has more attributes.
const MAX_ATTRIBUTES: usize = 64;

/// A test case that is open.
struct Case {
    depth: usize,
    name: String,
    outcome: Outcome,
}

/// The test cases of a document, or in words why there are none.
pub(super) fn read(content: impl BufRead) -> Result<Tests, String> {
    let mut reader = Reader::from_reader(content);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut tests = Tests::default();
    let (mut depth, mut ended) = (0, false);
    let mut case: Option<Case> = None;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(format!("its elements are more than {MAX_DEPTH} deep"));
                }
                let kind = element.local_name();
                let kind: &str = kind.as_ref();
                if depth == 1 && (ended || !["testsuites", "testsuite"].contains(&kind)) {
                    return Err("it is not one element `testsuites` or `testsuite`".into());
                }
                match &mut case {
                    None if kind == "testcase" => {
                        let (name, outcome) = attributes(&element)?;
                        case = Some(Case { depth, name, outcome });
                    }
                    Some(case) if depth == case.depth + 1 => case.outcome = case.outcome.max(said_by(kind)),
                    _ => {}
                }
            }
            Event::End(_) => {
                if let Some(ended) = case.take_if(|case| case.depth == depth) {
                    tests.add(&ended.name, ended.outcome, 1);
                }
                depth -= 1;
                ended |= depth == 0;
            }
            Event::DocType(_) => return Err("it declares a document type, which no report needs".into()),
            Event::Eof if depth == 0 && ended => return Ok(tests),
            Event::Eof => return Err("it ends before its last element does".into()),
            _ => {}
        }
    }
}

/// What an element in a test case says of it.
fn said_by(kind: &str) -> Outcome {
    match kind {
        "failure" | "error" => Outcome::Failed,
        // The test passed when it ran again.
        "flakyFailure" | "flakyError" => Outcome::Warned,
        "skipped" => Outcome::Skipped,
        _ => Outcome::Passed,
    }
}

/// The name of a test case, and how it went as far as its attributes say.
fn attributes(element: &BytesStart<'_>) -> Result<(String, Outcome), String> {
    let (mut class, mut name, mut outcome) = (String::new(), String::new(), Outcome::Passed);
    // The crate's own search for attributes of one name takes time in the square of their number.
    let mut attributes = element.attributes();
    for (i, attribute) in attributes.with_checks(false).enumerate() {
        if i == MAX_ATTRIBUTES {
            return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
        }
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.local_name();
        let value = || attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string());
        match key.as_ref() {
            "classname" => class = value()?.into_owned(),
            "name" => name = value()?.into_owned(),
            // GoogleTest's word for a test that is switched off.
            "status" if value()? == "notrun" => outcome = Outcome::Skipped,
            _ => {}
        }
    }
    let between = if class.is_empty() || name.is_empty() { "" } else { "." };
    Ok((format!("{class}{between}{name}"), outcome))
}
