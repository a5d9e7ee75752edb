//! What the world calls Debian's archives and suites.

/// The version of Debian that a suite belongs to, as `os-release` has it; none for suites that never get one.
pub fn distro_version(suite: &str) -> Option<&'static str> {
    let codename = suite.split('-').next().unwrap_or_default();
    let known = [("bullseye", "11"), ("bookworm", "12"), ("trixie", "13"), ("forky", "14")];
    known.iter().find(|(name, _)| *name == codename).map(|(_, version)| *version)
}

/// Where an archive stands in public, whatever mirror was used; nothing is known of the users' own.
pub fn public_url(archive: &str) -> &'static str {
    match archive {
        "debian" => "http://ftp.debian.org/debian",
        "debian-security" => "http://security.debian.org/debian-security",
        _ => "",
    }
}
