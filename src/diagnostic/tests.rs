use super::*;

fn sources() -> (Sources, FileId) {
    let mut sources = Sources::default();
    let id = sources.add("kiln.kdl", "kiln 1\nimäge \"x\"\n");
    (sources, id)
}

#[test]
fn positions_count_lines_and_characters_from_one() {
    let (sources, id) = sources();
    let file = sources.file(id);
    assert_eq!(file.position(0), (1, 1));
    assert_eq!(file.position(7), (2, 1));
    assert_eq!(file.position(12), (2, 5), "ä is one column and two bytes");
    assert_eq!(file.position(11), (2, 4), "inside a character counts as its start");
    assert_eq!(file.position(9999), (3, 1));
}

#[test]
fn diagnostics_are_sorted_by_place_and_unique() {
    let (sources, id) = sources();
    let late = Diagnostic::error("a::late", "late", Span::new(id, 7, 8), "");
    let early = Diagnostic::error("a::early", "early", Span::new(id, 0, 4), "");
    let all = Diagnostics::new(vec![late.clone(), early, late], sources);
    assert_eq!(all.to_string(), "kiln.kdl:1:1: early\nkiln.kdl:2:1: late");
    assert!(all.has_errors());
}

#[test]
fn a_near_miss_is_suggested_and_a_far_one_is_not() {
    let words = ["packages", "copy", "mkdir", "user"];
    assert_eq!(nearest("pakages", words), Some("packages"));
    assert_eq!(nearest("cpoy", words), Some("copy"));
    assert_eq!(nearest("entrypoint", words), None);
    assert_eq!(nearest("", words), None);
}
