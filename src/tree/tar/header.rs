//! The 512 bytes in front of each entry.

/// The unit of which archives are made.
pub(super) const BLOCK: usize = 512;

/// One header block.
pub(super) type Block = [u8; BLOCK];

/// What begins names of removed files in layers.
pub(super) const WHITEOUT: &[u8] = b".wh.";

/// The name that empties a directory in layers.
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";

/// Where a field stands in a header.
#[derive(Clone, Copy)]
pub(super) struct Field(usize, usize);

pub(super) const NAME: Field = Field(0, 100);
pub(super) const MODE: Field = Field(100, 8);
pub(super) const UID: Field = Field(108, 8);
pub(super) const GID: Field = Field(116, 8);
pub(super) const SIZE: Field = Field(124, 12);
pub(super) const MTIME: Field = Field(136, 12);
pub(super) const CHECKSUM: Field = Field(148, 8);
pub(super) const TYPE: usize = 156;
pub(super) const LINK: Field = Field(157, 100);
pub(super) const MAGIC: Field = Field(257, 8);
pub(super) const MAJOR: Field = Field(329, 8);
pub(super) const MINOR: Field = Field(337, 8);
pub(super) const PREFIX: Field = Field(345, 155);

/// The magic and version of POSIX archives.
pub(super) const USTAR: &[u8; 8] = b"ustar\x0000";

impl Field {
    /// How long it is.
    pub(super) const fn width(self) -> usize {
        self.1
    }

    /// All its bytes.
    pub(super) fn of(self, block: &Block) -> &[u8] {
        &block[self.0..self.0 + self.1]
    }

    /// Its bytes up to the first NUL.
    pub(super) fn text(self, block: &Block) -> &[u8] {
        let field = self.of(block);
        &field[..field.iter().position(|b| *b == 0).unwrap_or(field.len())]
    }

    /// Writes `bytes` and leaves the rest as it is.
    pub(super) fn put(self, block: &mut Block, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.1);
        block[self.0..self.0 + bytes.len()].copy_from_slice(bytes);
    }

    /// Its number: octal digits, or GNU's big-endian form; none where it is neither or beyond 64 bits.
    pub(super) fn number(self, block: &Block) -> Option<i64> {
        let field = self.of(block);
        if field[0] & 0x80 != 0 {
            return binary(field);
        }
        let text = field.trim_ascii_start();
        let end = text.iter().position(|b| matches!(b, 0 | b' ')).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        if rest.iter().any(|b| !matches!(b, 0 | b' ')) {
            return None;
        }
        digits.iter().try_fold(0i64, |number, digit| {
            let digit = digit.checked_sub(b'0').filter(|d| *d < 8)?;
            number.checked_mul(8)?.checked_add(i64::from(digit))
        })
    }

    /// Writes a number as octal digits and a NUL; false where it does not fit.
    pub(super) fn put_octal(self, block: &mut Block, number: u64) -> bool {
        let digits = format!("{number:0width$o}\0", width = self.1 - 1);
        let fits = digits.len() == self.1;
        if fits {
            self.put(block, digits.as_bytes());
        }
        fits
    }
}

/// Two's complement, big-endian, where the topmost bit only says that the form is binary.
fn binary(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let first = if negative { field[0] } else { field[0] & 0x7f };
    let (high, low) = field.split_at(field.len() - 8);
    let filler = if negative { 0xff } else { 0 };
    let mut bytes: [u8; 8] = low.try_into().expect("the low part has eight bytes");
    if high.is_empty() {
        bytes[0] = first;
    } else if first != filler || high[1..].iter().any(|b| *b != filler) {
        return None;
    }
    let number = i64::from_be_bytes(bytes);
    ((number < 0) == negative).then_some(number)
}

/// The checksum that a header should carry: the sum of its bytes with spaces in place of the field.
pub(super) fn checksum(block: &Block) -> u64 {
    let all: u64 = block.iter().map(|b| u64::from(*b)).sum();
    let own: u64 = CHECKSUM.of(block).iter().map(|b| u64::from(*b)).sum();
    all - own + 8 * u64::from(b' ')
}

/// Whether the checksum is right; old archives that sum signed bytes count too.
pub(super) fn is_sound(block: &Block) -> bool {
    let Some(stated) = CHECKSUM.number(block) else { return false };
    let high_bytes = |bytes: &[u8]| bytes.iter().filter(|b| **b >= 0x80).count() as i64;
    let unsigned = checksum(block) as i64;
    let signed = unsigned - 256 * (high_bytes(block) - high_bytes(CHECKSUM.of(block)));
    stated == unsigned || stated == signed
}

/// Fills in the checksum of a finished header.
pub(super) fn seal(block: &mut Block) {
    let text = format!("{:06o}\0 ", checksum(block));
    CHECKSUM.put(block, text.as_bytes());
}

/// How many bytes follow `size` bytes of content up to the next block.
pub(super) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}
