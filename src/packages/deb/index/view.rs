//! Reading the compact form where it lies.

use super::IndexError;
use super::layout::{HEADER, MAGIC, NAME, PROVIDER, ROW, Text, flag};
use crate::oci::Digest;

/// A package index in its compact form.
pub struct Index {
    bytes: Vec<u8>,
    names: usize,
    packages: usize,
    providers: usize,
    rows_at: usize,
    providers_at: usize,
    strings_at: usize,
}

/// A name that packages have, provide or mention.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    index: &'a Index,
    number: usize,
}

/// A package of the index.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    index: &'a Index,
    number: usize,
}

/// A package that provides a name.
#[derive(Clone, Copy)]
pub struct Provider<'a> {
    /// The package.
    pub row: Row<'a>,
    /// The version that it provides the name in; empty where it names none.
    pub version: &'a str,
}

impl Index {
    /// Takes the bytes that [`super::build`] has made.
    ///
    /// They come from the store, which checks them; all that is checked here is that nothing points outside.
    pub fn open(bytes: Vec<u8>) -> Result<Self, IndexError> {
        let damaged = || IndexError::Malformed("its compact form is damaged".into());
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return Err(damaged());
        }
        let count = |i: usize| number(&bytes, 8 + 4 * i) as usize;
        let (names, packages, providers, strings) = (count(0), count(1), count(2), count(3));
        let rows_at = HEADER + names * NAME;
        let providers_at = rows_at + packages * ROW;
        let strings_at = providers_at + providers * PROVIDER;
        if strings_at + strings != bytes.len() {
            return Err(damaged());
        }
        Ok(Index { bytes, names, packages, providers, rows_at, providers_at, strings_at })
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.packages
    }

    /// Whether there is no package.
    pub fn is_empty(&self) -> bool {
        self.packages == 0
    }

    /// The architecture that it was built for.
    pub fn architecture(&self) -> &str {
        self.text(8 + 16)
    }

    /// All packages, by name, the highest version first.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.packages).map(|number| Row { index: self, number })
    }

    /// Finds a name; `name:any` stands for those packages of the name that programs of any architecture may use.
    pub fn name(&self, name: &str) -> Option<Name<'_>> {
        let (mut low, mut high) = (0, self.names);
        while low < high {
            let middle = (low + high) / 2;
            match self.text(HEADER + middle * NAME).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(Name { index: self, number: middle }),
            }
        }
        None
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        (0..self.names).map(|number| Name { index: self, number })
    }

    /// The string whose place stands at `at`; empty where the place is none.
    fn text(&self, at: usize) -> &str {
        let (offset, length) = (number(&self.bytes, at) as usize, number(&self.bytes, at + 4) as usize);
        let start = self.strings_at + offset;
        self.bytes.get(start..start + length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

impl<'a> Name<'a> {
    fn at(self) -> usize {
        HEADER + self.number * NAME
    }

    /// The name itself.
    pub fn text(self) -> &'a str {
        self.index.text(self.at())
    }

    /// The order in which names are first mentioned in the text of the index.
    pub fn rank(self) -> u32 {
        number(&self.index.bytes, self.at() + 8)
    }

    /// The packages of this name, the highest version first.
    pub fn rows(self) -> impl Iterator<Item = Row<'a>> {
        let (first, count) = self.range(12);
        let end = (first + count).min(self.index.packages);
        (first..end).map(move |number| Row { index: self.index, number })
    }

    /// The packages that provide this name, in the order of the text.
    pub fn providers(self) -> impl Iterator<Item = Provider<'a>> {
        let (first, count) = self.range(20);
        let index = self.index;
        (first..(first + count).min(index.providers)).filter_map(move |i| {
            let at = index.providers_at + i * PROVIDER;
            let row = number(&index.bytes, at) as usize;
            (row < index.packages).then(|| Provider { row: Row { index, number: row }, version: index.text(at + 4) })
        })
    }

    fn range(self, offset: usize) -> (usize, usize) {
        let at = self.at() + offset;
        (number(&self.index.bytes, at) as usize, number(&self.index.bytes, at + 4) as usize)
    }
}

