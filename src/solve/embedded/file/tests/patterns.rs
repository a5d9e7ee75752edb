//! Copies that choose by pattern.

use super::*;

#[test]
fn wildcards_choose_sources() {
    let bench = Bench::new();
    let from =
        &["a/x.txt 644 1", "a/y.txt 644 2", "a/z.bin 644 3", "b/x.txt 644 4", "a-b/x.md 644 5", "dirs/d/f 644 6"];
    let wild = |src: &str, dest: &str| FileActionCopy { allow_wildcard: true, ..copy(src, dest) };
    let copied = |src: &str, expected: &[&str]| {
        bench.check(&[], from, vec![Action::Copy(wild(src, "/n/"))], expected);
    };
    copied("/a/*.txt", &["n/ 755", "n/x.txt 644 1", "n/y.txt 644 2"]);
    copied("/?/z*", &["n/ 755", "n/z.bin 644 3"]);
    copied("/a/[xz].*", &["n/ 755", "n/x.txt 644 1", "n/z.bin 644 3"]);
    copied("/dirs/*", &["n/ 755", "n/d/ 755", "n/d/f 644 6"]);
    // The later match of the same name wins: folder by folder, `a` before `a-b` before `b`.
    copied("/*/x.*", &["n/ 755", "n/x.md 644 5", "n/x.txt 644 4"]);
    bench.fail(&[], from, Action::Copy(wild("/none*", "/n/")), "nothing matches");
    bench.fail(&[], from, Action::Copy(wild("/none/*", "/n/")), "does not exist");
    bench.fail(&[], from, Action::Copy(wild("/a/[", "/n/")), "no pattern");
    let empty = FileActionCopy { allow_empty_wildcard: true, ..wild("/none*", "/n/") };
    bench.check(&[], from, vec![Action::Copy(empty)], &[]);
    bench.check(&[], &["a* 644 x", "ab 644 y"], vec![Action::Copy(wild("/a[*]", "/n"))], &["n 644 x"]);
}

fn owned(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
}

/// Copies what is in `/s` to `/n`.
fn contents(include: &[&str]) -> FileActionCopy {
    FileActionCopy { dir_copy_contents: true, include_patterns: owned(include), ..copy("/s", "/n") }
}

fn with(include: &[&str], exclude: &[&str]) -> Action {
    Action::Copy(FileActionCopy { exclude_patterns: owned(exclude), ..contents(include) })
}

#[test]
fn include_and_exclude_patterns_choose_what_is_below() {
    let bench = Bench::new();
    let from = &[
        "s/a/ 700",
        "s/a/x.c 644 1",
        "s/a/x.o 644 2",
        "s/a/deep/y.c 644 3",
        "s/b/ 755",
        "s/b/z.o 644 4",
        "s/empty/ 711",
    ];
    // Folders that no pattern includes come only with something in them.
    bench.check(
        &[],
        from,
        vec![with(&["**/*.c"], &[])],
        &["n/ 755", "n/a/ 700", "n/a/deep/ 755", "n/a/deep/y.c 644 3", "n/a/x.c 644 1"],
    );
    bench.check(&[], from, vec![with(&["a"], &["**/*.o", "a/deep"])], &["n/ 755", "n/a/ 700", "n/a/x.c 644 1"]);
    bench.check(
        &[],
        from,
        vec![with(&[], &["*", "!b", "!empty"])],
        &["n/ 755", "n/b/ 755", "n/b/z.o 644 4", "n/empty/ 711"],
    );
    bench.check(
        &[],
        from,
        vec![with(&[], &["a", "!a/deep/y.c", "b", "empty"])],
        &["n/ 755", "n/a/ 700", "n/a/deep/ 755", "n/a/deep/y.c 644 3"],
    );
    bench.check(&[], from, vec![with(&["nothing"], &[])], &["n/ 755"]);
    // An existing folder on the way to what is included keeps its owner.
    bench.check(&["n/a/ 701 @9:9"], from, vec![with(&["a/x.c"], &[])], &["n/ 755", "n/a/ 700 @9:9", "n/a/x.c 644 1"]);
    bench.fail(&[], from, with(&["["], &[]), "no pattern");
}

/// The tree's order puts `a-b` between `a` and what is in it.
#[test]
fn patterns_see_folders_whose_content_comes_later() {
    let bench = Bench::new();
    let from = &["s/a/x 644 1", "s/a-b/y 644 2", "s/a/z/w 644 3"];
    let only_a = &["n/ 755", "n/a/ 755", "n/a/x 644 1", "n/a/z/ 755", "n/a/z/w 644 3"];
    bench.check(&[], from, vec![with(&["a"], &[])], only_a);
    bench.check(&[], from, vec![with(&["?"], &[])], only_a);
    bench.check(&[], from, vec![with(&[], &["a-b"])], only_a);
    bench.check(&[], from, vec![with(&[], &["a", "a-b"])], &["n/ 755"]);
    bench.check(&[], from, vec![with(&["a/x", "a/z"], &[])], only_a);
}

#[test]
fn required_paths_must_have_been_included() {
    let bench = Bench::new();
    let from = &["s/a/x 644 1", "s/b/y 644 2"];
    let with = |include: &[&str], required: &[&str]| {
        Action::Copy(FileActionCopy { required_paths: owned(required), ..contents(include) })
    };
    bench.check(&[], from, vec![with(&["a/*"], &["a/*", "/a/x"])], &["n/ 755", "n/a/ 755", "n/a/x 644 1"]);
    bench.fail(&[], from, with(&["a/*"], &["b/y"]), "nothing matches `b/y`");
    bench.fail(&[], from, with(&["c/*"], &["c/*"]), "nothing matches `c/*`");
    let no_patterns = with(&[], &["c"]);
    bench.check(&[], &["s/ 755"], vec![no_patterns], &["n/ 755"]);
}
