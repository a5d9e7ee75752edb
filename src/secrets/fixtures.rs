//! Secrets for tests, made when tests run: none stands in the source, where it would be taken for a live one.

use super::checksum::{bech32_polymod, crc_digits};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Numbers that look random and are the same in each run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Marsaglia's xorshift.
    pub(super) fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    fn text(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..count).map(|_| char::from(alphabet[self.number() as usize % alphabet.len()])).collect()
    }
}

/// How the places of a template are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// As issuers do.
    Random,
    /// With one character again and again.
    Dull,
    /// The last place has a character less.
    Short,
    /// In the middle of the longest place stands what cannot be there.
    Foreign,
    /// What is computed is wrong.
    Miscounted,
}

/// A secret by a template, in which `|` is nothing, and in braces stand a kind of characters and their number: `a` letters and
/// digits, `h` hexadecimal, `d` digits, `l` and `u` lower case and upper case with digits, `L` letters, `n` as in base64 for URLs,
/// `b` base64, `2` base 32. `crc62`, `crc36` and `bech` are computed.
pub(super) fn secret(template: &str, random: &mut Random, fill: Fill) -> String {
    let mut text = String::new();
    let template = template.replace('|', "");
    let places: Vec<&str> = template.split('{').skip(1).map(|place| &place[..place.find('}').unwrap()]).collect();
    let length = |place: &&str| place[1..].parse::<usize>().unwrap_or(0);
    let longest = places.iter().map(length).enumerate().max_by_key(|(i, n)| (*n, *i)).map(|(i, _)| i);
    for (i, piece) in template.split('{').enumerate() {
        let Some((place, fixed)) = piece.split_once('}') else {
            text += piece;
            continue;
        };
        let place_at = i - 1;
        match place {
            "crc62" | "crc36" => {
                let body = if place == "crc62" { &text[4..] } else { &text };
                let mut digits = crc_digits(body.as_bytes(), place[3..].parse().unwrap());
                if fill != Fill::Random {
                    let last = if digits.pop() == Some('1') { '2' } else { '1' };
                    digits.push(last);
                }
                text += &digits;
            }
            "bech" => text = bech32(&text, random, fill),
            _ => {
                let mut count = length(&place);
                if fill == Fill::Short && place_at + 1 == places.len() {
                    count -= 1;
                }
                let mut part = match fill {
                    Fill::Dull => dull(place).repeat(count),
                    _ => random.text(alphabet(place), count),
                };
                if fill == Fill::Foreign && Some(place_at) == longest {
                    part.replace_range(count / 2..count / 2 + 1, "!");
                }
                text += &part;
            }
        }
        text += fixed;
    }
    text
}

const DIGITS: &str = "0123456789";
const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn alphabet(place: &str) -> &'static str {
    match &place[..1] {
        "a" => ALNUM,
        "h" => "0123456789abcdef",
        "d" => DIGITS,
        "l" => "0123456789abcdefghijklmnopqrstuvwxyz",
        "u" => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "L" => &ALNUM[10..],
        "n" => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_",
        "b" => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/",
        "2" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        other => panic!("no kind of characters: {other}"),
    }
}

fn dull(place: &str) -> &'static str {
    match &place[..1] {
        "h" | "d" => "0",
        "u" | "2" => "A",
        _ => "x",
    }
}

fn bech32(name: &str, random: &mut Random, fill: Fill) -> String {
    const ALPHABET: &[u8; 32] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    let mut data: Vec<u8> = (0..52).map(|_| if fill == Fill::Dull { 1 } else { random.number() as u8 & 31 }).collect();
    let lower = name.to_ascii_lowercase();
    let prefix = lower.trim_end_matches('1').bytes();
    let values = prefix.clone().map(|b| b >> 5).chain([0]).chain(prefix.map(|b| b & 31)).chain(data.iter().copied());
    let sum = bech32_polymod(values.chain([0; 6])) ^ 1;
    data.extend((0..6).map(|i| (sum >> (5 * (5 - i)) & 31) as u8));
    let wrong = usize::from(!matches!(fill, Fill::Random | Fill::Dull));
    data[3] = (data[3] + wrong as u8) & 31;
    data.truncate(58 - usize::from(fill == Fill::Short));
    name.chars().chain(data.iter().map(|v| char::from(ALPHABET[usize::from(*v)]))).collect()
}

/// A JWT with such a header and payload, and a signature of HMAC's length.
pub(super) fn jwt(header: &str, payload: &str, random: &mut Random) -> String {
    let [header, payload] = [header, payload].map(|json| URL_SAFE_NO_PAD.encode(json));
    format!("{header}.{payload}.{}", random.text(alphabet("n"), 43))
}

/// The DER of a key in PKCS #8, as far as its form goes.
pub(super) fn pkcs8(random: &mut Random) -> Vec<u8> {
    let inner = [
        &b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82\x02\x00"[..],
        &random.bytes(512),
    ]
    .concat();
    [&[0x30, 0x82, (inner.len() >> 8) as u8, inner.len() as u8][..], &inner].concat()
}

/// PEM with this label.
pub(super) fn pem(label: &str, headers: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let dashes = "-".repeat(5);
    format!("{dashes}BEGIN {label}{dashes}\n{headers}{}\n{dashes}END {label}{dashes}\n", lines.join("\n"))
}

/// The label of a key of this kind.
pub(super) fn label(kind: &str) -> String {
    [kind, "PRIVATE", "KEY"].join(" ").trim().to_owned()
}
