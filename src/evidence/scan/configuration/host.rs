//! Which hosts inputs come from.

use super::origin::{Input, InputKind};
use super::{Facts, rule};
use crate::evidence::scan::finding::{Detail, Finding};
use crate::oci::Reference;
use url::Url;

/// Inputs of hosts that some policy does not allow.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let found = facts.inputs.iter().filter_map(|input| {
        let host = host(&input.kind)?;
        let is_foreign = facts.allowed_hosts.iter().any(|list| !list.iter().any(|pattern| is_host(pattern, &host)));
        is_foreign.then(|| foreign(input, host))
    });
    found.collect()
}

fn foreign(input: &Input, host: String) -> Finding {
    let what = match &input.kind {
        InputKind::Image { reference, .. } => reference,
        InputKind::Download { url, .. } | InputKind::Repository { url, .. } => url,
    };
    let (rule, title) = (rule("foreign-host"), format!("{what} comes from {host}"));
    Finding::new(rule, Some(rule.severity), title, Detail::Host { host }, vec![input.place.clone()])
}

/// Whether a host fits a pattern: `*.example.org` is every host below that one; without a port in the pattern any port
/// counts.
pub fn is_host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    let host = if has_port(&pattern) { host.as_str() } else { without_port(&host) };
    match pattern.strip_prefix('*') {
        Some(end) => host.strip_suffix(end).is_some_and(|start| !start.is_empty()),
        None => host == pattern,
    }
}

fn has_port(host: &str) -> bool {
    without_port(host) != host
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !in_brackets(name) => {
            name
        }
        _ => host,
    }
}

/// Whether a colon behind this is within an IPv6 address.
fn in_brackets(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

/// The host that an input comes from, with its port where one is said; none where it lies on this machine.
fn host(kind: &InputKind) -> Option<String> {
    match kind {
        InputKind::Image { reference, .. } => reference.parse::<Reference>().ok().map(|reference| reference.registry),
        InputKind::Download { url, .. } | InputKind::Repository { url, .. } if url.contains("://") => of_url(url),
        InputKind::Download { .. } => None,
        // The short form of ssh: `git@example.com:team/app`.
        InputKind::Repository { url, .. } => {
            let (place, _) = url.split_once(':').filter(|(place, _)| !place.contains('/'))?;
            Some(place.rsplit_once('@').map_or(place, |(_, host)| host).to_owned())
        }
    }
}

fn of_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() != "file")?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::{InputKind, host, is_host};

    fn of(url: &str) -> Option<String> {
        host(&InputKind::Repository { url: url.into(), pinned: true })
    }

    #[test]
    fn addresses_in_all_forms_have_their_host() {
        assert_eq!(of("https://Example.com/team/app").as_deref(), Some("example.com"));
        assert_eq!(of("https://good.example.com\\@evil.example.net/x").as_deref(), Some("good.example.com"));
        assert_eq!(of("https://good.example.com@evil.example.net/x").as_deref(), Some("evil.example.net"));
        assert_eq!(of("ssh://git@example.com:2222/team/app").as_deref(), Some("example.com:2222"));
        assert_eq!(of("git@example.com:team/app").as_deref(), Some("example.com"));
        assert_eq!(of("file:///srv/git/app"), None);
        let image = |reference: &str| {
            host(&InputKind::Image { reference: reference.into(), is_base: true, signed: None, pinned: false })
        };
        assert_eq!(image("debian:13").as_deref(), Some("docker.io"));
        assert_eq!(image("localhost:5000/a/b:1").as_deref(), Some("localhost:5000"));
    }

    #[test]
    fn a_wildcard_is_about_what_is_below_a_host_and_nothing_beside_it() {
        assert!(is_host("example.com", "EXAMPLE.com") && is_host("example.com", "example.com:8443"));
        assert!(is_host("example.com:8443", "example.com:8443") && !is_host("example.com:8443", "example.com"));
        assert!(is_host("*.example.org", "a.b.example.org:443"));
        for other in ["example.org", "badexample.org", "example.org.evil.net", ".example.org"] {
            assert!(!is_host("*.example.org", other), "{other}");
        }
        assert!(is_host("[::1]", "[::1]:8080") && !is_host("[::1]", "[::2]"));
    }
}
