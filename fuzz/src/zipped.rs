//! Zip files that lie: written field by field, and then changed in some of them.

use crate::Input;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// Archives in each other; readers stop before.
const DEEPEST: u8 = 10;
/// Bytes that one input may unpack to, so that it takes no time that readers are not to blame for.
const MOST: usize = 8 << 20;

/// Names that readers look for, or should not follow.
const NAMES: [&str; 12] = [
    "META-INF/MANIFEST.MF",
    "META-INF/maven/org.example/child/pom.properties",
    "META-INF/maven/org.example/child/pom.xml",
    "WEB-INF/lib/shaded-2.0.jar",
    "BOOT-INF/lib/a-1.jar",
    "lib/inner.war",
    "inner.zip",
    ".env",
    "server.key",
    "../../etc/shadow",
    "folder/",
    "x",
];

/// A file in a zip, as its two headers tell of it.
struct Member {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    packed: Vec<u8>,
    sum: u32,
    size: u32,
}

/// A zip file as the input wants it, whose members may be zip files again.
pub fn hostile(input: &mut Input<'_>) -> Vec<u8> {
    let mut left = MOST;
    archive(input, 0, &mut left)
}

fn archive(input: &mut Input<'_>, depth: u8, left: &mut usize) -> Vec<u8> {
    let count = input.byte() % 8;
    let members: Vec<Member> = (0..count).map(|_| member(input, depth, left)).collect();
    let mut zip = written(&members, input.byte());
    for _ in 0..input.byte() % 4 {
        lie(input, &mut zip);
    }
    zip
}

fn member(input: &mut Input<'_>, depth: u8, left: &mut usize) -> Member {
    let name = match input.byte() {
        0xff => input.part(),
        number => NAMES[usize::from(number) % NAMES.len()].as_bytes(),
    };
    let content = match input.byte() % 4 {
        0 if depth < DEEPEST => archive(input, depth + 1, left),
        1 => vec![input.byte(); 1 << (input.byte() % 21)],
        _ => input.part().to_vec(),
    };
    let content = &content[..content.len().min(*left)];
    *left -= content.len();
    let [method, flags] = input.bytes();
    let is_packed = method % 4 != 0;
    let packed = if is_packed { deflated(content) } else { content.to_vec() };
    let mut sum = flate2::Crc::new();
    sum.update(content);
    Member {
        name: name.to_vec(),
        method: if is_packed { 8 } else { 0 },
        // A descriptor behind the content (bit 3) is what streams have; the other bits are mostly lies.
        flags: u16::from(flags & 0b1001),
        packed,
        sum: sum.sum(),
        size: content.len() as u32,
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(vec![], Compression::fast());
    encoder.write_all(content).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// The archive; of its directory's rows `twice` may all be about the first member.
fn written(members: &[Member], twice: u8) -> Vec<u8> {
    let (mut zip, mut offsets) = (vec![], vec![]);
    for member in members {
        offsets.push(zip.len() as u32);
        let described = member.flags & 8 != 0;
        let numbers = if described { [0; 3] } else { member.numbers() };
        zip.extend(b"PK\x03\x04\x14\0");
        zip.extend(member.head(numbers));
        zip.extend(&member.name);
        zip.extend(&member.packed);
        if described {
            zip.extend(b"PK\x07\x08");
            zip.extend(member.numbers().into_iter().flat_map(u32::to_le_bytes));
        }
    }
    let start = zip.len() as u32;
    for (member, offset) in members.iter().zip(&offsets) {
        let offset = if twice & 0xf0 == 0xf0 { 0 } else { *offset };
        zip.extend(b"PK\x01\x02\x14\x03\x14\0");
        zip.extend(member.head(member.numbers()));
        zip.extend([0; 10]);
        zip.extend(offset.to_le_bytes());
        zip.extend(&member.name);
    }
    let (count, size) = (members.len() as u16, zip.len() as u32 - start);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    zip.extend([size, start].into_iter().flat_map(u32::to_le_bytes));
    zip.extend([0; 2]);
    zip
}

impl Member {
    fn numbers(&self) -> [u32; 3] {
        [self.sum, self.packed.len() as u32, self.size]
    }

    /// What both headers have in common, from the flags to the length of extra fields.
    fn head(&self, numbers: [u32; 3]) -> Vec<u8> {
        let words = [self.flags, self.method, 0, 0x21];
        let mut head: Vec<u8> = words.into_iter().flat_map(u16::to_le_bytes).collect();
        head.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
        head.extend((self.name.len() as u16).to_le_bytes());
        head.extend([0; 2]);
        head
    }
}

/// Puts another number into a header or the end: which one, where in it, and which number the input says.
fn lie(input: &mut Input<'_>, zip: &mut [u8]) {
    let mark: &[u8] = input.one_of(&[b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x07\x08"]);
    let [which, offset, width] = input.bytes();
    let number = match input.byte() {
        small @ 0..0xf0 => u32::from(small),
        0xf0..0xf8 => u32::MAX,
        _ => u32::from_le_bytes(input.bytes()),
    };
    let places: Vec<usize> = zip.windows(4).enumerate().filter(|(_, four)| *four == mark).map(|(at, _)| at).collect();
    let Some(place) = places.get(usize::from(which) % places.len().max(1)) else { return };
    let (start, width) = (place + usize::from(offset % 48), if width & 1 == 0 { 2 } else { 4 });
    if let Some(field) = zip.get_mut(start..start + width) {
        field.copy_from_slice(&number.to_le_bytes()[..width]);
    }
}
