//! Which scheme rules in which ecosystem of OSV.

use super::Scheme;

/// The scheme of an ecosystem (OSV schema, `affected[].package.ecosystem`).
pub(super) fn scheme(ecosystem: &str) -> Scheme {
    let (name, rest) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    match name {
        "Debian" | "Ubuntu" => Scheme::Dpkg,
        "Alpine" | "Alpaquita" | "BellSoft" | "BellSoft Hardened Containers" | "Chainguard" | "MinimOS" | "Wolfi" => {
            Scheme::Apk
        }
        "AlmaLinux" | "Azure Linux" | "Mageia" | "openEuler" | "openSUSE" | "Photon OS" | "Red Hat" | "Rocky Linux"
        | "SUSE" => Scheme::Rpm,
        "crates.io" | "npm" | "Hex" | "SwiftURL" | "Bitnami" | "ConanCenter" | "GitHub Actions" | "Julia"
        | "Kubernetes" | "Linux" | "VSCode" => Scheme::Semver,
        "Pub" => Scheme::Pub,
        "Go" => Scheme::Go,
        "PyPI" => Scheme::Pep440,
        "Maven" => Scheme::Maven,
        "RubyGems" => Scheme::Gem,
        "Packagist" => Scheme::Composer,
        "NuGet" => Scheme::NuGet,
        "CRAN" | "Bioconductor" | "Hackage" | "GHC" => Scheme::Numbers,
        // Who repairs packages of others names the others behind the colon; Echo alone means Debian's. What Echo repaired
        // of npm differs from the original in build metadata.
        "Echo" if rest.is_empty() => Scheme::Dpkg,
        "Echo" if rest == "npm" => Scheme::Pub,
        "Echo" | "Root" | "TuxCare" => repaired(rest),
        _ => Scheme::Opaque,
    }
}

/// The scheme of the packages that are repaired. No recursion: who repairs the repaired has no order.
fn repaired(ecosystem: &str) -> Scheme {
    let name = ecosystem.split(':').next().unwrap_or_default();
    match name {
        "Echo" | "Root" | "TuxCare" => Scheme::Opaque,
        _ => scheme(ecosystem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecosystems_have_the_scheme_of_their_tool() {
        for (ecosystem, expected) in [
            ("Debian:13", Scheme::Dpkg),
            ("Debian", Scheme::Dpkg),
            ("Ubuntu:22.04:LTS", Scheme::Dpkg),
            ("Ubuntu:Pro:14.04:LTS", Scheme::Dpkg),
            ("Alpine:v3.20", Scheme::Apk),
            ("Wolfi", Scheme::Apk),
            ("Chainguard", Scheme::Apk),
            ("Rocky Linux:9", Scheme::Rpm),
            ("Red Hat:enterprise_linux:9::appstream", Scheme::Rpm),
            ("openSUSE:Leap 15.6", Scheme::Rpm),
            ("SUSE:Linux Enterprise Server 15 SP5", Scheme::Rpm),
            ("AlmaLinux:9", Scheme::Rpm),
            ("crates.io", Scheme::Semver),
            ("npm", Scheme::Semver),
            ("Pub", Scheme::Pub),
            ("Go", Scheme::Go),
            ("PyPI", Scheme::Pep440),
            ("Maven", Scheme::Maven),
            ("Maven:https://maven.google.com", Scheme::Maven),
            ("RubyGems", Scheme::Gem),
            ("Packagist", Scheme::Composer),
            ("Packagist:https://packages.drupal.org/8", Scheme::Composer),
            ("NuGet", Scheme::NuGet),
            ("CRAN", Scheme::Numbers),
            ("Echo", Scheme::Dpkg),
            ("Echo:npm", Scheme::Pub),
            ("Echo:PyPI", Scheme::Pep440),
            ("Root:Alpine:3.18", Scheme::Apk),
            ("Root:Root:Root:Debian", Scheme::Opaque),
            ("GIT", Scheme::Opaque),
            ("", Scheme::Opaque),
            ("debian", Scheme::Opaque),
        ] {
            assert_eq!(scheme(ecosystem), expected, "{ecosystem}");
        }
    }
}
