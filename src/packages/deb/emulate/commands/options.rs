//! Reading the options of commands.

use crate::packages::deb::emulate::shell::{Run, Shell};

/// What a command understands: options without a value, then those with one; long names stand for a letter.
pub(super) struct Known {
    pub(super) flags: &'static str,
    pub(super) valued: &'static str,
    pub(super) long: &'static [(&'static str, char)],
}

/// What a command was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    options: Vec<(char, String)>,
    pub(super) operands: Vec<String>,
}

impl Given {
    pub(super) fn has(&self, option: char) -> bool {
        self.options.iter().any(|(o, _)| *o == option)
    }

    /// The last value of an option.
    pub(super) fn value(&self, option: char) -> Option<&str> {
        self.options.iter().rev().find(|(o, _)| *o == option).map(|(_, value)| value.as_str())
    }

    /// All values of an option.
    pub(super) fn values(&self, option: char) -> impl Iterator<Item = &str> {
        self.options.iter().filter(move |(o, _)| *o == option).map(|(_, value)| value.as_str())
    }
}

impl Known {
    /// Takes arguments apart; an option that is not known stops the script.
    pub(super) fn read(&self, shell: &Shell<'_>, arguments: &[String]) -> Run<Given> {
        let unknown = |option: &str| shell.obstacle(format!("the option `{option}` is not understood"));
        let mut given = Given::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                given.operands.extend(words.cloned());
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let option =
                    self.long.iter().find(|(n, _)| *n == name).map(|(_, o)| *o).ok_or_else(|| unknown(word))?;
                let value = match value {
                    Some(value) => value,
                    None if self.valued.contains(option) => words.next().cloned().ok_or_else(|| unknown(word))?,
                    None => String::new(),
                };
                given.options.push((option, value));
                continue;
            }
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                given.operands.push(word.clone());
                continue;
            };
            let mut rest = letters.chars();
            while let Some(option) = rest.next() {
                if self.flags.contains(option) {
                    given.options.push((option, String::new()));
                } else if self.valued.contains(option) {
                    let attached: String = rest.by_ref().collect();
                    let value = if attached.is_empty() { words.next().cloned() } else { Some(attached) };
                    given.options.push((option, value.ok_or_else(|| unknown(word))?));
                } else {
                    return Err(unknown(word));
                }
            }
        }
        Ok(given)
    }
}
