//! Takes secrets out of what commands write, and finds them in what they leave.
//!
//! In output a secret is looked for as it is, line by line where it has several, in hexadecimal and in base64, there also in the
//! middle of something longer and in the lines that encoders break it into. Long forms are looked for piece by piece, so
//! that a part of them is found too and little text needs to be held back to decide. In files, where something found ends
//! the build, only the whole of it is looked for, and only where it is long enough to stand there by no chance.

use crate::solve::Secrets;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MASK: &[u8] = b"***";

/// The bytes by which forms are found.
const KEY: usize = 4;

/// Shorter secrets are no secrets: half of all output would be masked.
const SHORTEST: usize = KEY;

/// Shorter secrets are not looked for in files.
const SHORTEST_SOUGHT: usize = 8;

/// The shortest form in the middle of a base64 text.
const SHORTEST_INNER: usize = 6;

/// The longest piece of a form.
const PIECE: usize = 512;

/// How much is read at a time.
const BUFFER: usize = 64 << 10;

/// The lengths of line that encoders of base64 break their output into.
const BASE64_LINES: [usize; 2] = [64, 76];

/// All forms of some secrets.
pub(in crate::solve) struct Masks {
    /// By their first bytes, the longest first.
    forms: BTreeMap<[u8; KEY], Vec<Zeroizing<Vec<u8>>>>,
    /// With which bytes a form begins.
    begins: [bool; 256],
}

/// Secrets that are looked for in what is kept, by number.
pub(in crate::solve) struct Sought(Vec<(usize, Masks)>);

/// Masks one stream.
pub(super) struct Masking<'m> {
    masks: &'m Masks,
    /// What may be the beginning of a secret.
    held: Zeroizing<Vec<u8>>,
    /// Whether the last that was let through was a mask.
    masked: bool,
    /// Whether anything was masked.
    found: bool,
}

impl Masks {
    /// The forms of these secrets.
    pub(in crate::solve) fn of(secrets: &Secrets) -> Self {
        let mut all = BTreeSet::new();
        for secret in secrets.values() {
            let value = secret.expose_secret();
            let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let texts = std::iter::once(value.trim_ascii_end()).chain(lines);
            texts.filter(|text| text.len() >= SHORTEST).for_each(|text| forms(text, SHORTEST, &mut all));
        }
        Self::of_forms(all)
    }

    fn of_forms(all: BTreeSet<Vec<u8>>) -> Self {
        let mut masks = Masks { forms: BTreeMap::new(), begins: [false; 256] };
        for form in all {
            let Some(key) = form.first_chunk::<KEY>().copied() else { continue };
            masks.begins[usize::from(key[0])] = true;
            masks.forms.entry(key).or_default().push(Zeroizing::new(form));
        }
        masks.forms.values_mut().for_each(|forms| forms.sort_by_key(|form| std::cmp::Reverse(form.len())));
        masks
    }

    /// A text without secrets.
    pub(in crate::solve) fn text(&self, text: &str) -> String {
        let mut clean = Vec::with_capacity(text.len());
        let mut masking = Masking::new(self);
        masking.push(text.as_bytes(), &mut clean);
        masking.finish(&mut clean);
        String::from_utf8_lossy(&clean).into_owned()
    }

    /// How long the form is that `text` begins with, and whether more text could make it another or longer one.
    fn look(&self, text: &[u8]) -> (Option<usize>, bool) {
        let Some(key) = text.first_chunk::<KEY>() else {
            let mut from = [0; KEY];
            from[..text.len()].copy_from_slice(text);
            return (None, self.forms.range(from..).next().is_some_and(|(key, _)| key.starts_with(text)));
        };
        let forms = self.forms.get(key).map_or(&[][..], Vec::as_slice);
        let found = forms.iter().find(|form| text.starts_with(form)).map(|form| form.len());
        (found, forms.iter().any(|form| form.len() > text.len() && form.starts_with(text)))
    }
}

