//! Package URLs (purl-spec) in the spelling of the scanners that look them up.

use super::found::{Found, Kind};
use super::os_release::OsRelease;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What purl-spec has encoded: everything but letters, digits, `.`, `-`, `_`, `~` and `:`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

/// A qualifier's value may have slashes: addresses do.
const ENCODED_IN_QUALIFIERS: &AsciiSet = &ENCODED.remove(b'/');

/// The package URL of what was found in a system of the distribution `os`.
pub(super) fn purl(found: &Found, os: Option<&OsRelease>) -> String {
    let parts = Parts::of(found, os);
    let mut purl = format!("pkg:{}", found.kind.purl_type());
    for part in parts.namespace.split('/').filter(|part| !part.is_empty()).chain([parts.name.as_str()]) {
        purl.push('/');
        purl.push_str(&encode(part));
    }
    if !found.version.is_empty() {
        purl.push('@');
        purl.push_str(&encode(&found.version));
    }
    let mut separator = '?';
    for (key, value) in qualifiers(found, os) {
        purl.push(separator);
        purl.push_str(&format!("{key}={}", utf8_percent_encode(&value, ENCODED_IN_QUALIFIERS)));
        separator = '&';
    }
    let subpath: Vec<String> = parts.subpath.split('/').filter(|part| !part.is_empty()).map(encode).collect();
    if !subpath.is_empty() {
        purl.push('#');
        purl.push_str(&subpath.join("/"));
    }
    purl
}

/// What stands between the type and the version, and behind the qualifiers.
struct Parts {
    namespace: String,
    name: String,
    subpath: String,
}

impl Parts {
    fn of(found: &Found, os: Option<&OsRelease>) -> Self {
        let namespace = found.namespace.clone().unwrap_or_default();
        let name = found.name.clone();
        let parts = |namespace, name| Parts { namespace, name, subpath: String::new() };
        match found.kind {
            Kind::Go => Self::of_module(&name),
            Kind::Python => parts(namespace, python_name(&name)),
            Kind::Deb | Kind::Apk if namespace.is_empty() => parts(vendor(os, false), name),
            Kind::Rpm if namespace.is_empty() => parts(vendor(os, true), name),
            Kind::Composer => parts(namespace.to_lowercase(), name.to_lowercase()),
            _ => parts(namespace, name),
        }
    }

    /// A Go module: host and owner, repository, and as subpath what stands behind it. The specification wants small
    /// letters, but the paths differ by case, and advisories are listed under them as they are.
    fn of_module(path: &str) -> Self {
        let mut parts = path.splitn(4, '/');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        match (next(), next(), next(), next()) {
            (name, second, ..) if second.is_empty() => Parts { namespace: String::new(), name, subpath: String::new() },
            (namespace, name, third, _) if third.is_empty() => Parts { namespace, name, subpath: String::new() },
            (host, owner, name, subpath) => Parts { namespace: format!("{host}/{owner}"), name, subpath },
        }
    }
}

/// Who distributes a system's packages, as package URLs name them.
fn vendor(os: Option<&OsRelease>, is_rpm: bool) -> String {
    let id = os.map(|os| os.id.as_str()).unwrap_or_default();
    match id {
        "rhel" if is_rpm => "redhat".to_owned(),
        id if is_rpm && id.starts_with("opensuse") => "opensuse".to_owned(),
        id => id.to_owned(),
    }
}

/// The qualifiers that have a value, by their names.
fn qualifiers(found: &Found, os: Option<&OsRelease>) -> Vec<(&'static str, String)> {
    let of_system = matches!(found.kind, Kind::Deb | Kind::Apk | Kind::Rpm).then_some(os).flatten();
    let all = [
        ("arch", found.architecture.clone()),
        ("distro", found.distro.clone().or_else(|| of_system.map(OsRelease::distro))),
        ("epoch", found.epoch.map(|epoch| epoch.to_string())),
        ("repository_url", found.repository.clone()),
        ("upstream", found.upstream.clone()),
    ];
    let with_value = |(key, value): (&'static str, Option<String>)| Some((key, value.filter(|v| !v.is_empty())?));
    all.into_iter().filter_map(with_value).collect()
}

/// The name of a Python distribution by PEP 503: small letters, and one `-` for each run of `-`, `_` and `.`.
pub(super) fn python_name(name: &str) -> String {
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

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
