//! File actions: what one file operation does to a tree, step by step.
//!
//! Each type mirrors the message of the same name, with the defaults that
//! BuildKit's client writes where nothing is asked for.

use super::{Output, pb};

/// One step of a file operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Copies from another tree.
    Copy(Copy),
    /// Makes a directory.
    Mkdir(Mkdir),
    /// Makes a file with the given content.
    Mkfile(Mkfile),
    /// Removes a path.
    Remove(Remove),
    /// Makes a symbolic link.
    Symlink(Symlink),
}

/// Who owns what an action makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user; without one, uid 0.
    pub user: Option<Account>,
    /// The group; without one, the user's own group if the user was named, else the same number as the user's.
    pub group: Option<Account>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// By number.
    Id(u32),
    /// By name, looked up in `/etc/passwd` or `/etc/group` of a tree.
    Name(String),
}

impl Owner {
    /// An owner by numbers.
    pub fn ids(uid: u32, gid: u32) -> Self {
        Owner { user: Some(Account::Id(uid)), group: Some(Account::Id(gid)) }
    }

    fn to_pb(&self, accounts: i64) -> pb::ChownOpt {
        let account = |account: &Account| pb::UserOpt {
            user: Some(match account {
                Account::Id(id) => pb::user_opt::User::ById(*id),
                Account::Name(name) => {
                    pb::user_opt::User::ByName(pb::NamedUserOpt { name: name.clone(), input: accounts })
                }
            }),
        };
        pb::ChownOpt { user: self.user.as_ref().map(account), group: self.group.as_ref().map(account) }
    }
}

/// Permission bits for what a copy puts down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// As in the source.
    #[default]
    Keep,
    /// These bits (12 of them), for files and directories alike.
    Bits(u16),
    /// In the language of chmod, as BSD speaks it: `u+rwX,go+rX,go-w`.
    Symbolic(String),
}

/// Copies files and directories from one tree to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The tree to copy from; the empty tree where there is none.
    pub from: Option<Output>,
    /// What to copy, a path in that tree; a pattern if `allow_wildcard`.
    pub source: String,
    /// Where to: with a final `/`, or where a directory exists already, the directory to copy into; else the new name.
    pub destination: String,
    /// The owner of all that is copied, and of directories made on the way.
    pub owner: Option<Owner>,
    /// The permission bits.
    pub mode: Mode,
    /// Follow a link that `source` ends in, rather than copy the link.
    pub follow_symlink: bool,
    /// Copy what a directory contains rather than the directory.
    pub contents_only: bool,
    /// Unpack a tar archive instead of copying it.
    pub unpack: bool,
    /// Make the directories above `destination` where they are missing.
    pub create_parents: bool,
    /// `source` is a pattern.
    pub allow_wildcard: bool,
    /// A pattern that matches nothing is no error.
    pub allow_empty_wildcard: bool,
    /// Modification time in seconds; the build's epoch where there is none.
    pub mtime: Option<i64>,
    /// Where not empty, only what one of these patterns matches.
    pub include: Vec<String>,
    /// Nothing that these patterns match.
    pub exclude: Vec<String>,
    /// Replace what stands at a path although it is of another type.
    pub replace_existing: bool,
    /// Paths that `include` must have matched.
    pub required: Vec<String>,
}

impl Copy {
    /// A copy with nothing special asked for: parents are made, all else as in the message's defaults.
    pub fn new(from: Option<Output>, source: impl Into<String>, destination: impl Into<String>) -> Self {
        Copy {
            from,
            source: source.into(),
            destination: destination.into(),
            owner: None,
            mode: Mode::Keep,
            follow_symlink: false,
            contents_only: false,
            unpack: false,
            create_parents: true,
            allow_wildcard: false,
            allow_empty_wildcard: false,
            mtime: None,
            include: Vec::new(),
            exclude: Vec::new(),
            replace_existing: false,
            required: Vec::new(),
        }
    }

    fn to_pb(&self, accounts: i64) -> pb::FileActionCopy {
        let (mode, mode_str) = match &self.mode {
            Mode::Keep => (-1, String::new()),
            Mode::Bits(bits) => (i32::from(bits & 0o7777), String::new()),
            Mode::Symbolic(text) => (-1, text.clone()),
        };
        pb::FileActionCopy {
            src: clean(&self.source, false),
            dest: clean(&self.destination, true),
            owner: self.owner.as_ref().map(|owner| owner.to_pb(accounts)),
            mode,
            follow_symlink: self.follow_symlink,
            dir_copy_contents: self.contents_only,
            attempt_unpack_docker_compatibility: self.unpack,
            create_dest_path: self.create_parents,
            allow_wildcard: self.allow_wildcard,
            allow_empty_wildcard: self.allow_empty_wildcard,
            timestamp: nanoseconds(self.mtime),
            include_patterns: self.include.clone(),
            exclude_patterns: self.exclude.clone(),
            always_replace_existing_dest_paths: self.replace_existing,
            mode_str,
            required_paths: self.required.clone(),
        }
    }
}

/// Makes a directory; one that exists is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mkdir {
    /// The directory.
    pub path: String,
    /// Its permission bits.
    pub mode: u16,
    /// Make missing directories above it too, with the same bits and owner.
    pub parents: bool,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Modification time in seconds; the build's epoch where there is none.
    pub mtime: Option<i64>,
}

