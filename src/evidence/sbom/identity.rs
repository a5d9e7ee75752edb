//! When two package URLs mean the same package.
//!
//! Tools spell them differently: the order of qualifiers, what is encoded, where an epoch stands, whether the distribution
//! is named. What makes the package is its type, its whole name, its version and, where both tell it, its architecture.

use purl::GenericPurl;
use std::collections::BTreeMap;

/// What package URLs of the same package have in common, without the architecture.
type Identity = (String, String, String);

/// Packages by what they are.
pub(super) struct Known<T>(BTreeMap<Identity, Vec<(Option<String>, T)>>);

impl<T: Copy> Known<T> {
    /// Packages with their package URLs; what has none is the same as nothing else.
    pub(super) fn of<P: AsRef<str>>(packages: impl IntoIterator<Item = (P, T)>) -> Self {
        let mut known: BTreeMap<Identity, Vec<(Option<String>, T)>> = BTreeMap::new();
        for (purl, package) in packages {
            if let Some((identity, architecture)) = read(purl.as_ref()) {
                known.entry(identity).or_default().push((architecture, package));
            }
        }
        Known(known)
    }

    /// The first that is the same package.
    pub(super) fn find(&self, purl: &str) -> Option<T> {
        let (identity, architecture) = read(purl)?;
        let is_same = |other: &Option<String>| other.is_none() || architecture.is_none() || *other == architecture;
        self.0.get(&identity)?.iter().find(|(other, _)| is_same(other)).map(|(_, package)| *package)
    }
}

fn read(purl: &str) -> Option<(Identity, Option<String>)> {
    let purl: GenericPurl<String> = purl.parse().ok()?;
    // Of a Go module some write all behind the repository as a subpath, some as a part of the name.
    let parts = [purl.namespace(), Some(purl.name()), purl.subpath()];
    let name: Vec<&str> = parts.into_iter().flatten().collect();
    let version = purl.version().unwrap_or_default();
    let version = match purl.qualifiers().get("epoch").filter(|epoch| *epoch != "0") {
        Some(epoch) if !version.contains(':') => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    };
    let architecture = purl.qualifiers().get("arch").map(str::to_owned);
    Some(((purl.package_type().to_lowercase(), name.join("/"), version), architecture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_package_are_the_same() {
        let pairs = [
            (
                "pkg:deb/debian/libstdc%2B%2B6@12.2?arch=amd64&distro=debian-12",
                "pkg:deb/debian/libstdc++6@12.2?distro=debian-12.4&arch=amd64",
            ),
            ("pkg:rpm/fedora/bash@5.2-1?arch=x86_64&epoch=0", "pkg:rpm/fedora/bash@5.2-1?arch=x86_64"),
            ("pkg:deb/debian/login@1:4.13?arch=amd64", "pkg:deb/debian/login@4.13?epoch=1"),
            ("pkg:golang/github.com/acme/tool@v1#a/b", "pkg:golang/github.com/acme/tool/a/b@v1"),
            ("pkg:npm/%40babel/core@7.0.0", "pkg:npm/@babel/core@7.0.0"),
        ];
        for (one, other) in pairs {
            assert_eq!(Known::of([(one, 1)]).find(other), Some(1), "{one} {other}");
        }
    }

    #[test]
    fn other_packages_are_others() {
        let known = Known::of([("pkg:deb/debian/libc6@2.36?arch=amd64", 1), ("no package URL", 2)]);
        for other in [
            "pkg:deb/debian/libc6@2.36?arch=i386",
            "pkg:deb/debian/libc6@2.37?arch=amd64",
            "pkg:deb/ubuntu/libc6@2.36?arch=amd64",
            "pkg:pypi/libc6@2.36",
            "no package URL",
        ] {
            assert_eq!(known.find(other), None, "{other}");
        }
    }
}
