use super::fixture::*;
use super::written;
use crate::evidence::scan::{Component, Detail, Finding, Place};
use crate::oci::Digest;
use crate::policy::report::markdown::{code, escape};
use crate::policy::report::tidy::line;
use crate::policy::report::{Form, Share, Summary, Vulnerabilities};
use crate::policy::{Judged, Missing, Outcome};
use proptest::prelude::*;

/// All that somebody could write into an advisory, a path or a label.
const TEXTS: &[&str] = &[
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "]]><x/>",
    "</script><script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "a | b || c",
    "`code` ``` fence",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "@everybody please look at #1 and https://evil.example/ www.evil.example",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}",
    "line\nbreak\r\n\r\n# heading\n\n- list",
    "nul \0 and \u{85} and \u{fffe} and \u{ffff}",
    "<details open><summary>x</summary>",
    "&amp; &lt; &#0; \" ' {0}",
    "\\",
    "\\| a",
];

/// The rich verdict with all texts of others replaced.
fn poisoned(text: &str) -> Fixture {
    let mut fixture = fixture();
    let poison = |target: &mut String| *target = text.to_owned();
    for judged in &mut fixture.verdict.findings {
        poison_finding(&mut judged.finding, text);
        for because in &mut judged.because {
            poison(&mut because.clause);
            because.reason.iter_mut().for_each(poison);
            poison(&mut because.at.file);
        }
    }
    fixture.verdict.missing = vec![Missing { what: text.into(), at: at(1) }];
    for unused in &mut fixture.verdict.unused {
        poison(&mut unused.clause);
    }
    for layer in &mut fixture.layers {
        poison(&mut layer.about);
    }
    fixture.shares.push(Share { name: text.into(), purl: Some(text.into()), size: 50_000_000 });
    let component = |licence: Option<String>| Component {
        purl: text.into(),
        name: text.into(),
        version: text.into(),
        licence,
        places: vec![],
    };
    fixture.components.push(component(Some(text.into())));
    poison(&mut fixture.name);
    poison(&mut fixture.database.name);
    poison(&mut fixture.attestations[0].predicate);
    poison(&mut fixture.signatures[0].by);
    poison(&mut fixture.verdict.policies[0].name);
    fixture
}

fn poison_finding(finding: &mut Finding, text: &str) {
    finding.title = text.into();
    finding.remedy = text.into();
    if let Detail::Hole(hole) = &mut finding.detail {
        for field in [&mut hole.id, &mut hole.package, &mut hole.name, &mut hole.version, &mut hole.summary] {
            *field = text.into();
        }
        hole.aliases = vec![text.into()];
        hole.fixed = vec![text.into()];
        hole.references = vec![text.into(), format!("https://example.com/{text}")];
        hole.weaknesses = vec![text.into()];
        hole.scores = vec![(text.into(), 255)];
        (hole.state, hole.urgency) = (Some(text.into()), Some(text.into()));
        (hole.exploited, hole.published) = (Some(text.into()), Some(text.into()));
    }
    for place in &mut finding.places {
        place.path = Some(text.into());
        place.inside = vec![text.into()];
        place.origin.owner = Some(text.into());
        place.origin.because = vec![text.into(), text.into()];
        place.origin.spec.iter_mut().for_each(|at| at.file = text.into());
    }
}

/// Characters that no reader of a report should meet raw.
fn is_bad(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

#[test]
fn hostile_texts_stay_texts_in_each_form() {
    for text in TEXTS {
        let fixture = poisoned(text);
        for form in Form::ALL {
            let page = written(&fixture.report(), form);
            assert_eq!(page.chars().find(|c| is_bad(*c)), None, "{form:?} {text:?}");
            match form {
                Form::Json | Form::Sarif | Form::CycloneDx | Form::GitLab => {
                    serde_json::from_str::<serde_json::Value>(&page).unwrap();
                }
                Form::JUnit => {
                    let mut reader = quick_xml::Reader::from_str(&page);
                    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
                    assert!(!page.contains("<x/>") && !page.contains("<script"), "{page}");
                }
                Form::Html => {
                    for evil in ["<script", "<img", "<x/>", "href=\"javascript", "<details open"] {
                        assert!(!page.contains(evil), "{text:?} {evil}");
                    }
                    assert_eq!(page.matches("</style>").count(), 1);
                    assert_eq!(page.matches("</title>").count(), 1 + page.matches("<g><title>").count());
                }
                Form::Markdown => {
                    let page = outside_of_code(&page);
                    for evil in ["<script", "<img", "<details open", "](javascript", "@everybody", "#1 ", "\n# heading"]
                    {
                        assert!(!page.contains(evil), "{text:?} {evil}: {page}");
                    }
                    // An address is broken up, unless it is one of a list of holes.
                    assert_eq!(page.matches("https://").count(), page.matches("](https://").count(), "{page}");
                    // No row has more cells than its table.
                    for row in page.lines().filter(|row| row.starts_with('|')) {
                        let cells = cells(row);
                        assert!([3, 4].contains(&cells), "{cells}: {row}");
                    }
                }
                Form::Text => assert!(page.lines().all(|line| line.chars().count() <= 100)),
            }
        }
        assert!(serde_json::to_string(&Vulnerabilities::of(&fixture.report())).is_ok());
        assert!(serde_json::to_string(&Summary::of(&fixture.report(), Some(3))).is_ok());
    }
}

/// A page without what stands between backquotes, by the rule of Markdown: there is no escaping in code, but outside.
fn outside_of_code(page: &str) -> String {
    let mut outside = String::new();
    let mut signs = page.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '`' => assert!(signs.any(|sign| sign == '`'), "code without an end: {page}"),
            '\\' => outside.extend([sign].into_iter().chain(signs.next())),
            sign => outside.push(sign),
        }
    }
    outside
}

