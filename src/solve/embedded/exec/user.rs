//! Who runs a command: `user` or `user:group`, by names or numbers, as runc and BuildKit understand it.

use super::super::accounts::{GROUP, PASSWD, number, rows};
use super::super::file::FileError;
use super::super::sandbox::User;
use super::error::ExecError;
use crate::store::Store;
use crate::tree::Tree;

/// The largest number of a user or group that containers take.
const LARGEST: u32 = i32::MAX as u32;

/// A user with the folder that is its home; `/` where nobody says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: User,
    pub(super) home: String,
}

/// Looks up who `said` is in the account files of a tree.
///
/// A number that the files do not know is taken as it is, a name that they do not know is an error. A user gets the
/// groups that list it where no group is said. Nobody said is root, whatever the files hold.
pub(super) fn look_up(said: &str, tree: &Tree, store: &Store) -> Result<Identity, ExecError> {
    let (user, group) = said.split_once(':').map_or((said, None), |(user, group)| (user, Some(group)));
    let group = group.filter(|group| !group.is_empty());
    if group.is_some_and(|group| group.contains(':')) {
        return Err(ExecError::BadUser(said.chars().take(80).collect()));
    }
    let wanted = if user.is_empty() { "0" } else { user };
    let users = rows(tree, PASSWD, store)?;
    let (uid, row) = match within(wanted)? {
        Some(uid) => (uid, users.iter().find(|row| number(row, 2, PASSWD).is_ok_and(|number| number == uid))),
        None => {
            let row = users.iter().find(|row| row[0] == wanted).ok_or_else(|| unknown("user", wanted, PASSWD))?;
            (number(row, 2, PASSWD)?, Some(row))
        }
    };
    let groups = rows(tree, GROUP, store)?;
    let own = row.map_or(Ok(0), |row| number(row, 3, PASSWD));
    let (gid, others) = match (group, row) {
        (Some(group), _) => (look_up_group(group, &groups)?, Vec::new()),
        // Whatever stands in the files, root can run.
        (None, row) if said.is_empty() => (own.unwrap_or(0), row.map_or(Vec::new(), |row| member_of(&row[0], &groups))),
        (None, Some(row)) => (own?, member_of(&row[0], &groups)),
        (None, None) => (0, Vec::new()),
    };
    if uid > LARGEST || gid > LARGEST {
        return Err(ExecError::BadUser(said.chars().take(80).collect()));
    }
    let others = others.into_iter().filter(|other| *other != gid && *other <= LARGEST);
    let groups = std::iter::once(gid).chain(others).collect();
    let home = row.and_then(|row| row.get(5)).filter(|home| home.starts_with('/'));
    Ok(Identity { user: User { uid, gid, groups }, home: home.cloned().unwrap_or_else(|| "/".to_owned()) })
}

fn look_up_group(group: &str, groups: &[Vec<String>]) -> Result<u32, ExecError> {
    match within(group)? {
        Some(gid) => Ok(gid),
        None => {
            let row = groups.iter().find(|row| row[0] == group).ok_or_else(|| unknown("group", group, GROUP))?;
            Ok(number(row, 2, GROUP)?)
        }
    }
}

/// The numbers of the groups that list a user, each once.
fn member_of(name: &str, groups: &[Vec<String>]) -> Vec<u32> {
    let mut numbers = Vec::new();
    for row in groups.iter().filter(|row| row.get(3).is_some_and(|list| list.split(',').any(|member| member == name))) {
        numbers.extend(number(row, 2, GROUP).ok().filter(|number| !numbers.contains(number)));
    }
    numbers
}

/// The number that a text is; none for a name.
fn within(text: &str) -> Result<Option<u32>, ExecError> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number <= LARGEST);
    number.map(Some).ok_or_else(|| ExecError::BadUser(text.chars().take(80).collect()))
}

fn unknown(kind: &'static str, name: &str, file: &'static str) -> FileError {
    FileError::UnknownAccount { kind, name: name.to_owned(), file }
}
