//! Taking an archive apart, entry by entry.

use super::header::{self, BLOCK, Block, Field, OPAQUE, WHITEOUT};
use super::{Limits, TarError, pax, shown};
use crate::tree::{TreePath, Xattrs};
use std::io::{self, Read};

/// The longest target that Linux lets a symbolic link have.
const MAX_TARGET: usize = 4095;

/// The longest name and value that Linux lets an extended attribute have.
const MAX_XATTR: (usize, usize) = (255, 65536);

/// What stands in front of an entry's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Where it belongs: `./`, slashes in front and behind do not count. For [`Kind::Removed`] what is removed.
    pub path: TreePath,
    /// What it is.
    pub kind: Kind,
    /// Permissions with setuid, setgid and sticky bits: at most `0o7777`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of modification, whole seconds.
    pub mtime: i64,
    /// Whether that was rounded.
    pub has_fraction: bool,
    /// How many bytes follow; 0 for all but files.
    pub size: u64,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

/// The kinds of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink {
        /// Where it leads, as it is written.
        target: Box<[u8]>,
    },
    /// Another name of a file that came before.
    HardLink {
        /// The file.
        target: TreePath,
    },
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A file below is taken away (`.wh.NAME`); only where whiteouts are read.
    Removed,
    /// What is below in the directory `path` is taken away (`.wh..wh..opq`); only where whiteouts are read.
    Opaque,
}

/// Reads an archive.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    limits: Limits,
    whiteouts: bool,
    /// Bytes taken so far.
    offset: u64,
    /// Bytes of the present entry that were not read yet.
    remaining: u64,
    /// Padding behind them.
    padding: usize,
    entries: u64,
    ended: bool,
}

/// An entry; reading it yields its content, all of it or an error.
#[derive(Debug)]
pub struct Member<'a, R> {
    header: Header,
    reader: &'a mut Reader<R>,
}

impl<R> Member<'_, R> {
    /// What stands in front of the content.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the content that was not read yet begins in the archive.
    pub fn position(&self) -> u64 {
        self.reader.offset
    }
}

impl<R: Read> Read for Member<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.reader.remaining).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.input.read(&mut buffer[..most])?;
        if count == 0 {
            let at = self.reader.offset;
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, TarError::Truncated(at)));
        }
        self.reader.offset += count as u64;
        self.reader.remaining -= count as u64;
        Ok(count)
    }
}

/// What extended headers say about the entry that follows.
#[derive(Default)]
struct Extension {
    pax: Option<Vec<u8>>,
    gnu_name: Option<Vec<u8>>,
    gnu_link: Option<Vec<u8>>,
}

impl Extension {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.gnu_name.is_none() && self.gnu_link.is_none()
    }
}

impl<R: Read> Reader<R> {
    /// Reads plain tar from `input`.
    pub fn new(input: R, limits: Limits) -> Self {
        Reader { input, limits, whiteouts: false, offset: 0, remaining: 0, padding: 0, entries: 0, ended: false }
    }

    /// Reads names that begin with `.wh.` as what they mean in layers of images.
    #[must_use]
    pub fn with_whiteouts(mut self) -> Self {
        self.whiteouts = true;
        self
    }

