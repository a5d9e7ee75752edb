//! Addresses that let in whoever has them: with a password, with a signature, or secret as a whole.

use super::leak::{Hit, Source};
use super::place::Place;
use super::plausible;
use super::set::Set;
use memchr::memmem;
use std::ops::Range;

/// What stands between the scheme and the rest.
pub(super) const SEPARATOR: &str = "://";
/// What a signature of Azure's storage stands behind.
pub(super) const SIGNATURE: &str = "sig=";

/// No address with a password that anyone uses is longer, up to the end of its host.
const MAX_AUTHORITY: usize = 512;
/// The other fields of a signed address stand this near.
const SIGNED_WITHIN: usize = 400;

/// The secret in the address whose [`SEPARATOR`] is at `at`.
pub(super) fn at(place: Place, text: &[u8], at: usize) -> Option<Hit> {
    let host_at = at + SEPARATOR.len();
    let rest = &text[host_at..];
    if rest.starts_with(b"hooks.slack.com/") {
        return slack(rest, host_at);
    }
    let authority = &rest[..rest.iter().take(MAX_AUTHORITY).take_while(|b| is_authority(**b)).count()];
    if let Some(hit) = webhook(rest, authority, host_at) {
        return Some(hit);
    }
    let (range, scheme) = password(text, at, authority)?;
    let value = &text[range.clone()];
    // Elsewhere than in settings an address is an example, if its password is not too good for one.
    if place == Place::Plain && !is_too_good_for_an_example(value) {
        return None;
    }
    let rule = match is_database(scheme) {
        true => "database-url",
        false => "url-password",
    };
    Hit::new(if place == Place::Plain { Source::Name } else { Source::Place }, rule, range)
}

/// Whether nobody would have thought of a password to show something: letters and digits, and no `1234`.
fn is_too_good_for_an_example(password: &[u8]) -> bool {
    let meant: Vec<u8> = percent_encoding::percent_decode(password).collect();
    meant.len() >= 8 && plausible::generated(&meant) && memmem::find(&meant, b"1234").is_none()
}

/// The password of an address, and its scheme.
fn password<'a>(text: &'a [u8], at: usize, authority: &[u8]) -> Option<(Range<usize>, &'a [u8])> {
    let at_sign = authority.iter().rposition(|b| *b == b'@')?;
    let (login, host) = (&authority[..at_sign], &authority[at_sign + 1..]);
    let colon = login.iter().position(|b| *b == b':')?;
    let (user, password) = (&login[..colon], &login[colon + 1..]);
    let scheme_length =
        text[..at].iter().rev().take(20).take_while(|b| b.is_ascii_alphanumeric() || b"+.-".contains(b)).count();
    let scheme = &text[at - scheme_length..at];
    let is_host = host.first().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'[' | b'_'));
    let stands_for_another = user.contains(&b'{') || user.contains(&b'<') || plausible::stands_for_another(host);
    if scheme.is_empty() || !is_host || stands_for_another || is_for_examples(host) || !plausible::password(password) {
        return None;
    }
    // `%s`, `%(password)s`, `{0}`, `#{password}`: a place for a password in a program's text.
    if password.iter().any(|b| b"{}()<>$".contains(b))
        || password.starts_with(b"%") && !is_percent_encoded(password)
        || user == password
    {
        return None;
    }
    let start = at + SEPARATOR.len() + colon + 1;
    Some((start..start + password.len(), scheme))
}

fn is_percent_encoded(text: &[u8]) -> bool {
    matches!(text, [b'%', a, b, ..] if Set::HEX_ANY.has(*a) && Set::HEX_ANY.has(*b))
}

fn is_authority(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"/\"'`\\".contains(&byte)
}

/// The hosts that RFC 2606 and RFC 6761 keep for examples and tests.
fn is_for_examples(host: &[u8]) -> bool {
    let host = host.split(|b| *b == b':').next().unwrap_or_default();
    let ends = |end: &str| host.ends_with(end.as_bytes());
    [".example", ".test", ".invalid", "example.com", "example.org", "example.net", "domain.com", "domain.tld"]
        .into_iter()
        .any(ends)
        || [&b"host"[..], b"hostname", b"server", b"example", b"some.host", b"myhost", b"foo", b"bar"].contains(&host)
        || host.len() < 2
}

