//! Texts as versions of each scheme: each pair has the same order from both sides, and no three contradict each other. And
//! texts as CVSS vectors.
#![no_main]

use kiln::advisories::cvss;
use kiln::advisories::version::Scheme;
use kiln_fuzz::{plant, within};
use libfuzzer_sys::fuzz_target;
use std::cmp::Ordering;

/// Texts of one input; of so many all triples are compared.
const MOST: usize = 5;

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let Some((&first, text)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let texts: Vec<&str> = text.split('\n').take(MOST).collect();
    within(4, || match Scheme::ALL.get(usize::from(first)) {
        Some(scheme) => check_order(*scheme, &texts),
        None => texts.into_iter().for_each(check_score),
    });
});

fn check_order(scheme: Scheme, texts: &[&str]) {
    for a in texts {
        assert!(scheme.compare(a, a).is_none_or(Ordering::is_eq), "{scheme:?}: {a:?} to itself");
        for b in texts {
            let (there, back) = (scheme.compare(a, b), scheme.compare(b, a));
            assert_eq!(there, back.map(Ordering::reverse), "{scheme:?}: {a:?} and {b:?}");
            let both = scheme.compare(a, a).is_some() && scheme.compare(b, b).is_some();
            let expected = both && !has_no_order(scheme, a, b);
            assert_eq!(there.is_some(), expected, "{scheme:?}: {a:?} and {b:?}");
            texts.iter().for_each(|c| check_three(scheme, [a, b, c]));
        }
    }
}

/// The pairs of versions that have none: those that nobody knows, and branches of Composer.
fn has_no_order(scheme: Scheme, a: &str, b: &str) -> bool {
    let is_branch = |text: &str| text.trim().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("dev-"));
    match scheme {
        Scheme::Opaque => a != b,
        Scheme::Composer => is_branch(a) && is_branch(b) && scheme.compare(a, b).is_none(),
        _ => false,
    }
}

/// What is not behind a second, which is not behind a third, is not behind the third.
fn check_three(scheme: Scheme, [a, b, c]: [&str; 3]) {
    // A version of rpm without a release is equal to all of its releases.
    let releases = [a, b, c].iter().filter(|text| text.contains('-')).count();
    if scheme == Scheme::Rpm && !matches!(releases, 0 | 3) {
        return;
    }
    let (Some(first), Some(second)) = (scheme.compare(a, b), scheme.compare(b, c)) else { return };
    if first.is_le() && second.is_le() {
        assert_eq!(scheme.compare(a, c), Some(first.min(second)), "{scheme:?}: {a:?}, {b:?} and {c:?}");
    }
}

fn check_score(vector: &str) {
    if let Ok(score) = cvss::score(vector) {
        assert!(score.tenths <= 100, "{vector:?}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    const VERSIONS: [(Scheme, &str); 12] = [
        (Scheme::Dpkg, include_str!("../../src/advisories/version/vectors/dpkg.txt")),
        (Scheme::Apk, include_str!("../../src/advisories/version/vectors/apk.txt")),
        (Scheme::Rpm, include_str!("../../src/advisories/version/vectors/rpm.txt")),
        (Scheme::Semver, include_str!("../../src/advisories/version/vectors/semver.txt")),
        (Scheme::Pub, include_str!("../../src/advisories/version/vectors/pub.txt")),
        (Scheme::Go, include_str!("../../src/advisories/version/vectors/go.txt")),
        (Scheme::Pep440, include_str!("../../src/advisories/version/vectors/pep440.txt")),
        (Scheme::Maven, include_str!("../../src/advisories/version/vectors/maven.txt")),
        (Scheme::Gem, include_str!("../../src/advisories/version/vectors/gem.txt")),
        (Scheme::Composer, include_str!("../../src/advisories/version/vectors/composer.txt")),
        (Scheme::NuGet, include_str!("../../src/advisories/version/vectors/nuget.txt")),
        (Scheme::Numbers, include_str!("../../src/advisories/version/vectors/numbers.txt")),
    ];
    let of_scheme = |(scheme, vectors): (Scheme, &str)| {
        let number = Scheme::ALL.iter().position(|one| *one == scheme).expect("a scheme is one of all") as u8;
        let chains = vectors.lines().filter(|line| !line.starts_with('#'));
        let versions = |line: &str| line.split(' ').step_by(2).collect::<Vec<_>>().join("\n");
        chains.map(|line| [&[number], versions(line).as_bytes()].concat()).collect::<Vec<_>>()
    };
    let vectors = [
        "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:U/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:L/A:N/E:P/RL:T/RC:R/CR:H/IR:L/AR:M/MAV:A/MAC:H/MPR:L/MUI:R/MS:U/MC:L/MI:N/MA:H",
        "CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N",
        "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:L/VA:N/SC:H/SI:L/SA:N/E:A/CR:H/IR:M/AR:L/MAV:A/MSI:S/MSA:S/S:P/AU:Y/R:A/V:C/RE:L/U:Red",
    ];
    let vectors = vectors.into_iter().map(|vector| [&[0xff], vector.as_bytes()].concat());
    VERSIONS.into_iter().flat_map(of_scheme).chain(vectors).collect()
}
