//! Headers of rpm packages (RPM file format, Header structure): an index of tags, and a store of their values.

use super::super::dpkg::FileList;
use super::super::error::CatalogError;
use super::super::found::{Cataloguer, Found, Kind};
use super::{damaged, u32_be};

/// The most tags of one package. Real ones have about a hundred.
const MOST_TAGS: usize = 65_536;

/// The most files of one package.
const MOST_FILES: u32 = 1_000_000;

/// The longest text that is read as one value.
const LONGEST_TEXT: usize = 4096;

mod tag {
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const VENDOR: u32 = 1011;
    pub const LICENSE: u32 = 1014;
    pub const ARCH: u32 = 1022;
    pub const SOURCE_RPM: u32 = 1044;
    pub const DIR_INDEXES: u32 = 1116;
    pub const BASE_NAMES: u32 = 1117;
    pub const DIR_NAMES: u32 = 1118;
}

/// Types of values.
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// The package of a header; none for the keys that rpm keeps like packages.
pub(super) fn package(blob: &[u8], files: &mut FileList) -> Result<Option<Found>, CatalogError> {
    let header = Header::read(blob).ok_or_else(damaged("a package's header is not what rpm writes"))?;
    let (Some(name), Some(version)) = (header.text(tag::NAME), header.text(tag::VERSION)) else {
        return Err(damaged("a package has no name or no version")());
    };
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let release = header.text(tag::RELEASE).map(|release| format!("-{release}")).unwrap_or_default();
    header.list_files(files)?;
    Ok(Some(Found {
        architecture: header.text(tag::ARCH).filter(|arch| arch != "(none)"),
        epoch: header.number(tag::EPOCH),
        upstream: header.text(tag::SOURCE_RPM).filter(|source| source != "(none)"),
        licence: header.text(tag::LICENSE),
        supplier: header.text(tag::VENDOR),
        files: files.take(),
        ..Found::new(Kind::Rpm, Cataloguer::RpmDatabase, name, format!("{version}{release}"))
    }))
}

/// A header: the tags, each with a type, a place in the store and a count, and the store.
struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

/// The length of one row of the index.
const ROW: usize = 16;

impl<'a> Header<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let (count, length) = (u32_be(blob, 0)? as usize, u32_be(blob, 4)? as usize);
        let (index, store) = blob.get(8..)?.split_at_checked(count.checked_mul(ROW)?)?;
        (count <= MOST_TAGS).then_some(Header { index, store: store.get(..length)? })
    }

    /// The store from where a tag's value begins, and how many values there are, if it is of one of the types.
    fn find(&self, tag: u32, kinds: &[u32]) -> Option<(&'a [u8], u32)> {
        let row = self.index.chunks_exact(ROW).find(|row| u32_be(row, 0) == Some(tag))?;
        let kind = u32_be(row, 4).filter(|kind| kinds.contains(kind));
        kind?;
        Some((self.store.get(u32_be(row, 8)? as usize..)?, u32_be(row, 12)?))
    }

    fn text(&self, tag: u32) -> Option<String> {
        let (bytes, _) = self.find(tag, &[STRING, I18N_STRING, STRING_ARRAY])?;
        let text = bytes.get(..bytes.len().min(LONGEST_TEXT))?.split(|b| *b == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let (bytes, _) = self.find(tag, &[INT32])?;
        u32_be(bytes, 0)
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (bytes, count) = self.find(tag, &[STRING_ARRAY]).unwrap_or_default();
        bytes.split(|b| *b == 0).take(count.min(MOST_FILES) as usize)
    }

    /// Adds the files: each a name and the number of its folder.
    fn list_files(&self, files: &mut FileList) -> Result<(), CatalogError> {
        let folders: Vec<&[u8]> = self.texts(tag::DIR_NAMES).collect();
        let (numbers, _) = self.find(tag::DIR_INDEXES, &[INT32]).unwrap_or_default();
        for (name, number) in self.texts(tag::BASE_NAMES).zip(numbers.chunks_exact(4)) {
            let folder = u32_be(number, 0).and_then(|number| folders.get(number as usize));
            let Some(folder) = folder else { continue };
            if folder.len() + name.len() > LONGEST_TEXT {
                continue;
            }
            if let (Ok(folder), Ok(name)) = (std::str::from_utf8(folder), std::str::from_utf8(name)) {
                files.push(&format!("{folder}{name}"))?;
            }
        }
        Ok(())
    }
}
