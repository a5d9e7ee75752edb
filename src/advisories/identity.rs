//! What package a package URL means to the advisories of its ecosystem.

use super::ecosystem::{UNSTABLE, debian_release, is_distribution, normal_name};
use purl::GenericPurl;

/// Characters of a package URL that is read.
const MAX_PURL: usize = 8192;

/// A package as advisories name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The ecosystem without its release.
    pub base: &'static str,
    /// The release of a distribution: `13`, `v3.20`, `22.04`. Empty where there is none.
    pub release: String,
    /// The names that advisories may have for it, sorted: the source package's, and for packages of rpm its own too, because
    /// some of these distributions tell of the one and some of the other.
    pub names: Vec<String>,
    /// Its version: of distributions the source package's.
    pub version: String,
}

impl Identity {
    /// What a package URL means; none where it is none, has no version, or is of an ecosystem that OSV does not know.
    pub fn of(purl: &str) -> Option<Identity> {
        if purl.len() > MAX_PURL {
            return None;
        }
        let purl: GenericPurl<String> = purl.parse().ok()?;
        let version = purl.version().filter(|version| !version.is_empty())?;
        let kind = purl.package_type().to_ascii_lowercase();
        match kind.as_str() {
            "deb" | "apk" | "rpm" => distribution(&purl, &kind, version),
            _ => library(&purl, &kind, version),
        }
    }

    /// The ecosystem with its release, as OSV writes it.
    pub fn ecosystem(&self) -> String {
        match self.release.as_str() {
            "" => self.base.to_owned(),
            release => format!("{}:{release}", self.base),
        }
    }
}

fn library(purl: &GenericPurl<String>, kind: &str, version: &str) -> Option<Identity> {
    let base = match kind {
        "cargo" => "crates.io",
        "golang" => "Go",
        "npm" => "npm",
        "pypi" => "PyPI",
        "maven" => "Maven",
        "gem" => "RubyGems",
        "composer" => "Packagist",
        "nuget" => "NuGet",
        "hex" => "Hex",
        "pub" => "Pub",
        "swift" => "SwiftURL",
        "cran" => "CRAN",
        "bioconductor" => "Bioconductor",
        "hackage" => "Hackage",
        "conan" => "ConanCenter",
        "julia" => "Julia",
        "opam" => "opam",
        "bitnami" => "Bitnami",
        "githubactions" => "GitHub Actions",
        _ => return None,
    };
    let name = match (base, purl.namespace()) {
        ("ConanCenter" | "CRAN" | "PyPI", _) | (_, None) => purl.name().to_owned(),
        ("Maven", Some(group)) => format!("{group}:{}", purl.name()),
        (_, Some(namespace)) => format!("{namespace}/{}", purl.name()),
    };
    let version = match base {
        // Modules are tagged `v1.2.3`, the standard library is released as `go1.22.3`; advisories have neither sign.
        "Go" => version.strip_prefix("go").or_else(|| version.strip_prefix('v')).unwrap_or(version),
        _ => version,
    };
    let names = vec![normal_name(base, &name)];
    Some(Identity { base, release: String::new(), names, version: version.to_owned() })
}

fn distribution(purl: &GenericPurl<String>, kind: &str, version: &str) -> Option<Identity> {
    let namespace = purl.namespace()?.to_ascii_lowercase();
    let base = match (kind, namespace.as_str()) {
        ("deb", "debian") => "Debian",
        ("deb", "ubuntu") => "Ubuntu",
        ("deb", "echo") => "Echo",
        ("apk", "alpine") => "Alpine",
        ("apk", "wolfi") => "Wolfi",
        ("apk", "chainguard") => "Chainguard",
        ("apk", "minimos") => "MinimOS",
        ("apk", "alpaquita") => "Alpaquita",
        ("apk", "bellsoft-hardened-containers") => "BellSoft Hardened Containers",
        ("rpm", "redhat" | "rhel") => "Red Hat",
        ("rpm", "rocky" | "rockylinux" | "rocky-linux") => "Rocky Linux",
        ("rpm", "almalinux" | "alma") => "AlmaLinux",
        ("rpm", "opensuse") => "openSUSE",
        ("rpm", "suse" | "sles") => "SUSE",
        ("rpm", "openeuler") => "openEuler",
        ("rpm", "mageia") => "Mageia",
        ("rpm", "azurelinux" | "mariner") => "Azure Linux",
        ("rpm", "photon") => "Photon OS",
        _ => return None,
    };
    debug_assert!(is_distribution(base));
    let qualifiers = purl.qualifiers();
    let release = release(base, qualifiers.get("distro").unwrap_or_default());
    let upstream = qualifiers.get("upstream").filter(|upstream| !upstream.is_empty());
    let (source, source_version) = match (kind, upstream) {
        (_, None) => (purl.name(), None),
        ("rpm", Some(file)) => source_of_rpm(file),
        (_, Some(upstream)) => match upstream.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (upstream, None),
        },
    };
    let mut version = source_version.filter(|version| !version.is_empty()).unwrap_or(version).to_owned();
    if let Some(epoch) = qualifiers.get("epoch").filter(|epoch| kind == "rpm" && *epoch != "0")
        && !version.contains(':')
    {
        version = format!("{epoch}:{version}");
    }
    let mut names = vec![source.to_owned()];
    if kind == "rpm" {
        names.push(purl.name().to_owned());
    }
    names.sort_unstable();
    names.dedup();
    Some(Identity { base, release, names, version })
}