    /// The next entry; what was not read of the one before is passed over.
    ///
    /// After the last entry the rest of the input is read: only zeros may stand there.
    ///
    /// # Errors
    /// For archives that are damaged, cut short, ambiguous or beyond the limits.
    pub fn next_member(&mut self) -> Result<Option<Member<'_, R>>, TarError> {
        if self.ended {
            return Ok(None);
        }
        self.skip_body()?;
        let mut extension = Extension::default();
        loop {
            let at = self.offset;
            let Some(block) = self.block()? else { return Err(TarError::Truncated(self.offset)) };
            if block == [0; BLOCK] {
                if !extension.is_empty() {
                    return Err(TarError::Header {
                        at,
                        reason: "is missing: an extended header stands before nothing",
                    });
                }
                self.read_end()?;
                self.ended = true;
                return Ok(None);
            }
            if !header::is_sound(&block) {
                return Err(TarError::Header { at, reason: "has a wrong checksum, or this is no tar archive" });
            }
            let body = match block[header::TYPE] {
                b'x' => &mut extension.pax,
                b'L' => &mut extension.gnu_name,
                b'K' => &mut extension.gnu_link,
                b'g' => {
                    let records = self.extension_body(&block, at)?;
                    check_global(&records, at)?;
                    continue;
                }
                _ => {
                    let header = self.entry(&block, at, &extension)?;
                    self.entries += 1;
                    if self.entries > self.limits.entries {
                        return Err(TarError::Limit { what: "entries", limit: self.limits.entries });
                    }
                    self.begin_body(header.size)?;
                    return Ok(Some(Member { header, reader: self }));
                }
            };
            if body.is_some() {
                return Err(TarError::Header { at, reason: "repeats an extended header" });
            }
            *body = Some(self.extension_body(&block, at)?);
        }
    }

    /// Sets out to read `size` bytes and their padding.
    fn begin_body(&mut self, size: u64) -> Result<(), TarError> {
        if size > self.limits.size.saturating_sub(self.offset) {
            return Err(TarError::Limit { what: "bytes", limit: self.limits.size });
        }
        self.remaining = size;
        self.padding = header::padding(size);
        Ok(())
    }

    fn skip_body(&mut self) -> Result<(), TarError> {
        let left = self.remaining + self.padding as u64;
        (self.remaining, self.padding) = (0, 0);
        let skipped = io::copy(&mut self.input.by_ref().take(left), &mut io::sink()).map_err(TarError::reading)?;
        self.offset += skipped;
        if skipped < left { Err(TarError::Truncated(self.offset)) } else { Ok(()) }
    }

    /// The next block; none at the end of the input.
    fn block(&mut self) -> Result<Option<Block>, TarError> {
        if self.offset >= self.limits.size {
            return Err(TarError::Limit { what: "bytes", limit: self.limits.size });
        }
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(TarError::reading(e)),
            }
        }
        self.offset += filled as u64;
        match filled {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(TarError::Truncated(self.offset)),
        }
    }

    /// Reads what follows the first zero block: more zeros, or nothing.
    fn read_end(&mut self) -> Result<(), TarError> {
        loop {
            let at = self.offset;
            match self.block() {
                Ok(None) => return Ok(()),
                Ok(Some(block)) if block == [0; BLOCK] => {}
                Ok(Some(_)) => return Err(TarError::Header { at, reason: "stands behind the archive's end mark" }),
                // Padding need not be whole blocks.
                Err(TarError::Truncated(_)) => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    }

    /// The body of an extended header, which counts as one entry of its size.
    fn extension_body(&mut self, block: &Block, at: u64) -> Result<Vec<u8>, TarError> {
        let size = size_of(block, at)?;
        if size > self.limits.extension {
            return Err(TarError::Limit { what: "bytes in an extended header", limit: self.limits.extension });
        }
        self.entries += 1;
        self.begin_body(size)?;
        let mut body = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = self.input.by_ref().take(size).read_to_end(&mut body).map_err(TarError::reading)?;
        self.offset += read as u64;
        self.remaining -= read as u64;
        if self.remaining > 0 {
            return Err(TarError::Truncated(self.offset));
        }
        self.skip_body()?;
        Ok(body)
    }

    fn entry(&self, block: &Block, at: u64, extension: &Extension) -> Result<Header, TarError> {
        let mut fields = Fields::of_block(block, at)?;
        fields.extend(extension, at)?;
        let refuse = |reason| TarError::Refused { name: shown(&fields.name), reason };
        if fields.name.is_empty() {
            return Err(TarError::Header { at, reason: "has no name" });
        }
        let type_flag = match block[header::TYPE] {
            // Archives from before POSIX know directories by their names only.
            0 if fields.name.ends_with(b"/") => b'5',
            0 | b'7' => b'0',
            flag => flag,
        };
        let id = |n: u64, reason| u32::try_from(n).map_err(|_| refuse(reason));
        let device = |field: Field| {
            let number = field.number(block).and_then(|n| u32::try_from(n).ok());
            number.ok_or_else(|| refuse("its device numbers are malformed"))
        };
        let kind = match type_flag {
            b'0' if fields.name.ends_with(b"/") => return Err(refuse("it is a file whose name ends as a directory's")),
            b'0' => Kind::File,
            b'1' => Kind::HardLink { target: clean(&fields.link, self.limits.depth)? },
            b'2' => Kind::Symlink { target: symlink_target(&fields.link).map_err(refuse)? },
            b'3' => Kind::CharDevice { major: device(header::MAJOR)?, minor: device(header::MINOR)? },
            b'4' => Kind::BlockDevice { major: device(header::MAJOR)?, minor: device(header::MINOR)? },
            b'5' => Kind::Dir,
            b'6' => Kind::Fifo,
            b'S' => return Err(refuse("sparse files are not supported")),
            _ => return Err(refuse("it is of an unknown kind")),
        };
        if kind != Kind::File && fields.size != 0 {
            return Err(refuse("it is no file, yet it claims to have content"));
        }
        let (path, kind) = self.whiteout(&fields, kind)?;
        if path.is_root() && kind != Kind::Dir && kind != Kind::Opaque {
            return Err(refuse("the root of a filesystem is a directory"));
        }
        Ok(Header {
            path,
            kind,
            mode: fields.mode,
            uid: id(fields.uid, "its owner is beyond 32 bits")?,
            gid: id(fields.gid, "its group is beyond 32 bits")?,
            mtime: fields.mtime,
            has_fraction: fields.has_fraction,
            size: fields.size,
            xattrs: fields.xattrs,
        })
    }

    /// The entry's place, and what it means there if it is a whiteout.
    fn whiteout(&self, fields: &Fields, kind: Kind) -> Result<(TreePath, Kind), TarError> {
        let name = fields.name.as_slice();
        let last = name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let (folder, base) = name.split_at(last);
        if !self.whiteouts || !base.starts_with(WHITEOUT) {
            return Ok((clean(name, self.limits.depth)?, kind));
        }
        let refuse = |reason| TarError::Refused { name: shown(name), reason };
        if kind != Kind::File && !matches!(kind, Kind::HardLink { .. }) {
            return Err(refuse("a name that begins with `.wh.` removes something, and removals are files"));
        }
        if fields.size != 0 {
            return Err(refuse("it removes something, yet it has content"));
        }
        if base == OPAQUE {
            return Ok((clean(folder, self.limits.depth)?, Kind::Opaque));
        }
        let removed = &base[WHITEOUT.len()..];
        if removed.starts_with(WHITEOUT) || matches!(removed, b"" | b"." | b"..") {
            return Err(refuse("it removes something that no file can be called"));
        }
        Ok((clean(&[folder, removed].concat(), self.limits.depth)?, Kind::Removed))
    }
}

/// An entry's properties before they are judged.
struct Fields {
    name: Vec<u8>,
    link: Vec<u8>,
    mode: u16,
    uid: u64,
    gid: u64,
    mtime: i64,
    has_fraction: bool,
    size: u64,
    xattrs: Xattrs,
}

impl Fields {
    fn of_block(block: &Block, at: u64) -> Result<Self, TarError> {
        let number = |field: Field, reason| field.number(block).ok_or(TarError::Header { at, reason });
        let natural = |field, reason| {
            u64::try_from(number(field, reason)?).map_err(|_| TarError::Header { at, reason: "has a negative number" })
        };
        let mut name = header::NAME.text(block).to_vec();
        let prefix = header::PREFIX.text(block);
        // GNU's archives have the same magic with spaces, and other things in the place of the prefix.
        if header::MAGIC.of(block).starts_with(b"ustar\0") && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        Ok(Fields {
            name,
            link: header::LINK.text(block).to_vec(),
            mode: (natural(header::MODE, "has a malformed mode")? & 0o7777) as u16,
            uid: natural(header::UID, "has a malformed owner")?,
            gid: natural(header::GID, "has a malformed group")?,
            mtime: number(header::MTIME, "has a malformed time")?,
            has_fraction: false,
            size: size_of(block, at)?,
            xattrs: Xattrs::new(),
        })
    }

    fn extend(&mut self, extension: &Extension, at: u64) -> Result<(), TarError> {
        let fail = |reason| TarError::Header { at, reason };
        let until_nul = |name: &[u8]| name.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        if let Some(name) = &extension.gnu_name {
            self.name = until_nul(name);
        }
        if let Some(link) = &extension.gnu_link {
            self.link = until_nul(link);
        }
        let Some(body) = &extension.pax else { return Ok(()) };
        let records = pax::records(body).ok_or(fail("follows a malformed extended header"))?;
        let mut seen = std::collections::BTreeSet::new();
        for (key, value) in records {
            if !seen.insert(key) {
                return Err(fail("follows an extended header that says one thing twice"));
            }
            let natural = || pax::number(value).ok_or(fail("follows an extended header with a malformed number"));
            let is_name_given_twice = (key == b"path" && extension.gnu_name.is_some())
                || (key == b"linkpath" && extension.gnu_link.is_some());
            if is_name_given_twice {
                return Err(fail("has two different long names"));
            }
            match key {
                // An empty value stands for the header's own.
                _ if value.is_empty() && !key.starts_with(pax::XATTR) => {}
                b"path" => self.name = value.to_vec(),
                b"linkpath" => self.link = value.to_vec(),
                b"size" => self.size = natural()?,
                b"uid" => self.uid = natural()?,
                b"gid" => self.gid = natural()?,
                b"mtime" => {
                    let time = pax::seconds(value).ok_or(fail("follows a malformed time"))?;
                    (self.mtime, self.has_fraction) = time;
                }
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(TarError::Refused {
                        name: shown(&self.name),
                        reason: "sparse files are not supported",
                    });
                }
                _ => {}
            }
            if let Some(name) = key.strip_prefix(pax::XATTR) {
                if name.is_empty() || name.contains(&0) || name.len() > MAX_XATTR.0 || value.len() > MAX_XATTR.1 {
                    return Err(fail("follows an extended attribute that Linux does not allow"));
                }
                self.xattrs.insert(name.into(), value.into());
            }
        }
        Ok(())
    }
}

