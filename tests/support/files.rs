//! Folders as text, to be compared.

use kiln::oci::Digest;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A line for each thing below a folder, in order: path, kind, mode, owner, time, content. The folder itself is left out.
pub fn listing(root: &Path) -> Vec<String> {
    let mut lines = vec![];
    list(root, "", true, &mut lines);
    lines.sort();
    lines
}

/// The same without the times.
pub fn timeless(root: &Path) -> Vec<String> {
    let mut lines = vec![];
    list(root, "", false, &mut lines);
    lines.sort();
    lines
}

/// A line for each file below a folder, in order: path and digest.
pub fn contents(root: &Path) -> Vec<String> {
    let mut lines: Vec<String> = each_file(root)
        .into_iter()
        .map(|place| {
            format!("{} {}", place.strip_prefix(root).unwrap().display(), Digest::of(fs::read(&place).unwrap()))
        })
        .collect();
    lines.sort();
    lines
}

/// Whether any file below a folder contains these bytes.
pub fn holds(root: &Path, bytes: &[u8]) -> bool {
    let contains = |place: &PathBuf| fs::read(place).unwrap().windows(bytes.len()).any(|window| window == bytes);
    each_file(root).iter().any(contains)
}

fn each_file(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (vec![], vec![root.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => waiting.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn list(folder: &Path, below: &str, times: bool, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        let place = entry.path();
        let metadata = fs::symlink_metadata(&place).unwrap();
        let kind = metadata.file_type();
        let content = match () {
            () if kind.is_symlink() => format!("-> {}", fs::read_link(&place).unwrap().display()),
            () if kind.is_dir() => "folder".to_owned(),
            () if kind.is_file() => format!("{} links={}", Digest::of(fs::read(&place).unwrap()), metadata.nlink()),
            () if kind.is_char_device() || kind.is_block_device() => format!("device {}", metadata.rdev()),
            () => "other".to_owned(),
        };
        lines.push(format!(
            "{path} {:o} {}:{} {} {content}{}",
            metadata.mode() & 0o7777,
            metadata.uid(),
            metadata.gid(),
            if times { metadata.mtime() } else { 0 },
            attributes(&place),
        ));
        if kind.is_dir() {
            list(&place, &path, times, lines);
        }
    }
}

fn attributes(place: &Path) -> String {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(place, &mut names).unwrap_or(0);
    let mut names: Vec<&[u8]> = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let name = std::str::from_utf8(name).unwrap();
            let mut value = vec![0; 4096];
            let length = rustix::fs::lgetxattr(place, name, &mut value).unwrap();
            format!(" {name}={:02x?}", &value[..length])
        })
        .collect()
}

/// An archive with one file, as layers are.
pub fn layer(path: &str, content: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    archive.into_inner().unwrap()
}
