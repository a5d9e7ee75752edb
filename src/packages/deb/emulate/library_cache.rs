//! `/etc/ld.so.cache`, as `ldconfig` makes it.
//!
//! The loader finds libraries in its built-in folders without a cache, but not
//! those in folders that `/etc/ld.so.conf` names. Where a system would have
//! the cache (the package libc-bin runs `ldconfig`), so does the set.

mod elf;

use super::{Root, Scene};
use crate::oci::Digest;
use crate::packages::deb::root::Fault;
use crate::store::StoreError;
use crate::tree::Entry;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

const CACHE: &str = "/etc/ld.so.cache";
const CONFIGURATION: &str = "/etc/ld.so.conf";

/// What the cache begins with.
const MAGIC: &[u8; 20] = b"glibc-ld.so.cache1.1";

/// Bytes before the entries.
const HEADER: usize = 48;

/// Bytes of an entry.
const ENTRY: usize = 24;

/// An ELF library for glibc.
const FLAG_ELF_LIBC6: u32 = 0x0003;

/// Up to which size a library is read whole.
const MAX_WHOLE: u64 = 16 << 20;

/// How deep files may include others.
const MAX_INCLUDES: usize = 8;

/// Writes the cache, if a script asked for it.
pub(super) fn write(root: &mut Root, scene: &mut Scene) -> Result<(), StoreError> {
    let Some(machine) = elf::Machine::of_debian(&scene.architecture).filter(|_| scene.wants_library_cache) else {
        return Ok(());
    };
    let entries = match libraries(root, machine) {
        Ok(entries) => entries,
        Err(Fault::Store(e)) => return Err(e),
        // Folders that are none have no libraries.
        Err(Fault::Errno(_)) => BTreeMap::new(),
    };
    // It belongs to the package whose script asked, and so does its time.
    let owner = scene.packages.iter().position(|known| known.stanza.name() == "libc-bin");
    if let Some(owner) = owner {
        root.act_as(owner as u32, root.tree.iter().filter_map(|(_, entry)| entry.mtime).max());
    }
    match root.write(CACHE, &encode(&entries, machine), 0o644) {
        Err(Fault::Store(e)) => Err(e),
        _ => Ok(()),
    }
}

/// Libraries by name and, for one name, by path in the order of the folders.
type Libraries = BTreeMap<String, Vec<String>>;

fn libraries(root: &Root, machine: elf::Machine) -> Result<Libraries, Fault> {
    let mut folders = Vec::new();
    let mut seen = BTreeSet::new();
    configured(root, CONFIGURATION, 0, &mut folders)?;
    folders.extend(machine.built_in().into_iter().map(str::to_owned));
    let mut found = Libraries::new();
    for folder in folders {
        let Ok(place) = root.find(&folder, true) else { continue };
        if !seen.insert(place) {
            continue;
        }
        for (name, path) in in_folder(root, &folder, machine)? {
            found.entry(name).or_default().push(path);
        }
    }
    Ok(found)
}

/// The folders that a file names, includes resolved.
fn configured(root: &Root, path: &str, depth: usize, folders: &mut Vec<String>) -> Result<(), Fault> {
    if depth > MAX_INCLUDES || root.stat(path, true).is_none() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&root.read(path)?).into_owned();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        match line.strip_prefix("include ") {
            Some(pattern) => {
                let pattern = pattern.trim();
                let (folder, name) = pattern.rsplit_once('/').unwrap_or(("/etc", pattern));
                for file in root.names(folder).iter().filter(|file| super::shell::glob(name, file)) {
                    configured(root, &format!("{folder}/{file}"), depth + 1, folders)?;
                }
            }
            None if line.starts_with('/') => folders.push(line.trim_end_matches('/').to_owned()),
            None => {}
        }
    }
    Ok(())
}

