//! Files of which the kind tells what in them is a secret.

use super::leak::{Hit, Source};
use super::place::Place;
use super::settings::{self, lines};
use super::{key_store, named, plausible};
use std::ops::Range;

/// A token in a header has at least as many characters.
const MIN_BEARER: usize = 16;

/// The secrets of a whole file, or of a text, that are known by where they stand.
pub(super) fn search(place: Place, text: &[u8], mut found: impl FnMut(Hit)) {
    if place == Place::KeyStore {
        key_store::search(text).into_iter().for_each(found);
        return;
    }
    if place == Place::Plain || memchr::memchr(0, text).is_some() {
        return;
    }
    match place {
        Place::Netrc => netrc(text, found),
        Place::Htpasswd => fields(text, |line| htpasswd(text, line), found),
        Place::Shadow => fields(text, |line| shadow(text, line), found),
        Place::Pgpass => fields(text, |line| pgpass(text, line), found),
        Place::GitCredentials => fields(text, |line| git_credentials(text, line), found),
        _ => {
            settings::each(text, place == Place::Variables, named::may_be_secret, |setting| {
                named::judge(place, &setting).into_iter().for_each(&mut found);
            });
            if place == Place::Command {
                command(text, found);
            }
        }
    }
}

fn fields(text: &[u8], judge: impl Fn(Range<usize>) -> Option<Hit>, found: impl FnMut(Hit)) {
    lines(text).filter(|line| !text[line.clone()].starts_with(b"#")).filter_map(judge).for_each(found);
}

/// The words of a text and where they stand.
fn words(text: &[u8]) -> impl Iterator<Item = (Range<usize>, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = &text[start..];
        let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        at = start + length;
        Some((start..at, &rest[..length]))
    })
}

/// `machine <host> login <user> password <password>`, on any number of lines.
fn netrc(text: &[u8], mut found: impl FnMut(Hit)) {
    let mut previous: &[u8] = b"";
    for (range, word) in words(text) {
        if previous == b"password" && plausible::password(word) {
            Hit::new(Source::Place, "netrc-password", range).into_iter().for_each(&mut found);
        }
        previous = word;
    }
}

/// The second field between colons.
fn second(text: &[u8], line: Range<usize>) -> Option<(Range<usize>, &[u8])> {
    let content = &text[line.clone()];
    let colon = content.iter().position(|b| *b == b':')?;
    let rest = &content[colon + 1..];
    let length = rest.iter().position(|b| *b == b':').unwrap_or(rest.len());
    let start = line.start + colon + 1;
    Some((start..start + length, &rest[..length]))
}

/// crypt(5): `$<method>$…`, or the 13 characters of DES.
fn is_crypt(hash: &[u8]) -> bool {
    let parts = hash.iter().filter(|b| **b == b'$').count();
    let modern = hash.starts_with(b"$") && parts >= 3 && hash.len() >= 20;
    let old = hash.len() == 13 && hash.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'));
    modern || old
}

fn htpasswd(text: &[u8], line: Range<usize>) -> Option<Hit> {
    let (range, hash) = second(text, line)?;
    let sound = is_crypt(hash) || hash.starts_with(b"{SHA}") || hash.starts_with(b"{SSHA}");
    sound.then(|| Hit::new(Source::Place, "htpasswd-hash", range))?
}

/// An account that is locked may still have its hash behind the `!`.
fn shadow(text: &[u8], line: Range<usize>) -> Option<Hit> {
    let (range, field) = second(text, line)?;
    let locks = field.iter().take_while(|b| **b == b'!').count();
    is_crypt(&field[locks..]).then(|| Hit::new(Source::Place, "password-hash", range.start + locks..range.end))?
}

/// `host:port:database:user:password`, where `\:` is no end.
fn pgpass(text: &[u8], line: Range<usize>) -> Option<Hit> {
    let content = &text[line.clone()];
    let is_end = |at: &usize| content[*at] == b':' && (*at == 0 || content[*at - 1] != b'\\');
    let fourth = (0..content.len()).filter(is_end).nth(3)?;
    let password = &content[fourth + 1..];
    plausible::password(password)
        .then(|| Hit::new(Source::Place, "pgpass-password", line.start + fourth + 1..line.end))?
}

