//! Ecosystems of OSV: their names, their releases, and how they spell packages.

/// An ecosystem's first part, which names a part of the database, and what stands behind its first colon.
pub fn split(ecosystem: &str) -> (&str, &str) {
    ecosystem.split_once(':').unwrap_or((ecosystem, ""))
}

/// Whether packages of it are those of a distribution, with releases and with a word of its own about each hole.
pub fn is_distribution(base: &str) -> bool {
    const DISTRIBUTIONS: [&str; 25] = [
        "AlmaLinux",
        "Alpaquita",
        "Alpine",
        "Android",
        "Azure Linux",
        "BellSoft Hardened Containers",
        "Chainguard",
        "CleanStart",
        "Debian",
        "Docker Hardened Images",
        "Echo",
        "FreeBSD",
        "Linux",
        "Mageia",
        "MinimOS",
        "Photon OS",
        "Red Hat",
        "Rocky Linux",
        "Root",
        "SUSE",
        "TuxCare",
        "Ubuntu",
        "Wolfi",
        "openEuler",
        "openSUSE",
    ];
    DISTRIBUTIONS.binary_search(&base).is_ok()
}

/// A package's name as its ecosystem compares names: two spellings of one package become the same text.
pub fn normal_name(base: &str, name: &str) -> String {
    match base {
        // PEP 503: runs of `-`, `_` and `.` are one `-`.
        "PyPI" => {
            let mut normal = String::with_capacity(name.len());
            for c in name.chars() {
                match c {
                    '-' | '_' | '.' if normal.ends_with('-') => {}
                    '-' | '_' | '.' => normal.push('-'),
                    c => normal.extend(c.to_lowercase()),
                }
            }
            normal
        }
        // No two crates differ in these alone.
        "crates.io" => name.to_lowercase().replace('_', "-"),
        "SwiftURL" => {
            let name = name.to_lowercase();
            let bare = name.split_once("://").map_or(name.as_str(), |(_, rest)| rest);
            bare.trim_end_matches('/').trim_end_matches(".git").to_owned()
        }
        // package-url has some of them in lower case always, OSV as they are written.
        "Go" | "npm" | "NuGet" | "Packagist" | "Hex" | "Pub" | "GitHub Actions" => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

/// Debian's releases by their code names; `sid` is no release and has none.
pub fn debian_release(codename: &str) -> Option<&'static str> {
    const RELEASES: [(&str, &str); 15] = [
        ("bookworm", "12"),
        ("bullseye", "11"),
        ("buster", "10"),
        ("duke", "15"),
        ("etch", "4"),
        ("experimental", "experimental"),
        ("forky", "14"),
        ("jessie", "8"),
        ("lenny", "5"),
        ("sid", UNSTABLE),
        ("squeeze", "6"),
        ("stretch", "9"),
        ("trixie", "13"),
        ("unstable", UNSTABLE),
        ("wheezy", "7"),
    ];
    RELEASES.iter().find(|(name, _)| *name == codename).map(|(_, number)| *number)
}

/// What stands for Debian's `sid` in place of a number.
pub const UNSTABLE: &str = "unstable";

/// Whether an advisory for the release `told` is about a package of the release `own`.
pub fn same_release(base: &str, own: &str, told: &str) -> bool {
    match base {
        // A package index of one's own is no other package.
        _ if !is_distribution(base) => true,
        _ if told.is_empty() || own == told => true,
        // `22.04` is `22.04:LTS`; what `Pro` and `FIPS` tell of are other packages.
        "Ubuntu" => told.strip_suffix(":LTS") == Some(own),
        // `enterprise_linux:9::appstream` and `rhel_eus:9.2::baseos` are about 9, a minor release or not.
        "Red Hat" => {
            let mut parts = told.split(':');
            let product = parts.next().unwrap_or_default();
            let release = parts.next().unwrap_or_default();
            product == "enterprise_linux" && !own.is_empty() && major(release) == major(own)
        }
        "openEuler" => told.strip_suffix("-LTS") == Some(own),
        "AlmaLinux" | "Azure Linux" | "Rocky Linux" => !own.is_empty() && major(told) == major(own),
        // `Leap 15.6` and `Linux Enterprise Server 15 SP6` are asked for as `15.6`.
        "openSUSE" => told.strip_prefix("Leap ") == Some(own) || (own == "tumbleweed" && told == "Tumbleweed"),
        "SUSE" => suse_server(told).is_some_and(|release| release == own),
        _ => false,
    }
}

fn major(release: &str) -> &str {
    release.split('.').next().unwrap_or_default()
}

/// `15.6` of `Linux Enterprise Server 15 SP6`, and of the modules that servers take packages from.
fn suse_server(told: &str) -> Option<String> {
    let (product, release) = told.rsplit_once(' ').map(|(rest, last)| match last.strip_prefix("SP") {
        Some(pack) => (rest, Some(pack)),
        None => (told, None),
    })?;
    let (product, number) = product.rsplit_once(' ')?;
    let known = product.starts_with("Linux Enterprise Server")
        || product.starts_with("Linux Enterprise Module for")
        || product.starts_with("Linux Enterprise Micro");
    known.then(|| release.map_or_else(|| number.to_owned(), |pack| format!("{number}.{pack}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_their_ecosystems() {
        for (base, name, normal) in [
            ("PyPI", "Zope.Interface__x", "zope-interface-x"),
            ("crates.io", "Serde_Json", "serde-json"),
            ("SwiftURL", "https://GitHub.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
            ("Go", "github.com/Masterminds/goutils", "github.com/masterminds/goutils"),
            ("npm", "@Scope/JSON", "@scope/json"),
            ("RubyGems", "RedCloth", "RedCloth"),
            ("Maven", "org.X:y", "org.X:y"),
        ] {
            assert_eq!(normal_name(base, name), normal);
            assert_eq!(normal_name(base, normal), normal, "a normal name stays");
        }
    }

    #[test]
    fn releases_are_told_apart() {
        for (base, own, told, same) in [
            ("Debian", "13", "13", true),
            ("Debian", "13", "12", false),
            ("Debian", "", "12", false),
            ("Debian", "13", "", true),
            ("Alpine", "v3.20", "v3.2", false),
            ("Ubuntu", "22.04", "22.04:LTS", true),
            ("Ubuntu", "22.04", "Pro:22.04:LTS", false),
            ("Ubuntu", "24.10", "24.10", true),
            ("Red Hat", "9.3", "enterprise_linux:9::appstream", true),
            ("Red Hat", "8", "enterprise_linux:9::appstream", false),
            ("Red Hat", "9", "openshift:9", false),
            ("Rocky Linux", "9.3", "9", true),
            ("Azure Linux", "3.0", "3", true),
            ("openEuler", "24.03", "24.03-LTS", true),
            ("openEuler", "24.03", "24.03-LTS-SP1", false),
            ("openSUSE", "15.6", "Leap 15.6", true),
            ("SUSE", "15.6", "Linux Enterprise Server 15 SP6", true),
            ("SUSE", "15.6", "Linux Enterprise Module for Basesystem 15 SP6", true),
            ("SUSE", "15.6", "Manager Server 4.3", false),
            ("SUSE", "15.6", "", true),
            ("Maven", "", "https://repo.example.com", true),
        ] {
            assert_eq!(same_release(base, own, told), same, "{base} {own} {told}");
        }
    }

    #[test]
    fn distributions_are_found() {
        for base in ["AlmaLinux", "Debian", "openSUSE", "Red Hat", "Wolfi", "Azure Linux", "openEuler", "Ubuntu"] {
            assert!(is_distribution(base), "{base}");
        }
        assert!(!is_distribution("npm") && !is_distribution("crates.io") && !is_distribution("Go"));
        assert_eq!(split("Ubuntu:22.04:LTS"), ("Ubuntu", "22.04:LTS"));
        assert_eq!(split("Go"), ("Go", ""));
        assert_eq!(debian_release("trixie"), Some("13"));
        assert_eq!(debian_release("warty"), None);
    }
}
