//! UTF-16, in which Windows keeps settings, read as UTF-8.

use std::io::{self, Chain, Cursor, Read};

/// So many characters of ASCII at the beginning prove UTF-16 without a mark.
const PROOF: usize = 32;

/// Reads what begins with `start` and goes on with `rest` as UTF-8; none where it is not UTF-16. Takes nothing of `rest` then.
pub(super) fn detect<'a>(start: &[u8], rest: &'a mut dyn Read) -> Option<Utf16<'a>> {
    let proves = |high: usize, low: usize| {
        let pairs = start.get(..2 * PROOF).map(|start| start.chunks_exact(2));
        pairs.is_some_and(|mut pairs| {
            pairs.all(|pair| pair[high] == 0 && (pair[low].is_ascii_graphic() || pair[low].is_ascii_whitespace()))
        })
    };
    let read: fn([u8; 2]) -> u16 = match start {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ if proves(1, 0) => u16::from_le_bytes,
        _ if proves(0, 1) => u16::from_be_bytes,
        _ => return None,
    };
    Some(Utf16 { input: Cursor::new(start.to_vec()).chain(rest), read, left: Vec::new(), text: Cursor::default() })
}

/// A reader of UTF-8 on UTF-16; what is none becomes U+FFFD.
pub(super) struct Utf16<'a> {
    input: Chain<Cursor<Vec<u8>>, &'a mut dyn Read>,
    read: fn([u8; 2]) -> u16,
    /// Bytes of a character that has not ended.
    left: Vec<u8>,
    text: Cursor<Vec<u8>>,
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.text.read(buffer)?;
            if count > 0 || buffer.is_empty() || !self.decode()? {
                return Ok(count);
            }
        }
    }
}

impl Utf16<'_> {
    /// Decodes the next bytes; says whether there were any.
    fn decode(&mut self) -> io::Result<bool> {
        let mut bytes = std::mem::take(&mut self.left);
        let before = bytes.len();
        self.input.by_ref().take(16 << 10).read_to_end(&mut bytes)?;
        let ended = bytes.len() - before < 16 << 10;
        let mut units: Vec<u16> = bytes.chunks_exact(2).map(|pair| (self.read)([pair[0], pair[1]])).collect();
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        if !ended {
            // A pair of surrogates stays together, and so do the two bytes of a unit.
            let split = units.last().is_some_and(is_high);
            units.truncate(units.len() - usize::from(split));
            self.left = bytes[2 * units.len()..].to_vec();
        }
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        let more = bytes.len() > before || !text.is_empty();
        self.text = Cursor::new(text.into_bytes());
        Ok(more)
    }
}
