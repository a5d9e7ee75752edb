//! Sets of characters that secrets are made of.

/// A set of bytes, as bits of [`KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u16);

const DIGIT_2_TO_7: u16 = 1;
const OTHER_DIGIT: u16 = 1 << 1;
const LOWER_A_TO_F: u16 = 1 << 2;
const OTHER_LOWER: u16 = 1 << 3;
const UPPER_A_TO_F: u16 = 1 << 4;
const OTHER_UPPER: u16 = 1 << 5;
const UNDERSCORE: u16 = 1 << 6;
const DASH: u16 = 1 << 7;
const PLUS_OR_SLASH: u16 = 1 << 8;
const EQUALS: u16 = 1 << 9;
const DOT: u16 = 1 << 10;
const TILDE: u16 = 1 << 11;

const KINDS: [u16; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'2'..=b'7' => DIGIT_2_TO_7,
            b'0' | b'1' | b'8' | b'9' => OTHER_DIGIT,
            b'a'..=b'f' => LOWER_A_TO_F,
            b'g'..=b'z' => OTHER_LOWER,
            b'A'..=b'F' => UPPER_A_TO_F,
            b'G'..=b'Z' => OTHER_UPPER,
            b'_' => UNDERSCORE,
            b'-' => DASH,
            b'+' | b'/' => PLUS_OR_SLASH,
            b'=' => EQUALS,
            b'.' => DOT,
            b'~' => TILDE,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

impl Set {
    /// `0-9`
    pub(super) const DIGITS: Set = Set(DIGIT_2_TO_7 | OTHER_DIGIT);
    /// `0-9a-f`
    pub(super) const HEX: Set = Set(Set::DIGITS.0 | LOWER_A_TO_F);
    /// `0-9a-fA-F`
    pub(super) const HEX_ANY: Set = Set(Set::HEX.0 | UPPER_A_TO_F);
    /// `a-zA-Z`
    pub(super) const LETTERS: Set = Set(LOWER_A_TO_F | OTHER_LOWER | UPPER_A_TO_F | OTHER_UPPER);
    /// `0-9a-z`
    pub(super) const LOWER: Set = Set(Set::HEX.0 | OTHER_LOWER);
    /// `0-9A-Z`
    pub(super) const UPPER: Set = Set(Set::DIGITS.0 | UPPER_A_TO_F | OTHER_UPPER);
    /// `A-Z2-7` (RFC 4648, section 6)
    pub(super) const BASE32: Set = Set(DIGIT_2_TO_7 | UPPER_A_TO_F | OTHER_UPPER);
    /// `0-9a-zA-Z`
    pub(super) const ALNUM: Set = Set(Set::DIGITS.0 | Set::LETTERS.0);
    /// `0-9a-zA-Z_-`: base64 for URLs (RFC 4648, section 5)
    pub(super) const NAME: Set = Set(Set::ALNUM.0 | UNDERSCORE | DASH);
    /// `0-9a-zA-Z+/=`: base64 with its padding (RFC 4648, section 4)
    pub(super) const BASE64: Set = Set(Set::ALNUM.0 | PLUS_OR_SLASH | EQUALS);
    /// `0-9a-zA-Z_-+/=`: both kinds of base64
    pub(super) const BASE64_ANY: Set = Set(Set::NAME.0 | PLUS_OR_SLASH | EQUALS);
    /// `0-9a-zA-Z_-.=`
    pub(super) const DOTTED: Set = Set(Set::NAME.0 | DOT | EQUALS);
    /// `0-9a-zA-Z_-.~`: what stands in addresses as it is (RFC 3986, section 2.3)
    pub(super) const UNRESERVED: Set = Set(Set::NAME.0 | DOT | TILDE);

    /// Whether a byte belongs to it.
    pub(super) fn has(self, byte: u8) -> bool {
        KINDS[usize::from(byte)] & self.0 != 0
    }

    /// How many of the first bytes of `text` belong to it, at most `most`.
    pub(super) fn leading(self, text: &[u8], most: usize) -> usize {
        text.iter().take(most).take_while(|b| self.has(**b)).count()
    }

    /// How many of the last bytes of `text` belong to it, at most `most`.
    pub(super) fn trailing(self, text: &[u8], most: usize) -> usize {
        text.iter().rev().take(most).take_while(|b| self.has(**b)).count()
    }

    /// Whether all bytes of `text` belong to it.
    pub(super) fn has_all(self, text: &[u8]) -> bool {
        text.iter().all(|b| self.has(*b))
    }
}
