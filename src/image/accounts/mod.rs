//! Users and groups in an image's `/etc/passwd` and `/etc/group`.

mod database;

use crate::store::{Store, StoreError};
use crate::tree::{Change, Entry, Tree, TreeError, TreePath};
use database::Lines;

/// As much as these files may have; real ones have some kilobytes.
const MAX_SIZE: u64 = 4 << 20;

/// A group that an image shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
}

/// A user that an image shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The primary group; where no group has this number, one with the user's name is made.
    pub gid: u32,
    /// The real name, or whatever stands in the comment field.
    pub gecos: String,
    /// The home folder, which is not made.
    pub home: String,
    /// The shell.
    pub shell: String,
    /// Names of further groups, which must be there.
    pub groups: Vec<String>,
}

/// Why users and groups could not be added or read.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A name is none that tools accept.
    #[error(
        "`{0}` is no name for a user or group: up to 32 letters, digits, `_`, `-` and `.`, not beginning with a digit, `-` or `.`"
    )]
    Name(String),
    /// A field would break the file.
    #[error("the {field} of user `{user}` has a colon or a line break, which `/etc/passwd` cannot hold")]
    Field {
        /// The user.
        user: String,
        /// The field.
        field: &'static str,
    },
    /// The number that systems use for "none".
    #[error("`{0}` cannot have the number 4294967295, which stands for no user and no group")]
    NoId(String),
    /// The name is taken.
    #[error("{kind} `{name}` cannot have the number {wanted}: it is there already with the number {present}")]
    NameTaken {
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The number that it should have.
        wanted: u32,
        /// The number that it has.
        present: u32,
    },
    /// The number is taken.
    #[error("{kind} `{name}` cannot have the number {id}: `{present}` has it already")]
    IdTaken {
        /// `user` or `group`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The number.
        id: u32,
        /// The name that has it.
        present: String,
    },
    /// The user is there, and is another one.
    #[error("user `{name}` is there already, with the {field} `{present}` instead of `{wanted}`")]
    Differs {
        /// The user.
        name: String,
        /// What differs.
        field: &'static str,
        /// What it should be.
        wanted: String,
        /// What it is.
        present: String,
    },
    /// A group that a user should be in is not there.
    #[error("user `{user}` cannot be in group `{group}`: there is no such group")]
    NoGroup {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// What should be a file is something else.
    #[error("{path} is a {kind}, not a file")]
    NotAFile {
        /// The path, links followed.
        path: TreePath,
        /// What it is.
        kind: &'static str,
    },
    /// The tree does not allow it.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The users and groups that a tree knows.
#[derive(Debug, Clone)]
pub struct Accounts {
    passwd: Lines,
    group: Lines,
}

impl Accounts {
    /// Reads the files of `tree`; those that are missing count as empty.
    ///
    /// # Errors
    /// Where one of them is no file, too large or not in the store.
    pub fn read(tree: &Tree, store: &Store) -> Result<Self, AccountError> {
        Ok(Accounts { passwd: load(tree, store, "etc/passwd")?, group: load(tree, store, "etc/group")? })
    }

    /// User and primary group of the user `name`.
    pub fn user(&self, name: &str) -> Option<(u32, u32)> {
        let line = self.passwd.named(name)?;
        Some((line.number(2)?, line.number(3)?))
    }

    /// The number of the group `name`.
    pub fn group(&self, name: &str) -> Option<u32> {
        self.group.named(name)?.number(2)
    }

    /// The name of the user with the number `uid`.
    pub fn user_name(&self, uid: u32) -> Option<String> {
        self.passwd.numbered(uid).map(|line| line.name())
    }
}

/// What adds `groups` and then `users` to `tree`.
///
/// New lines come after those that are there, in the order given. What is
/// there already just so is left alone. `/etc/shadow` and `/etc/gshadow` get
/// their lines, without a password that could match, where they exist.
///
/// # Errors
/// Where a name or number is taken by another, or a field would break the files.
pub fn add(tree: &Tree, store: &Store, users: &[User], groups: &[Group]) -> Result<Change, AccountError> {
    let mut new = Adding {
        passwd: load(tree, store, "etc/passwd")?,
        group: load(tree, store, "etc/group")?,
        shadow: load(tree, store, "etc/shadow")?,
        gshadow: load(tree, store, "etc/gshadow")?,
    };
    groups.iter().try_for_each(|group| new.group(&group.name, group.gid))?;
    users.iter().try_for_each(|user| new.user(user))?;
    let mut upper = tree.clone();
    for (path, lines) in [
        ("etc/passwd", &new.passwd),
        ("etc/group", &new.group),
        ("etc/shadow", &new.shadow),
        ("etc/gshadow", &new.gshadow),
    ] {
        save(&mut upper, store, path, lines)?;
    }
    Ok(Change::between(tree, &upper))
}

struct Adding {
    passwd: Lines,
    group: Lines,
    shadow: Lines,
    gshadow: Lines,
}

impl Adding {
    fn group(&mut self, name: &str, gid: u32) -> Result<(), AccountError> {
        check_name(name, gid)?;
        if is_there(&self.group, "group", name, gid)? {
            return Ok(());
        }
        self.group.push(&[name, "x", &gid.to_string(), ""]);
        self.gshadow.push_if_used(&[name, "!", "", ""]);
        Ok(())
    }

    fn user(&mut self, user: &User) -> Result<(), AccountError> {
        check_name(&user.name, user.uid)?;
        for (field, text) in [("comment", &user.gecos), ("home", &user.home), ("shell", &user.shell)] {
            if text.contains([':', '\n', '\r', '\0']) {
                return Err(AccountError::Field { user: user.name.clone(), field });
            }
        }
        if self.group.numbered(user.gid).is_none() {
            self.group(&user.name, user.gid)?;
        }
        let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
        if is_there(&self.passwd, "user", &user.name, user.uid)? {
            self.check_same(user, &gid)?;
        } else {
            self.passwd.push(&[&user.name, "x", &uid, &gid, &user.gecos, &user.home, &user.shell]);
            self.shadow.push_if_used(&[&user.name, "!*", "", "", "", "", "", "", ""]);
        }
        for group in &user.groups {
            let known = self.group.add_member(group, 3, &user.name);
            if !known {
                return Err(AccountError::NoGroup { user: user.name.clone(), group: group.clone() });
            }
            self.gshadow.add_member(group, 3, &user.name);
        }
        Ok(())
    }

    fn check_same(&self, user: &User, gid: &str) -> Result<(), AccountError> {
        let Some(line) = self.passwd.named(&user.name) else { return Ok(()) };
        for (at, field, wanted) in [(3, "group", gid), (5, "home", &user.home), (6, "shell", &user.shell)] {
            let present = line.field(at);
            if present != wanted {
                let (name, wanted) = (user.name.clone(), wanted.to_owned());
                return Err(AccountError::Differs { name, field, wanted, present });
            }
        }
        Ok(())
    }
}

/// Whether name and number stand together already.
fn is_there(lines: &Lines, kind: &'static str, name: &str, id: u32) -> Result<bool, AccountError> {
    if let Some(present) = lines.named(name).and_then(|line| line.number(2)) {
        let name = name.to_owned();
        return if present == id { Ok(true) } else { Err(AccountError::NameTaken { kind, name, wanted: id, present }) };
    }
    match lines.numbered(id) {
        Some(line) => Err(AccountError::IdTaken { kind, name: name.to_owned(), id, present: line.name() }),
        None => Ok(false),
    }
}

fn check_name(name: &str, id: u32) -> Result<(), AccountError> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let rest = |c: char| first(c) || c.is_ascii_digit() || c == '-' || c == '.';
    if name.len() > 32 || !name.starts_with(first) || !name.chars().all(rest) {
        return Err(AccountError::Name(name.chars().take(80).collect()));
    }
    if id == u32::MAX { Err(AccountError::NoId(name.to_owned())) } else { Ok(()) }
}