impl Sought {
    /// Looks for these.
    pub(in crate::solve) fn new(secrets: &[SecretSlice<u8>]) -> Self {
        let masks = |secret: &SecretSlice<u8>| {
            let text = secret.expose_secret().trim_ascii();
            let mut all = BTreeSet::new();
            if text.len() >= SHORTEST_SOUGHT {
                forms(text, SHORTEST_SOUGHT, &mut all);
            }
            Masks::of_forms(all)
        };
        let all = secrets.iter().map(masks).enumerate();
        Sought(all.filter(|(_, masks)| !masks.forms.is_empty()).collect())
    }

    /// Copies a content, and says which of the secrets stands in it; then not all of it was copied.
    pub(in crate::solve) fn copy(&self, from: &mut dyn Read, to: &mut dyn Write) -> io::Result<Option<usize>> {
        if self.0.is_empty() {
            return io::copy(from, to).map(|_| None);
        }
        let mut seekers: Vec<_> = self.0.iter().map(|(number, masks)| (*number, Masking::new(masks))).collect();
        let (mut piece, mut rest) = (Zeroizing::new(vec![0; BUFFER]), Zeroizing::new(Vec::new()));
        loop {
            let length = match from.read(&mut piece) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for (number, seeker) in &mut seekers {
                rest.clear();
                match length {
                    0 => seeker.finish(&mut rest),
                    _ => seeker.push(&piece[..length], &mut rest),
                }
                if seeker.found {
                    return Ok(Some(*number));
                }
            }
            if length == 0 {
                return Ok(None);
            }
            to.write_all(&piece[..length])?;
        }
    }
}

/// The name of a secret that stands in a content, as it is or encoded; none where none does.
///
/// # Errors
/// Where the content cannot be read.
pub fn find_secret(secrets: &Secrets, from: &mut dyn Read) -> io::Result<Option<String>> {
    let values: Vec<SecretSlice<u8>> = secrets.values().cloned().collect();
    let found = Sought::new(&values).copy(from, &mut io::sink())?;
    Ok(found.and_then(|number| secrets.keys().nth(number)).cloned())
}

impl<'m> Masking<'m> {
    pub(super) fn new(masks: &'m Masks) -> Self {
        Masking { masks, held: Zeroizing::default(), masked: false, found: false }
    }

    /// Takes what comes and lets through what cannot be a part of a secret.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        self.pass(out, false);
    }

    /// Lets through what is left when nothing more comes.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.pass(out, true);
    }

    fn pass(&mut self, out: &mut Vec<u8>, is_end: bool) {
        let mut at = 0;
        while at < self.held.len() {
            let rest = &self.held[at..];
            let clean = rest.iter().position(|byte| self.masks.begins[usize::from(*byte)]).unwrap_or(rest.len());
            if clean > 0 {
                out.extend_from_slice(&rest[..clean]);
                (at, self.masked) = (at + clean, false);
                continue;
            }
            match self.masks.look(rest) {
                (_, true) if !is_end => break,
                (Some(length), _) => {
                    if !self.masked {
                        out.extend_from_slice(MASK);
                    }
                    (at, self.masked, self.found) = (at + length, true, true);
                }
                (None, _) => {
                    out.push(rest[0]);
                    (at, self.masked) = (at + 1, false);
                }
            }
        }
        self.held.drain(..at);
    }
}

/// All forms of a text, none shorter than `shortest`.
fn forms(text: &[u8], shortest: usize, all: &mut BTreeSet<Vec<u8>>) {
    let hex: Zeroizing<String> = Zeroizing::new(text.iter().map(|byte| format!("{byte:02x}")).collect());
    pieces(hex.as_bytes(), shortest, all);
    pieces(Zeroizing::new(hex.to_ascii_uppercase()).as_bytes(), shortest, all);
    pieces(text, shortest, all);
    for encoder in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        let whole = Zeroizing::new(encoder.encode(text));
        let padding = "=".repeat((4 - whole.len() % 4) % 4);
        pieces(whole.as_bytes(), shortest, all);
        pieces([&whole, padding.as_str()].concat().as_bytes(), shortest, all);
        BASE64_LINES.iter().for_each(|length| lines_of(whole.as_bytes(), *length, shortest, all));
        for before in 0..3 {
            inner(encoder.encode([&[0; 2][..before], text].concat()).as_bytes(), before, text.len(), all);
        }
    }
}