/// The name in `openssl-3.0.1-1.el9.src.rpm`. Its version is that of the package but for the epoch, which it has not.
fn source_of_rpm(file: &str) -> (&str, Option<&str>) {
    let bare = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"));
    let name = bare.and_then(|bare| bare.rsplitn(3, '-').nth(2));
    (name.unwrap_or(file), None)
}

/// `13` of `debian-13`, `v3.20` of `alpine-3.20.1`: the release as OSV writes it.
fn release(base: &str, distro: &str) -> String {
    let distro = distro.to_ascii_lowercase();
    // Names of distributions have hyphens themselves: `opensuse-leap-15.6`.
    let last = distro.rsplit('-').next().unwrap_or_default();
    let number = if last.starts_with(|c: char| c.is_ascii_digit()) { last } else { "" };
    let parts = |count| number.split('.').take(count).collect::<Vec<_>>().join(".");
    match base {
        "Debian" if number.is_empty() => debian_release(last).unwrap_or(UNSTABLE).to_owned(),
        "Debian" => parts(1),
        "Ubuntu" => parts(2),
        "Alpine" if distro.ends_with("edge") => "edge".into(),
        "Alpine" if number.is_empty() => String::new(),
        "Alpine" => format!("v{}", parts(2)),
        "openSUSE" if distro.contains("tumbleweed") => "tumbleweed".into(),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_those_that_advisories_name() {
        for (purl, expected) in [
            (
                "pkg:deb/debian/libssl3@3.0.1-1?arch=amd64&distro=debian-13&upstream=openssl%403.0.1-1",
                "Debian:13 openssl 3.0.1-1",
            ),
            (
                "pkg:deb/debian/libssl3@3.0.1-1%2Bb1?distro=debian-13&upstream=openssl@3.0.1-1",
                "Debian:13 openssl 3.0.1-1",
            ),
            ("pkg:deb/debian/curl@8.0-1?distro=debian-12.5", "Debian:12 curl 8.0-1"),
            ("pkg:deb/debian/curl@8.0-1?distro=trixie", "Debian:13 curl 8.0-1"),
            ("pkg:deb/debian/curl@8.0-1?distro=debian", "Debian:unstable curl 8.0-1"),
            ("pkg:deb/debian/tar@1%3A2-1", "Debian:unstable tar 1:2-1"),
            ("pkg:deb/ubuntu/tar@1?distro=ubuntu-22.04", "Ubuntu:22.04 tar 1"),
            ("pkg:apk/alpine/libcrypto3@3.1-r0?distro=alpine-3.20.1&upstream=openssl", "Alpine:v3.20 openssl 3.1-r0"),
            ("pkg:apk/alpine/busybox@1-r0?distro=3.20.1", "Alpine:v3.20 busybox 1-r0"),
            ("pkg:apk/wolfi/a@1?distro=wolfi-20230201", "Wolfi:20230201 a 1"),
            (
                "pkg:rpm/redhat/openssl-libs@3.0.1-1.el9?epoch=1&distro=rhel-9.3&upstream=openssl-3.0.1-1.el9.src.rpm",
                "Red Hat:9.3 openssl,openssl-libs 1:3.0.1-1.el9",
            ),
            ("pkg:rpm/opensuse/zlib@1.2?distro=opensuse-leap-15.6", "openSUSE:15.6 zlib 1.2"),
            ("pkg:cargo/Serde_json@1.0.0", "crates.io serde-json 1.0.0"),
            ("pkg:golang/github.com/Gin-Gonic/gin@v1.6.0", "Go github.com/gin-gonic/gin 1.6.0"),
            ("pkg:golang/github.com/a/b/v2@v2.0.0#sub/dir", "Go github.com/a/b/v2 2.0.0"),
            ("pkg:golang/stdlib@1.22.3", "Go stdlib 1.22.3"),
            ("pkg:golang/stdlib@go1.22rc1", "Go stdlib 1.22rc1"),
            ("pkg:npm/%40s/N@1.0.0", "npm @s/n 1.0.0"),
            ("pkg:maven/org.apache/log4j@2.0", "Maven org.apache:log4j 2.0"),
            ("pkg:pypi/Foo_Bar@1", "PyPI foo-bar 1"),
            ("pkg:composer/Symfony/Http@1", "Packagist symfony/http 1"),
            ("pkg:nuget/Newtonsoft.Json@1", "NuGet newtonsoft.json 1"),
            ("pkg:gem/rails@7", "RubyGems rails 7"),
            ("pkg:swift/github.com/apple/swift-nio@2.0", "SwiftURL github.com/apple/swift-nio 2.0"),
        ] {
            let identity = Identity::of(purl).unwrap_or_else(|| panic!("{purl} means nothing"));
            let told = format!("{} {} {}", identity.ecosystem(), identity.names.join(","), identity.version);
            assert_eq!(told, expected, "{purl}");
        }
    }

    #[test]
    fn what_means_nothing_has_no_holes() {
        let long = format!("pkg:cargo/{}@1", "x".repeat(MAX_PURL));
        for purl in
            ["", "cargo", "pkg:cargo/x", "pkg:generic/x@1", "pkg:deb/kali/x@1", "pkg:deb/x@1", "pkg:npm/%ff@1", &long]
        {
            assert_eq!(Identity::of(purl), None, "{purl}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_asked_for(text in "(pkg:)?(deb|rpm|npm|golang)?[/@?&=%a-z0-9:.#-]{0,60}") {
            let _ = Identity::of(&text);
        }
    }
}
