//! `find`: paths below folders, by tests that can be combined.

use crate::packages::deb::emulate::shell::{Io, Run, Shell, glob};
use crate::tree::{Entry, Node, TreePath};

/// How deep brackets may be nested.
const MAX_DEPTH: u32 = 20;

enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Kind(Vec<u8>),
    Name(String),
    Path(String),
    Uid(u32),
    Gid(u32),
    Empty,
    /// All these bits.
    Mode {
        bits: u16,
        exactly: bool,
    },
    /// What is done; it counts as true.
    Act(Action),
}

#[derive(Clone)]
enum Action {
    Print {
        zero: bool,
    },
    Format(Vec<Piece>),
    Delete,
    /// A command with `{}` for the path, for each one or for all at once.
    Execute {
        words: Vec<String>,
        together: bool,
    },
}

/// A part of what `-printf` prints.
#[derive(Clone)]
enum Piece {
    Letter(char),
    /// The whole path.
    Path,
    /// The path below the folder that is searched.
    Below,
    /// The last part of the path.
    Name,
    /// The path without its last part.
    Folder,
}

/// What was found and what is to be done with it.
struct Hit {
    place: TreePath,
    shown: String,
    /// The path below the folder that is searched.
    below: String,
    actions: Vec<Action>,
}

pub(super) fn find(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    words.retain(|word| !matches!(*word, "-H" | "-P"));
    let follow = words.contains(&"-L") || words.contains(&"-follow");
    words.retain(|word| !matches!(*word, "-L" | "-follow" | "-xdev" | "-mount" | "-depth"));
    let split = words.iter().position(|w| w.starts_with(['-', '!', '('])).unwrap_or(words.len());
    let (folders, tests) = words.split_at(split);
    let mut parser = Parser { words: tests, shell, least: 0, most: usize::MAX, acts: false, depth: 0 };
    let mut test = parser.any()?;
    if !parser.words.is_empty() {
        return Err(parser.bad());
    }
    let (least, most, acts) = (parser.least, parser.most, parser.acts);
    if !acts {
        test = Test::And(vec![test, Test::Act(Action::Print { zero: false })]);
    }
    let mut status = 0;
    let mut hits = Vec::new();
    let here = ["."];
    for folder in if folders.is_empty() { &here } else { folders } {
        let path = shell.path(folder);
        if shell.root.stat(&path, follow).is_none() {
            io.complain(format!("find: {folder}: No such file or directory"));
            status = 1;
            continue;
        }
        let start = match shell.root.find(&path, follow || path.ends_with('/')) {
            Ok(start) => start,
            Err(fault) => return shell.answer(io, "find", folder, Err(fault)),
        };
        let places: Vec<TreePath> =
            std::iter::once(start.clone()).chain(shell.root.tree.below(&start).map(|(p, _)| p.clone())).collect();
        for place in places {
            let relative = place.relative_to(&start).expect("it is below");
            if relative.depth() < least || relative.depth() > most {
                continue;
            }
            let below = if relative.is_root() { String::new() } else { relative.to_string() };
            let shown = format!("{}{below}", folder.trim_end_matches('/'));
            let entry = match shell.root.tree.get(&place) {
                Some(entry) if follow => shell
                    .root
                    .tree
                    .resolve(place.as_bytes())
                    .ok()
                    .and_then(|p| shell.root.tree.get(&p))
                    .unwrap_or(entry),
                Some(entry) => entry,
                None => continue,
            };
            let mut actions = Vec::new();
            test.holds(shell, &place, &shown, entry, &mut actions);
            if !actions.is_empty() {
                let below = below.trim_start_matches('/').to_owned();
                hits.push(Hit { place, shown, below, actions });
            }
        }
    }
    Ok(status.max(act(shell, &hits, io)?))
}

