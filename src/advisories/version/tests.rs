//! Every scheme against vectors of its own tool, and as a total order over whatever is thrown at it.

use super::{MAX_VERSION, Scheme};
use proptest::prelude::*;
use std::cmp::Ordering;

/// The vectors of each scheme. A line is a chain of versions with `<`, `=` or `>` between them, or `!` and what is no
/// version; in chains without `>` all pairs are compared.
const VECTORS: [(Scheme, &str); 12] = [
    (Scheme::Dpkg, include_str!("vectors/dpkg.txt")),
    (Scheme::Apk, include_str!("vectors/apk.txt")),
    (Scheme::Rpm, include_str!("vectors/rpm.txt")),
    (Scheme::Semver, include_str!("vectors/semver.txt")),
    (Scheme::Pub, include_str!("vectors/pub.txt")),
    (Scheme::Go, include_str!("vectors/go.txt")),
    (Scheme::Pep440, include_str!("vectors/pep440.txt")),
    (Scheme::Maven, include_str!("vectors/maven.txt")),
    (Scheme::Gem, include_str!("vectors/gem.txt")),
    (Scheme::Composer, include_str!("vectors/composer.txt")),
    (Scheme::NuGet, include_str!("vectors/nuget.txt")),
    (Scheme::Numbers, include_str!("vectors/numbers.txt")),
];

#[test]
fn versions_have_the_order_of_their_own_tool() {
    for (scheme, vectors) in VECTORS {
        let mut count = 0;
        for (number, line) in vectors.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let place = format!("{scheme:?}, line {}", number + 1);
            count += match line.strip_prefix("! ") {
                Some(text) => refused(scheme, text, &place),
                None => ordered(scheme, line, &place),
            };
        }
        assert!(count > 30, "{scheme:?} has {count} comparisons");
    }
}

fn refused(scheme: Scheme, text: &str, place: &str) -> usize {
    assert_eq!(scheme.compare(text, text), None, "{place}: {text} is a version");
    1
}

/// Compares the versions of a chain, and returns how many pairs there were.
fn ordered(scheme: Scheme, line: &str, place: &str) -> usize {
    let words: Vec<&str> = line.split(' ').collect();
    let versions: Vec<&str> = words.iter().step_by(2).copied().collect();
    let steps: Vec<Ordering> = words.iter().skip(1).step_by(2).map(|word| step(word, place)).collect();
    assert_eq!(steps.len() + 1, versions.len(), "{place} is no chain");
    let reach = if steps.contains(&Ordering::Greater) { 1 } else { steps.len() };
    let mut count = 0;
    for first in 0..versions.len() {
        let mut expected = Ordering::Equal;
        for second in first + 1..versions.len().min(first + 1 + reach) {
            expected = expected.then(steps[second - 1]);
            let (a, b) = (versions[first], versions[second]);
            assert_eq!(scheme.compare(a, b), Some(expected), "{place}: {a} {b}");
            assert_eq!(scheme.compare(b, a), Some(expected.reverse()), "{place}: {b} {a}");
            count += 1;
        }
    }
    count
}

fn step(word: &str, place: &str) -> Ordering {
    match word {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => panic!("{place}: {word} is no comparison"),
    }
}

/// Texts that look like versions of some scheme, short, so that many are equal or nearly so.
fn version() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[0-2]|0[0-2]|10",
        2 => "a|b|c|m|r|p|x|alpha|beta|rc|RC|pre|dev|post|final|ga|sp|snapshot|SNAPSHOT|foo|Foo|cvs|hg|stable|pl|java",
        1 => Just(String::new()),
    ];
    let mark = prop_oneof![6 => "\\.", 4 => "-|_|\\+|~|\\^|:|!", 3 => Just(String::new()), 1 => "-r|~~|--|\\.\\."];
    let tail = prop::collection::vec((mark, part), 0..5)
        .prop_map(|parts| parts.into_iter().map(|(mark, part)| mark + part.as_str()).collect::<String>());
    ("(v|0:|1:|1!|go|dev-|)[0-2]?", tail).prop_map(|(head, tail)| head + tail.as_str())
}

