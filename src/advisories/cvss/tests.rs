//! Scores against vectors of the specifications and of Red Hat's implementation, and texts that are no vectors.

use super::*;
use proptest::prelude::*;

/// A score such as `9.8`, in tenths.
fn tenths(text: &str) -> u8 {
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("{text} is no score"))
}

fn lines(file: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    file.lines().enumerate().map(|(number, line)| (number + 1, line)).filter(|(_, line)| !line.starts_with('#'))
}

/// Rows of a beginning and the scores of all that may follow of C, I and A.
fn check_rows(file: &'static str, values: [&str; 3]) {
    for (number, line) in lines(file) {
        let (start, scores) = line.split_once(' ').expect("a row has scores");
        let scores: Vec<&str> = scores.split(' ').collect();
        assert_eq!(scores.len(), 27, "line {number}");
        for (i, expected) in scores.into_iter().enumerate() {
            let vector = format!("{start}/C:{}/I:{}/A:{}", values[i / 9], values[i / 3 % 3], values[i % 3]);
            assert_eq!(score(&vector).map(|score| score.tenths), Ok(tenths(expected)), "line {number}: {vector}");
        }
    }
}

#[test]
fn base_scores_are_those_of_others() {
    check_rows(include_str!("vectors/v2.txt"), ["N", "P", "C"]);
    check_rows(include_str!("vectors/v31.txt"), ["H", "L", "N"]);
    for (number, line) in lines(include_str!("vectors/v4.txt")) {
        let (values, expected) = line.rsplit_once(' ').expect("a line has a score");
        let names = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
        let values = values.chars().filter(|c| *c != ' ');
        let metrics: String = names.iter().zip(values).map(|(name, value)| format!("/{name}:{value}")).collect();
        let vector = format!("CVSS:4.0{metrics}");
        assert_eq!(score(&vector).map(|score| score.tenths), Ok(tenths(expected)), "line {number}: {vector}");
    }
}

#[test]
fn scores_with_all_metrics_are_those_of_others() {
    for (number, line) in lines(include_str!("vectors/whole.txt")) {
        let (vector, expected) = line.rsplit_once(' ').expect("a line has a score");
        let score = score(vector).unwrap_or_else(|error| panic!("line {number}: {error}"));
        assert_eq!(score.tenths, tenths(expected), "line {number}: {vector}");
        let version = match vector.get(..8) {
            Some("CVSS:3.0") => Version::V30,
            Some("CVSS:3.1") => Version::V31,
            Some("CVSS:4.0") => Version::V40,
            _ => Version::V2,
        };
        assert_eq!(score.version, version, "line {number}");
    }
}

#[test]
fn the_order_of_metrics_does_not_matter_and_what_is_not_defined_changes_nothing() {
    let same = [
        "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N",
        "CVSS:3.1/A:N/I:L/C:L/S:C/UI:N/PR:L/AC:L/AV:N",
        " CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N/E:X/RL:X/RC:X/CR:X/IR:X/AR:X/MAV:X/MS:X/MC:X ",
    ];
    assert_eq!(same.map(|text| score(text).map_or(255, |score| score.tenths)), [64; 3]);
    let same = ["AV:N/AC:L/Au:N/C:C/I:C/A:C", "(A:C/AV:N/AC:L/Au:N/C:C/I:C/E:ND/RL:ND/CDP:ND/TD:ND/CR:ND)"];
    assert_eq!(same.map(|text| score(text).map_or(255, |score| score.tenths)), [100; 2]);
}

#[test]
fn each_version_has_its_own_scale() {
    let severity = |version, tenths| Score { version, tenths }.severity();
    for (tenths, expected) in [
        (0, Severity::Low),
        (39, Severity::Low),
        (40, Severity::Medium),
        (69, Severity::Medium),
        (70, Severity::High),
        (100, Severity::High),
    ] {
        assert_eq!(severity(Version::V2, tenths), Some(expected));
    }
    for version in [Version::V30, Version::V31, Version::V40] {
        assert_eq!(severity(version, 0), None);
        assert_eq!(severity(version, 89), Some(Severity::High));
        assert_eq!(severity(version, 90), Some(Severity::Critical));
    }
}

#[test]
fn what_is_no_vector_is_refused_by_name() {
    let message = |text: &str| score(text).map_or_else(|error| error.to_string(), |score| format!("{score:?}"));
    let v31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H";
    for (text, part) in [
        ("", "`` is no metric with a value"),
        ("7.5", "`7.5` is no metric with a value"),
        ("CVSS:3.2/AV:N", "`3.2` is no version"),
        ("CVSS:", "`` is no version"),
        ("CVSS:3.1", "`` is no metric with a value"),
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "`PR` is no metric of this version"),
        (v31, "the metric `A` is missing"),
        (&format!("{v31}/A:H/"), "`` is no metric with a value"),
        (&format!("{v31}/A:H/A:H"), "the metric `A` stands in the vector twice"),
        (&format!("{v31}/A:X"), "`X` is no value of the metric `A`: it may be H, L, N"),
        (&format!("{v31}/A:h"), "`h` is no value of the metric `A`"),
        (&format!("{v31}/A:H/AT:N"), "`AT` is no metric of this version"),
        (&format!("{v31}/A:H/\u{1b}[2J:N"), "`\\u{1b}[2J` is no metric"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:S/SA:N", "`S` is no value of the metric `SI`"),
        ("(AV:N/AC:L/Au:N/C:C/I:C/A:C", "`(AV` is no metric"),
    ] {
        let message = message(text);
        assert!(message.contains(part), "{text}: {message}");
    }
    let long = "AV:N/".repeat(1_000_000);
    assert_eq!(score(&long), Err(CvssError::TooLong(long.len())));
    let wide = "x".repeat(400) + ":N";
    assert!(message(&wide).len() < 150, "{}", message(&wide));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_has_a_score_or_none(
        head in "CVSS:(3\\.[01]|4\\.0)/|\\(|\\PC{0,5}",
        parts in prop::collection::vec("(AV|AC|AT|PR|UI|S|C|I|A|Au|M?[VS][CIA]|E|[CIA]R|\\PC{0,3}):(N|L|H|P|X|\\PC{0,2})", 0..14),
        cut in 0..200_usize,
    ) {
        let text = head + parts.join("/").as_str();
        let text: String = text.chars().take(cut).collect();
        if let Ok(score) = score(&text) {
            prop_assert!(score.tenths <= 100);
        }
    }

    #[test]
    fn worse_is_never_less(
        // By how many steps each of the eleven base metrics is milder than the worst.
        steps in prop::collection::vec(0..3_usize, 11),
        milder in 0..11_usize,
    ) {
        let values = ["NAL", "LH", "NP", "NLH", "NPA", "HLN", "HLN", "HLN", "HLN", "HLN", "HLN"];
        let names = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
        let vector = |steps: &[usize]| {
            let value = |i: usize| values[i].chars().nth(steps[i]).or(values[i].chars().last()).unwrap_or('X');
            (0..11).map(|i| format!("/{}:{}", names[i], value(i))).fold("CVSS:4.0".to_owned(), |all, part| all + part.as_str())
        };
        let mut lower = steps.clone();
        lower[milder] = 2;
        let (worse, better) = (score(&vector(&steps)), score(&vector(&lower)));
        prop_assert!(worse.unwrap().tenths >= better.unwrap().tenths, "{} {}", vector(&steps), vector(&lower));
    }
}
