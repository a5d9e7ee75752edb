//! The accounts of a root: `/etc/passwd`, `/etc/group` and their shadows.
//!
//! Ids are taken as Debian's tools take them, the first free one of a fixed
//! range, from a root that is the same for the same packages: so they are too.

use crate::packages::deb::root::{Fault, Root};
use crate::store::StoreError;

/// The groups that Debian policy gives fixed numbers, for roots without `base-passwd`.
const GROUPS: [(&str, u32); 38] = [
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("fax", 21),
    ("voice", 22),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("dip", 30),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("irc", 39),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("sasl", 45),
    ("plugdev", 46),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
];

/// The users that Debian policy gives fixed numbers.
const USERS: [(&str, u32); 18] = [
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("sync", 4),
    ("games", 5),
    ("man", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("proxy", 13),
    ("www-data", 33),
    ("backup", 34),
    ("list", 38),
    ("irc", 39),
    ("_apt", 42),
    ("nobody", 65534),
];

/// The number of seconds in a day.
const DAY: i64 = 86_400;

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: Option<u32>,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// From where free numbers are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// `adduser --system`: from 100 up.
    Up,
    /// `useradd --system`, sysusers.d: from 999 down.
    Down,
    /// Accounts of people: from 1000 up.
    People,
}

impl Range {
    fn ids(self) -> Box<dyn Iterator<Item = u32>> {
        match self {
            Range::Up => Box::new(100..=999),
            Range::Down => Box::new((100..=999).rev()),
            Range::People => Box::new(1000..=59_999),
        }
    }
}

