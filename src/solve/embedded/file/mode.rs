//! Permission bits of copies: as in the source, given, or in the language of chmod.
//!
//! The language is that of BSD's `setmode`, which BuildKit's file backend uses. Two
//! things in it differ from GNU's chmod: `X` looks at the bits that the source had,
//! whatever the clauses before did, and it counts with `+` only; where nobody is
//! named, all are meant, as no umask takes part here.

use super::FileError;
use crate::llb::pb::FileActionCopy;
use crate::tree::Entry;

const SET_IDS: u16 = 0o6000;
const STICKY: u16 = 0o1000;

/// What to do with permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bits {
    Keep,
    Set(u16),
    Change(Vec<Command>),
}

/// One change to the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// Sets bits.
    Add(u16),
    /// Clears bits.
    Clear(u16),
    /// Sets bits of directories and of what some could execute.
    AddExecute(u16),
    /// Brings the bits of one class (by its shift) to others (by a mask): `+`, `-` or `=`.
    Like { from: u32, to: u16, op: u8 },
}

impl Bits {
    /// What a copy asks for.
    pub(super) fn of(copy: &FileActionCopy) -> Result<Self, FileError> {
        if !copy.mode_str.is_empty() {
            return parse(&copy.mode_str).ok_or_else(|| FileError::BadMode(copy.mode_str.chars().take(80).collect()));
        }
        match u16::try_from(copy.mode) {
            Ok(mode) if mode <= 0o7777 => Ok(Bits::Set(mode)),
            Err(_) if copy.mode == -1 => Ok(Bits::Keep),
            _ => Err(FileError::BadMode(format!("{:o}", copy.mode))),
        }
    }

    /// Changes the bits of an entry; symbolic links have none.
    pub(super) fn apply(&self, entry: &mut Entry) {
        if entry.link_target().is_some() {
            return;
        }
        match self {
            Bits::Keep => {}
            Bits::Set(mode) => entry.mode = *mode,
            Bits::Change(commands) => entry.mode = change(commands, entry.mode, entry.is_dir()),
        }
    }
}

fn change(commands: &[Command], old: u16, is_dir: bool) -> u16 {
    let mut mode = old;
    for command in commands {
        match *command {
            Command::Add(bits) => mode |= bits,
            Command::Clear(bits) => mode &= !bits,
            Command::AddExecute(bits) if old & 0o111 != 0 || is_dir => mode |= bits,
            Command::AddExecute(_) => {}
            Command::Like { from, to, op } => {
                let value = (mode >> from) & 7;
                let everywhere = value << 6 | value << 3 | value;
                match op {
                    b'-' => mode &= !(everywhere & to),
                    b'=' => mode = mode & !(to & 0o777) | everywhere & to,
                    _ => mode |= everywhere & to,
                }
            }
        }
    }
    mode
}

/// Reads a mode: an octal number, or clauses with commas between them.
fn parse(text: &str) -> Option<Bits> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let mode = u16::from_str_radix(text, 8).ok()?;
        return (mode <= 0o7777).then_some(Bits::Set(mode));
    }
    let mut commands = Vec::new();
    text.split(',').try_for_each(|clause| parse_clause(clause, &mut commands))?;
    Some(Bits::Change(commands))
}

/// Who, then one or more times an operator with its permissions.
fn parse_clause(clause: &str, commands: &mut Vec<Command>) -> Option<()> {
    let who_end = clause.find(|c| !matches!(c, 'a' | 'u' | 'g' | 'o')).unwrap_or(clause.len());
    let (who, mut rest) = clause.split_at(who_end);
    let who = who.chars().fold(0, |bits, c| {
        bits | match c {
            'a' => 0o6777,
            'u' => 0o4700,
            'g' => 0o2070,
            _ => 0o0007,
        }
    });
    if rest.is_empty() {
        return None;
    }
    while let Some(op) = rest.bytes().next() {
        if !matches!(op, b'+' | b'-' | b'=') {
            return None;
        }
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
        parse_permissions(op, who, &rest[1..end], commands)?;
        rest = &rest[end..];
    }
    Some(())
}

fn parse_permissions(op: u8, who: u16, permissions: &str, commands: &mut Vec<Command>) -> Option<()> {
    let only_others = who != 0 && who & !0o7 == 0;
    let to = if who == 0 { 0o7777 } else { who };
    let (mut bits, mut execute, mut sticky, mut like) = (0, false, false, Vec::new());
    for c in permissions.chars() {
        match c {
            'r' => bits |= 0o444,
            'w' => bits |= 0o222,
            'x' => bits |= 0o111,
            'X' => execute |= op == b'+',
            's' if !only_others => bits |= SET_IDS,
            't' if !only_others => sticky = true,
            's' | 't' => {}
            'u' => like.push(6),
            'g' => like.push(3),
            'o' => like.push(0),
            _ => return None,
        }
    }
    let sticky = if sticky { STICKY } else { 0 };
    let bits = bits & to | sticky;
    match op {
        b'=' if like.is_empty() => {
            let cleared = if who == 0 { 0o6777 } else { who };
            commands.extend([Command::Clear(cleared | sticky), Command::Add(bits)]);
        }
        b'-' => commands.push(Command::Clear(bits)),
        _ => commands.push(Command::Add(bits)),
    }
    if execute {
        commands.push(Command::AddExecute(0o111 & to));
    }
    commands.extend(like.into_iter().map(|from| Command::Like { from, to: to & 0o777, op }));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str, mode: u16, is_dir: bool) -> Option<u16> {
        match parse(text)? {
            Bits::Keep => Some(mode),
            Bits::Set(mode) => Some(mode),
            Bits::Change(commands) => Some(change(&commands, mode, is_dir)),
        }
    }

    #[test]
    fn modes_as_chmod_takes_them() {
        for (text, old, dir, new) in [
            ("0755", 0o644, false, 0o755),
            ("4755", 0o644, false, 0o4755),
            ("u=rwx,go=rx", 0o600, false, 0o755),
            ("u=rwX,go=rX", 0o640, true, 0o644),
            ("=rw,+X", 0o700, false, 0o777),
            ("=rw,+X", 0o600, false, 0o666),
            ("+X", 0o640, true, 0o751),
            ("go=", 0o777, false, 0o700),
            ("go-w", 0o666, false, 0o644),
            ("a+r", 0o200, false, 0o644),
            ("go=u-w", 0o750, false, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("o+g", 0o751, false, 0o755),
            ("u-o", 0o777, false, 0o077),
            ("+t", 0o777, true, 0o1777),
            ("a=,u+rwX,g+rX,o+rX", 0o700, true, 0o755),
            ("a-x", 0o755, false, 0o644),
            ("a=,u+rwX,g+rX,o+rX", 0o644, false, 0o644),
            ("a=,u+rwX", 0o755, false, 0o700),
            ("a=,u+rwX", 0o644, false, 0o600),
            ("u+s", 0o755, false, 0o4755),
            ("g+s", 0o755, false, 0o2755),
            ("o+s", 0o755, false, 0o755),
            ("a=rx", 0o4755, false, 0o555),
            ("u+r-w", 0o200, false, 0o400),
        ] {
            assert_eq!(apply(text, old, dir), Some(new), "{text} on {old:o}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "u", "rwx", "u+q", "9", "0999", "17777", "u+r,", ",u+r", "u*r", "a"] {
            assert_eq!(apply(text, 0o644, false), None, "{text}");
        }
    }
}
