//! `user`, `account`, `group`: who runs the image, and who else there is in it; `owner=` of files.

use crate::diagnostic::Span;
use crate::spec::Spanned;

/// An account that kiln writes into the image's `/etc/passwd`, `/etc/group` and `/etc/shadow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: Spanned<String>,
    /// Its number.
    pub uid: Spanned<u32>,
    /// Its primary group; the uid where nothing else is said. Where no `group` has this number, one with the
    /// account's name is made.
    pub gid: u32,
    /// Its home folder as `/etc/passwd` says it; the folder is not made. `/nonexistent` where nothing is said.
    pub home: String,
    /// Its shell; `/usr/sbin/nologin` where nothing is said.
    pub shell: String,
    /// Names of further groups.
    pub groups: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

/// A group that kiln writes into the image's `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: Spanned<String>,
    /// Its number.
    pub gid: Spanned<u32>,
    /// The whole node.
    pub span: Span,
}

/// Who runs the image: its `user` node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunAs {
    /// A number, with an account or without.
    Id {
        /// The user.
        uid: u32,
        /// The group; the runtime's choice (the account's, else 0) where it is not said.
        gid: Option<u32>,
    },
    /// An account that the base, a package or an `account` node brings.
    Name(String),
    /// An account that this very node makes.
    Account(Account),
}

/// A user or a group, by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// By number.
    Id(u32),
    /// By the name that the image's `/etc/passwd` or `/etc/group` knows.
    Name(String),
}

/// Who owns a file: `owner="app:www"`, `owner="app"`, `owner=10001`, `owner="10001:10001"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The user.
    pub user: Principal,
    /// The group. Where it is not said: of a name, the account's primary group; of a number, the same number.
    pub group: Option<Principal>,
}
