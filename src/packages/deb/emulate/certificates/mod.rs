//! `update-ca-certificates` and its sister for Java: what is in `/etc/ssl/certs`.
//!
//! For each certificate that `/etc/ca-certificates.conf` names or that lies in
//! `/usr/local/share/ca-certificates` there is a link, a link under the hash of
//! its subject, by which OpenSSL finds it, and its text in the bundle.

mod der;
mod keystore;

use crate::oci::Digest;
use crate::packages::deb::root::{Fault, Root};
use crate::tree::Entry;
use base64::Engine as _;
use sha1::{Digest as _, Sha1};
use std::collections::{BTreeMap, BTreeSet};

const CONFIGURATION: &str = "/etc/ca-certificates.conf";
const SHIPPED: &str = "/usr/share/ca-certificates";
const LOCAL: &str = "/usr/local/share/ca-certificates";
const FOLDER: &str = "/etc/ssl/certs";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const JAVA: &str = "/etc/ssl/certs/java";

/// Makes links and bundle.
pub(super) fn update(root: &mut Root) -> Result<(), Fault> {
    root.make_dirs(FOLDER, 0o755)?;
    let mut bundle = Vec::new();
    for path in trusted(root)? {
        let mut text = root.read(&path)?;
        if text.last().is_some_and(|b| *b != b'\n') {
            text.push(b'\n');
        }
        bundle.extend_from_slice(&text);
        link(root, &format!("{FOLDER}/{}", link_name(&path)), &path)?;
    }
    rehash(root)?;
    root.write(BUNDLE, &bundle, 0o644)
}

/// The certificates that are trusted, in the order of the bundle.
fn trusted(root: &Root) -> Result<Vec<String>, Fault> {
    let mut paths = Vec::new();
    if root.stat(CONFIGURATION, true).is_some() {
        let text = root.read(CONFIGURATION)?;
        for line in String::from_utf8_lossy(&text).lines().filter(|line| !line.is_empty()) {
            let path = format!("{SHIPPED}/{line}");
            if !line.starts_with(['#', '!']) && root.stat(&path, true).is_some_and(Entry::is_file) {
                paths.push(path);
            }
        }
    }
    let local = root.find(LOCAL, true)?;
    let found = root
        .tree
        .below(&local)
        .filter(|(path, entry)| entry.is_file() && path.file_name().is_some_and(|name| name.ends_with(b".crt")));
    paths.extend(found.map(|(path, _)| path.to_string()));
    Ok(paths)
}

/// The name of the link to a certificate: characters that trouble scripts are replaced.
fn link_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".crt").unwrap_or(name);
    let replaced = name.replace([' ', ','], "_").replace(['(', ')'], "=");
    format!("{replaced}.pem")
}

fn link(root: &mut Root, path: &str, target: &str) -> Result<(), Fault> {
    if root.stat(path, false).is_some_and(|entry| entry.link_target().is_some()) {
        root.unlink(path)?;
    }
    match root.stat(path, false) {
        None => root.make(path, Entry::symlink(target.as_bytes())),
        Some(_) => Ok(()),
    }
}

/// The links under the hashes of subjects, as `openssl rehash` makes them.
fn rehash(root: &mut Root) -> Result<(), Fault> {
    let mut seen: BTreeSet<Digest> = BTreeSet::new();
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for name in root.names(FOLDER) {
        let is_candidate = [".pem", ".crt", ".cer"].iter().any(|suffix| name.ends_with(suffix));
        let path = format!("{FOLDER}/{name}");
        if !is_candidate || !root.stat(&path, true).is_some_and(Entry::is_file) {
            continue;
        }
        // Bundles have no subject of their own.
        let [certificate] = &pem(&root.read(&path)?)[..] else { continue };
        let Some(subject) = der::subject(certificate) else { continue };
        if !seen.insert(Digest::of(certificate)) {
            continue;
        }
        let hash = subject_hash(&subject);
        let number = numbers.entry(hash).or_default();
        link(root, &format!("{FOLDER}/{hash:08x}.{number}"), &name)?;
        *number += 1;
    }
    Ok(())
}

/// OpenSSL's hash of a canonical subject.
fn subject_hash(canonical: &[u8]) -> u32 {
    let digest = Sha1::digest(canonical);
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// The certificates in a PEM text.
fn pem(text: &[u8]) -> Vec<Vec<u8>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(text);
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END).map(|(block, _)| block));
    blocks
        .filter_map(|block| {
            let plain: String = block.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            base64::engine::general_purpose::STANDARD.decode(plain).ok()
        })
        .collect()
}

/// Makes Java's store of trusted certificates.
pub(super) fn update_java(root: &mut Root) -> Result<(), Fault> {
    let mut entries = BTreeMap::new();
    for path in trusted(root)? {
        if let [certificate] = &pem(&root.read(&path)?)[..] {
            entries.insert(format!("debian:{}", link_name(&path)).to_lowercase(), certificate.clone());
        }
    }
    let time = root.time().unwrap_or_default();
    root.make_dirs(JAVA, 0o755)?;
    root.write(&format!("{JAVA}/cacerts"), &keystore::encode(&entries, time), 0o644)
}

#[cfg(test)]
mod tests;
