//! Which settings are secrets, by their names, the place, and the look of their values.

use super::leak::{Hit, Source};
use super::place::Place;
use super::plausible;
use super::set::Set;
use super::settings::Setting;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Lines that are longer were written by no person: what has a form of its own is found in them all the same.
const MAX_LINE: usize = 2000;
/// A key or token that a machine made has at least as many characters.
const MIN_GENERATED: usize = 16;

/// Whether a setting of this name may be a secret in any place.
pub(super) fn may_be_secret(name: &str) -> bool {
    ["pass", "pw", "secret", "token", "key", "auth", "credential"].iter().any(|word| name.contains(word))
}

/// The secret that a setting is.
pub(super) fn judge(place: Place, setting: &Setting<'_>) -> Option<Hit> {
    let (source, rule) = match of_place(place, setting) {
        Some(rule) => (Source::Place, rule),
        None => (Source::Name, of_name(place, setting)?),
    };
    Hit::new(source, rule, setting.range.clone())
}

/// What the kind of file says of a setting.
fn of_place(place: Place, setting: &Setting<'_>) -> Option<&'static str> {
    let (name, value) = (setting.name.as_str(), setting.value);
    let is = |names: &[&str]| names.contains(&name);
    let (is_secret, rule) = match place {
        Place::Npmrc => (
            name.ends_with("_auth_token")
                || name.ends_with("authtoken")
                || is(&["_auth", "_password", "npm_auth_ident"]),
            "npm-credentials",
        ),
        Place::Pypirc => (is(&["password"]), "pypi-credentials"),
        Place::DockerConfig if name == "auth" => return is_login(value).then_some("docker-credentials"),
        Place::DockerConfig => (is(&["identitytoken", "registrytoken", "password"]), "docker-credentials"),
        Place::Kubeconfig => (
            is(&["token", "password", "client_key_data", "id_token", "refresh_token", "access_token"]),
            "kubeconfig-credentials",
        ),
        Place::AwsCredentials => {
            (is(&["aws_secret_access_key", "aws_session_token"]) && value.len() >= 40, "aws-secret-key")
        }
        Place::Boto => (
            is(&[
                "gs_oauth2_refresh_token",
                "aws_secret_access_key",
                "gs_secret_access_key",
                "secret_key",
                "access_token",
            ]),
            "boto-credentials",
        ),
        Place::GoogleCredentials => (is(&["refresh_token", "client_secret"]), "google-user-credentials"),
        Place::Wireguard => (
            is(&["private_key", "preshared_key", "privatekey", "presharedkey"])
                && value.len() == 44
                && STANDARD.decode(value).is_ok_and(|key| key.len() == 32),
            "wireguard-private-key",
        ),
        Place::TerraformState => (
            is_secret_name(name)
                && !value.is_empty()
                && (plausible::generated(value) || is_password(name) && is_chosen(value)),
            "terraform-state-secret",
        ),
        _ => return None,
    };
    (is_secret && plausible::password(value)).then_some(rule)
}

/// What a name says that stands in any settings.
fn of_name(place: Place, setting: &Setting<'_>) -> Option<&'static str> {
    let (name, value) = (setting.name.as_str(), setting.value);
    let is_loose = !matches!(place, Place::Variables | Place::Command | Place::Label);
    if is_loose && (setting.line.len() > MAX_LINE || is_comment(setting.line)) {
        return None;
    }
    if !is_secret_name(name) || !plausible::password(value) || is_a_reference(value) || is_a_result(name, setting.line)
    {
        return None;
    }
    if let Some(rule) = of_vendor(name, value) {
        return Some(rule);
    }
    if is_password(name) {
        let enough = if place == Place::Variables { true } else { is_chosen(value) };
        return enough.then_some("generic-password");
    }
    (value.len() >= MIN_GENERATED && plausible::generated(value)).then_some("generic-secret")
}

/// Keys without a mark, whose names tell whose they are.
fn of_vendor(name: &str, value: &[u8]) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let is =
        |set: Set, lengths: &[usize]| lengths.contains(&value.len()) && set.has_all(value) && plausible::random(value);
    if (has(&["datadog"]) || name.starts_with("dd_")) && is(Set::HEX, &[32, 40]) {
        return Some("datadog-key");
    }
    if (has(&["cloudflare"]) || name.starts_with("cf_")) && (is(Set::NAME, &[40]) || is(Set::HEX, &[37])) {
        return Some("cloudflare-token");
    }
    (has(&["fastly"]) && is(Set::NAME, &[32])).then_some("fastly-token")
}

/// Whether a setting of this name is a secret at all.
fn is_secret_name(name: &str) -> bool {
    const SECRET: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "api_key",
        "access_key",
        "private_key",
        "auth_key",
        "credential",
        "signing_key",
        "encryption_key",
        "master_key",
        "account_key",
        "app_key",
        "application_key",
        "auth",
        "service_key",
        "secretkey",
        "accesskey",
        "passwort",
        "deploy_key",
        "license_key",
    ];
    // What is said about a secret, and what only has the word in its name.
    const NOT: &[&str] = &[
        "path",
        "file",
        "dir",
        "url",
        "uri",
        "id",
        "ids",
        "type",
        "length",
        "len",
        "size",
        "min",
        "max",
        "policy",
        "expire",
        "expires",
        "expiry",
        "expiration",
        "ttl",
        "field",
        "header",
        "prompt",
        "hint",
        "label",
        "regex",
        "pattern",
        "version",
        "enabled",
        "enable",
        "algorithm",
        "host",
        "port",
        "user",
        "username",
        "name",
        "names",
        "ref",
        "refs",
        "key_ref",
        "public",
        "format",
        "count",
        "limit",
        "limits",
        "endpoint",
        "method",
        "provider",
        "mode",
        "class",
        "description",
        "text",
        "message",
        "error",
        "placeholder",
        "tokens",
        "tokenizer",
        "env",
        "var",
        "secrets",
        "checksum",
        "hash",
        "sha256",
        "digest",
        "integrity",
        "title",
        "help",
        "command",
        "cmd",
        "timeout",
        "lifetime",
        "required",
        "rotation",
        "issuer",
        "scope",
        "scopes",
        "audience",
        "schema",
        "source",
        "store",
        "manager",
        "index",
        "reset",
        "change",
        "strength",
        "validator",
        "encoder",
        "encoding",
    ];
    // What tells where a list goes on, that something was asked before, or that a grant is to be used.
    const NO_SECRETS: &[&str] = &[
        "continuation_token",
        "next_token",
        "page_token",
        "pagination_token",
        "client_request_token",
        "idempotency_token",
        "cancellation_token",
        "grant_token",
    ];
    let last_is = |words: &[&str]| name.rsplit('_').next().is_some_and(|last| words.contains(&last));
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    (ends(SECRET) || is_password(name))
        && !last_is(NOT)
        && !ends(NO_SECRETS)
        && !name.contains("public")
        && !name.contains("author")
        && name != "auth"
}