fn size_of(block: &Block, at: u64) -> Result<u64, TarError> {
    let size = header::SIZE.number(block).ok_or(TarError::Header { at, reason: "has a malformed size" })?;
    u64::try_from(size).map_err(|_| TarError::Header { at, reason: "has a negative size" })
}

/// Global headers may say what changes nothing: git puts the commit there.
/// Some readers heed the rest of them and some do not, so it is refused.
fn check_global(body: &[u8], at: u64) -> Result<(), TarError> {
    let records = pax::records(body).ok_or(TarError::Header { at, reason: "is a malformed extended header" })?;
    if records.iter().all(|(key, _)| *key == b"comment") {
        return Ok(());
    }
    Err(TarError::Header { at, reason: "sets something for all entries, which readers understand differently" })
}

/// A name without `.` parts and without slashes in front, behind and doubled.
fn clean(name: &[u8], depth: usize) -> Result<TreePath, TarError> {
    let path = TreePath::from_user(name).map_err(|source| TarError::Name { name: shown(name), source })?;
    if path.depth() > depth {
        return Err(TarError::Limit { what: "parts in one path", limit: depth as u64 });
    }
    Ok(path)
}

fn symlink_target(target: &[u8]) -> Result<Box<[u8]>, &'static str> {
    match target {
        b"" => Err("it is a symbolic link to nothing"),
        _ if target.len() > MAX_TARGET => Err("it is a symbolic link with a longer target than Linux allows"),
        _ if target.contains(&0) => Err("it is a symbolic link whose target has a NUL byte"),
        _ => Ok(target.into()),
    }
}