impl Mkdir {
    /// A directory and those above it, owned by root.
    pub fn new(path: impl Into<String>, mode: u16) -> Self {
        Mkdir { path: path.into(), mode, parents: true, owner: None, mtime: None }
    }
}

/// Makes a file, replacing the content of one that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mkfile {
    /// The file; the directory above it must exist.
    pub path: String,
    /// Its permission bits.
    pub mode: u16,
    /// Its content.
    pub data: Vec<u8>,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Modification time in seconds; the build's epoch where there is none.
    pub mtime: Option<i64>,
}

impl Mkfile {
    /// A file owned by root.
    pub fn new(path: impl Into<String>, mode: u16, data: impl Into<Vec<u8>>) -> Self {
        Mkfile { path: path.into(), mode, data: data.into(), owner: None, mtime: None }
    }
}

/// Removes a path with all that is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remove {
    /// What to remove; a link is removed, never what it points at.
    pub path: String,
    /// It need not exist.
    pub allow_not_found: bool,
    /// `path` is a pattern.
    pub allow_wildcard: bool,
}

/// Makes a symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symlink {
    /// What the link says, kept as it is.
    pub target: String,
    /// The link itself; nothing may stand there yet.
    pub path: String,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Modification time in seconds; the build's epoch where there is none.
    pub mtime: Option<i64>,
}

impl Symlink {
    /// A link owned by root.
    pub fn new(target: impl Into<String>, path: impl Into<String>) -> Self {
        Symlink { target: target.into(), path: path.into(), owner: None, mtime: None }
    }
}

impl Action {
    /// The tree that this action reads besides the one that it changes.
    pub(super) fn secondary(&self) -> Option<Output> {
        match self {
            Action::Copy(copy) => copy.from,
            _ => None,
        }
    }

    /// Whether the owner is given by a name, so that a tree with accounts is needed.
    pub(super) fn names_owner(&self) -> bool {
        let owner = match self {
            Action::Copy(copy) => &copy.owner,
            Action::Mkdir(mkdir) => &mkdir.owner,
            Action::Mkfile(mkfile) => &mkfile.owner,
            Action::Symlink(symlink) => &symlink.owner,
            Action::Remove(_) => return false,
        };
        let named = |account: &Option<Account>| matches!(account, Some(Account::Name(_)));
        owner.as_ref().is_some_and(|owner| named(&owner.user) || named(&owner.group))
    }

    /// The message; `accounts` is the input in which named owners are looked up.
    pub(super) fn to_pb(&self, accounts: i64) -> pb::file_action::Action {
        let owner = |owner: &Option<Owner>| owner.as_ref().map(|owner| owner.to_pb(accounts));
        match self {
            Action::Copy(copy) => pb::file_action::Action::Copy(copy.to_pb(accounts)),
            Action::Mkdir(mkdir) => pb::file_action::Action::Mkdir(pb::FileActionMkDir {
                path: clean(&mkdir.path, false),
                mode: i32::from(mkdir.mode & 0o7777),
                make_parents: mkdir.parents,
                owner: owner(&mkdir.owner),
                timestamp: nanoseconds(mkdir.mtime),
            }),
            Action::Mkfile(mkfile) => pb::file_action::Action::Mkfile(pb::FileActionMkFile {
                path: clean(&mkfile.path, false),
                mode: i32::from(mkfile.mode & 0o7777),
                data: mkfile.data.clone(),
                owner: owner(&mkfile.owner),
                timestamp: nanoseconds(mkfile.mtime),
            }),
            Action::Remove(remove) => pb::file_action::Action::Rm(pb::FileActionRm {
                path: clean(&remove.path, false),
                allow_not_found: remove.allow_not_found,
                allow_wildcard: remove.allow_wildcard,
            }),
            Action::Symlink(symlink) => pb::file_action::Action::Symlink(pb::FileActionSymlink {
                oldpath: symlink.target.clone(),
                newpath: clean(&symlink.path, false),
                owner: owner(&symlink.owner),
                timestamp: nanoseconds(symlink.mtime),
            }),
        }
    }
}

/// The message's time: nanoseconds, and −1 for none.
///
/// −1 ns itself cannot be said; seconds never come out as that.
fn nanoseconds(seconds: Option<i64>) -> i64 {
    seconds.map_or(-1, |seconds| seconds.saturating_mul(1_000_000_000))
}

/// An absolute path without `.`, `..` and repeated slashes, as BuildKit's client writes it.
///
/// In destinations a final `/` or `/.` has a meaning and is kept.
fn clean(path: &str, keep_end: bool) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut cleaned = format!("/{}", parts.join("/"));
    if keep_end && path.ends_with('/') && !cleaned.ends_with('/') {
        cleaned.push('/');
    } else if keep_end && path.ends_with("/.") {
        cleaned.push_str(if cleaned == "/" { "." } else { "/." });
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn paths_are_absolute_and_clean_and_keep_a_meaningful_end() {
        for (path, source, destination) in [
            ("a/b", "/a/b", "/a/b"),
            ("/a//b/./c/", "/a/b/c", "/a/b/c/"),
            ("../../etc", "/etc", "/etc"),
            ("", "/", "/"),
            ("/", "/", "/"),
            ("/a/.", "/a", "/a/."),
            ("/.", "/", "/."),
        ] {
            assert_eq!(clean(path, false), source, "{path}");
            assert_eq!(clean(path, true), destination, "{path}");
        }
    }
}
