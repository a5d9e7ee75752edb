//! From the text of a `Packages` file to the compact form.

use super::IndexError;
use super::layout::{MAGIC, Text, flag};
use crate::oci::Digest;
use crate::packages::deb::control::{Paragraph, paragraphs};
use crate::packages::deb::dependency::{Atom, atoms, clauses};
use crate::packages::deb::version;
use std::collections::HashMap;
use std::io::Read;

/// No package's description is longer.
const PARAGRAPH: usize = 4 << 20;
/// No index has more packages; Debian's largest has about 70,000.
const PACKAGES: usize = 1 << 20;
const PIECE: usize = 1 << 20;

/// Reads the text of a `Packages` file and writes the compact form of what is of this architecture or of none.
///
/// Packages that lack what is needed to fetch and check them are left out.
pub fn build(mut text: impl Read, architecture: &str) -> Result<Vec<u8>, IndexError> {
    let mut builder = Builder::new(architecture);
    let mut buffer: Vec<u8> = Vec::with_capacity(2 * PIECE);
    loop {
        let start = buffer.len();
        buffer.resize(start + PIECE, 0);
        let n = read(&mut text, &mut buffer[start..])?;
        buffer.truncate(start + n);
        // All but the last paragraph is complete, and at the end of the text that one too.
        let complete = match n {
            0 => buffer.len(),
            _ => bstr::ByteSlice::rfind(buffer.as_slice(), "\n\n").map_or(0, |end| end + 2),
        };
        let part = String::from_utf8_lossy(&buffer[..complete]);
        for paragraph in paragraphs(&part) {
            builder.add(paragraph)?;
        }
        if n == 0 {
            return builder.finish();
        }
        buffer.drain(..complete);
        if buffer.len() > PARAGRAPH {
            return Err(IndexError::TooLarge(format!("{PARAGRAPH} bytes for a single package")));
        }
    }
}

fn read(text: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match text.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A string's place: offset and length.
type Place = (u32, u32);

struct Builder {
    architecture: String,
    strings: Vec<u8>,
    /// Strings that occur often are kept once.
    known: HashMap<Box<str>, Place>,
    /// The names in the order in which they were first mentioned.
    names: Vec<Place>,
    name_ids: HashMap<Box<str>, u32>,
    rows: Vec<RawRow>,
    /// Name, package and version of what is provided.
    providers: Vec<(u32, u32, Place)>,
}

struct RawRow {
    name: u32,
    flags: u32,
    size: u64,
    installed_size: u64,
    sha256: Digest,
    texts: [Place; Text::COUNT],
}

/// The fields of a package that matter.
#[derive(Default)]
struct Fields<'a> {
    package: &'a str,
    architecture: &'a str,
    version: &'a str,
    source: Option<&'a str>,
    path: &'a str,
    sha256: &'a str,
    size: &'a str,
    installed_size: &'a str,
    section: &'a str,
    maintainer: &'a str,
    multi_arch: &'a str,
    priority: &'a str,
    essential: bool,
    protected: bool,
    pre_depends: &'a str,
    depends: &'a str,
    recommends: &'a str,
    suggests: &'a str,
    conflicts: &'a str,
    breaks: &'a str,
    replaces: &'a str,
    enhances: &'a str,
    provides: &'a str,
}

impl<'a> Fields<'a> {
    fn of(paragraph: Paragraph<'a>) -> Self {
        let mut fields = Fields::default();
        for (name, value) in paragraph.fields() {
            match name {
                "Package" => fields.package = value,
                "Architecture" => fields.architecture = value,
                "Version" => fields.version = value,
                "Source" => fields.source = Some(value),
                "Filename" => fields.path = value.strip_prefix("./").unwrap_or(value),
                "SHA256" => fields.sha256 = value,
                "Size" => fields.size = value,
                "Installed-Size" => fields.installed_size = value,
                "Section" => fields.section = value,
                "Maintainer" => fields.maintainer = value,
                "Multi-Arch" => fields.multi_arch = value,
                "Priority" => fields.priority = value,
                "Essential" => fields.essential = value.eq_ignore_ascii_case("yes"),
                "Protected" | "Important" => fields.protected |= value.eq_ignore_ascii_case("yes"),
                "Pre-Depends" => fields.pre_depends = value,
                "Depends" => fields.depends = value,
                "Recommends" => fields.recommends = value,
                "Suggests" => fields.suggests = value,
                "Conflicts" => fields.conflicts = value,
                "Breaks" => fields.breaks = value,
                "Replaces" => fields.replaces = value,
                "Enhances" => fields.enhances = value,
                "Provides" => fields.provides = value,
                _ => {}
            }
        }
        fields
    }

