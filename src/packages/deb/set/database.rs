//! Which packages are there: dpkg's database, or the small form that scanners read.

use super::super::control::paragraphs;
use super::super::emulate::{Scene, md5_hex};
use super::super::root::{Fault, Root};
use super::super::stanza::Stanza;
use super::super::unpack::Unpacked;
use super::SetError;
use super::lay::{Laid, newest};
use crate::tree::{TreeError, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// Where dpkg keeps its data.
const ADMIN: &str = "/var/lib/dpkg";

/// The largest file of a package's control member that is read here.
const MAX_LIST: u64 = 64 << 20;

/// What is to be written down.
pub(super) struct Contents<'a> {
    pub(super) packages: &'a [Unpacked],
    pub(super) order: &'a [usize],
    pub(super) laid: &'a [Laid],
    pub(super) scene: &'a Scene,
    /// Whether dpkg itself is to read it.
    pub(super) full: bool,
}

/// Writes the database; over a base that has dpkg's own, that one is continued.
pub(super) fn write(root: &mut Root, contents: &Contents<'_>) -> Result<(), SetError> {
    if contents.packages.is_empty() {
        return Ok(());
    }
    let continued = root.stat(&format!("{ADMIN}/status"), true).is_some();
    let result = if contents.full || continued { write_full(root, contents) } else { write_small(root, contents) };
    result.map_err(|fault| match fault {
        Fault::Store(e) => SetError::Store(e),
        // The database's folders are dpkg's: whoever puts a file there is in conflict with all packages.
        Fault::Errno(_) => SetError::Tree(TreeError::NotADirectory {
            path: TreePath::from_user(format!("{ADMIN}/status")).expect("it is a clean path"),
            parent: TreePath::from_user(ADMIN).expect("it is a clean path"),
            kind: "file",
        }),
    })
}

/// The form of distroless images: one paragraph a file, and checksums.
fn write_small(root: &mut Root, contents: &Contents<'_>) -> Result<(), Fault> {
    for position in in_name_order(contents) {
        let package = &contents.packages[position];
        root.act_as(position as u32, newest(&package.tree));
        let base = format!("{ADMIN}/status.d/{}", package.stanza.name());
        put(root, &base, with_status(&package.stanza, &[]).as_bytes(), 0o644)?;
        if let Some(text) = sums(root, contents, position, true)? {
            put(root, &format!("{base}.md5sums"), text.as_bytes(), 0o644)?;
        }
    }
    Ok(())
}

fn in_name_order(contents: &Contents<'_>) -> Vec<usize> {
    let mut order = contents.order.to_vec();
    order.sort_by_key(|i| contents.packages[*i].stanza.name());
    order
}

/// Writes a file and the folders above it.
fn put(root: &mut Root, path: &str, content: &[u8], mode: u16) -> Result<(), Fault> {
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    root.make_dirs(folder, 0o755)?;
    root.write(path, content, mode)
}

/// The package's paragraph, with the line that says that it is installed.
fn with_status(stanza: &Stanza, conffiles: &[(String, String)]) -> String {
    let mut text = String::new();
    let without: BTreeSet<&str> = ["status", "conffiles"].into();
    for (name, value) in stanza.fields().filter(|(name, _)| !without.contains(name.to_ascii_lowercase().as_str())) {
        let space = if value.starts_with('\n') { "" } else { " " };
        text.push_str(&format!("{name}:{space}{value}\n"));
        if name.eq_ignore_ascii_case("Package") {
            text.push_str("Status: install ok installed\n");
        }
    }
    if !conffiles.is_empty() {
        text.push_str("Conffiles:\n");
        conffiles.iter().for_each(|(path, sum)| text.push_str(&format!(" {path} {sum}\n")));
    }
    text
}

/// What of a package is there and its own: as it names it, and where.
fn own<'a>(root: &Root, contents: &Contents<'a>, position: usize) -> Vec<(&'a TreePath, &'a TreePath)> {
    let is_own = |place: &TreePath| {
        root.tree.get(place).is_some_and(crate::tree::Entry::is_dir)
            || root.owner(place).is_some_and(|owner| owner.package as usize == position)
    };
    contents.laid[position].kept.iter().filter(|(_, place)| is_own(place)).map(|(path, place)| (path, place)).collect()
}

/// The package's checksums of the files that are there; `real`: under the places where they are.
fn sums(root: &Root, contents: &Contents<'_>, position: usize, real: bool) -> Result<Option<String>, Fault> {
    let Some(digest) = contents.packages[position].files.get("md5sums") else { return Ok(None) };
    let bytes = root.store.read(digest, MAX_LIST)?;
    let places: BTreeMap<&[u8], &TreePath> =
        own(root, contents, position).into_iter().map(|(path, place)| (path.as_bytes(), place)).collect();
    let mut text = String::new();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let Some((sum, path)) = line.split_once(' ') else { continue };
        let path = path.trim_start();
        let path = path.strip_prefix("./").unwrap_or(path);
        if let Some(place) = places.get(path.as_bytes()) {
            let shown = if real { String::from_utf8_lossy(place.as_bytes()).into_owned() } else { path.to_owned() };
            text.push_str(&format!("{sum}  {shown}\n"));
        }
    }
    Ok(Some(text))
}