impl<'a> Row<'a> {
    fn at(self) -> usize {
        self.index.rows_at + self.number * ROW
    }

    fn text(self, text: Text) -> &'a str {
        self.index.text(self.at() + 56 + 8 * text as usize)
    }

    fn has(self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    fn flags(self) -> u32 {
        number(&self.index.bytes, self.at() + 4)
    }

    fn long(self, offset: usize) -> u64 {
        let bytes = self.index.bytes.get(self.at() + offset..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |eight| u64::from_le_bytes(*eight))
    }

    /// Where it stands in the index.
    pub fn number(self) -> usize {
        self.number
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        let name = number(&self.index.bytes, self.at()) as usize;
        Name { index: self.index, number: name }.text()
    }

    /// Its version.
    pub fn version(self) -> &'a str {
        self.text(Text::Version)
    }

    /// `all` or the architecture of the index.
    pub fn architecture(self) -> &'a str {
        if self.has(flag::ALL) { "all" } else { self.index.architecture() }
    }

    /// The name of its source package.
    pub fn source(self) -> &'a str {
        self.text(Text::Source)
    }

    /// The version of its source package.
    pub fn source_version(self) -> &'a str {
        self.text(Text::SourceVersion)
    }

    /// Where its archive lies, relative to the root of the archive.
    pub fn path(self) -> &'a str {
        self.text(Text::Path)
    }

    /// The digest of its archive.
    pub fn sha256(self) -> Digest {
        let bytes = self.index.bytes.get(self.at() + 24..).and_then(|rest| rest.first_chunk::<32>());
        Digest::from_bytes(bytes.copied().unwrap_or_default())
    }

    /// The size of its archive.
    pub fn size(self) -> u64 {
        self.long(8)
    }

    /// The space that it takes when installed, in KiB.
    pub fn installed_size(self) -> u64 {
        self.long(16)
    }

    /// Its section: `libs`.
    pub fn section(self) -> &'a str {
        self.text(Text::Section)
    }

    /// Who maintains it.
    pub fn maintainer(self) -> &'a str {
        self.text(Text::Maintainer)
    }

    /// Whether a Debian system cannot be without it.
    pub fn is_essential(self) -> bool {
        self.has(flag::ESSENTIAL)
    }

    /// Whether it should not be removed.
    pub fn is_protected(self) -> bool {
        self.has(flag::PROTECTED)
    }

    /// Whether it may serve packages of other architectures where they ask for `:any`.
    pub fn is_multi_arch_allowed(self) -> bool {
        self.has(flag::ALLOWED)
    }

    /// Its priority: 1 required, 2 important, 3 standard, 4 optional, 5 extra, 0 unknown.
    pub fn priority(self) -> u32 {
        self.flags() >> flag::PRIORITY
    }

    /// What must be configured before it is unpacked.
    pub fn pre_depends(self) -> &'a str {
        self.text(Text::PreDepends)
    }

    /// What it needs.
    pub fn depends(self) -> &'a str {
        self.text(Text::Depends)
    }

    /// What is found together with it in all but unusual installations.
    pub fn recommends(self) -> &'a str {
        self.text(Text::Recommends)
    }

    /// What cannot be unpacked beside it.
    pub fn conflicts(self) -> &'a str {
        self.text(Text::Conflicts)
    }

    /// What cannot be configured beside it.
    pub fn breaks(self) -> &'a str {
        self.text(Text::Breaks)
    }

    /// Whose files it may overwrite.
    pub fn replaces(self) -> &'a str {
        self.text(Text::Replaces)
    }

    /// The further names that it goes by.
    pub fn provides(self) -> &'a str {
        self.text(Text::Provides)
    }
}
