//! The binary form of records inside of a part: numbers of seven bits a byte, lowest first, and everything else by its length.

/// Bytes that are no record of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Writes values one after the other.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A number.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Bytes with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A text with its length.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A text that may be missing; one that is empty counts as missing.
    pub fn optional(&mut self, text: Option<&str>) {
        self.text(text.unwrap_or_default());
    }

    /// How many there are, and each.
    pub fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, texts: &[String]) {
        self.list(texts, |writer, text| writer.text(text));
    }
}

/// Reads values one after the other. Nothing is believed: a length or a count beyond what is left is an error, so no
/// more memory is taken than a small multiple of what is read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { left: bytes }
    }

    /// Whether all was read.
    pub fn is_empty(self) -> bool {
        self.left.is_empty()
    }

    /// A number.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, left) = self.left.split_first().ok_or(Malformed)?;
            self.left = left;
            let part = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && part > 1 {
                return Err(Malformed);
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    /// A number that is a count or a length of what follows.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if length <= self.left.len() { Ok(length) } else { Err(Malformed) }
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        let (bytes, left) = self.left.split_at_checked(length).ok_or(Malformed)?;
        self.left = left;
        Ok(bytes)
    }

    /// A text.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// A text that may be missing.
    pub fn optional(&mut self) -> Result<Option<String>, Malformed> {
        let text = self.text()?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A list; every item takes at least a byte.
    pub fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let count = self.length()?;
        (0..count).map(|_| each(self)).collect()
    }

    /// A list of texts.
    pub fn texts(&mut self) -> Result<Vec<String>, Malformed> {
        self.list(|reader| reader.text().map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Reader, Writer};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_comes_back(number: u64, text: String, texts: Vec<String>) {
            let mut writer = Writer::new();
            writer.number(number);
            writer.text(&text);
            writer.texts(&texts);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            prop_assert_eq!(reader.texts(), Ok(texts));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            let _ = (reader.number(), reader.texts(), reader.optional(), reader.bytes());
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut huge = Writer::new();
        huge.number(u64::MAX);
        let huge = huge.into_bytes();
        assert_eq!(Reader::new(&huge).number(), Ok(u64::MAX));
        assert_eq!(Reader::new(&huge).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&huge).texts(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff; 11]).number(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(), Err(Malformed));
        assert_eq!(Reader::new(&[2, 0xc3, 0x28]).text(), Err(Malformed));
        assert_eq!(Reader::new(&[]).number(), Err(Malformed));
    }
}
