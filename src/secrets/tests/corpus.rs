//! Tokens that are known by their look: each form is found, and what almost has it is not.

use super::{Place, found, none, one};
use crate::secrets::fixtures::forms::FORMS;
use crate::secrets::fixtures::{Fill, Random, almost, secret};
use crate::secrets::search_text;
use std::collections::BTreeSet;

#[test]
fn every_form_is_found_once_where_it_stands() {
    for (seed, (rule, template)) in FORMS.iter().enumerate() {
        let random = &mut Random::new(seed as u64 + 1);
        for _ in 0..20 {
            let secret = loop {
                let secret = secret(template, random, Fill::Random);
                // A dash at an end is allowed, and what stands beside it in a text is not known.
                if !secret.ends_with(['-', '_']) {
                    break secret;
                }
            };
            let text = format!("# first\n  second = \"{secret}\"\nthird\n");
            let leak = one("usr/src/main.py", &text, rule, &secret);
            assert_eq!((leak.line, leak.column, leak.offset), (Some(2), Some(13), 20), "{rule}");
            let shown = leak.shown.strip_suffix('…').unwrap();
            assert!(shown.len() <= 4 && secret.starts_with(shown), "{rule}: {shown}");
            assert!(!format!("{leak:?}").contains(&secret[4..]));
            let context = search_text(format!("TOOL={secret}"), Place::Variables);
            assert!(context.iter().any(|leak| leak.rule.id == *rule), "{rule}: {context:?}");
        }
    }
}

#[test]
fn what_almost_has_a_form_is_none() {
    for (seed, (rule, template)) in FORMS.iter().enumerate() {
        let random = &mut Random::new(seed as u64 + 1000);
        for fill in almost(template) {
            let secret = secret(template, random, fill);
            let leaks = found("usr/src/main.py", format!("x = '{secret}'\n"));
            assert!(leaks.is_empty(), "{rule}, {fill:?}: {secret}: {leaks:?}");
        }
    }
}

#[test]
fn letters_before_and_behind_make_another_word_of_it() {
    for (rule, template) in
        [("hugging-face-token", "h|f_{L34}"), ("crates-io-token", "ci|o{a32}"), ("twilio-key", "S|K{h32}")]
    {
        let random = &mut Random::new(7);
        let secret = secret(template, random, Fill::Random);
        none("usr/src/main.py", format!("x = 'a{secret}'"));
        none("usr/src/main.py", format!("x = '{secret}z9'"));
        // But an escape is no letter of it.
        one("usr/src/main.py", format!("x = 'a\\n{secret}\\n'"), rule, &secret);
        one("usr/src/main.py", format!("x=a%3D{secret}%0A"), rule, &secret);
    }
}

#[test]
fn a_checksum_proves_a_token_among_other_texts() {
    let secret = secret("gh|p_{a30}{crc62}", &mut Random::new(3), Fill::Random);
    one("usr/bin/tool", format!("\0prefix{secret}suffix\0"), "github-token", &secret);
}

#[test]
fn every_rule_has_tests() {
    let source = [
        include_str!("../fixtures/forms.rs"),
        include_str!("../fixtures/files.rs"),
        include_str!("keys.rs"),
        include_str!("places.rs"),
        include_str!("archives.rs"),
    ]
    .concat();
    let missing: BTreeSet<&str> =
        crate::secrets::RULES.iter().map(|rule| rule.id).filter(|id| !source.contains(&format!("\"{id}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn rules_are_sorted_and_complete() {
    let rules = crate::secrets::RULES;
    assert!(rules.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in rules {
        assert!(
            !rule.title.is_empty() && !rule.what_to_do.is_empty() && crate::secrets::Rule::named(rule.id) == Some(rule)
        );
    }
}