/// Whether people choose what stands under this name.
fn is_password(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    matches!(last, "pass" | "pwd" | "pw")
        || ["password", "passwd", "passphrase", "passwort"].iter().any(|word| name.ends_with(word))
}

/// Whether somebody may have chosen it for a password, where words of all kinds stand: it is no word, name or path.
fn is_chosen(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    value.len() >= 8
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && (has(u8::is_ascii_uppercase) || has(u8::is_ascii_punctuation) || plausible::entropy(value) >= 3.3)
        && plausible::entropy(value) >= 2.5
        && !value.contains(&b' ')
        && !["password", "passphrase", "secret"]
            .iter()
            .any(|word| value.to_ascii_lowercase().windows(word.len()).any(|w| w == word.as_bytes()))
}

/// Whether it is code or a name that leads to the secret: `os.environ["X"]`, `vault:path`, `/run/secrets/x`, `file.key`.
fn is_a_reference(value: &[u8]) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| value.starts_with(word.as_bytes()));
    begins(&[
        "/",
        "./",
        "../",
        "~/",
        "$",
        "!",
        "file:",
        "env:",
        "vault:",
        "http:",
        "https:",
        "secretsmanager",
        "arn:",
        "ssm:",
        "op://",
        "sha256:",
        "sha512-",
        "sha1-",
        "encrypted:",
        "ENC[",
    ]) || plausible::stands_for_another(value)
        // Cut off, as introductions do.
        || value.ends_with(b"...")
        || value.iter().any(|b| b"()[]{}<>".contains(b))
        || plausible::is_uuid(value)
}

/// Whether it is the result of a test, as many runners write it: `--- PASS: TestLogin/2 (0.01s)`.
fn is_a_result(name: &str, line: &[u8]) -> bool {
    name == "pass" && memchr::memmem::find(line, b"PASS: ").is_some()
}

fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    [&b"#"[..], b"//", b";", b"*", b"/*", b"<!--", b"--", b"rem ", b"REM "].iter().any(|sign| line.starts_with(sign))
}

/// Whether it is user and password in base64, as Docker keeps them.
pub(super) fn is_login(value: &[u8]) -> bool {
    let Ok(login) = STANDARD.decode(value).map(zeroize::Zeroizing::new) else { return false };
    let colon = login.iter().position(|b| *b == b':');
    colon.is_some_and(|colon| colon > 0 && plausible::password(&login[colon + 1..]))
}