fn transitive(scheme: Scheme, texts: [&String; 3]) -> Result<(), TestCaseError> {
    for [a, b, c] in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]] {
        let (a, b, c) = (texts[a], texts[b], texts[c]);
        let orders = (scheme.compare(a, b), scheme.compare(b, c), scheme.compare(a, c));
        if let (Some(Ordering::Less | Ordering::Equal), Some(Ordering::Less | Ordering::Equal), third) = orders {
            let expected = if orders.0 == orders.1 { orders.0 } else { Some(Ordering::Less) };
            prop_assert_eq!(third, expected, "{:?}: {} {} {}", scheme, a, b, c);
        }
    }
    Ok(())
}

/// Whether a text is one of those for which [`Scheme::compare`] names an exception.
fn is_excepted(scheme: Scheme, text: &str) -> bool {
    match scheme {
        Scheme::Rpm => !text.contains('-'),
        Scheme::Composer => text.starts_with("dev-"),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn each_scheme_is_a_total_order(a in version(), b in version(), c in version()) {
        for scheme in Scheme::ALL {
            let is_version = |text: &String| scheme.compare(text, text) == Some(Ordering::Equal);
            for (left, right) in [(&a, &b), (&b, &c), (&a, &c)] {
                let order = scheme.compare(left, right);
                prop_assert_eq!(order.map(Ordering::reverse), scheme.compare(right, left), "{:?}: {} {}", scheme, left, right);
                let both = is_version(left) && is_version(right);
                let excepted = scheme == Scheme::Opaque || (is_excepted(scheme, left) && is_excepted(scheme, right));
                prop_assert!(both == order.is_some() || excepted, "{:?}: {} {}", scheme, left, right);
            }
            if ![&a, &b, &c].iter().any(|text| is_excepted(scheme, text)) {
                transitive(scheme, [&a, &b, &c])?;
            }
        }
    }

    #[test]
    fn any_text_is_compared_or_refused(a in "\\PC{0,40}", b in ".{0,40}") {
        for scheme in Scheme::ALL {
            prop_assert_eq!(scheme.compare(&a, &b).map(Ordering::reverse), scheme.compare(&b, &a), "{:?}", scheme);
            prop_assert!(matches!(scheme.compare(&a, &a), None | Some(Ordering::Equal)), "{:?}", scheme);
        }
    }
}

#[test]
fn long_texts_are_refused_and_those_below_the_limit_take_no_time() {
    let start = std::time::Instant::now();
    for piece in ["0", "9", "0.", "1.", "1-", "-", "a", "a1", "~", "^", "_p", "-r", ".0-", "0-a", "+", "!", "1!", "ü"]
    {
        for head in ["", "1", "1.", "1-", "v1.0-"] {
            let text = format!("{head}{}", piece.repeat((MAX_VERSION - head.len()) / piece.len()));
            let other = text.clone() + "1";
            for scheme in Scheme::ALL {
                assert!(
                    matches!(scheme.compare(&text, &text), None | Some(Ordering::Equal)),
                    "{scheme:?} {head}{piece}"
                );
                let long = "1".repeat(MAX_VERSION + 1);
                assert_eq!(scheme.compare(&long, &long), None, "{scheme:?}");
                assert_eq!(scheme.compare(&other, &text), scheme.compare(&text, &other).map(Ordering::reverse));
            }
        }
    }
    // 5,000 comparisons of a kilobyte: a second even on a slow machine, where anything quadratic would take many.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn nothing_is_no_version() {
    for scheme in Scheme::ALL.into_iter().filter(|&scheme| scheme != Scheme::Opaque) {
        assert_eq!(scheme.compare("", ""), None, "{scheme:?}");
        assert_eq!(scheme.compare("", "1"), None, "{scheme:?}");
    }
    assert_eq!(Scheme::Opaque.compare("a", "a"), Some(Ordering::Equal));
    assert_eq!(Scheme::Opaque.compare("a", "b"), None);
}