/// A file's lines; empty where there is none.
fn load(tree: &Tree, store: &Store, path: &str) -> Result<Lines, AccountError> {
    let path = tree.resolve(path)?;
    let Some(entry) = tree.get(&path) else { return Ok(Lines::default()) };
    let Some(content) = entry.content() else { return Err(AccountError::NotAFile { path, kind: entry.kind() }) };
    Ok(Lines::of(&store.read(content, MAX_SIZE)?))
}

/// Puts changed lines back where they came from; a file that is new gets mode 0644.
fn save(tree: &mut Tree, store: &Store, path: &str, lines: &Lines) -> Result<(), AccountError> {
    if !lines.is_changed() {
        return Ok(());
    }
    let path = tree.resolve(path)?;
    let bytes = lines.bytes();
    let mut entry = Entry::file(store.put(&bytes)?, bytes.len() as u64, 0o644);
    if let Some(present) = tree.get(&path) {
        (entry.mode, entry.uid, entry.gid) = (present.mode, present.uid, present.gid);
        entry.xattrs = present.xattrs.clone();
    } else if let Some(parent) = path.parent() {
        tree.make_dirs(&parent, &Entry::dir(0o755))?;
    }
    tree.insert(path, entry)?;
    Ok(())
}

#[cfg(test)]
mod tests;
