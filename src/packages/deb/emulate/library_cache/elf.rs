//! As much of ELF as it takes to know a library: its machine and its own name.

/// A machine as libraries and the cache know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// ELF's number.
    number: u16,
    wide: bool,
    big_endian: bool,
    /// What marks its libraries in the cache.
    flag: u32,
    /// The triplet that its folders are named after.
    triplet: &'static str,
}

const MACHINES: [(&str, Machine); 7] = [
    ("amd64", Machine { number: 62, wide: true, big_endian: false, flag: 0x0300, triplet: "x86_64-linux-gnu" }),
    ("arm64", Machine { number: 183, wide: true, big_endian: false, flag: 0x0a00, triplet: "aarch64-linux-gnu" }),
    ("armhf", Machine { number: 40, wide: false, big_endian: false, flag: 0x0900, triplet: "arm-linux-gnueabihf" }),
    ("i386", Machine { number: 3, wide: false, big_endian: false, flag: 0, triplet: "i386-linux-gnu" }),
    ("ppc64el", Machine { number: 21, wide: true, big_endian: false, flag: 0x0500, triplet: "powerpc64le-linux-gnu" }),
    ("riscv64", Machine { number: 243, wide: true, big_endian: false, flag: 0x1000, triplet: "riscv64-linux-gnu" }),
    ("s390x", Machine { number: 22, wide: true, big_endian: true, flag: 0x0400, triplet: "s390x-linux-gnu" }),
];

impl Machine {
    /// The machine of a Debian architecture.
    pub(super) fn of_debian(architecture: &str) -> Option<Machine> {
        MACHINES.iter().find(|(name, _)| *name == architecture).map(|(_, machine)| *machine)
    }

    /// The folders that Debian's loader searches by itself.
    pub(super) fn built_in(&self) -> Vec<&'static str> {
        let own: [&'static str; 2] = match self.triplet {
            "x86_64-linux-gnu" => ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"],
            "aarch64-linux-gnu" => ["/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"],
            "arm-linux-gnueabihf" => ["/lib/arm-linux-gnueabihf", "/usr/lib/arm-linux-gnueabihf"],
            "i386-linux-gnu" => ["/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu"],
            "powerpc64le-linux-gnu" => ["/lib/powerpc64le-linux-gnu", "/usr/lib/powerpc64le-linux-gnu"],
            "riscv64-linux-gnu" => ["/lib/riscv64-linux-gnu", "/usr/lib/riscv64-linux-gnu"],
            _ => ["/lib/s390x-linux-gnu", "/usr/lib/s390x-linux-gnu"],
        };
        own.into_iter().chain(["/lib", "/usr/lib"]).collect()
    }

    /// A number in the machine's byte order.
    pub(super) fn bytes(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// What the cache says of its byte order.
    pub(super) fn order_flag(&self) -> u8 {
        if self.big_endian { 3 } else { 2 }
    }

    /// What marks the machine's libraries in the cache.
    pub(super) fn cache_flag(&self) -> u32 {
        self.flag
    }
}

/// A shared library.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    /// The name that it has for programs, if it has one.
    pub(super) name: Option<String>,
}

const DYNAMIC_TYPE: u16 = 3;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const STRING_TABLE: u64 = 5;
const SONAME: u64 = 14;

/// The longest header with the list of segments that is looked at.
const HEAD: usize = 64 << 10;

/// The longest list of what the loader must know, and the longest name.
const MAX_DYNAMIC: u64 = 64 << 10;
const MAX_NAME: usize = 256;

struct Reader<'a> {
    bytes: &'a [u8],
    machine: Machine,
}

impl Reader<'_> {
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let field = self.bytes.get(at..at.checked_add(length)?)?;
        let fold = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
        Some(if self.machine.big_endian { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
    }

    /// A number as wide as the machine's addresses.
    fn word(&self, at: usize) -> Option<u64> {
        self.number(at, if self.machine.wide { 8 } else { 4 })
    }
}

impl Library {
    /// Reads a library for `machine`; none for anything else. `part` gives as much as there is of a stretch of
    /// the file, told by where it begins and how long it is.
    pub(super) fn read(mut part: impl FnMut(u64, usize) -> Option<Vec<u8>>, machine: Machine) -> Option<Library> {
        let head = part(0, HEAD)?;
        let class = if machine.wide { 2 } else { 1 };
        let order = if machine.big_endian { 2 } else { 1 };
        if head.get(..6)? != [0x7f, b'E', b'L', b'F', class, order] {
            return None;
        }
        let reader = Reader { bytes: &head, machine };
        if reader.number(16, 2)? != u64::from(DYNAMIC_TYPE) || reader.number(18, 2)? != u64::from(machine.number) {
            return None;
        }
        let segments = segments(&reader)?;
        let dynamic = segments.iter().find(|s| s.kind == DYNAMIC)?;
        let list = part(dynamic.offset, usize::try_from(dynamic.size.min(MAX_DYNAMIC)).ok()?)?;
        let Some(address) = name_address(&Reader { bytes: &list, machine }) else {
            return Some(Library { name: None });
        };
        let segment =
            segments.iter().find(|s| s.kind == LOAD && address >= s.address && address - s.address < s.size)?;
        let text = part(segment.offset.checked_add(address - segment.address)?, MAX_NAME)?;
        Some(Library { name: plain_name(&text) })
    }
}

/// Where the library's own name is; none where it has none.
fn name_address(list: &Reader<'_>) -> Option<u64> {
    let width = if list.machine.wide { 8 } else { 4 };
    let (mut table, mut name) = (None, None);
    for at in (0..list.bytes.len()).step_by(2 * width) {
        match (list.word(at)?, list.word(at + width)?) {
            (0, _) => break,
            (STRING_TABLE, value) => table = Some(value),
            (SONAME, value) => name = Some(value),
            _ => {}
        }
    }
    table?.checked_add(name?)
}

/// The text up to the first NUL, if it can be the name of a file.
fn plain_name(text: &[u8]) -> Option<String> {
    let end = text.iter().position(|b| *b == 0)?;
    let name = std::str::from_utf8(&text[..end]).ok()?;
    let is_plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    is_plain.then(|| name.to_owned())
}

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

fn segments(reader: &Reader<'_>) -> Option<Vec<Segment>> {
    let wide = reader.machine.wide;
    let start = usize::try_from(reader.word(if wide { 32 } else { 28 })?).ok()?;
    let (size_at, count_at) = if wide { (54, 56) } else { (42, 44) };
    let size = usize::try_from(reader.number(size_at, 2)?).ok()?;
    let count = usize::try_from(reader.number(count_at, 2)?).ok()?;
    let mut segments = Vec::new();
    for i in 0..count.min(256) {
        let at = start.checked_add(i * size)?;
        // Where the fields stand differs with the width.
        let (offset, address, length) = if wide { (8, 16, 32) } else { (4, 8, 16) };
        segments.push(Segment {
            kind: u32::try_from(reader.number(at, 4)?).ok()?,
            offset: reader.word(at + offset)?,
            address: reader.word(at + address)?,
            size: reader.word(at + length)?,
        });
    }
    Some(segments)
}
