//! Notes of ELF files: the package that a file was built for (UAPI group, ELF package metadata), and the linker's id.

use super::elf::{Elf, PT_NOTE, Part, bytes_at};
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use serde::Deserialize;
use std::io::{Read, Seek};

/// The most bytes of one part with notes, and the most parts that are read.
const LONGEST: u64 = 64 << 10;
const MOST_PARTS: usize = 16;

/// The owner and the type of each note.
const PACKAGE: (&[u8], u32) = (b"FDO\0", 0xcafe_1a7e);
const BUILD_ID: (&[u8], u32) = (b"GNU\0", 3);

/// The longest build id, in bytes: SHA-1 has 20.
const LONGEST_ID: usize = 64;

/// What notes say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The package that the file was built for.
    pub(super) package: Option<Found>,
    /// The id that the linker gave, in hexadecimal digits.
    pub(super) build_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    r#type: Option<String>,
    name: Option<String>,
    version: Option<String>,
    os: Option<String>,
    os_version: Option<String>,
    os_cpe: Option<String>,
}

/// Reads the notes, by sections or, where a file has none, by segments.
pub(super) fn notes(content: &mut (impl Read + Seek), elf: &Elf) -> Result<Notes, CatalogError> {
    let is_known = |part: &&Part| part.name == ".note.package" || part.name == ".note.gnu.build-id";
    let mut parts: Vec<&Part> = elf.sections.iter().filter(is_known).collect();
    if elf.sections.is_empty() {
        parts = elf.segments.iter().filter(|part| part.kind == PT_NOTE).collect();
    }
    let mut notes = Notes::default();
    for part in parts.into_iter().take(MOST_PARTS) {
        let bytes = bytes_at(content, part.offset, part.size.min(LONGEST))?;
        let mut rest = bytes.as_slice();
        while let Some(note) = Note::first(elf, rest) {
            match (note.owner, note.kind) {
                PACKAGE => notes.package = notes.package.or_else(|| package(note.description)),
                BUILD_ID if note.description.len() <= LONGEST_ID => notes.build_id = Some(hex(note.description)),
                _ => {}
            }
            rest = note.rest;
        }
    }
    Ok(notes)
}

/// A note, and what follows it.
struct Note<'a> {
    owner: &'a [u8],
    kind: u32,
    description: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Note<'a> {
    /// The first note: the lengths of owner and description, the type, and both, padded to 4 bytes.
    fn first(elf: &Elf, bytes: &'a [u8]) -> Option<Self> {
        let owner_length = elf.u32(bytes, 0)? as usize;
        let length = elf.u32(bytes, 4)? as usize;
        let kind = elf.u32(bytes, 8)?;
        let padded = |length: usize| length.checked_next_multiple_of(4);
        let (owner, rest) = (bytes.get(12..)?.get(..owner_length)?, bytes.get(12..)?.get(padded(owner_length)?..)?);
        let description = rest.get(..length)?;
        Some(Note { owner, kind, description, rest: rest.get(padded(length)?..).unwrap_or_default() })
    }
}

fn package(description: &[u8]) -> Option<Found> {
    let json = description.split(|b| *b == 0).next()?;
    let metadata: Metadata = serde_json::from_slice(json).ok()?;
    let kind = match metadata.r#type.as_deref() {
        Some("deb") => Kind::Deb,
        Some("rpm") => Kind::Rpm,
        Some("apk") => Kind::Apk,
        _ => Kind::Binary,
    };
    let (name, version) = (metadata.name.as_deref()?, metadata.version.as_deref()?);
    let os = metadata.os.clone().zip(metadata.os_version.clone());
    let (id, of) = os.or_else(|| metadata.os_cpe.as_deref().and_then(system_of_cpe)).unzip();
    let distro = id.as_ref().zip(of).map(|(id, version)| format!("{id}-{version}"));
    let found = Found::new(kind, Cataloguer::ElfPackageNote, name, version);
    Some(match kind {
        Kind::Binary => found,
        _ => Found { namespace: id, distro, ..found },
    })
}

/// `fedora` and `40` of `cpe:/o:fedoraproject:fedora:40` or of `cpe:2.3:o:fedoraproject:fedora:40:*`.
fn system_of_cpe(cpe: &str) -> Option<(String, String)> {
    let words = cpe.strip_prefix("cpe:/o:").or_else(|| cpe.strip_prefix("cpe:2.3:o:"))?;
    let mut words = words.split(':').skip(1);
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