    fn flags(&self) -> u32 {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        let priority = match self.priority {
            "required" => 1,
            "important" => 2,
            "standard" => 3,
            "optional" => 4,
            "" => 0,
            _ => 5,
        };
        bit(self.essential, flag::ESSENTIAL)
            | bit(self.protected, flag::PROTECTED)
            | bit(self.architecture == "all", flag::ALL)
            | bit(self.multi_arch == "allowed", flag::ALLOWED)
            | bit(self.multi_arch == "foreign", flag::FOREIGN)
            | bit(self.multi_arch == "same", flag::SAME)
            | priority << flag::PRIORITY
    }

    /// The source package and its version, which are written only where they differ from the binary's.
    fn source(&self) -> (&'a str, &'a str) {
        match self.source {
            None => (self.package, self.version),
            Some(source) => match source.split_once('(') {
                Some((name, version)) => (name.trim_ascii(), version.trim_ascii().trim_end_matches(')')),
                None => (source, self.version),
            },
        }
    }
}

impl Builder {
    fn new(architecture: &str) -> Self {
        Builder {
            architecture: architecture.into(),
            strings: Vec::with_capacity(1 << 20),
            known: HashMap::new(),
            names: Vec::new(),
            name_ids: HashMap::new(),
            rows: Vec::new(),
            providers: Vec::new(),
        }
    }

    fn add(&mut self, paragraph: Paragraph<'_>) -> Result<(), IndexError> {
        let fields = Fields::of(paragraph);
        if fields.architecture != self.architecture && fields.architecture != "all" {
            return Ok(());
        }
        let (Ok(sha256), Ok(size)) = (Digest::from_hex(fields.sha256), fields.size.parse()) else { return Ok(()) };
        if !is_name(fields.package) || !version::is_valid(fields.version) || fields.path.is_empty() {
            return Ok(());
        }
        if self.rows.len() >= PACKAGES {
            return Err(IndexError::TooLarge(format!("{PACKAGES} packages")));
        }
        let name = self.name(fields.package)?;
        self.mention_all(&fields)?;
        let package = self.rows.len() as u32;
        for atom in atoms(fields.provides) {
            if let Some(provided) = self.provided(&atom, &fields)? {
                self.providers.push((provided.0, package, provided.1));
            }
        }
        let (source, source_version) = fields.source();
        let mut texts = [(0, 0); Text::COUNT];
        texts[Text::Version as usize] = self.often(fields.version)?;
        texts[Text::Source as usize] = self.often(source)?;
        texts[Text::SourceVersion as usize] = self.often(source_version)?;
        texts[Text::Path as usize] = self.once(fields.path)?;
        texts[Text::Section as usize] = self.often(fields.section)?;
        texts[Text::Maintainer as usize] = self.often(fields.maintainer)?;
        texts[Text::PreDepends as usize] = self.often(fields.pre_depends)?;
        texts[Text::Depends as usize] = self.once(fields.depends)?;
        texts[Text::Recommends as usize] = self.once(fields.recommends)?;
        texts[Text::Conflicts as usize] = self.once(fields.conflicts)?;
        texts[Text::Breaks as usize] = self.once(fields.breaks)?;
        texts[Text::Replaces as usize] = self.once(fields.replaces)?;
        texts[Text::Provides as usize] = self.once(fields.provides)?;
        let installed_size = fields.installed_size.parse().unwrap_or(0);
        self.rows.push(RawRow { name, flags: fields.flags(), size, installed_size, sha256, texts });
        Ok(())
    }

    /// Gives every name that a package mentions its rank, in the order in which apt meets them.
    ///
    /// Where apt has nothing else to choose by, it takes the provider that was mentioned last: so the order counts.
    fn mention_all(&mut self, fields: &Fields<'_>) -> Result<(), IndexError> {
        let negative = [fields.conflicts, fields.breaks];
        for field in [fields.pre_depends, fields.depends] {
            self.mention(clauses(field).flat_map(|clause| clause.0))?;
        }
        for field in negative {
            self.mention(atoms(field))?;
        }
        for field in [fields.recommends, fields.suggests, fields.replaces, fields.enhances] {
            self.mention(atoms(field))?;
        }
        Ok(())
    }