/// Does what is to be done: folders are removed after what is in them.
fn act(shell: &mut Shell<'_>, hits: &[Hit], io: &mut Io) -> Run<i32> {
    let mut status = 0;
    let mut together: Vec<String> = Vec::new();
    let mut command: Option<Vec<String>> = None;
    for hit in hits {
        for action in &hit.actions {
            match action {
                Action::Print { zero } => io.print(format!("{}{}", hit.shown, if *zero { '\0' } else { '\n' })),
                Action::Format(pieces) => io.print(hit.format(pieces)),
                Action::Execute { words, together: true } => {
                    together.push(hit.shown.clone());
                    command = Some(words.clone());
                }
                Action::Execute { words, together: false } => {
                    let words: Vec<String> = words.iter().map(|w| w.replace("{}", &hit.shown)).collect();
                    if let Some((name, rest)) = words.split_first() {
                        shell.call(name, rest, io)?;
                    }
                }
                Action::Delete => {}
            }
        }
    }
    if let Some((name, rest)) = command.as_ref().and_then(|words| words.split_first()) {
        let fixed = rest.iter().filter(|word| *word != "{}").cloned();
        let all: Vec<String> = fixed.chain(together).collect();
        status = shell.call(name, &all, io)?;
    }
    for hit in hits.iter().rev().filter(|hit| hit.actions.iter().any(|a| matches!(a, Action::Delete))) {
        if shell.root.tree.children(&hit.place).next().is_none() {
            shell.root.remove(&hit.place);
        } else {
            io.complain(format!("find: {}: Directory not empty", hit.shown));
            status = 1;
        }
    }
    Ok(status)
}

impl Hit {
    fn format(&self, pieces: &[Piece]) -> String {
        let (folder, name) = self.shown.rsplit_once('/').unwrap_or((".", &self.shown));
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Letter(letter) => text.push(*letter),
                Piece::Path => text.push_str(&self.shown),
                Piece::Below => text.push_str(&self.below),
                Piece::Name => text.push_str(name),
                Piece::Folder => text.push_str(folder),
            }
        }
        text
    }
}

/// Takes the format of `-printf` apart; none where it asks for something else than parts of the path.
fn pieces(format: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '%' => match letters.next()? {
                '%' => Piece::Letter('%'),
                'p' => Piece::Path,
                'P' => Piece::Below,
                'f' => Piece::Name,
                'h' => Piece::Folder,
                _ => return None,
            },
            '\\' => Piece::Letter(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                '0' => '\0',
                '\\' => '\\',
                _ => return None,
            }),
            other => Piece::Letter(other),
        });
    }
    Some(pieces)
}

impl Test {
    fn holds(
        &self,
        shell: &Shell<'_>,
        place: &TreePath,
        shown: &str,
        entry: &Entry,
        actions: &mut Vec<Action>,
    ) -> bool {
        match self {
            Test::And(tests) => tests.iter().all(|test| test.holds(shell, place, shown, entry, actions)),
            Test::Or(tests) => tests.iter().any(|test| test.holds(shell, place, shown, entry, actions)),
            Test::Not(test) => !test.holds(shell, place, shown, entry, actions),
            Test::Kind(letters) => letters.contains(&match entry.node {
                Node::File { .. } => b'f',
                Node::Dir => b'd',
                Node::Symlink { .. } => b'l',
                Node::Fifo => b'p',
                Node::CharDevice { .. } => b'c',
                Node::BlockDevice { .. } => b'b',
            }),
            Test::Name(pattern) => glob(pattern, shown.rsplit('/').next().unwrap_or(shown)),
            Test::Path(pattern) => glob(pattern, shown),
            Test::Uid(uid) => entry.uid == *uid,
            Test::Gid(gid) => entry.gid == *gid,
            Test::Empty => match entry.node {
                Node::Dir => shell.root.tree.children(place).next().is_none(),
                _ => entry.is_file() && entry.size() == 0,
            },
            Test::Mode { bits, exactly: true } => entry.mode == *bits,
            Test::Mode { bits, exactly: false } => entry.mode & bits == *bits,
            Test::Act(action) => {
                actions.push(action.clone());
                true
            }
        }
    }
}

