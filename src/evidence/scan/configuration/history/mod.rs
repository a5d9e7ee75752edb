//! What an image tells of how others made it: the lines of its history, and the annotations about its base.
//!
//! Nobody checks these lines, and a builder may leave them out: they give reasons to look, and their absence gives none to
//! be calm. kiln's own lines have another form and tell nothing here; how kiln's images came about stands in their
//! provenance.

mod script;
#[cfg(test)]
mod tests;

use super::origin::{Command, Input, InputKind};
use crate::evidence::scan::place::Place;
use crate::oci::{ImageConfig, Reference};
use script::Script;
use std::collections::BTreeMap;

/// The image that another one stands on.
const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Its digest when it was built.
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// As many lines are read: builders stop at 127 layers.
const MAX_LINES: usize = 1_000;
/// As much of a line is read, in bytes.
const MAX_LINE: usize = 64 << 10;
/// As many inputs are told of.
const MAX_INPUTS: usize = 1_000;

/// What an image says that it was made of, and the commands that it says ran.
pub fn history(config: &ImageConfig, annotations: &BTreeMap<String, String>) -> (Vec<Input>, Vec<Command>) {
    let mut told = Told::default();
    told.base(config.config.labels.as_ref(), annotations);
    for (number, line) in config.history.iter().enumerate().take(MAX_LINES) {
        let place = Place::part(format!("history {}", number + 1));
        if let Some(image) = line.comment.as_deref().and_then(|comment| comment.strip_prefix("FROM ")) {
            told.image(image.trim(), false, &place);
        }
        match line.created_by.as_deref().map(clipped).and_then(step) {
            Some(Step::Add(words)) => told.add(words, &place),
            Some(Step::Run(text)) => told.run(text, &place),
            None => {}
        }
    }
    (told.inputs, told.commands)
}

/// The beginning of a line.
fn clipped(line: &str) -> &str {
    let mut end = line.len().min(MAX_LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

/// A step of a foreign builder.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    /// Files, with flags, sources and destination.
    Add(&'a str),
    /// A command, as a shell reads it.
    Run(&'a str),
}

/// The step that a line tells: `ADD … # buildkit`, `/bin/sh -c #(nop) ADD …`, `RUN |1 A=b /bin/sh -c … # buildkit`, `RUN …` and
/// `/bin/sh -c …`; none where it tells something else.
fn step(line: &str) -> Option<Step<'_>> {
    let line = line.trim();
    let line = line.strip_suffix("# buildkit").map_or(line, str::trim_end);
    if let Some((_, instruction)) = line.split_once("#(nop)").filter(|(before, _)| before.starts_with(['/', '|'])) {
        return instruction.trim_start().strip_prefix("ADD ").map(Step::Add);
    }
    if let Some(words) = line.strip_prefix("ADD ") {
        return Some(Step::Add(words));
    }
    match line.strip_prefix("RUN ") {
        Some(command) => Some(Step::Run(of_shell(command).unwrap_or(command))),
        None => of_shell(line).map(Step::Run),
    }
}

/// What a shell is given to run; arguments of the build may stand in front.
fn of_shell(line: &str) -> Option<&str> {
    let (before, text) = line.split_once(" -c ")?;
    let shell = before.split_whitespace().rfind(|word| word.starts_with('/'))?;
    let is_shell = shell.rsplit('/').next().is_some_and(|name| super::programs::SHELLS.contains(&name));
    (is_shell && before.starts_with(['|', '/'])).then_some(text)
}

#[derive(Default)]
struct Told {
    inputs: Vec<Input>,
    commands: Vec<Command>,
}

impl Told {
    /// Adds an input, where it was not told before.
    fn push(&mut self, kind: InputKind, place: &Place) {
        if self.inputs.len() < MAX_INPUTS && !self.inputs.iter().any(|input| input.kind == kind) {
            self.inputs.push(Input { name: String::new(), kind, place: place.clone() });
        }
    }

    fn base(&mut self, labels: Option<&BTreeMap<String, String>>, annotations: &BTreeMap<String, String>) {
        let of = |name: &str| {
            let label = labels.and_then(|labels| labels.get(name)).map(|text| ("label", text));
            annotations.get(name).map(|text| ("annotation", text)).or(label)
        };
        let Some((kind, name)) = of(BASE_NAME) else { return };
        let pinned = of(BASE_DIGEST).is_some();
        self.image(name, pinned, &Place::part(format!("{kind} {BASE_NAME}")));
    }

    /// Adds an image that is built upon, where it was not told before; nobody can know whether it had to be signed. The
    /// empty one is none.
    fn image(&mut self, name: &str, pinned: bool, place: &Place) {
        let Ok(reference) = name.parse::<Reference>() else { return };
        let same = |known: &Reference| {
            (&known.registry, &known.repository, &known.tag)
                == (&reference.registry, &reference.repository, &reference.tag)
        };
        let known = |input: &Input| matches!(&input.kind, InputKind::Image { reference, .. } if reference.parse().is_ok_and(|known| same(&known)));
        if name == "scratch" || self.inputs.iter().any(known) {
            return;
        }
        let pinned = pinned || reference.digest.is_some();
        self.push(InputKind::Image { reference: name.to_owned(), is_base: true, signed: None, pinned }, place);
    }

    /// Adds what `ADD` fetched.
    fn add(&mut self, words: &str, place: &Place) {
        let quotes: &[char] = &['[', ']', '"', ','];
        let words: Vec<&str> = words.split_whitespace().map(|word| word.trim_matches(quotes)).collect();
        let checked = words.iter().any(|word| word.starts_with("--checksum="));
        let [sources @ .., _] = words.as_slice() else { return };
        for source in sources.iter().filter(|word| !word.starts_with("--")) {
            if let Some(kind) = fetched(source, checked) {
                self.push(kind, place);
            }
        }
    }

    /// Adds what a command fetched.
    fn run(&mut self, text: &str, place: &Place) {
        let script = Script::read(text);
        for kind in script.inputs {
            self.push(kind, place);
        }
        if script.network {
            let (stage, scripts, network) = (None, false, true);
            self.commands.push(Command { name: named(text), stage, network, scripts, place: place.clone() });
        }
    }
}

/// What a source of `ADD` brings from afar; nothing where it is a file.
fn fetched(source: &str, checked: bool) -> Option<InputKind> {
    let (address, revision) = source.split_once('#').unwrap_or((source, ""));
    if address.starts_with("git@") || address.starts_with("git://") || address.ends_with(".git") {
        let is_remote = address.contains("://") || address.starts_with("git@");
        let pinned = checked || is_commit(revision.split(':').next().unwrap_or_default());
        return is_remote.then(|| InputKind::Repository { url: address.to_owned(), pinned });
    }
    let is_download = address.starts_with("http://") || address.starts_with("https://");
    is_download.then(|| InputKind::Download { url: address.to_owned(), pinned: checked, runs: false })
}

fn is_commit(revision: &str) -> bool {
    [40, 64].contains(&revision.len()) && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A command in a few words.
fn named(text: &str) -> String {
    const SHOWN: usize = 60;
    let words: Vec<&str> = text.split_whitespace().take(SHOWN).collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
