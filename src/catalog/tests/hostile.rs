//! Contents that were made to do harm.

use super::samples::samples;
use super::{ask, purls};
use crate::catalog::fixtures::elf::Elf;
use crate::catalog::{CatalogError, Found, OsRelease, Question};
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom};

/// Every sample at every length: nothing panics, and what is found is sound.
#[test]
fn contents_may_end_anywhere() {
    for (question, name, content) in samples() {
        let step = (content.len() / 2000).max(1);
        for length in (0..content.len()).step_by(step) {
            if let Ok(found) = ask(question, name, &content[..length]) {
                assert!(found.iter().all(is_sound), "{name} at {length}");
            }
        }
    }
}

/// A file that is shorter than its size says fails, and does not panic.
#[test]
fn sizes_may_lie() {
    for (question, name, content) in samples() {
        let half = &content[..content.len() / 2];
        let _ = crate::catalog::answer(question, name.as_bytes(), &mut Cursor::new(half), content.len() as u64 * 2);
    }
}

fn is_sound(found: &Found) -> bool {
    let words = [&found.name, &found.version];
    words.iter().all(|word| word.len() <= 512 && !word.chars().any(char::is_control)) && !found.name.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Samples with bytes changed: nothing panics, and what is found is sound.
    #[test]
    fn contents_may_be_bent(
        which in 0usize..18,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (question, name, mut content) = samples().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if let Ok(found) = ask(question, name, &content) {
            prop_assert!(found.iter().all(is_sound));
        }
    }

    /// Numbers in headers changed: those are where offsets, lengths and counts are.
    #[test]
    fn headers_may_be_bent(
        which in 0usize..18,
        at in 0usize..400,
        number in prop_oneof![Just(0u32), Just(1), Just(u32::MAX), Just(1 << 31), any::<u32>()],
    ) {
        let (question, name, mut content) = samples().swap_remove(which);
        let at = at.min(content.len().saturating_sub(4));
        content[at..at + 4].copy_from_slice(&number.to_le_bytes());
        if let Ok(found) = ask(question, name, &content) {
            prop_assert!(found.iter().all(is_sound));
        }
    }

    /// Package URLs of any names can be read, and name the same.
    #[test]
    fn package_urls_can_be_read(
        name in "[a-zA-Z0-9@/%?#&=+ :~^ü.-]{1,20}",
        version in "[a-zA-Z0-9@/%?#&=+ :~^ü.-]{1,20}",
    ) {
        let json = serde_json::json!({"name": format!("x{name}"), "version": version});
        let json = serde_json::to_vec(&json).unwrap();
        for purl in purls(Question::NpmPackage, "package.json", &json) {
            let read: ::purl::GenericPurl<String> = purl.parse().unwrap();
            prop_assert_eq!(read.version(), Some(version.trim()));
        }
    }
}

#[test]
fn names_and_versions_are_words() {
    let long = "1".repeat(1 << 20);
    for (name, version) in
        [("a\\nb", "1"), ("a", "1\\u0000"), ("a", &long), ("a\\u001b[2J", "1"), (" ", "1"), (&long, "1")]
    {
        let json = format!("{{\"name\":\"{name}\",\"version\":\"{version}\"}}");
        assert_eq!(ask(Question::NpmPackage, "package.json", json.as_bytes()).unwrap(), []);
    }
    let dots = br#"{"name":"../../etc","version":"1","license":"MIT\nGPL\u001b"}"#;
    assert_eq!(purls(Question::NpmPackage, "package.json", dots), ["pkg:npm/..%2F..%2Fetc@1"]);
    let found = ask(Question::NpmPackage, "package.json", dots).unwrap();
    assert_eq!(found[0].licence.as_deref(), Some("MIT"));
    let bytes = b"Package: a\xff\xfe\nVersion: 1\nArchitecture: all\n";
    assert_eq!(purls(Question::DpkgStatus, "status", bytes), ["pkg:deb/a%EF%BF%BD%EF%BF%BD@1?arch=all"]);
}

#[test]
fn a_database_has_an_end() {
    let mut stanza = Repeated::new(b"Package: a\nVersion: 1\n\n", 1_000_000);
    let size = stanza.size();
    let error = crate::catalog::answer(Question::DpkgStatus, b"status", &mut stanza, size).unwrap_err();
    assert!(matches!(error, CatalogError::TooMuch { limit: 100_000, unit: "packages", .. }), "{error}");
    let mut stanza = Repeated::new(b"P:a\nV:1\n\n", 1_000_000);
    let error = crate::catalog::answer(Question::ApkInstalled, b"installed", &mut stanza, size).unwrap_err();
    assert!(matches!(error, CatalogError::TooMuch { limit: 100_000, .. }), "{error}");
    let mut file = Repeated::new(b"R:a\n", 3_000_000);
    let error = crate::catalog::answer(Question::ApkInstalled, b"installed", &mut file, size).unwrap_err();
    assert!(matches!(error, CatalogError::TooMuch { unit: "files", .. }), "{error}");
}

