use super::{Control, Family, RULES, Rule, Standard};
use std::collections::BTreeSet;

#[test]
fn rules_are_sorted_and_each_is_there_once() {
    let listed: Vec<(Family, &str)> = RULES.iter().map(|rule| (rule.family, rule.id)).collect();
    assert!(listed.is_sorted(), "{listed:?}");
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        assert_eq!(Rule::named(rule.id), Some(rule));
        assert!(rule.controls.is_sorted_by_key(order), "{}", rule.id);
    }
}

/// By standard, then by number as people count: 4.2 stands before 4.12.
fn order(control: &Control) -> (Standard, Vec<(u32, &'static str)>) {
    let parts = control.number.split(['.', '(', ')']).map(|part| (part.parse().unwrap_or(0), part));
    (control.standard, parts.collect())
}

#[test]
fn each_rule_has_a_page_that_says_what_the_table_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for rule in RULES {
        let page = std::fs::read_to_string(root.join(rule.page())).unwrap_or_default();
        assert!(page.starts_with(&format!("# `{}`\n", rule.id)), "{} has no page", rule.id);
        assert!(page.contains(&format!("| Severity | {} |", rule.severity)), "{}", rule.page());
        let controls: Vec<String> = rule.controls.iter().map(ToString::to_string).collect();
        let controls = if controls.is_empty() { "none".into() } else { controls.join(", ") };
        assert!(page.contains(&format!("| Standards | {controls} |")), "{}: {controls}", rule.page());
    }
    let pages = std::fs::read_dir(root.join("specs/rules")).expect("the pages of rules");
    let pages = pages.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".md")?.to_owned()));
    let unknown: Vec<String> = pages.filter(|page| page != "README" && Rule::named(page).is_none()).collect();
    assert!(unknown.is_empty(), "pages of no rule: {unknown:?}");
}

#[test]
fn the_list_of_standards_names_the_rules_of_each_control() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(root.join("specs/rules/README.md")).expect("the list of rules");
    let told =
        list.lines().filter(|line| Standard::ALL.iter().any(|s| line.starts_with(&format!("| {} | ", s.name()))));
    let told: Vec<(String, Vec<String>)> = told
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let rules =
                cells[3].split(", ").filter_map(|link| Some(link.strip_prefix("[`")?.split('`').next()?.to_owned()));
            (format!("{} {}", cells[0], cells[1]), rules.collect())
        })
        .collect();
    let mut controls: Vec<&Control> = RULES.iter().flat_map(|rule| rule.controls).collect();
    controls.sort_by_key(|control| order(control));
    controls.dedup();
    let wanted = controls.into_iter().map(|control| {
        let rules = RULES.iter().filter(|rule| rule.controls.contains(control));
        (control.to_string(), rules.map(|rule| rule.id.to_owned()).collect())
    });
    let wanted: Vec<(String, Vec<String>)> = wanted.collect();
    assert_eq!(told, wanted);
    for rule in RULES {
        assert!(
            list.contains(&format!("| [`{0}`]({0}.md) | {1} | {2} |", rule.id, rule.severity, rule.title)),
            "{}",
            rule.id
        );
    }
}