fn write_full(root: &mut Root, contents: &Contents<'_>) -> Result<(), Fault> {
    let mut paragraphs_by_name = BTreeMap::new();
    if let Ok(old) = root.read(&format!("{ADMIN}/status")) {
        for paragraph in paragraphs(&String::from_utf8_lossy(&old)) {
            let key = paragraph.get("Package").unwrap_or_default().to_owned();
            paragraphs_by_name.insert(key, format!("{}\n", paragraph.text().trim_end()));
        }
    }
    for position in in_name_order(contents) {
        let package = &contents.packages[position];
        root.act_as(position as u32, newest(&package.tree));
        let conffiles = conffiles(root, package)?;
        let text = with_status(&package.stanza, &conffiles);
        paragraphs_by_name.insert(package.stanza.name().to_owned(), text);
        write_info(root, contents, position)?;
    }
    let dpkg = contents.order.iter().position(|i| contents.packages[*i].stanza.name() == "dpkg");
    let keeper = contents.order[dpkg.unwrap_or(0)];
    let latest = contents.packages.iter().filter_map(|package| newest(&package.tree)).max();
    root.act_as(keeper as u32, latest);
    let status: Vec<String> = paragraphs_by_name.into_values().collect();
    put(root, &format!("{ADMIN}/status"), status.join("\n").as_bytes(), 0o644)?;
    put(root, &format!("{ADMIN}/info/format"), b"1\n", 0o644)?;
    for empty in ["available", "triggers/Unincorp"] {
        if root.stat(&format!("{ADMIN}/{empty}"), true).is_none() {
            put(root, &format!("{ADMIN}/{empty}"), b"", 0o644)?;
        }
    }
    root.make_dirs(&format!("{ADMIN}/updates"), 0o755)?;
    write_triggers(root, contents)?;
    write_choices(root, contents)
}

/// Conffiles with their checksums.
fn conffiles(root: &Root, package: &Unpacked) -> Result<Vec<(String, String)>, Fault> {
    let Some(digest) = package.files.get("conffiles") else { return Ok(Vec::new()) };
    let bytes = root.store.read(digest, MAX_LIST)?;
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&bytes).lines().map(str::trim).filter(|line| line.starts_with('/')) {
        let entry = TreePath::from_user(line).ok().and_then(|path| package.tree.get(&path));
        if let Some(content) = entry.and_then(|entry| entry.content()) {
            found.push((line.to_owned(), md5_hex(&root.store.read(content, MAX_LIST)?)));
        }
    }
    Ok(found)
}

/// The files of `info/` for one package.
fn write_info(root: &mut Root, contents: &Contents<'_>, position: usize) -> Result<(), Fault> {
    let package = &contents.packages[position];
    let stanza = &package.stanza;
    let mut base = format!("{ADMIN}/info/{}", stanza.name());
    if stanza.is_multi_arch_same() {
        base = format!("{base}:{}", stanza.architecture());
    }
    let mut list = "/.\n".to_owned();
    for (path, _) in own(root, contents, position) {
        list.push_str(&format!("{path}\n"));
    }
    put(root, &format!("{base}.list"), list.as_bytes(), 0o644)?;
    if let Some(text) = sums(root, contents, position, false)? {
        put(root, &format!("{base}.md5sums"), text.as_bytes(), 0o644)?;
    }
    for (name, digest) in package.files.iter().filter(|(name, _)| *name != "control" && *name != "md5sums") {
        let is_script = matches!(name.as_str(), "preinst" | "postinst" | "prerm" | "postrm" | "config");
        let bytes = root.store.read(digest, MAX_LIST)?;
        put(root, &format!("{base}.{name}"), &bytes, if is_script { 0o755 } else { 0o644 })?;
    }
    Ok(())
}

/// Who wants to know of which paths and names.
fn write_triggers(root: &mut Root, contents: &Contents<'_>) -> Result<(), Fault> {
    let mut of_files = String::new();
    let mut of_names: BTreeMap<String, String> = BTreeMap::new();
    for position in in_name_order(contents) {
        let package = &contents.packages[position];
        let Some(digest) = package.files.get("triggers") else { continue };
        let bytes = root.store.read(digest, MAX_LIST)?;
        for line in String::from_utf8_lossy(&bytes).lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(directive), Some(subject)) = (words.next(), words.next()) else { continue };
            let Some(await_) = directive.strip_prefix("interest") else { continue };
            let option = if await_ == "-noawait" { "/noawait" } else { "" };
            let entry = format!("{}{option}", package.stanza.name());
            if subject.starts_with('/') {
                of_files.push_str(&format!("{subject} {entry}\n"));
            } else if subject.bytes().all(|b| b.is_ascii_graphic() && b != b'/') && !subject.starts_with('.') {
                of_names.entry(subject.to_owned()).or_default().push_str(&format!("{entry}\n"));
            }
        }
    }
    put(root, &format!("{ADMIN}/triggers/File"), of_files.as_bytes(), 0o644)?;
    for (name, text) in of_names {
        put(root, &format!("{ADMIN}/triggers/{name}"), text.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// Alternatives, diversions and overrides.
fn write_choices(root: &mut Root, contents: &Contents<'_>) -> Result<(), Fault> {
    let scene = contents.scene;
    for (name, text) in scene.alternatives.records() {
        put(root, &format!("{ADMIN}/alternatives/{name}"), text.as_bytes(), 0o644)?;
    }
    let diversions: String = scene
        .diversions
        .iter()
        .map(|d| format!("{}\n{}\n{}\n", d.from, d.to, d.package.as_deref().unwrap_or(":")))
        .collect();
    put(root, &format!("{ADMIN}/diversions"), diversions.as_bytes(), 0o644)?;
    let overrides: String = scene.overrides.iter().map(|(_, line)| format!("{line}\n")).collect();
    put(root, &format!("{ADMIN}/statoverride"), overrides.as_bytes(), 0o644)
}