/// One address a line, with user and password.
fn git_credentials(text: &[u8], line: Range<usize>) -> Option<Hit> {
    let content = &text[line.clone()];
    let login = memchr::memmem::find(content, b"://")? + 3;
    let end = login + content[login..].iter().position(|b| *b == b'@')?;
    let colon = login + content[login..end].iter().position(|b| *b == b':')?;
    let password = &content[colon + 1..end];
    let range = line.start + colon + 1..line.start + end;
    plausible::password(password).then(|| Hit::new(Source::Place, "git-credentials", range))?
}

/// Options whose next word is a secret, and the passwords that programs take in their own ways.
fn command(text: &[u8], mut found: impl FnMut(Hit)) {
    const OPTIONS: &[&[u8]] = &[
        b"--password",
        b"--passwd",
        b"--token",
        b"--secret",
        b"--api-key",
        b"--apikey",
        b"--auth-token",
        b"--access-token",
        b"--client-secret",
        b"--http-password",
        b"--proxy-password",
        b"--ftp-password",
        b"--passphrase",
        b"--storepass",
        b"--keypass",
        b"-storepass",
        b"-keypass",
    ];
    let (mut previous, mut program): (&[u8], &[u8]) = (b"", b"");
    let mut end = 0;
    for (range, word) in words(text) {
        // A new line is a new command, unless a backslash stands before it.
        if text[end..range.start].contains(&b'\n') {
            previous = b"";
        }
        end = range.end;
        if word == b"\\" {
            end = text.len().min(end + 1);
            continue;
        }
        if matches!(previous, b"" | b"|" | b"||" | b"&&" | b";" | b"sudo" | b"RUN" | b"-c") || previous.ends_with(b";")
        {
            program = word.rsplit(|b| *b == b'/').next().unwrap_or(word);
        }
        let inner = quoted(word);
        let short = match program {
            b"curl" | b"wget" if matches!(previous, b"-u" | b"--user") => {
                inner.iter().position(|b| *b == b':').map(|colon| colon + 1)
            }
            b"sshpass" if word.starts_with(b"-p") && word.len() > 2 => Some(2),
            b"mysql" | b"mysqldump" | b"mysqladmin" | b"mariadb" if word.starts_with(b"-p") && word.len() > 2 => {
                Some(2)
            }
            b"sshpass" | b"docker" | b"podman" | b"skopeo" | b"buildah" | b"helm" | b"oc" if previous == b"-p" => {
                Some(0)
            }
            _ => OPTIONS.contains(&previous).then_some(0),
        };
        if let Some(range) = header(previous, range.clone(), word) {
            Hit::new(Source::Place, "generic-secret", range).into_iter().for_each(&mut found);
        }
        previous = word;
        let Some(skip) = short else { continue };
        let lead = usize::from(inner.len() < word.len()) + skip;
        let start = range.start + lead;
        let value = &inner[skip.min(inner.len())..];
        if !value.starts_with(b"-") && !value.starts_with(b"/") && plausible::password(value) {
            Hit::new(Source::Place, "command-password", start..start + value.len()).into_iter().for_each(&mut found);
        }
    }
}

/// The credentials of a header of HTTP: `Authorization: Bearer <token>`, `Authorization: Basic <login>`.
fn header(scheme: &[u8], range: Range<usize>, word: &[u8]) -> Option<Range<usize>> {
    let length = word.iter().take_while(|b| !b"\"'`;".contains(b)).count();
    let value = &word[..length];
    let is_secret = match scheme.to_ascii_lowercase().as_slice() {
        b"bearer" | b"token" => length >= MIN_BEARER && plausible::generated(value),
        b"basic" => named::is_login(value),
        _ => false,
    };
    is_secret.then_some(range.start..range.start + length)
}

/// A word without the quotes around it.
fn quoted(word: &[u8]) -> &[u8] {
    match word {
        [first @ (b'"' | b'\''), inner @ .., last] if first == last => inner,
        _ => word,
    }
}
