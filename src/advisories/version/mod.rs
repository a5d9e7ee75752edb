//! The order of versions, as the tools of each ecosystem see it.
//!
//! Advisories say "introduced in 1.4, fixed in 1.10", and what lies between is a question of the ecosystem: a tilde
//! is earlier than nothing for dpkg, `rc` earlier than nothing for PyPI, and nothing is equal to `.0` for some. A
//! wrong order is a hole that nobody hears of, so each scheme is checked against vectors of its own tool
//! (`vectors/`), and is a total order over all that it accepts.

mod apk;
mod composer;
mod digits;
mod dpkg;
mod ecosystem;
mod gem;
mod go;
mod maven;
mod nuget;
mod numbers;
mod pairwise;
mod pep440;
mod rpm;
mod semver;

use std::cmp::Ordering;

/// Longest text that is taken for a version, in bytes. Real ones stay below 100 (npm and Maven refuse more than 256);
/// nothing here takes more than linear time, and a feed of long texts shall not take long either.
const MAX_VERSION: usize = 1024;

/// By whose rules versions are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// dpkg: Debian and what derives from it (deb-version(7)).
    Dpkg,
    /// apk: Alpine, Wolfi, Chainguard (apk-package(5)).
    Apk,
    /// rpm: Red Hat, SUSE and their kin (rpm-version(7)).
    Rpm,
    /// Semantic versions 2.0.0, read with lenience: crates.io, npm, Hex, Swift.
    Semver,
    /// Semantic versions of which the build metadata counts too: Dart's pub.
    Pub,
    /// Go's modules, and the releases of Go itself.
    Go,
    /// PEP 440: PyPI.
    Pep440,
    /// Maven's version order specification.
    Maven,
    /// `Gem::Version` of RubyGems.
    Gem,
    /// Composer's normal form in the order of PHP's `version_compare`.
    Composer,
    /// NuGet: semantic versions with up to four numbers, in any case.
    NuGet,
    /// Lists of numbers, of which the longer is the later: CRAN, Bioconductor, Hackage.
    Numbers,
    /// Nobody knows: equal texts are equal versions, and all else has no order.
    Opaque,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 13] = [
        Scheme::Dpkg,
        Scheme::Apk,
        Scheme::Rpm,
        Scheme::Semver,
        Scheme::Pub,
        Scheme::Go,
        Scheme::Pep440,
        Scheme::Maven,
        Scheme::Gem,
        Scheme::Composer,
        Scheme::NuGet,
        Scheme::Numbers,
        Scheme::Opaque,
    ];

    /// The scheme of an ecosystem as OSV writes it, with or without the release of a distribution or the address of
    /// a repository behind a colon, such as `Debian:13` or `Maven:https://maven.google.com`.
    pub fn of(ecosystem: &str) -> Scheme {
        ecosystem::scheme(ecosystem)
    }

    /// How `a` stands to `b`; none where one of them is no version by these rules.
    ///
    /// Over what a scheme accepts this is a total order, with two exceptions that scanners need: an rpm version without
    /// a release is equal to all of its releases, and branches of Composer (`dev-…`) have an order to releases only.
    pub fn compare(self, a: &str, b: &str) -> Option<Ordering> {
        if a.len() > MAX_VERSION || b.len() > MAX_VERSION {
            return None;
        }
        match self {
            Scheme::Dpkg => dpkg::compare(a, b),
            Scheme::Apk => apk::compare(a, b),
            Scheme::Rpm => rpm::compare(a, b),
            Scheme::Semver => semver::compare(a, b),
            Scheme::Pub => semver::compare_with_build(a, b),
            Scheme::Go => go::compare(a, b),
            Scheme::Pep440 => pep440::compare(a, b),
            Scheme::Maven => maven::compare(a, b),
            Scheme::Gem => gem::compare(a, b),
            Scheme::Composer => composer::compare(a, b),
            Scheme::NuGet => nuget::compare(a, b),
            Scheme::Numbers => numbers::compare(a, b),
            Scheme::Opaque => (a == b).then_some(Ordering::Equal),
        }
    }
}

#[cfg(test)]
mod tests;
