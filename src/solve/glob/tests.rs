use super::list::clean;
use super::*;
use proptest::prelude::*;

fn moby(patterns: &[&str], path: &str) -> bool {
    Patterns::new(patterns).unwrap().judge_path(path.trim_end_matches('/').as_bytes()).matches
}

#[test]
fn the_languages_of_patterns() {
    for (pattern, path, expected) in [
        ("**", "file", true),
        ("**/", "file", true),
        ("**", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("dir/**", "dir", false),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true),
        ("**file", "file", true),
        ("**file", "dir/file", true),
        ("**file", "dir/otherfile", true),
        ("**file*", "otherfile", false),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/**/*.txt", "file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("a[^b-d]e", "aze", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("**/foo/bar", "dir/dir2/foo/bar", true),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
        (r"a\*b", "a*b", true),
        (r"a\*b", "axb", false),
        (r"a\\", r"a\", true),
        ("a?b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("*[a-ζ]", "A", false),
        ("a?b", "a/b", false),
        ("a*b", "a/b", false),
        (r"[\]a]", "]", true),
        (r"[x\-]", "-", true),
        ("*x", "xxx", true),
        ("a*", "ab/c", true),
        ("target", "target/debug/x", true),
        ("./target/", "target/x", true),
        ("  target  ", "target", true),
    ] {
        assert_eq!(moby(&[pattern], path), expected, "{pattern} on {path}");
    }
}

#[test]
fn the_last_match_wins() {
    for (patterns, path, expected) in [
        (&["**", "!util/docker/web"][..], "util/docker/web/foo", false),
        (&["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", true),
        (&["**", "!dist/*.whl"], "dist/a-1.2+g0.whl", false),
        (&["docs", "!docs/README.md"], "docs/README.md", false),
        (&["docs/", "!docs/README.md"], "docs/guide.md", true),
        (&["!a.go", "*.go"], "a.go", true),
        (&["*.go", "!a.go"], "a.go", false),
        (&["a", "!a/b", "a/b/c"], "a/b/c", true),
        (&["a", "!a/b", "a/b/c"], "a/b/d", false),
        (&["a", "  !a/b  "], "a/b", false),
    ] {
        assert_eq!(moby(patterns, path), expected, "{patterns:?} on {path}");
    }
}

#[test]
fn go_wildcards_know_no_double_star_and_match_whole_paths() {
    let matches = |pattern: &str, path: &str| Wildcard::new(pattern).unwrap().matches(path.as_bytes());
    assert!(matches("a/*/c", "a/b/c"));
    assert!(!matches("a/**/d", "a/b/c/d"));
    assert!(matches("a/**/c", "a/b/c"));
    assert!(!matches("*", "a/b"));
    assert!(!matches("a*", "ab/c"));
    assert!(matches("a*b*c*d*e*/f", "axbxcxdxexxx/f"));
    assert!(!matches("a*b?c*x", "abxbbxdbxebxczzy"));
}

#[test]
fn wildcards_are_seen_unless_they_are_quoted() {
    assert!(Wildcard::is_in("a*") && Wildcard::is_in("a?") && Wildcard::is_in("[a]"));
    assert!(!Wildcard::is_in("a/b") && !Wildcard::is_in(r"a\*b") && !Wildcard::is_in("a\\"));
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in ["[", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", r"[a\", "[a-"] {
        assert!(Wildcard::new(pattern).is_err(), "{pattern}");
        assert!(Patterns::new([pattern]).is_err(), "{pattern}");
    }
    assert_eq!(Patterns::new(["!"]).unwrap_err(), BadPattern("!".into()));
}

#[test]
fn folders_that_nothing_can_match_in_are_known() {
    let below = |pattern: &str, folder: &str| {
        let list = Patterns::new([pattern]).unwrap();
        list.can_change_below(folder.as_bytes(), &list.root())
    };
    assert!(below("src/*/main.rs", "src") && below("src/*/main.rs", "src/bin") && below("src/a", ""));
    assert!(!below("src/*/main.rs", "srcs") && !below("src/*/main.rs", "src/bin/x") && !below("src", "src"));

    let list = Patterns::new(["target", "!target/keep/*.txt", "!**/vital"]).unwrap();
    let target = list.judge_path(b"target");
    assert!(target.matches && list.can_change_below(b"target", &target));
    let list = Patterns::new(["target", "!target/keep/*.txt"]).unwrap();
    let debug = list.judge_path(b"target/debug");
    assert!(debug.matches && !list.can_change_below(b"target/debug", &debug));
    let keep = list.judge_path(b"target/keep");
    assert!(list.can_change_below(b"target/keep", &keep));
}

#[test]
fn bytes_that_are_no_text_are_matched_too() {
    let star = Wildcard::new("a*").unwrap();
    assert!(star.matches(b"a\xff\xfe"));
    assert!(Wildcard::new("a?").unwrap().matches(b"a\xff"));
    assert!(!Wildcard::new("ab").unwrap().matches(b"a\xff"));
}

/// With backtracking this would not end.
#[test]
fn no_pattern_takes_long() {
    let text = "a".repeat(4000);
    let pattern = "*a".repeat(60) + "b";
    assert!(!Wildcard::new(&pattern).unwrap().matches(text.as_bytes()));
    assert!(!moby(&[&("**/a*".repeat(40) + "b")], &"a/".repeat(1000)));
}

#[test]
fn paths_are_cleaned_as_go_does() {
    for (path, expected) in [
        ("", "."),
        ("a//b/./c/", "a/b/c"),
        ("a/../b", "b"),
        ("../a", "../a"),
        ("/../a", "/a"),
        ("a/..", "."),
        ("./", "."),
        ("!./a", "!./a"),
    ] {
        assert_eq!(clean(path), expected, "{path}");
    }
}

/// The meaning of a pattern by trying everything, to compare the automaton with.
fn by_trying(pattern: &[char], text: &[char]) -> bool {
    match pattern.first() {
        None => text.is_empty(),
        Some('*') => {
            (0..=text.len()).take_while(|n| !text[..*n].contains(&'/')).any(|n| by_trying(&pattern[1..], &text[n..]))
        }
        Some('?') => text.first().is_some_and(|c| *c != '/') && by_trying(&pattern[1..], &text[1..]),
        Some(c) => text.first() == Some(c) && by_trying(&pattern[1..], &text[1..]),
    }
}

proptest! {
    #[test]
    fn the_automaton_agrees_with_trying_everything(pattern in "[ab/*?]{0,8}", text in "[ab/]{0,8}") {
        let chars: Vec<char> = pattern.chars().collect();
        let expected = by_trying(&chars, &text.chars().collect::<Vec<_>>());
        prop_assert_eq!(Wildcard::new(&pattern).unwrap().matches(text.as_bytes()), expected);
    }

    /// Leaving a folder out must never lose a file.
    #[test]
    fn pruning_never_changes_the_outcome(
        patterns in proptest::collection::vec("!?[ab*]{1,3}(/[ab*]{1,3}){0,2}", 1..5),
        path in "[ab]{1,2}(/[ab]{1,2}){1,3}",
    ) {
        let Ok(list) = Patterns::new(&patterns) else { return Ok(()) };
        let full = list.judge_path(path.as_bytes()).matches;
        let mut verdict = list.root();
        for end in path.match_indices('/').map(|(i, _)| i).chain([path.len()]) {
            let folder = &path.as_bytes()[..end];
            verdict = list.judge(folder, &verdict);
            if end < path.len() && !list.can_change_below(folder, &verdict) {
                prop_assert_eq!(verdict.matches, full, "{:?} on {} pruned at {}", patterns, path, end);
                break;
            }
        }
        prop_assert_eq!(list.judge_path(path.as_bytes()).matches, full);
    }

    #[test]
    fn no_pattern_crashes(pattern in "\\PC{0,20}", text in "\\PC{0,20}") {
        if let Ok(wildcard) = Wildcard::new(&pattern) {
            wildcard.matches(text.as_bytes());
        }
        if let Ok(list) = Patterns::new([&pattern]) {
            list.judge_path(text.as_bytes());
        }
    }
}
