//! Differences between what two tools tell, each with its reason. One without a reason is a mistake of a tool, and so is
//! a reason that nothing needs any more.

use super::images::Told;
use regex::Regex;

/// Who tells of packages that the other does not tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Kiln,
    Other,
}

/// A difference that is as it should be.
pub struct Difference {
    pub by: By,
    /// An expression for the package URL, a space, and the places.
    pub what: &'static str,
    pub reason: &'static str,
}

/// Fails the test unless the two agree, but for what `explained` gives a reason for.
#[track_caller]
pub fn agree(about: &str, kiln: &Told, other: &Told, explained: &[Difference]) {
    assert!(
        !kiln.is_empty() && !other.is_empty(),
        "{about}: kiln tells of {}, the other of {}",
        kiln.len(),
        other.len()
    );
    let alone = |by, these: &Told, those: &Told| -> Vec<(By, String)> {
        let alone = these.iter().filter(|(purl, _)| !those.contains_key(*purl));
        alone.map(|(purl, places)| (by, format!("{purl} {places}"))).collect()
    };
    let all = [alone(By::Kiln, kiln, other), alone(By::Other, other, kiln)].concat();
    let explains = |difference: &Difference, (by, what): &(By, String)| {
        difference.by == *by && Regex::new(difference.what).unwrap().is_match(what)
    };
    let unexplained: Vec<_> = all.iter().filter(|one| !explained.iter().any(|of| explains(of, one))).collect();
    assert!(unexplained.is_empty(), "{about}: nobody knows why\n{unexplained:#?}");
    for difference in explained {
        let (what, reason) = (difference.what, difference.reason);
        assert!(all.iter().any(|one| explains(difference, one)), "{about}: {what} explains nothing: {reason}");
    }
}
