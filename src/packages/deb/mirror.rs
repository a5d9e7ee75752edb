//! Where Debian's archives can be fetched from on this machine.

use super::control;
use crate::http::{Url, UrlError};
use std::path::Path;

/// Sources of apt are small; what is larger is something else.
const SOURCES_LIMIT: u64 = 1 << 20;

/// What the environment and the machine say about mirrors. It never matters for a result: all content is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorConfig {
    /// The value of `KILN_DEBIAN_MIRROR`.
    pub environment: Option<Url>,
    /// The places that the machine's own apt uses, in the order of its files.
    pub apt: Vec<Url>,
}

impl MirrorConfig {
    /// Takes the value of `KILN_DEBIAN_MIRROR`, and reads apt's sources below `root`, normally `/`.
    ///
    /// Apt's files are hints: what cannot be read or understood in them is passed over.
    pub fn read(root: &Path, environment: Option<&str>) -> Result<Self, UrlError> {
        let environment = environment.map(str::trim).filter(|text| !text.is_empty()).map(str::parse).transpose()?;
        Ok(MirrorConfig { environment, apt: apt_sources(&root.join("etc/apt")) })
    }

    /// The places of an archive in the order in which they are tried; `named` is what the spec says.
    ///
    /// Archives that are not Debian's lie where the spec says. For Debian's `debian` and `debian-security`, a
    /// mirror that the spec or the environment names is the only one. Else those of apt come first and Debian's own
    /// last. A mirror of `debian` in a folder of that name stands for its sibling `debian-security` too.
    pub fn places(&self, archive: &str, named: Option<&Url>) -> Vec<Url> {
        if !matches!(archive, "debian" | "debian-security") {
            return named.cloned().into_iter().collect();
        }
        if let Some(url) = named.or(self.environment.as_ref()).and_then(|url| place_of(url, archive)) {
            return vec![url];
        }
        let mut places: Vec<Url> = Vec::new();
        let own = self.apt.iter().filter(|url| folder(url) == Some(archive)).cloned();
        for url in own.chain(built_in(archive)) {
            if !places.contains(&url) {
                places.push(url);
            }
        }
        places
    }
}

fn built_in(archive: &str) -> Option<Url> {
    let text = match archive {
        "debian" => "http://ftp.debian.org/debian",
        "debian-security" => "http://security.debian.org/debian-security",
        _ => return None,
    };
    text.parse().ok()
}

/// The place of an archive, given the mirror of another one or of the same.
fn place_of(url: &Url, archive: &str) -> Option<Url> {
    match folder(url) {
        Some(folder) if folder == archive => Some(url.clone()),
        Some("debian" | "debian-security") => {
            // Its sibling; a relative reference replaces the last folder.
            let path = url.path().trim_end_matches('/');
            let parent = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
            url.join(&format!("{parent}{archive}")).ok()
        }
        // A mirror under a name of its own holds what was asked of it; the security archive lies elsewhere.
        _ if archive == "debian" => Some(url.clone()),
        _ => None,
    }
}

/// The last folder of a URL's path.
fn folder(url: &Url) -> Option<&str> {
    url.path().trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())
}

fn apt_sources(folder: &Path) -> Vec<Url> {
    let mut files = vec![folder.join("sources.list")];
    let parts = std::fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten();
    let mut parts: Vec<_> = parts.map(|entry| entry.path()).collect();
    parts.sort();
    files.extend(parts);
    let mut urls: Vec<Url> = Vec::new();
    for file in files {
        let Some(text) = read(&file) else { continue };
        let found = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => one_line_sources(&text),
            Some("sources") => deb822_sources(&text),
            _ => continue,
        };
        for url in found.into_iter().filter_map(|text| text.parse().ok()) {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

fn read(file: &Path) -> Option<String> {
    let metadata = std::fs::metadata(file).ok()?;
    if !metadata.is_file() || metadata.len() > SOURCES_LIMIT {
        return None;
    }
    std::fs::read_to_string(file).ok()
}

/// Lines as `deb [arch=amd64] http://example.com/debian trixie main`.
fn one_line_sources(text: &str) -> Vec<&str> {
    let url = |line: &'_ str| -> Option<usize> {
        let rest = line.strip_prefix("deb")?;
        let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1.trim_start(),
            None => rest,
        };
        Some(line.len() - rest.len())
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line[url(line)?..].split_ascii_whitespace().next()).collect()
}

/// Paragraphs with `Types`, `URIs` and perhaps `Enabled`.
fn deb822_sources(text: &str) -> Vec<&str> {
    let mut urls = Vec::new();
    for paragraph in control::paragraphs(text) {
        let words = |name| paragraph.get(name).unwrap_or_default().split_ascii_whitespace();
        let off = ["no", "false", "off", "0", "without", "disable"];
        let enabled = !paragraph.get("Enabled").is_some_and(|value| off.contains(&value.to_ascii_lowercase().as_str()));
        if enabled && words("Types").any(|kind| kind == "deb") {
            urls.extend(words("URIs"));
        }
    }
    urls
}

#[cfg(test)]
mod tests;