/// The lines of a file of accounts, each taken apart at its colons.
pub(super) fn lines(root: &Root, path: &str) -> Result<Vec<Vec<String>>, StoreError> {
    let bytes = match root.read(path) {
        Ok(bytes) => bytes,
        Err(Fault::Errno(_)) => return Ok(Vec::new()),
        Err(Fault::Store(e)) => return Err(e),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let entries = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    Ok(entries.map(|line| line.split(':').map(str::to_owned).collect()).collect())
}

fn write(root: &mut Root, path: &str, lines: &[Vec<String>], mode: u16) -> Result<(), Fault> {
    let text: String = lines.iter().map(|fields| fields.join(":") + "\n").collect();
    if root.stat("/etc", true).is_none() {
        root.make_dirs("/etc", 0o755)?;
    }
    root.write(path, text.as_bytes(), mode)
}

fn number(lines: &[Vec<String>], name: &str) -> Option<u32> {
    lines.iter().find(|fields| fields[0] == name).and_then(|fields| fields.get(2)?.parse().ok())
}

fn name(lines: &[Vec<String>], id: u32) -> Option<String> {
    lines.iter().find(|fields| fields.get(2).and_then(|n| n.parse().ok()) == Some(id)).map(|fields| fields[0].clone())
}

/// A user's number, by name or number.
pub(super) fn user_id(root: &Root, user: &str) -> Result<Option<u32>, StoreError> {
    if let Ok(id) = user.parse() {
        return Ok(Some(id));
    }
    let own = number(&lines(root, "/etc/passwd")?, user);
    Ok(own.or_else(|| USERS.iter().find(|(n, _)| *n == user).map(|(_, id)| *id)))
}

/// A group's number, by name or number.
pub(super) fn group_id(root: &Root, group: &str) -> Result<Option<u32>, StoreError> {
    if let Ok(id) = group.parse() {
        return Ok(Some(id));
    }
    let own = number(&lines(root, "/etc/group")?, group);
    Ok(own.or_else(|| GROUPS.iter().find(|(n, _)| *n == group).map(|(_, id)| *id)))
}

/// A user's name, or the number as text.
pub(super) fn user_name(root: &Root, id: u32) -> Result<String, StoreError> {
    let own = name(&lines(root, "/etc/passwd")?, id);
    let fixed = || USERS.iter().find(|(_, n)| *n == id).map(|(name, _)| (*name).to_owned());
    Ok(own.or_else(fixed).unwrap_or_else(|| id.to_string()))
}

/// A group's name, or the number as text.
pub(super) fn group_name(root: &Root, id: u32) -> Result<String, StoreError> {
    let own = name(&lines(root, "/etc/group")?, id);
    let fixed = || GROUPS.iter().find(|(_, n)| *n == id).map(|(name, _)| (*name).to_owned());
    Ok(own.or_else(fixed).unwrap_or_else(|| id.to_string()))
}

/// Whether a name is one that tools for accounts take.
pub(super) fn is_account_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// A number that neither a user nor a group has.
fn free(root: &Root, range: Range) -> Result<u32, Fault> {
    let mut taken: Vec<u32> = Vec::new();
    for path in ["/etc/passwd", "/etc/group"] {
        taken.extend(lines(root, path)?.iter().filter_map(|fields| fields.get(2)?.parse::<u32>().ok()));
    }
    range.ids().find(|id| !taken.contains(id)).ok_or(Fault::Errno("no number is free"))
}

/// Makes a group if it does not exist; returns its number.
pub(super) fn add_group(root: &mut Root, name: &str, gid: Option<u32>, range: Range) -> Result<u32, Fault> {
    if !is_account_name(name) {
        return Err(Fault::Errno("this name is not allowed"));
    }
    let mut groups = lines(root, "/etc/group")?;
    if let Some(gid) = number(&groups, name) {
        return Ok(gid);
    }
    let fixed = || GROUPS.iter().find(|(n, _)| *n == name).map(|(_, id)| *id);
    let gid = match gid.or_else(fixed) {
        Some(gid) => gid,
        None => free(root, range)?,
    };
    groups.push(vec![name.to_owned(), "x".to_owned(), gid.to_string(), String::new()]);
    write(root, "/etc/group", &groups, 0o644)?;
    if root.stat("/etc/gshadow", true).is_some() {
        let mut shadow = lines(root, "/etc/gshadow")?;
        shadow.push(vec![name.to_owned(), "!".to_owned(), String::new(), String::new()]);
        write(root, "/etc/gshadow", &shadow, 0o640)?;
    }
    Ok(gid)
}

/// Makes a user if it does not exist; returns its number and whether it is new.
pub(super) fn add_user(root: &mut Root, user: &User, range: Range) -> Result<(u32, bool), Fault> {
    if !is_account_name(&user.name) {
        return Err(Fault::Errno("this name is not allowed"));
    }
    let mut users = lines(root, "/etc/passwd")?;
    if let Some(uid) = number(&users, &user.name) {
        return Ok((uid, false));
    }
    let fixed = || USERS.iter().find(|(n, _)| *n == user.name).map(|(_, id)| *id);
    // The number of its own group, where no user has it yet.
    let of_group = || -> Result<Option<u32>, Fault> {
        let is_own = group_name(root, user.gid)? == user.name && name(&users, user.gid).is_none();
        Ok(Some(user.gid).filter(|_| is_own))
    };
    let uid = match user.uid.or_else(fixed) {
        Some(uid) => uid,
        None => match of_group()? {
            Some(uid) => uid,
            None => free(root, range)?,
        },
    };
    let clean = |text: &str| text.replace([':', '\n'], " ");
    users.push(vec![
        user.name.clone(),
        "x".to_owned(),
        uid.to_string(),
        user.gid.to_string(),
        clean(&user.comment),
        clean(&user.home),
        clean(&user.shell),
    ]);
    write(root, "/etc/passwd", &users, 0o644)?;
    if root.stat("/etc/shadow", true).is_some() {
        let mut shadow = lines(root, "/etc/shadow")?;
        shadow.push(shadow_line(&user.name, "!", today(root)));
        write(root, "/etc/shadow", &shadow, 0o640)?;
    }
    Ok((uid, true))
}

/// The day on which an account is said to have been made: that of the package.
fn today(root: &Root) -> String {
    (root.time().unwrap_or_default().max(DAY) / DAY).to_string()
}

fn shadow_line(name: &str, password: &str, day: String) -> Vec<String> {
    let mut fields = vec![name.to_owned(), password.to_owned(), day];
    fields.extend(["", "", "", "", "", ""].map(str::to_owned));
    fields
}

/// Puts a user into a group.
pub(super) fn join_group(root: &mut Root, user: &str, group: &str) -> Result<(), Fault> {
    for (path, mode) in [("/etc/group", 0o644), ("/etc/gshadow", 0o640)] {
        if root.stat(path, true).is_none() {
            continue;
        }
        let mut groups = lines(root, path)?;
        let Some(members) = groups.iter_mut().find(|fields| fields[0] == group).and_then(|fields| fields.get_mut(3))
        else {
            return Err(Fault::Errno("there is no such group"));
        };
        if !members.split(',').any(|member| member == user) {
            if !members.is_empty() {
                members.push(',');
            }
            members.push_str(user);
            write(root, path, &groups, mode)?;
        }
    }
    Ok(())
}

/// Changes fields of a user, counted as they stand in the line.
pub(super) fn change_user(root: &mut Root, user: &str, changes: &[(usize, String)]) -> Result<(), Fault> {
    let mut users = lines(root, "/etc/passwd")?;
    let fields = users.iter_mut().find(|fields| fields[0] == user && fields.len() == 7);
    let fields = fields.ok_or(Fault::Errno("there is no such user"))?;
    for (at, value) in changes {
        fields[*at] = value.replace([':', '\n'], " ");
    }
    write(root, "/etc/passwd", &users, 0o644)
}

/// `shadowconfig on`: passwords move to files that only root reads.
pub(super) fn make_shadow(root: &mut Root) -> Result<(), Fault> {
    const SHADOW_GROUP: u32 = 42;
    let day = today(root);
    for (open, secret) in [("/etc/passwd", "/etc/shadow"), ("/etc/group", "/etc/gshadow")] {
        if root.stat(open, true).is_none() {
            continue;
        }
        let mut accounts = lines(root, open)?;
        let mut shadow = lines(root, secret)?;
        for fields in accounts.iter_mut().filter(|fields| fields.len() > 3) {
            let password = std::mem::replace(&mut fields[1], "x".to_owned());
            if shadow.iter().any(|line| line[0] == fields[0]) {
                continue;
            }
            let password = if password == "x" { "*".to_owned() } else { password };
            shadow.push(if secret == "/etc/shadow" {
                let mut line = shadow_line(&fields[0], &password, day.clone());
                (line[3], line[4], line[5]) = ("0".to_owned(), "99999".to_owned(), "7".to_owned());
                line
            } else {
                vec![fields[0].clone(), password, String::new(), fields[3].clone()]
            });
        }
        write(root, open, &accounts, 0o644)?;
        write(root, secret, &shadow, 0o640)?;
        let place = root.find(secret, true)?;
        root.change(&place, |entry| (entry.mode, entry.gid) = (0o640, SHADOW_GROUP))?;
    }
    Ok(())
}
