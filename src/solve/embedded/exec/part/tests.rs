use super::*;

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn file(text: &str) -> Entry {
    Entry::file(Digest::of(text), text.len() as u64, 0o644)
}

fn linked(text: &str, first: &str) -> Entry {
    let mut entry = file(text);
    if let Node::File { link, .. } = &mut entry.node {
        *link = Some(LinkId::new(Digest::of(text).as_bytes(), &path(first)));
    }
    entry
}

fn tree(entries: &[(&str, Entry)]) -> Tree {
    entries.iter().map(|(name, entry)| (path(name), entry.clone())).collect()
}

fn taken(lower: &Tree, upper: &Tree, paths: &[&str]) -> Tree {
    part(lower, upper, &paths.iter().map(|text| path(text)).collect()).unwrap()
}

#[test]
fn what_is_not_taken_is_as_it_was() {
    let lower = tree(&[("bin", Entry::dir(0o755)), ("bin/sh", file("sh")), ("old", file("old"))]);
    let mut upper = lower.clone();
    upper.remove(&path("old"));
    for (name, entry) in [
        ("bin/sh", file("another")),
        ("out", Entry::dir(0o711).owned_by(7, 7)),
        ("out/app", file("app")),
        ("out/app.o", file("object")),
        ("out/lib", Entry::dir(0o700)),
        ("out/lib/x", file("x")),
    ] {
        upper.insert(path(name), entry).unwrap();
    }
    let mut expected = lower.clone();
    for (name, entry) in [("out", Entry::dir(0o711).owned_by(7, 7)), ("out/app", file("app"))] {
        expected.insert(path(name), entry).unwrap();
    }
    assert_eq!(taken(&lower, &upper, &["out/app"]), expected);
    // A part of a part is the same.
    assert_eq!(taken(&lower, &expected, &["out/app"]), expected);
    let whole = taken(&lower, &upper, &["out", "old", "bin/sh"]);
    assert_eq!(whole, upper);
    assert_eq!(taken(&lower, &upper, &["missing/x"]), lower, "whoever takes it finds out");
    assert_eq!(taken(&lower, &upper, &[]), lower);
}

#[test]
fn a_folder_that_is_gone_is_gone() {
    let lower = tree(&[("d", Entry::dir(0o755)), ("d/e", Entry::dir(0o755)), ("d/e/f", file("f"))]);
    let upper = tree(&[("d", file("now a file"))]);
    assert_eq!(taken(&lower, &upper, &["d"]), upper);
    let gone = tree(&[("x", file("x"))]);
    assert_eq!(taken(&lower, &gone, &["d/e/f"]), Tree::new());
}

#[test]
fn all_is_kept_where_the_way_leads_through_a_link() {
    let lower = tree(&[("build", Entry::dir(0o755))]);
    let mut upper = lower.clone();
    upper.insert(path("out"), Entry::symlink("build")).unwrap();
    upper.insert(path("build/app"), file("app")).unwrap();
    assert_eq!(taken(&lower, &upper, &["out/app"]), upper);
    assert_eq!(taken(&lower, &upper, &["out"]), upper, "a mount follows it");
}

#[test]
fn names_of_a_file_that_are_left_out_are_none_of_its_names() {
    let lower = tree(&[("kept", linked("k", "kept")), ("other", linked("k", "kept"))]);
    let mut upper = lower.clone();
    for name in ["a", "b", "c"] {
        upper.insert(path(name), linked("x", "a")).unwrap();
    }
    let alone = taken(&lower, &upper, &["b"]);
    assert_eq!(alone.get(&path("b")), Some(&file("x")));
    assert_eq!(alone.get(&path("kept")), Some(&linked("k", "kept")));
    let two = taken(&lower, &upper, &["b", "c"]);
    assert_eq!(two.get(&path("b")), Some(&linked("x", "b")));
    assert_eq!(two.get(&path("b")), two.get(&path("c")));
}
