use super::*;
use crate::oci::Digest;
use proptest::prelude::*;

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

/// Files by path and size; folders as needed.
fn tree(files: &[(&str, u64)]) -> Tree {
    let mut tree = Tree::new();
    tree.insert(TreePath::root(), Entry::dir(0o755)).unwrap();
    for (p, size) in files {
        tree.make_dirs(&path(p).parent().unwrap(), &Entry::dir(0o755)).unwrap();
        tree.insert(path(p), Entry::file(Digest::of(p), *size, 0o644)).unwrap();
    }
    tree
}

/// The group is the part of the name before the dash.
fn by_name(p: &TreePath) -> Option<String> {
    let name = String::from_utf8_lossy(p.file_name()?).into_owned();
    name.split_once('-').map(|(group, _)| group.to_owned())
}

fn shape(parts: &[Part]) -> Vec<String> {
    let files = |part: &Part| {
        part.change
            .entries
            .iter()
            .filter(|(_, e)| !e.is_dir())
            .map(|(p, _)| p.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    parts.iter().map(|part| format!("[{}] {}", part.groups.join(" "), files(part))).collect()
}

#[test]
fn the_largest_groups_have_their_own_layers_and_the_rest_shares_one() {
    let tree = tree(&[
        ("lib/z-1", 9000),
        ("lib/z-2", 100),
        ("bin/a-1", 5000),
        ("bin/b-1", 100),
        ("bin/c-1", 200),
        ("unowned", 1_000_000),
    ]);
    assert_eq!(
        shape(&split(&tree, by_name, 3)),
        ["[a] /bin/a-1", "[z] /lib/z-1 /lib/z-2", "[b c] /bin/b-1 /bin/c-1 /unowned"]
    );
    let one = ["[a b c z] /bin/a-1 /bin/b-1 /bin/c-1 /lib/z-1 /lib/z-2 /unowned"];
    assert_eq!(shape(&split(&tree, by_name, 1)), one);
    assert_eq!(shape(&split(&tree, by_name, 0)), one);
    assert_eq!(split(&tree, by_name, 100).len(), 5);
    assert!(split(&Tree::new(), by_name, 5).is_empty());
}

#[test]
fn every_part_has_its_folders_and_empty_ones_are_not_lost() {
    let mut tree = tree(&[("usr/lib/a-1", 9000), ("usr/bin/b-1", 1)]);
    tree.insert(path("usr/c-empty"), Entry::dir(0o700)).unwrap();
    let names = |part: &Part| part.change.entries.iter().map(|(p, _)| p.to_string()).collect::<Vec<_>>();
    let parts = split(&tree, by_name, 2);
    assert_eq!(names(&parts[0]), ["/", "/usr", "/usr/lib", "/usr/lib/a-1"]);
    assert_eq!(names(&parts[1]), ["/", "/usr", "/usr/bin", "/usr/bin/b-1", "/usr/c-empty"]);
}

#[test]
fn one_file_with_two_paths_stays_one_file() {
    let mut tree = tree(&[("x-1", 10), ("y-1", 10)]);
    for p in ["a-1", "b-1"] {
        let mut entry = Entry::file(Digest::of("linked"), 100_000, 0o644);
        let Node::File { link, .. } = &mut entry.node else { unreachable!() };
        *link = Some(LinkId::new("t", &path("a-1")));
        tree.insert(path(p), entry).unwrap();
    }
    assert_eq!(shape(&split(&tree, by_name, 2)), ["[a] /a-1 /b-1", "[x y] /x-1 /y-1"]);
}

proptest! {
    #[test]
    fn the_parts_together_are_the_tree(
        files in prop::collection::btree_map("[ab]/[ab]/[pqr]-[0-9]", 0..5000u64, 0..20),
        budget in 0..6usize,
    ) {
        let files: Vec<(&str, u64)> = files.iter().map(|(p, size)| (p.as_str(), *size)).collect();
        let tree = tree(&files);
        let parts = split(&tree, by_name, budget);
        prop_assert!(parts.len() <= budget.max(1));
        for order in [parts.iter().collect::<Vec<_>>(), parts.iter().rev().collect()] {
            let mut result = Tree::new();
            for part in order {
                part.change.apply(&mut result).unwrap();
            }
            prop_assert_eq!(&result, &tree);
        }
        let files = |part: &Part| part.change.entries.iter().filter(|(_, e)| e.is_file()).count();
        prop_assert_eq!(parts.iter().map(files).sum::<usize>(), tree.iter().filter(|(_, e)| e.is_file()).count());
    }
}