/// The libraries of a folder: by the name that programs ask for.
fn in_folder(root: &Root, folder: &str, machine: elf::Machine) -> Result<BTreeMap<String, String>, Fault> {
    let mut found = BTreeMap::new();
    for file in root.names(folder) {
        if !(file.starts_with("lib") || file.starts_with("ld-")) || !file.contains(".so") {
            continue;
        }
        let path = format!("{folder}/{file}");
        if !root.stat(&path, true).is_some_and(Entry::is_file) {
            continue;
        }
        let Some(library) = read(root, &path, machine)? else { continue };
        let is_link = root.stat(&path, false).is_some_and(|entry| entry.link_target().is_some());
        // A link that has not the library's own name is for the linker, unless the library has none.
        match library.name {
            Some(name) if name == file => drop(found.insert(name, path)),
            Some(_) if is_link => {}
            Some(name) => drop(found.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"))),
            None => drop(found.insert(file, path)),
        }
    }
    found.retain(|_, path| root.stat(path, true).is_some_and(Entry::is_file));
    Ok(found)
}

/// Reads what a library says of itself. Large ones are not held in memory but read once for each part.
fn read(root: &Root, path: &str, machine: elf::Machine) -> Result<Option<elf::Library>, Fault> {
    let Some((content, size)) = root.stat(path, true).and_then(|entry| Some((*entry.content()?, entry.size()))) else {
        return Ok(None);
    };
    let whole = if size <= MAX_WHOLE { Some(root.store.read(&content, MAX_WHOLE)?) } else { None };
    let mut failure = None;
    let part = |start: u64, length: usize| match &whole {
        Some(bytes) => {
            let start = usize::try_from(start).ok()?.min(bytes.len());
            Some(bytes[start..start.saturating_add(length).min(bytes.len())].to_vec())
        }
        None => stretch(root, &content, start, length).map_err(|e| failure = Some(e)).ok(),
    };
    let library = elf::Library::read(part, machine);
    match failure {
        Some(e) => Err(Fault::Store(e)),
        None => Ok(library),
    }
}

/// A stretch of stored content, which is read to its end so that it is known to be sound.
fn stretch(root: &Root, content: &Digest, start: u64, length: usize) -> Result<Vec<u8>, StoreError> {
    let mut reader = root.store.reader(content)?;
    let mut bytes = Vec::new();
    io::copy(&mut reader.by_ref().take(start), &mut io::sink())?;
    reader.by_ref().take(length as u64).read_to_end(&mut bytes)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(bytes)
}

/// The order of the loader's search: numbers by value, later names first.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let order = number(&mut a).cmp(&number(&mut b));
                if order.is_ne() {
                    return order;
                }
            }
            // A digit is greater than anything else.
            (Some(x), Some(_)) if x.is_ascii_digit() => return Ordering::Greater,
            (Some(_), Some(y)) if y.is_ascii_digit() => return Ordering::Less,
            (Some(x), Some(y)) if x != y => return (*x as i8).cmp(&(*y as i8)),
            _ => (a, b) = (&a[1..], &b[1..]),
        }
    }
}

fn number(text: &mut &[u8]) -> u64 {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let value = text[..digits].iter().fold(0u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b - b'0')));
    *text = &text[digits..];
    value
}

fn encode(libraries: &Libraries, machine: elf::Machine) -> Vec<u8> {
    let mut entries: Vec<(&str, &str)> = libraries
        .iter()
        .flat_map(|(name, paths)| paths.iter().map(move |path| (name.as_str(), path.as_str())))
        .collect();
    // Stable: of equal names the first folder's stays in front.
    entries.sort_by(|a, b| compare(b.0.as_bytes(), a.0.as_bytes()));
    let mut strings = Vec::new();
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    let start = HEADER + ENTRY * entries.len();
    for text in entries.iter().flat_map(|(name, path)| [*path, *name]) {
        places.entry(text).or_insert_with(|| {
            let place = (start + strings.len()) as u32;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            place
        });
    }
    let word = |value: u32| machine.bytes(value);
    let mut out = MAGIC.to_vec();
    out.extend(word(entries.len() as u32));
    out.extend(word(strings.len() as u32));
    // The byte order, then padding; no extensions follow.
    out.extend([machine.order_flag(), 0, 0, 0]);
    out.resize(HEADER, 0);
    for (name, path) in entries {
        out.extend(word(FLAG_ELF_LIBC6 | machine.cache_flag()));
        out.extend(word(places[name]));
        out.extend(word(places[path]));
        out.extend([0; 12]);
    }
    out.extend(strings);
    out
}

#[cfg(test)]
mod tests;
