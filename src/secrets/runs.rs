//! Stretches of letters, digits, `_` and `-`: whatever is long enough to be a token stands in one.
//!
//! Words, machine code and most of everything else are shorter. So of each stretch that is too short only the last bytes are
//! looked at, and the search for tokens sees a small part of what is read.

/// The shortest run that is looked into: an access key of AWS has 20 characters, and so has the header of the shortest JWT.
pub(super) const SHORTEST: usize = 20;

const BELONGS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        byte += 1;
    }
    table
};

/// Whether a byte can stand in a run.
pub(super) fn belongs(byte: u8) -> bool {
    BELONGS[usize::from(byte)]
}

/// Whether a run can be a token or have one in it. Names in programs and lines of dashes cannot: random text has digits or
/// letters of both cases, or, where it is short, at least nothing that joins words.
pub(super) fn may_be_random(run: &[u8]) -> bool {
    let (mut upper, mut lower, mut joint) = (false, false, false);
    for byte in run {
        match byte {
            b'0'..=b'9' => return true,
            b'A'..=b'Z' => upper = true,
            b'a'..=b'z' => lower = true,
            _ => joint = true,
        }
        if upper && lower {
            return true;
        }
    }
    upper && !joint
}

/// Calls `found` with where each run of at least [`SHORTEST`] bytes begins and ends, in order.
pub(super) fn each(data: &[u8], mut found: impl FnMut(usize, usize)) {
    // No run that is still to be found begins before this, and one may begin here.
    let mut start = 0;
    while let Some(window) = data.get(start..start + SHORTEST) {
        if let Some(last) = window.iter().rposition(|b| !belongs(*b)) {
            start += last + 1;
            continue;
        }
        let behind = &data[start + SHORTEST..];
        let end = start + SHORTEST + behind.iter().position(|b| !belongs(*b)).unwrap_or(behind.len());
        found(start, end);
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{SHORTEST, belongs, each, may_be_random};

    #[test]
    fn names_are_told_from_random_text() {
        for name in [
            "some_name_of_a_function",
            "ANOTHER_NAME_OF_A_CONSTANT",
            "--------------------",
            "lorem-ipsum-dolor-sit-amet",
        ] {
            assert!(!may_be_random(name.as_bytes()), "{name}");
        }
        for random in ["ABCDEFGHIJKLMNOPQRST", "a_name_with_1_digit_", "ofBothCasesInOneWord"] {
            assert!(may_be_random(random.as_bytes()), "{random}");
        }
    }

    #[test]
    fn all_long_runs_are_found_and_no_other() {
        let mut seed = 1u32;
        for _ in 0..500 {
            let mut data = Vec::new();
            for _ in 0..40 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                data.extend(std::iter::repeat_n(b'a', (seed >> 16) as usize % (2 * SHORTEST)));
                data.extend(std::iter::repeat_n(b'.', (seed >> 24) as usize % 3));
            }
            let mut found = Vec::new();
            each(&data, |start, end| found.push(data[start..end].len()));
            let all = data.split(|b| !belongs(*b)).map(<[u8]>::len);
            assert_eq!(found, all.filter(|length| *length >= SHORTEST).collect::<Vec<_>>());
        }
    }
}