#[test]
fn lines_have_an_end() {
    let mut line = Repeated::new(&[b'x'; 1 << 16], 4096);
    let size = line.size();
    assert_eq!(crate::catalog::answer(Question::DpkgStatus, b"status", &mut line, size).unwrap(), []);
    let mut fields = Repeated::new(b"Classifier: License :: x\n", 2_000_000);
    assert_eq!(crate::catalog::answer(Question::PythonMetadata, b"METADATA", &mut fields, size).unwrap(), []);
}

/// Packages with long words take no more memory than their names may have.
#[test]
fn long_words_are_not_kept() {
    let long = format!("Package: a\nVersion: 1\nMaintainer: {0}\n\nPackage: {0}\nVersion: 1\n\n", "x".repeat(100_000));
    let mut stanzas = Repeated::new(long.as_bytes(), 2000);
    let size = stanzas.size();
    let found = crate::catalog::answer(Question::DpkgStatus, b"status", &mut stanzas, size).unwrap();
    assert_eq!(found.len(), 2000);
    assert!(found.iter().all(|found| found.supplier.is_none()));
}

#[test]
fn json_may_be_deep_and_long() {
    let deep = "[".repeat(1_000_000);
    for question in [Question::NpmPackage, Question::DotnetRuntime] {
        assert_eq!(ask(question, "package.json", deep.as_bytes()).unwrap(), []);
    }
    for question in [Question::ComposerInstalled, Question::DotnetDeps] {
        assert!(matches!(ask(question, "a.deps.json", deep.as_bytes()), Err(CatalogError::Damaged { .. })));
    }
    let inner = format!("{{\"name\":\"a\",\"version\":\"1\",\"license\":{deep}}}");
    assert_eq!(ask(Question::NpmPackage, "package.json", inner.as_bytes()).unwrap(), []);
    let long = vec![b' '; 5 << 20];
    let error = ask(Question::NpmPackage, "package.json", &long).unwrap_err();
    assert!(matches!(error, CatalogError::TooMuch { .. }), "{error}");
}

#[test]
fn headers_of_elf_files_may_lie() {
    let good = Elf::new(vec![(".dep-v0", vec![1; 40]), (".note.package", vec![0xff; 64])]).bytes();
    // Offsets, counts and indexes of the tables, with the largest numbers.
    for at in [32, 40, 54, 56, 58, 60, 62] {
        let mut bad = good.clone();
        let length = if at < 54 { 8 } else { 2 };
        bad[at..at + length].fill(0xff);
        let _ = ask(Question::Elf, "a", &bad);
    }
    // Every section at once the whole file: each is read on its own, and within its limit.
    let mut overlapping = good.clone();
    let table = u64::from_le_bytes(good[40..48].try_into().unwrap()) as usize;
    for row in overlapping[table..].chunks_exact_mut(64) {
        row[24..32].fill(0);
        row[32..40].copy_from_slice(&(good.len() as u64).to_le_bytes());
    }
    let _ = ask(Question::Elf, "a", &overlapping);
}

#[test]
fn names_of_systems_are_words() {
    let long = format!("ID={}\n", "x".repeat(1 << 20));
    assert_eq!(OsRelease::parse(long.as_bytes()), None);
    assert_eq!(OsRelease::parse(b"ID=\"a\x1b[2J\"\n"), None);
}

/// A content that repeats itself and takes no memory.
struct Repeated {
    part: Vec<u8>,
    count: u64,
    at: u64,
}

impl Repeated {
    fn new(part: &[u8], count: u64) -> Self {
        Repeated { part: part.to_vec(), count, at: 0 }
    }

    fn size(&self) -> u64 {
        self.part.len() as u64 * self.count
    }
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= self.size() {
            return Ok(0);
        }
        let from = (self.at % self.part.len() as u64) as usize;
        let part = &self.part[from..];
        let length = part.len().min(buffer.len());
        buffer[..length].copy_from_slice(&part[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Repeated {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.at = at;
        }
        Ok(self.at)
    }
}