    fn mention<'a>(&mut self, atoms: impl Iterator<Item = Atom<'a>>) -> Result<(), IndexError> {
        for atom in atoms {
            // `name:any` is another name to apt, which says nothing about `name`.
            if atom.qualifier != Some("any") {
                self.name(atom.name)?;
            }
        }
        Ok(())
    }

    /// The name that an entry of Provides stands for, and the version; nothing where it cannot be meant.
    fn provided(&mut self, atom: &Atom<'_>, fields: &Fields<'_>) -> Result<Option<(u32, Place)>, IndexError> {
        use crate::packages::deb::dependency::Operator;
        let version = match atom.limit {
            None => (0, 0),
            Some((Operator::Equal, version)) => self.often(version)?,
            Some(_) => return Ok(None),
        };
        let name = match atom.qualifier {
            None => self.name(atom.name)?,
            Some("any") => self.name(&format!("{}:any", atom.name))?,
            Some(arch) if arch == self.architecture || arch == "native" => self.name(atom.name)?,
            Some(_) => return Ok(None),
        };
        if atom.qualifier.is_none() && fields.multi_arch == "allowed" {
            let any = self.name(&format!("{}:any", atom.name))?;
            self.providers.push((any, self.rows.len() as u32, version));
        }
        Ok(Some((name, version)))
    }

    fn name(&mut self, name: &str) -> Result<u32, IndexError> {
        if let Some(id) = self.name_ids.get(name) {
            return Ok(*id);
        }
        let (id, place) = (self.names.len() as u32, self.once(name)?);
        self.names.push(place);
        self.name_ids.insert(name.into(), id);
        Ok(id)
    }

    fn once(&mut self, text: &str) -> Result<Place, IndexError> {
        if text.is_empty() {
            return Ok((0, 0));
        }
        let too_large = || IndexError::TooLarge("4 GiB of text".into());
        let offset = u32::try_from(self.strings.len()).map_err(|_| too_large())?;
        let length = u32::try_from(text.len()).map_err(|_| too_large())?;
        self.strings.extend_from_slice(text.as_bytes());
        Ok((offset, length))
    }

    fn often(&mut self, text: &str) -> Result<Place, IndexError> {
        if let Some(place) = self.known.get(text) {
            return Ok(*place);
        }
        let place = self.once(text)?;
        self.known.insert(text.into(), place);
        Ok(place)
    }

    fn text(&self, place: Place) -> &str {
        let (offset, length) = (place.0 as usize, place.1 as usize);
        std::str::from_utf8(&self.strings[offset..offset + length]).expect("strings are stored whole")
    }

    fn finish(mut self) -> Result<Vec<u8>, IndexError> {
        let architecture = self.architecture.clone();
        let architecture = self.once(&architecture)?;
        // Names in order, and for each old number its new one.
        let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
        order.sort_by(|&a, &b| self.text(self.names[a as usize]).cmp(self.text(self.names[b as usize])));
        let mut place_of = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place_of[old as usize] = new as u32;
        }
        // Packages by name, the highest version first; equal ones stay in the order of the text.
        let mut rows: Vec<u32> = (0..self.rows.len() as u32).collect();
        rows.sort_by(|&a, &b| {
            let (a, b) = (&self.rows[a as usize], &self.rows[b as usize]);
            let version = |row: &RawRow| row.texts[Text::Version as usize];
            let by_version = || version::compare(self.text(version(b)), self.text(version(a)));
            place_of[a.name as usize].cmp(&place_of[b.name as usize]).then_with(by_version)
        });
        let mut row_of = vec![0; rows.len()];
        for (new, &old) in rows.iter().enumerate() {
            row_of[old as usize] = new as u32;
        }
        let mut providers = std::mem::take(&mut self.providers);
        providers.sort_by_key(|(name, _, _)| place_of[*name as usize]);

        let mut out = Vec::with_capacity(self.strings.len() + rows.len() * super::layout::ROW + (1 << 20));
        out.extend_from_slice(MAGIC);
        for count in [order.len(), rows.len(), providers.len(), self.strings.len()] {
            let count = u32::try_from(count).map_err(|_| IndexError::TooLarge("4 GiB of text".into()))?;
            out.extend_from_slice(&count.to_le_bytes());
        }
        put_place(&mut out, architecture);
        let (mut next_row, mut next_provider) = (0, 0);
        for &old in &order {
            let first_row = next_row;
            next_row += rows[first_row..].iter().take_while(|&&row| self.rows[row as usize].name == old).count();
            let first_provider = next_provider;
            next_provider += providers[first_provider..].iter().take_while(|(name, _, _)| *name == old).count();
            put_place(&mut out, self.names[old as usize]);
            let counts = [first_row, next_row - first_row, first_provider, next_provider - first_provider];
            out.extend_from_slice(&old.to_le_bytes());
            for count in counts {
                out.extend_from_slice(&(count as u32).to_le_bytes());
            }
        }
        for &row in &rows {
            self.rows[row as usize].put(&mut out, &place_of);
        }
        for (_, package, version) in providers {
            out.extend_from_slice(&row_of[package as usize].to_le_bytes());
            put_place(&mut out, version);
        }
        out.extend_from_slice(&self.strings);
        Ok(out)
    }
}

impl RawRow {
    fn put(&self, out: &mut Vec<u8>, place_of: &[u32]) {
        out.extend_from_slice(&place_of[self.name as usize].to_le_bytes());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.installed_size.to_le_bytes());
        out.extend_from_slice(self.sha256.as_bytes());
        for place in self.texts {
            put_place(out, place);
        }
    }
}

fn put_place(out: &mut Vec<u8>, place: Place) {
    out.extend_from_slice(&place.0.to_le_bytes());
    out.extend_from_slice(&place.1.to_le_bytes());
}

/// Whether a text is a package's name (Debian Policy 5.6.1), which makes it safe in paths and commands.
pub fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() >= 2
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || matches!(b, b'+' | b'-' | b'.'))
}
