//! Specs and policies of others: read with all mistakes told, and written in the one format, which reads as the same.
#![no_main]

use kiln::diagnostic::Sources;
use kiln::spec::{format, load, load_policy};
use kiln_fuzz::{plant, within};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    within(128, || {
        let files = BTreeMap::from([("kiln.kdl".to_owned(), text.to_owned())]);
        let _ = load_policy(&files, "kiln.kdl", Sources::default());
        let loaded = load(&files, "kiln.kdl", &BTreeMap::new());
        let Ok(formatted) = format("kiln.kdl", text) else { return };
        assert_eq!(format("kiln.kdl", &formatted).ok().as_ref(), Some(&formatted), "what is formatted stays");
        let files = BTreeMap::from([("kiln.kdl".to_owned(), formatted)]);
        assert_eq!(load(&files, "kiln.kdl", &BTreeMap::new()).is_ok(), loaded.is_ok(), "another spec");
    });
});

/// The samples in the documents of the language.
fn seeds() -> Vec<Vec<u8>> {
    const DOCUMENTS: [&str; 8] = [
        include_str!("../../specs/language/policy.md"),
        include_str!("../../specs/language/image.md"),
        include_str!("../../specs/language/source.md"),
        include_str!("../../specs/language/packages.md"),
        include_str!("../../specs/language/stage.md"),
        include_str!("../../specs/language/template.md"),
        include_str!("../../specs/language/syntax.md"),
        include_str!("../../specs/language/arg.md"),
    ];
    let samples = |document: &'static str| {
        let blocks = document.split("```kdl").skip(1).filter_map(|rest| rest.split_once('\n')?.1.split("```").next());
        blocks.map(|block| block.as_bytes().to_vec()).collect::<Vec<_>>()
    };
    DOCUMENTS.into_iter().flat_map(samples).collect()
}