/// What of a base64 text does not depend on what stands before and after the secret: `before` bytes, and any.
fn inner(encoded: &[u8], before: usize, length: usize, all: &mut BTreeSet<Vec<u8>>) {
    let (start, end) = ((before * 8).div_ceil(6), (before + length) * 8 / 6);
    if end >= start + SHORTEST_INNER {
        pieces(&encoded[start..end], SHORTEST_INNER, all);
    }
}

/// The lines of an encoded text.
fn lines_of(encoded: &[u8], length: usize, shortest: usize, all: &mut BTreeSet<Vec<u8>>) {
    if encoded.len() > length {
        let lines = encoded.chunks(length).filter(|line| line.len() >= shortest);
        all.extend(lines.map(<[u8]>::to_vec));
    }
}

/// Pieces of about the same length, none longer than [`PIECE`].
fn pieces(form: &[u8], shortest: usize, all: &mut BTreeSet<Vec<u8>>) {
    let length = form.len().div_ceil(form.len().div_ceil(PIECE).max(1)).max(1);
    all.extend(form.chunks(length).filter(|piece| piece.len() >= shortest).map(<[u8]>::to_vec));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masks(values: &[&[u8]]) -> Masks {
        let named = values.iter().enumerate();
        Masks::of(&named.map(|(i, value)| (i.to_string(), SecretSlice::from(value.to_vec()))).collect())
    }

    fn masked(masks: &Masks, pieces: &[&[u8]]) -> String {
        let (mut out, mut masking) = (Vec::new(), Masking::new(masks));
        pieces.iter().for_each(|piece| masking.push(piece, &mut out));
        masking.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_found_across_any_cut() {
        let masks = masks(&[b"hunter2hunter3"]);
        let text = b"password: hunter2hunter3!";
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(masked(&masks, &[a, b]), "password: ***!");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(masked(&masks, &bytes), "password: ***!");
    }

    #[test]
    fn what_only_begins_like_a_secret_comes_through() {
        let masks = masks(&[b"hunter2"]);
        for text in ["hunt", "hunter", "hunter1", "hhunter", "hunterhunter", "", "h"] {
            assert_eq!(masked(&masks, &[text.as_bytes()]), text);
        }
        // Nothing is held back that cannot be a secret.
        let (mut out, mut masking) = (Vec::new(), Masking::new(&masks));
        masking.push(b"no secret in this line\n", &mut out);
        assert_eq!(out, b"no secret in this line\n");
        masking.push(b"hun", &mut out);
        assert_eq!(out.len(), 23);
        masking.push(b"k", &mut out);
        assert!(out.ends_with(b"hunk"));
    }

    #[test]
    fn the_longest_of_several_is_masked_whole() {
        let masks = masks(&[b"abcd", b"abcdefgh", b"abcdexyz"]);
        assert_eq!(masked(&masks, &[b"<abcd", b"efgh>"]), "<***>");
        assert_eq!(masked(&masks, &[b"<abcde", b"xyz>"]), "<***>");
        assert_eq!(masked(&masks, &[b"<abcde", b"f>"]), "<***ef>");
        assert_eq!(masked(&masks, &[b"<abcd"]), "<***");
    }

    #[test]
    fn encoded_secrets_are_found() {
        let secret = b"s3cr\xffet/token?with~all";
        let masks = masks(&[secret]);
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [hex.clone(), hex.to_uppercase(), base64::engine::general_purpose::STANDARD.encode(secret)] {
            assert_eq!(masked(&masks, &[format!("x={text};").as_bytes()]), "x=***;");
        }
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", "xy", "xyz"] {
                let text = [before.as_bytes(), secret, after.as_bytes()].concat();
                for encoder in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                    let shown = masked(&masks, &[encoder.encode(&text).as_bytes()]);
                    assert!(
                        shown.contains("***") && shown.len() <= 3 + 4 * (before.len() + after.len() + 2),
                        "{shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn lines_of_a_key_are_found_one_by_one_and_in_broken_base64() {
        let key: String = (0..30).map(|i| format!("line {i:02} {}\n", "k3y".repeat(18))).collect();
        let masks = masks(&[key.as_bytes()]);
        assert_eq!(masked(&masks, &[format!("  {}", key.lines().nth(7).unwrap()).as_bytes()]), "  ***");
        assert_eq!(masked(&masks, &[key.as_bytes()]).replace(['*', '\n'], ""), "");
        let encoded = base64::engine::general_purpose::STANDARD.encode(&key);
        for width in BASE64_LINES {
            let broken: Vec<&[u8]> = encoded.as_bytes().chunks(width).collect();
            let shown = masked(&masks, &[&broken.join(&b'\n')]);
            assert!(shown.lines().all(|line| line.trim_matches('*').len() < 4), "{shown}");
        }
    }

    #[test]
    fn short_and_absent_secrets_mask_nothing() {
        assert_eq!(masked(&masks(&[b"abc", b"", b"x\ny\nz"]), &[b"abc x y z"]), "abc x y z");
        assert_eq!(masked(&masks(&[]), &[b"\x00", b"a"]), "\0a");
    }

    #[test]
    fn a_whole_secret_is_found_in_what_is_kept() {
        let key = format!("-----BEGIN KEY-----\n{}\n-----END KEY-----\n", "k3y".repeat(300));
        let secrets = ["short12", "hunter2hunter3\n", &key].map(|text| SecretSlice::from(text.as_bytes().to_vec()));
        let sought = Sought::new(&secrets);
        let encoded = base64::engine::general_purpose::STANDARD.encode("user:hunter2hunter3");
        let far = format!("{}hunter2hunter3", "x".repeat(BUFFER - 5));
        for (text, found) in [
            ("short12", None),
            ("-----BEGIN KEY-----", None),
            ("hunter2hunter", None),
            ("token=hunter2hunter3;", Some(1)),
            (&encoded, Some(1)),
            ("68756e7465723268756e74657233", Some(1)),
            (&far, Some(1)),
            (&key, Some(2)),
        ] {
            let mut kept = Vec::new();
            assert_eq!(sought.copy(&mut text.as_bytes(), &mut kept).unwrap(), found, "{text}");
            assert_eq!(kept == text.as_bytes(), found.is_none());
        }
    }

    #[test]
    fn a_large_secret_holds_little_back() {
        let large: Vec<u8> = (0..100_000_u32).flat_map(|i| i.to_le_bytes()).collect();
        let masks = masks(&[&large]);
        let (mut out, mut masking) = (Vec::new(), Masking::new(&masks));
        for piece in large.chunks(1000) {
            masking.push(piece, &mut out);
            assert!(masking.held.len() <= 2 * PIECE);
        }
        masking.finish(&mut out);
        assert!(out.len() < 2000, "{}", out.len());
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            secrets in proptest::collection::vec("[ab]{4,9}", 0..4),
            text in "[abc]{0,60}",
            cuts in proptest::collection::vec(0..60usize, 0..6),
        ) {
            let values: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
            let masks = masks(&values);
            let whole = masked(&masks, &[text.as_bytes()]);
            for secret in &secrets {
                prop_assert!(!whole.contains(secret.as_str()));
            }
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            pieces.push(&text.as_bytes()[from..]);
            prop_assert_eq!(masked(&masks, &pieces), whole);
        }
    }
}
