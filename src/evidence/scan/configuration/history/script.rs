//! What a command of a shell fetches, as far as its text tells. It is no shell: variables stay what they are, and what a
//! script does that is called from here is not seen.

use super::super::programs::SHELLS;
use super::InputKind;

/// What the text of a command tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// What it fetches by address.
    pub inputs: Vec<InputKind>,
    /// Whether it reaches the network.
    pub network: bool,
}

/// Programs that fetch what they are given the address of.
const FETCHERS: &[&str] = &["aria2c", "axel", "curl", "wget"];

/// Programs that reach the network when they are called in one of these ways; in any where there is none.
const INSTALLERS: &[(&str, &[&str])] = &[
    ("apk", &["add", "update", "upgrade"]),
    ("apt", &["build-dep", "full-upgrade", "install", "update", "upgrade"]),
    ("apt-get", &["build-dep", "dist-upgrade", "install", "update", "upgrade"]),
    ("bundle", &["install", "update"]),
    ("cargo", &["fetch", "install"]),
    ("composer", &["create-project", "install", "require", "update"]),
    ("conda", &["create", "install", "update"]),
    ("dnf", &["install", "update", "upgrade"]),
    ("dotnet", &["add", "restore"]),
    ("gem", &["install", "update"]),
    ("git", &["clone", "fetch", "pull", "submodule"]),
    ("go", &["get", "install"]),
    ("mamba", &["create", "install", "update"]),
    ("microdnf", &["install", "update", "upgrade"]),
    ("npm", &["add", "ci", "i", "install", "update"]),
    ("npx", &[]),
    ("pip", &["download", "install"]),
    ("pip3", &["download", "install"]),
    ("pipx", &["install"]),
    ("pnpm", &["add", "i", "install", "update"]),
    ("poetry", &["add", "install", "update"]),
    ("rsync", &[]),
    ("scp", &[]),
    ("uv", &["add", "pip", "sync"]),
    ("yarn", &["add", "install"]),
    ("yum", &["install", "update", "upgrade"]),
    ("zypper", &["in", "install", "ref", "refresh", "up", "update"]),
];

/// Programs that compare what was fetched with what was written down, where they are called in one of these ways.
const CHECKERS: &[(&str, &[&str])] = &[
    ("b2sum", &["-c", "--check"]),
    ("cosign", &["verify", "verify-blob"]),
    ("gpg", &["--verify"]),
    ("gpgv", &[]),
    ("minisign", &["-V", "-Vm"]),
    ("sha1sum", &["-c", "--check"]),
    ("sha256sum", &["-c", "--check"]),
    ("sha384sum", &["-c", "--check"]),
    ("sha512sum", &["-c", "--check"]),
    ("shasum", &["-c", "--check"]),
];

/// Programs that run what they are given, beside shells.
const INTERPRETERS: &[&str] = &[".", "eval", "node", "perl", "python", "python3", "ruby", "source"];

/// Words in front of a program that are none.
const BEFORE: &[&str] =
    &["!", "do", "else", "env", "exec", "if", "nice", "sudo", "then", "time", "until", "while", "{"];

/// As many addresses of one command are told.
const MAX_ADDRESSES: usize = 50;

/// A part of a command between two signs that part commands.
struct Part<'a> {
    text: &'a str,
    /// The sign in front of it, and behind.
    opened: Option<char>,
    closed: Option<char>,
}

impl Script {
    pub(super) fn read(text: &str) -> Self {
        let parts = parts(text);
        let checked = parts.iter().any(|part| calls(part.text, CHECKERS));
        let mut script = Script::default();
        for (position, part) in parts.iter().enumerate() {
            let Some(program) = program(part.text) else { continue };
            let fetches = FETCHERS.contains(&program);
            let installs = calls(part.text, INSTALLERS) || is_module(part.text, program);
            script.network |= fetches || installs;
            if fetches {
                let runs = runs(&parts, position);
                let download = |url: &str| InputKind::Download { url: url.to_owned(), pinned: checked && !runs, runs };
                script.inputs.extend(addresses(part.text).map(download));
            } else if program == "git" && installs {
                let repository = |url: &str| InputKind::Repository { url: url.to_owned(), pinned: false };
                script.inputs.extend(addresses(part.text).map(repository));
            }
        }
        script.inputs.truncate(MAX_ADDRESSES);
        script
    }
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut opened, mut in_address) = (0, None, false);
    for (at, c) in text.char_indices() {
        match c {
            // An address may hold it, and there it parts nothing.
            '&' if in_address && text[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()) => {}
            ';' | '|' | '&' | '\n' | '(' | ')' | '`' => {
                parts.push(Part { text: &text[start..at], opened, closed: Some(c) });
                (start, opened, in_address) = (at + 1, Some(c), false);
            }
            c if c.is_whitespace() => in_address = false,
            '/' if text[start..at].ends_with(":/") => in_address = true,
            _ => {}
        }
    }
    parts.push(Part { text: &text[start..], opened, closed: None });
    parts
}

/// The words of a part, without quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let quotes: &[char] = &['"', '\'', '\\', '$'];
    text.split_whitespace().map(move |word| word.trim_matches(quotes)).filter(|word| !word.is_empty())
}

/// The name of the program that a part calls; of a shell with a text the program that the text begins with.
fn program(text: &str) -> Option<&str> {
    let mut shell = None;
    for word in words(text) {
        let name = word.rsplit('/').next().unwrap_or(word);
        let is_assignment = word
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        match word {
            word if BEFORE.contains(&word) || is_assignment || word.starts_with(['-', '<', '>']) => {}
            _ if SHELLS.contains(&name) => shell = Some(name),
            _ => return Some(name),
        }
    }
    shell
}

/// Whether a part calls one of these programs in one of these ways.
fn calls(text: &str, programs: &[(&str, &[&str])]) -> bool {
    let Some(program) = program(text) else { return false };
    let ways = programs.iter().find(|(name, _)| *name == program).map(|(_, ways)| *ways);
    ways.is_some_and(|ways| ways.is_empty() || words(text).any(|word| ways.contains(&word)))
}

/// `python3 -m pip install`.
fn is_module(text: &str, program: &str) -> bool {
    let called: Vec<&str> = words(text).collect();
    program.starts_with("python") && called.windows(3).any(|words| words == ["-m", "pip", "install"])
}

/// Whether what a part fetches is run as it comes: it goes into a shell, or stands where a shell finds it.
fn runs(parts: &[Part<'_>], position: usize) -> bool {
    let runs =
        |part: &Part<'_>| program(part.text).is_some_and(|name| SHELLS.contains(&name) || INTERPRETERS.contains(&name));
    let part = &parts[position];
    let into = part.closed == Some('|') && parts.get(position + 1).is_some_and(runs);
    let within = matches!(part.opened, Some('(' | '`')) && position.checked_sub(1).is_some_and(|i| runs(&parts[i]));
    into || within
}

/// The addresses among the words of a part.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let begins = |word: &str| {
        let schemes = ["http://", "https://", "ftp://", "git://", "ssh://"];
        schemes.iter().filter_map(|scheme| word.find(scheme)).min()
    };
    words(text).filter_map(move |word| Some(word.get(begins(word)?..)?.trim_end_matches(['"', '\'', '>', ','])))
}
