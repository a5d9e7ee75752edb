//! Writing a lock: one line a pinned thing, so that a difference reads as one.

use super::{Lock, LockedCommit, LockedEntry};
use crate::packages::deb;
use std::fmt::Write;

const HEAD: &str = "\
// Written by kiln, not by hand. `kiln lock` brings it up to date with the spec,
// `kiln lock --update` takes what is newest, `--locked` builds from it as it stands.
lock 1
";

impl Lock {
    /// The text of `kiln.lock`: equal locks have equal texts.
    pub fn to_text(&self) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let mut text = HEAD.to_owned();
        sorted.write(&mut text).expect("writing to a string never fails");
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        for index in &self.indexes {
            write!(out, "\nindex {} {}", quote(&index.archive), quote(&index.suite))?;
            write!(out, " {} {}", quote(&index.component), quote(&index.architecture))?;
            write!(out, " date=\"{}\"", index.date)?;
            if !index.valid_until_checked {
                write!(out, " valid-until-checked=#false")?;
            }
            if index.priority != deb::NORMAL_PRIORITY {
                write!(out, " priority={}", index.priority)?;
            }
            write!(out, " path={} size={}", quote(&index.path), index.size)?;
            writeln!(out, " sha256=\"{}\" {{", index.sha256.hex())?;
            for key in &index.signed_by {
                writeln!(out, "    key {}", quote(key))?;
            }
            writeln!(out, "}}")?;
        }
        let has_sources = !self.downloads.is_empty() || !self.commits.is_empty() || !self.layouts.is_empty();
        if has_sources || !self.images.is_empty() {
            writeln!(out)?;
        }
        for download in &self.downloads {
            write!(out, "http {} url={}", quote(&download.source), quote(&download.url))?;
            writeln!(out, " size={} sha256=\"{}\"", download.size, download.sha256.hex())?;
        }
        for commit in &self.commits {
            write_commit(out, commit)?;
        }
        for layout in &self.layouts {
            writeln!(out, "oci {} sha256=\"{}\"", quote(&layout.source), layout.sha256.hex())?;
        }
        for image in &self.images {
            write!(out, "image {} sha256=\"{}\"", quote(&image.reference), image.sha256.hex())?;
            if image.attached.is_empty() {
                writeln!(out)?;
                continue;
            }
            writeln!(out, " {{")?;
            for digest in &image.attached {
                writeln!(out, "    attached sha256=\"{}\"", digest.hex())?;
            }
            writeln!(out, "}}")?;
        }
        for set in &self.sets {
            write!(out, "\npackages {} platform=\"{}\"", quote(&set.image), set.platform)?;
            writeln!(out, " request=\"{}\" {{", set.request.hex())?;
            for entry in &set.packages {
                write_entry(out, entry)?;
            }
            writeln!(out, "}}")?;
        }
        if let Some(advisories) = &self.advisories {
            write!(out, "\nadvisories")?;
            if let Some(reference) = &advisories.reference {
                write!(out, " {}", quote(reference))?;
            }
            writeln!(out, " date=\"{}\" sha256=\"{}\"", advisories.date, advisories.sha256.hex())?;
        }
        Ok(())
    }
}

fn write_commit(out: &mut String, commit: &LockedCommit) -> std::fmt::Result {
    write!(out, "git {} url={}", quote(&commit.source), quote(&commit.address.to_string()))?;
    if let Some(reference) = &commit.reference {
        write!(out, " ref={}", quote(reference))?;
    }
    if !commit.subdir.is_empty() {
        write!(out, " subdir={}", quote(&commit.subdir))?;
    }
    if commit.with_submodules {
        write!(out, " submodules=#true")?;
    }
    write!(out, " commit=\"{}\" tree=\"{}\"", commit.commit, commit.tree.hex())?;
    if commit.submodules.is_empty() {
        return writeln!(out);
    }
    writeln!(out, " {{")?;
    for module in &commit.submodules {
        let (path, address) = (quote(&module.path), quote(&module.address.to_string()));
        writeln!(out, "    submodule {path} url={address} commit=\"{}\"", module.commit)?;
    }
    writeln!(out, "}}")
}

fn write_entry(out: &mut String, entry: &LockedEntry) -> std::fmt::Result {
    let package = &entry.package;
    write!(out, "    package {} {} {}", quote(&package.name), quote(&package.version), quote(&package.architecture))?;
    if package.source != package.name {
        write!(out, " source={}", quote(&package.source))?;
    }
    if package.source_version != package.version {
        write!(out, " source-version={}", quote(&package.source_version))?;
    }
    if let Some(base) = &entry.base {
        write!(out, " base={}", quote(base))?;
    }
    write!(out, " suite={} archive={}", quote(&package.suite), quote(&package.archive))?;
    write!(out, " path={} size={}", quote(&package.path), package.size)?;
    writeln!(out, " sha256=\"{}\"", package.sha256.hex())
}

/// A KDL string; always quoted, so that a value's look never depends on its content.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() || is_invisible(c) => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Characters that KDL forbids or that a reader could be deceived by.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
