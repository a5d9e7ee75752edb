//! Modes as `chmod`, `mkdir` and `install` take them.

/// A mode as `chmod` takes it.
pub(super) enum Mode {
    /// As a number.
    Octal(u16),
    /// As letters.
    Symbolic(Vec<Clause>),
}

pub(super) struct Clause {
    who: String,
    operator: char,
    bits: String,
}

impl Mode {
    /// Reads a number or letters.
    pub(super) fn parse(text: &str) -> Option<Mode> {
        if !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
            return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).map(Mode::Octal);
        }
        let clause = |part: &str| {
            let at = part.find(['+', '-', '='])?;
            let (who, bits) = (&part[..at], &part[at + 1..]);
            let sound = who.chars().all(|c| "ugoa".contains(c)) && bits.chars().all(|c| "rwxXst".contains(c));
            let operator = part[at..].chars().next()?;
            sound.then(|| Clause { who: who.to_owned(), operator, bits: bits.to_owned() })
        };
        text.split(',').map(clause).collect::<Option<Vec<_>>>().map(Mode::Symbolic)
    }

    /// What becomes of a mode.
    pub(super) fn apply(&self, old: u16, is_dir: bool, umask: u16) -> u16 {
        let clauses = match self {
            Mode::Octal(mode) => return *mode,
            Mode::Symbolic(clauses) => clauses,
        };
        clauses.iter().fold(old, |mode, clause| clause.apply(mode, is_dir, umask))
    }
}

impl Clause {
    fn apply(&self, mode: u16, is_dir: bool, umask: u16) -> u16 {
        let all = self.who.is_empty() || self.who.contains('a');
        let whom = |c: char| all || self.who.contains(c);
        let mut classes = 0;
        for (class, mask) in [('u', 0o4700), ('g', 0o2070), ('o', 0o1007)] {
            classes |= if whom(class) { mask } else { 0 };
        }
        let mut bits = 0;
        for c in self.bits.chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if is_dir || mode & 0o111 != 0 => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                _ => 0,
            };
        }
        // `+t` needs nobody to be named.
        let sticky = bits & 0o1000;
        bits = (bits & classes & !0o1000) | sticky;
        if self.who.is_empty() {
            bits &= !umask;
        }
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => (mode & !(classes & 0o777)) | bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_numbers_or_letters() {
        let cases = [
            ("755", 0, false, 0o755),
            ("4755", 0, false, 0o4755),
            ("u+s", 0o755, false, 0o4755),
            ("g+s,o-rwx", 0o755, true, 0o2750),
            ("a+rX", 0o600, true, 0o755),
            ("a+rX", 0o600, false, 0o644),
            ("u=rw,go=r", 0o777, false, 0o644),
            ("+t", 0o755, true, 0o1755),
            ("+w", 0o555, false, 0o755),
            ("o-t", 0o1777, true, 0o777),
        ];
        for (text, old, is_dir, new) in cases {
            assert_eq!(Mode::parse(text).unwrap().apply(old, is_dir, 0o022), new, "{text}");
        }
        assert!(["", "888", "u*x", "/usr", "17777"].iter().all(|text| Mode::parse(text).is_none()));
    }
}