struct Parser<'a, 'b, 'c> {
    words: &'a [&'a str],
    shell: &'b Shell<'c>,
    least: usize,
    most: usize,
    acts: bool,
    depth: u32,
}

impl Parser<'_, '_, '_> {
    fn bad(&self) -> crate::packages::deb::emulate::shell::Stop {
        let word = self.words.first().copied().unwrap_or_default();
        self.shell.obstacle(format!("`find` with `{word}` is not understood"))
    }

    fn bad_format(&self) -> crate::packages::deb::emulate::shell::Stop {
        self.shell.obstacle("this format of `find -printf` is not understood")
    }

    fn next(&mut self) -> Run<String> {
        let Some((first, rest)) = self.words.split_first() else { return Err(self.bad()) };
        self.words = rest;
        Ok((*first).to_owned())
    }

    fn any(&mut self) -> Run<Test> {
        let mut tests = vec![self.all()?];
        while matches!(self.words.first(), Some(&("-o" | "-or"))) {
            self.words = &self.words[1..];
            tests.push(self.all()?);
        }
        Ok(Test::Or(tests))
    }

    fn all(&mut self) -> Run<Test> {
        let mut tests = Vec::new();
        while let Some(word) = self.words.first() {
            match *word {
                "-o" | "-or" | ")" => break,
                "-a" | "-and" => self.words = &self.words[1..],
                _ => tests.extend(self.one()?),
            }
        }
        Ok(Test::And(tests))
    }

    /// One test; none for an option that holds for the whole search.
    fn one(&mut self) -> Run<Option<Test>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.bad());
        }
        let before = self.words;
        let word = self.next()?;
        let number = |text: String| text.parse::<usize>().ok();
        let test = match word.as_str() {
            "!" | "-not" => Some(Test::Not(Box::new(self.one()?.unwrap_or(Test::And(Vec::new()))))),
            "(" => {
                let inner = self.any()?;
                if self.next()? != ")" {
                    return Err(self.bad());
                }
                Some(inner)
            }
            "-type" => Some(Test::Kind(self.next()?.into_bytes())),
            "-name" => Some(Test::Name(self.next()?)),
            "-path" | "-wholename" => Some(Test::Path(self.next()?)),
            "-empty" => Some(Test::Empty),
            "-uid" | "-user" => Some(Test::Uid(super::files::user_id(self.shell, &self.next()?)?)),
            "-gid" | "-group" => Some(Test::Gid(super::files::group_id(self.shell, &self.next()?)?)),
            "-perm" => {
                let text = self.next()?;
                let digits = text.trim_start_matches('-');
                let Ok(bits) = u16::from_str_radix(digits, 8) else { return Err(self.bad()) };
                Some(Test::Mode { bits, exactly: !text.starts_with('-') })
            }
            "-mindepth" => {
                self.least = number(self.next()?).unwrap_or(0);
                None
            }
            "-maxdepth" => {
                self.most = number(self.next()?).unwrap_or(0);
                None
            }
            "-print" | "-print0" => Some(self.act(Action::Print { zero: word == "-print0" })),
            "-printf" => {
                let format = pieces(&self.next()?).ok_or_else(|| self.bad_format())?;
                Some(self.act(Action::Format(format)))
            }
            "-delete" => Some(self.act(Action::Delete)),
            "-exec" => {
                let mut words = Vec::new();
                let end = loop {
                    match self.next()?.as_str() {
                        end @ (";" | "+") => break end.to_owned(),
                        word => words.push(word.to_owned()),
                    }
                };
                Some(self.act(Action::Execute { words, together: end == "+" }))
            }
            _ => {
                self.words = before;
                return Err(self.bad());
            }
        };
        self.depth -= 1;
        Ok(test)
    }

    fn act(&mut self, action: Action) -> Test {
        self.acts = true;
        Test::Act(action)
    }
}