fn is_database(scheme: &[u8]) -> bool {
    const SCHEMES: &[&str] = &[
        "postgres",
        "postgresql",
        "mysql",
        "mysql2",
        "mariadb",
        "mongodb",
        "mongodb+srv",
        "redis",
        "rediss",
        "amqp",
        "amqps",
        "mssql",
        "sqlserver",
        "clickhouse",
        "cockroachdb",
        "neo4j",
        "bolt",
        "couchdb",
        "cassandra",
        "oracle",
        "db2",
        "snowflake",
    ];
    // A driver may stand behind: `postgresql+asyncpg`.
    let first = scheme.split(|b| *b == b'+').next().unwrap_or_default();
    SCHEMES.iter().any(|known| known.as_bytes() == scheme || known.as_bytes() == first)
}

/// `hooks.slack.com/services/T…/B…/…`, of which the last part is the secret.
fn slack(rest: &[u8], host_at: usize) -> Option<Hit> {
    let path = rest.strip_prefix(b"hooks.slack.com/")?;
    let length = path.iter().take(120).take_while(|b| Set::NAME.has(**b) || **b == b'/').count();
    let mut parts = path[..length].split(|b| *b == b'/');
    let (kind, team, channel, key) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known = matches!(kind, b"services" | b"workflows" | b"triggers");
    if !known || team.len() < 8 || channel.len() < 8 || key.len() < 20 || !plausible::random(key) {
        return None;
    }
    let start = host_at + rest.len() - path.len() + kind.len() + team.len() + channel.len() + 3;
    Hit::new(Source::Form, "slack-webhook", start..start + key.len())
}

/// Webhooks of Discord (`/api/webhooks/<number>/<key>`) and Teams (`/webhookb2/…/IncomingWebhook/<key>/…`).
fn webhook(rest: &[u8], host: &[u8], host_at: usize) -> Option<Hit> {
    let path = &rest[host.len()..];
    if host.ends_with(b"discord.com") || host.ends_with(b"discordapp.com") {
        let id_and_key = path.strip_prefix(b"/api/webhooks/")?;
        let id = Set::DIGITS.leading(id_and_key, 21);
        let key = id_and_key.get(id..)?.strip_prefix(b"/")?;
        let length = Set::NAME.leading(key, 100);
        let start = host_at + host.len() + b"/api/webhooks/".len() + id + 1;
        let sound = id >= 17 && length >= 60 && plausible::random(&key[..length]);
        return sound.then(|| Hit::new(Source::Form, "discord-webhook", start..start + length))?;
    }
    if host.ends_with(b".webhook.office.com") {
        const NAME: &[u8] = b"/IncomingWebhook/";
        let at = memmem::find(&path[..path.len().min(200)], NAME)? + NAME.len();
        let length = Set::HEX.leading(path.get(at..)?, 33);
        let sound = length == 32 && plausible::random(&path[at..at + length]);
        let start = host_at + host.len() + at;
        return sound.then(|| Hit::new(Source::Form, "teams-webhook", start..start + length))?;
    }
    None
}

/// The signature of an address of Azure's storage that begins behind the [`SIGNATURE`] at `at`.
pub(super) fn signature(text: &[u8], at: usize) -> Option<Hit> {
    let start = at + SIGNATURE.len();
    let length = text[start..].iter().take(90).take_while(|b| Set::BASE64.has(**b) || **b == b'%').count();
    let value = &text[start..start + length];
    // 32 bytes in base64, of which some characters are written as %2B, %2F and %3D.
    let escapes = value.iter().filter(|b| **b == b'%').count();
    let field = |needle: &[u8]| {
        let near = &text[at.saturating_sub(SIGNED_WITHIN)..(start + length + SIGNED_WITHIN).min(text.len())];
        memmem::find(near, needle).is_some()
    };
    let sound =
        length.checked_sub(2 * escapes) == Some(44) && field(b"sv=20") && field(b"se=20") && plausible::random(value);
    sound.then(|| Hit::new(Source::Form, "azure-shared-access-signature", start..start + length))?
}