/// The cells of a row by the rule of GitHub's dialect: a backslash takes the sign behind it along.
fn cells(row: &str) -> usize {
    let mut bars = 0;
    let mut signs = row.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => {
                signs.next();
            }
            '|' => bars += 1,
            _ => {}
        }
    }
    bars - 1
}

#[test]
fn a_megabyte_of_text_becomes_a_line() {
    let long = "x ".repeat(500_000);
    let mut fixture = poisoned(&long);
    let mut many = fixture.verdict.findings[0].clone();
    many.finding.places = (0..100_000).map(|i| Place { path: Some(format!("/srv/{i}")), ..Place::default() }).collect();
    fixture.verdict.findings.push(many);
    for form in Form::ALL {
        let page = written(&fixture.report(), form);
        assert!(page.len() < 1_000_000, "{form:?}: {}", page.len());
    }
    let page = written(&fixture.report(), Form::Json);
    assert!(page.contains("99950 more places"));
}

#[test]
fn a_hundred_thousand_findings_take_no_time_that_grows_with_their_square() {
    let findings = (0..100_000).map(|i| Judged {
        finding: hole("CVE-2026-1", ("a", "1"), &[if i % 2 == 0 { "2" } else { "3" }], None),
        outcome: Outcome::Denied,
        because: vec![],
        expired: None,
    });
    let mut fixture = fixture();
    fixture.verdict.findings = findings.collect();
    let groups = crate::policy::report::groups(&fixture.verdict);
    assert_eq!((groups.len(), groups[0].findings.len()), (1, 100_000));
    let page = written(&fixture.report(), Form::Json);
    assert!(
        page.contains(
            &Digest::of(format!("{}\n100000", fixture.verdict.findings[0].finding.fingerprint())).to_string()
        )
    );
}

#[test]
fn lines_are_cut_and_stay_one() {
    assert_eq!(line("a\tb\r\nc", 10), "a b  c");
    assert_eq!(line("abcdef", 3), "ab…");
    assert_eq!(line("abc", 3), "abc");
    assert_eq!(line("\u{1b}[0m\u{202e}\u{ad}", 9), "\u{fffd}[0m\u{fffd}\u{fffd}");
}

#[test]
fn markdown_is_escaped() {
    assert_eq!(
        escape("a|b <i> @me #7 www.x.y http://z *"),
        "a\\|b &lt;i&gt; @\u{2060}me \\#\u{2060}7 www\u{2060}.x.y http:\u{2060}//z \\*"
    );
    assert_eq!(escape("1.2.3: x"), "1.2.3: x", "versions can be copied");
    assert_eq!(code("pkg:npm/%40a/b@1"), "`pkg:npm/%40a/b@1`");
    assert_eq!(code("a|b"), "<code>a\\|b</code>");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_harmless(text in "\\PC{0,40}|[\\x00-\\x{20}\\\\`|<>&@#\\[\\]()!:/\"']{0,40}") {
        let fixture = poisoned(&text);
        for form in Form::ALL {
            let page = written(&fixture.report(), form);
            prop_assert_eq!(page.chars().find(|c| is_bad(*c)), None);
            if form == Form::Markdown {
                for row in page.lines().filter(|row| row.starts_with('|')) {
                    prop_assert!([3, 4].contains(&cells(row)), "{}", row);
                }
            }
        }
    }
}
