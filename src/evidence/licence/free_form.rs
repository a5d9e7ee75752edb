//! Copyright files for people: what can be recognised for sure.
//!
//! Recognised are grants of the GNU licences with their versions, references to Debian's common licences
//! whose name alone says which they are, and the opening words of well-known texts. A reference to `GPL-2` alone does
//! not tell whether later versions are allowed, so it counts for nothing.

use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Identifiers of the licences that the text grants for sure, sorted.
pub(super) fn recognise(text: &str) -> BTreeSet<String> {
    let text = flatten(text);
    let mut found = BTreeSet::new();
    found.extend(grants(&text));
    found.extend(references(&text));
    found.extend(bsd(&text));
    found.extend(permissive(&text));
    found.extend(KNOWN.iter().filter(|(_, phrases)| contains(&text, phrases)).map(|(id, _)| (*id).to_owned()));
    found
}

/// One line in lower case, without what folding, quoting and comments put between words.
fn flatten(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "*#|>`'\"\u{2018}\u{2019}\u{201c}\u{201d}".contains(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty() && *word != "." && *word != "//").collect();
    words.join(" ").to_lowercase()
}

fn contains(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().all(|phrase| text.contains(phrase))
}

/// Texts and statements that one phrase, or several together, identify.
const KNOWN: &[(&str, &[&str])] = &[
    ("Apache-2.0", &["licensed under the apache license, version 2.0"]),
    ("MPL-2.0", &["subject to the terms of the mozilla public license, v. 2.0"]),
    ("PSF-2.0", &["python software foundation license version 2 ---"]),
    (
        "Zlib",
        &[
            "in no event will the authors be held liable for any damages arising from the use of this software",
            "permission is granted to anyone to use this software for any purpose, including commercial applications",
            "altered source versions must be plainly marked as such",
        ],
    ),
];

/// Common licences whose file name leaves no question open.
const REFERENCES: &[(&str, &str)] =
    &[("artistic", "Artistic-1.0-Perl"), ("cc0-1.0", "CC0-1.0"), ("mpl-1.1", "MPL-1.1"), ("mpl-2.0", "MPL-2.0")];

static GRANT: LazyLock<Regex> = LazyLock::new(|| {
    let family = r"gnu (?P<family>general|lesser general|library general|affero general) public licen[sc]e";
    let publisher = r"(?: \([al]?gpl\))?,?(?: as published by the free software foundation[;,.]?)?(?: inc\.?[;,]?)?";
    let version = r"(?: \(?either)? \(?version (?P<version>[123](?:\.[01])?)\b(?P<rest>[^0-9]{0,80})";
    Regex::new(&format!("{family}{publisher}{version}")).expect("the pattern is fixed, and tests use it")
});

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/usr/share/common-licenses/(?P<name>[a-z0-9.\-]*[a-z0-9])").expect("the pattern is fixed")
});

fn grants(text: &str) -> Vec<String> {
    let grant = |found: regex::Captures<'_>| {
        let family = match &found["family"] {
            "general" => "GPL",
            "affero general" => "AGPL",
            _ => "LGPL",
        };
        let version = match (family, &found["version"]) {
            ("GPL" | "AGPL", "1" | "1.0") => "1.0",
            ("GPL" | "LGPL", "2" | "2.0") => "2.0",
            ("LGPL", "2.1") => "2.1",
            (_, "3" | "3.0") => "3.0",
            _ => return None,
        };
        let start = found.get(0).expect("a match has a place").start();
        let which = reach(before(text, start), &found["rest"])?;
        Some(format!("{family}-{version}-{which}"))
    };
    GRANT.captures_iter(text).filter_map(grant).collect()
}

/// The words before a place, as many as tell whether a licence is granted or only mentioned.
fn before(text: &str, place: usize) -> &str {
    let start = (place.saturating_sub(60)..=place).find(|start| text.is_char_boundary(*start));
    &text[start.unwrap_or(place)..place]
}

/// Whether a grant reaches to later versions, from the words around it; none where it is no grant.
fn reach(before: &str, after: &str) -> Option<&'static str> {
    let spaced = after.replace(['(', ')', ',', ';'], " ");
    let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let opening = ["of the license", "of the licence"].iter().find_map(|opening| words.strip_prefix(opening));
    let words = opening.unwrap_or(&words).trim_start();
    let later =
        ["+", "or at your option any later", "or at your option any newer", "or later", "or any later", "or newer"];
    if later.iter().any(|later| words.starts_with(later)) {
        return Some("or-later");
    }
    let mentioned = words.starts_with("can be found") || words.contains("gplv");
    (!mentioned && before.contains("under the")).then_some("only")
}

fn references(text: &str) -> Vec<String> {
    let of = |found: regex::Captures<'_>| {
        let name = found["name"].to_owned();
        REFERENCES.iter().find(|(known, _)| *known == name).map(|(_, id)| (*id).to_owned())
    };
    REFERENCE.captures_iter(text).filter_map(of).collect()
}

/// How far a licence text of that family reaches.
const REACH: usize = 2500;

/// The text from each place where `opening` stands up to the next such place.
fn passages<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
    let mut starts: Vec<usize> = text.match_indices(opening).map(|(start, _)| start).collect();
    starts.push(text.len());
    let cut = move |start: usize, next: usize| {
        let end = (start..=next.min(start + REACH)).rev().find(|end| text.is_char_boundary(*end));
        &text[start..end.unwrap_or(start)]
    };
    (0..starts.len() - 1).map(move |i| cut(starts[i], starts[i + 1]))
}

/// The BSD family by the conditions that each text has; nothing where the conditions are others.
fn bsd(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for passage in passages(text, "redistribution and use in source and binary forms") {
        let two = contains(
            passage,
            &["redistributions of source code must retain", "redistributions in binary form must reproduce"],
        );
        let advertising = passage.contains("all advertising materials mentioning");
        let endorsement = passage.contains("endorse or promote products");
        let id = match (two, advertising, endorsement) {
            (true, true, true) => "BSD-4-Clause",
            (true, false, true) => "BSD-3-Clause",
            (true, false, false) => "BSD-2-Clause",
            _ => continue,
        };
        found.push(id.to_owned());
    }
    found
}

/// The short permissive texts.
fn permissive(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for passage in passages(text, "permission is hereby granted, free of charge, to any person obtaining a copy") {
        if passage.contains("permission notice shall be included in all copies or substantial portions") {
            found.push("MIT".to_owned());
        } else if contains(passage, &["permission notice appear in all copies", "except as contained in this notice"]) {
            found.push("MIT-open-group".to_owned());
        }
    }
    for passage in passages(
        text,
        "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
    ) {
        if passage.contains("is hereby granted, provided that the above copyright notice and this permission notice appear in all copies") {
            found.push("ISC".to_owned());
        }
    }
    let sell = "permission to use, copy, modify, distribute, and sell this software and its documentation for any purpose is hereby granted without fee";
    if text.contains(sell) {
        found.push("HPND-sell-variant".to_owned());
    }
    found
}
