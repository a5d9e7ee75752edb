use super::{Control, Family, RULES, Rule};
use std::collections::BTreeSet;

#[test]
fn rules_are_sorted_and_each_is_there_once() {
    let order: Vec<(Family, &str)> = RULES.iter().map(|rule| (rule.family, rule.id)).collect();
    assert!(order.is_sorted(), "{order:?}");
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        assert_eq!(Rule::named(rule.id), Some(rule));
        assert!(rule.controls.is_sorted_by_key(Control::order), "{}", rule.id);
    }
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
