//! `test`, `[` and `[[`.

use super::syntax::Word;
use super::{Io, Run, Shell};
use crate::tree::{Entry, Node};

impl Shell<'_> {
    /// `test` with these arguments: 0 for true, 1 for false.
    pub(super) fn test(&mut self, arguments: &[String], io: &Io) -> Run<i32> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut expression = Expression { words: &words, shell: self, io };
        let value = expression.any()?;
        if expression.words.is_empty() {
            return Ok(i32::from(!value));
        }
        Err(self.obstacle("this test is not understood"))
    }

    /// `[[ … ]]`: as `test`, but the right side of `=` is a pattern.
    pub(super) fn run_condition(&mut self, words: &[Word], io: &mut Io) -> Run<i32> {
        // Words are not split here, so an empty one is not lost.
        let mut texts = Vec::new();
        for (i, word) in words.iter().enumerate() {
            let after = i.checked_sub(1).and_then(|before| words[before].plain());
            match after {
                Some("=" | "==" | "!=") => {
                    let pattern = self.expand_pattern(word, io)?;
                    if pattern.is_special() {
                        let left = self.expand_one(&words[i.saturating_sub(2)], io)?;
                        // The comparison becomes one that is known to hold, or not to.
                        texts.push(if pattern.matches(&left) { left } else { format!("{left}.") });
                        continue;
                    }
                    texts.push(self.expand_one(word, io)?);
                }
                Some("=~") => return Err(self.obstacle("`=~` is not understood")),
                _ => texts.push(match word.plain() {
                    Some("&&") => "-a".to_owned(),
                    Some("||") => "-o".to_owned(),
                    _ => self.expand_one(word, io)?,
                }),
            }
        }
        self.test(&texts, io)
    }
}

struct Expression<'a, 'b, 'c> {
    words: &'a [&'a str],
    shell: &'b Shell<'c>,
    io: &'b Io,
}

impl Expression<'_, '_, '_> {
    fn any(&mut self) -> Run<bool> {
        let mut value = self.all()?;
        while self.words.first() == Some(&"-o") {
            self.words = &self.words[1..];
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Run<bool> {
        let mut value = self.one()?;
        while self.words.first() == Some(&"-a") {
            self.words = &self.words[1..];
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Run<bool> {
        match *self.words {
            [left, operator, right, ..] if is_binary(operator) => {
                self.words = &self.words[3..];
                self.compare(left, operator, right)
            }
            ["!", ..] if self.words.len() > 1 => {
                self.words = &self.words[1..];
                Ok(!self.one()?)
            }
            ["(", ..] if self.words.len() > 2 => {
                self.words = &self.words[1..];
                let value = self.any()?;
                if self.words.first() != Some(&")") {
                    return Err(self.shell.obstacle("this test is not understood"));
                }
                self.words = &self.words[1..];
                Ok(value)
            }
            [operator, operand, ..] if is_unary(operator) => {
                self.words = &self.words[2..];
                Ok(self.check(operator, operand))
            }
            [text, ..] => {
                self.words = &self.words[1..];
                Ok(!text.is_empty())
            }
            [] => Ok(false),
        }
    }

    fn compare(&self, left: &str, operator: &str, right: &str) -> Run<bool> {
        let time = |path: &str| self.shell.root.stat(&self.shell.path(path), true).map(|entry| entry.mtime);
        match operator {
            "=" | "==" => return Ok(left == right),
            "!=" => return Ok(left != right),
            "<" => return Ok(left < right),
            ">" => return Ok(left > right),
            "-nt" => return Ok(time(left) > time(right)),
            "-ot" => return Ok(time(left) < time(right)),
            _ => {}
        }
        let (Ok(left), Ok(right)) = (left.trim().parse::<i64>(), right.trim().parse::<i64>()) else {
            self.io.complain(format!("test: {left}, {right}: numbers expected"));
            return Ok(false);
        };
        Ok(match operator {
            "-eq" => left == right,
            "-ne" => left != right,
            "-lt" => left < right,
            "-le" => left <= right,
            "-gt" => left > right,
            _ => left >= right,
        })
    }

    fn check(&self, operator: &str, operand: &str) -> bool {
        let stat = |follow: bool| self.shell.root.stat(&self.shell.path(operand), follow);
        let has = |bits: u16| stat(true).is_some_and(|entry| entry.mode & bits != 0);
        match operator {
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            "-e" | "-a" => operand == "/dev/null" || stat(true).is_some(),
            "-f" => stat(true).is_some_and(Entry::is_file),
            "-d" => stat(true).is_some_and(Entry::is_dir),
            "-L" | "-h" => stat(false).is_some_and(|entry| entry.link_target().is_some()),
            "-s" => stat(true).is_some_and(|entry| entry.is_dir() || entry.size() > 0),
            "-p" => stat(true).is_some_and(|entry| entry.node == Node::Fifo),
            // Root reads and writes what it likes, and executes what anyone may.
            "-r" | "-w" => stat(true).is_some(),
            "-x" => has(0o111),
            "-u" => has(0o4000),
            "-g" => has(0o2000),
            "-k" => has(0o1000),
            "-O" => stat(true).is_some_and(|entry| entry.uid == self.shell.root.user.0),
            "-G" => stat(true).is_some_and(|entry| entry.gid == self.shell.root.user.1),
            // There are neither devices nor sockets nor terminals.
            _ => false,
        }
    }
}

fn is_binary(operator: &str) -> bool {
    const OPERATORS: [&str; 13] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "<", ">"];
    OPERATORS.contains(&operator)
}

fn is_unary(operator: &str) -> bool {
    operator.len() == 2 && operator.starts_with('-') && "nzefdLhsprwxugkOGbcSta".contains(&operator[1..])
}
