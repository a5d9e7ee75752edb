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

/// Files of about 64 KiB each in some folders.
fn many(count: usize) -> Tree {
    let names: Vec<String> = (0..count).map(|i| format!("d{}/{i:05}", i % 7)).collect();
    let files: Vec<(&str, u64)> =
        names.iter().enumerate().map(|(i, name)| (&name[..], 60_000 + i as u64 % 99)).collect();
    tree(&files)
}

fn stacked(runs: &[Change]) -> Tree {
    let mut whole = Tree::new();
    runs.iter().for_each(|run| run.apply(&mut whole).unwrap());
    whole
}

#[test]
fn much_is_divided_into_runs_and_little_is_not() {
    let little = many(500);
    assert_eq!(runs(&little, 8), [little.clone().into()]);
    let much = many(3000);
    assert_eq!(runs(&much, 1), [much.clone().into()]);
    assert_eq!(runs(&much, 0).len(), 1);
    for budget in [2, 3, 8, 100] {
        let runs = runs(&much, budget);
        assert!((2..=budget).contains(&runs.len()), "{} of {budget}", runs.len());
        assert_eq!(stacked(&runs), much);
        let largest = runs.iter().map(|run| run.entries.iter().map(|(_, entry)| entry.size()).sum::<u64>()).max();
        let total: u64 = much.iter().map(|(_, entry)| entry.size()).sum();
        assert!(largest.unwrap() < total * 3 / 4, "{budget}: {largest:?} of {total}");
    }
}

#[test]
fn a_new_file_leaves_most_runs_as_they_were() {
    let before = many(3000);
    for name in ["a", "d3/01234x", "d6/zzz"] {
        let mut after = before.clone();
        after.insert(path(name), Entry::file(Digest::of(name), 100_000, 0o644)).unwrap();
        let (before, after) = (runs(&before, 8), runs(&after, 8));
        let new = after.iter().filter(|run| !before.contains(run)).count();
        assert!(new <= 2, "{name}: {new} of {}", after.len());
    }
}

#[test]
fn all_paths_of_one_file_are_in_one_run() {
    let mut tree = many(3000);
    for name in ["d0/00000", "d6/zz"] {
        let mut linked = Entry::file(Digest::of("linked"), 1000, 0o644);
        let Node::File { link, .. } = &mut linked.node else { unreachable!() };
        *link = Some(LinkId([1; 16]));
        tree.insert(path(name), linked).unwrap();
    }
    let runs = runs(&tree, 8);
    let with = |name: &str| runs.iter().position(|run| run.entries.get(&path(name)).is_some());
    assert_eq!(with("d0/00000"), with("d6/zz"));
    assert_eq!(stacked(&runs), tree);
}
