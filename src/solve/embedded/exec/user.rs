//! Who runs a command: `user` or `user:group`, by names or numbers, as runc and BuildKit understand it.

use super::super::accounts::{Accounts, GROUP, PASSWD};
use super::super::sandbox::User;
use super::error::ExecError;
use crate::store::Store;
use crate::tree::Tree;
use std::collections::BTreeSet;

/// The largest number of a user or group that containers take.
const LARGEST: u32 = i32::MAX as u32;

/// The most groups that Linux lets a process be in.
const GROUPS: usize = 65536;

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
    let users = Accounts::read(tree, PASSWD, store)?;
    let (uid, row) = match within(wanted)? {
        Some(uid) => (uid, users.rows().find(|row| users.number(row, 2).is_ok_and(|number| number == uid))),
        None => {
            let row = users.named("user", wanted)?;
            (users.number(&row, 2)?, Some(row))
        }
    };
    let groups = Accounts::read(tree, GROUP, store)?;
    let own = row.as_ref().map_or(Ok(0), |row| users.number(row, 3));
    let (gid, others) = match (group, &row) {
        (Some(group), _) => (look_up_group(group, &groups)?, BTreeSet::new()),
        // Whatever stands in the files, root can run.
        (None, Some(row)) if said.is_empty() => (own.unwrap_or(0), member_of(row[0], &groups)),
        (None, Some(row)) => (own?, member_of(row[0], &groups)),
        (None, None) => (0, BTreeSet::new()),
    };
    if uid > LARGEST || gid > LARGEST {
        return Err(ExecError::BadUser(said.chars().take(80).collect()));
    }
    let others = others.into_iter().filter(|other| *other != gid && *other <= LARGEST);
    let groups = std::iter::once(gid).chain(others).take(GROUPS).collect();
    let home = row.as_ref().and_then(|row| row.get(5)).filter(|home| home.starts_with('/'));
    Ok(Identity { user: User { uid, gid, groups }, home: home.map_or("/", |home| *home).to_owned() })
}

fn look_up_group(group: &str, groups: &Accounts) -> Result<u32, ExecError> {
    match within(group)? {
        Some(gid) => Ok(gid),
        None => Ok(groups.number(&groups.named("group", group)?, 2)?),
    }
}

/// The numbers of the groups that list a user.
fn member_of(name: &str, groups: &Accounts) -> BTreeSet<u32> {
    let lists = |row: &Vec<&str>| row.get(3).is_some_and(|list| list.split(',').any(|member| member == name));
    groups.rows().filter(lists).filter_map(|row| groups.number(&row, 2).ok()).collect()
}

/// The number that a text is; none for a name.
fn within(text: &str) -> Result<Option<u32>, ExecError> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number <= LARGEST);
    number.map(Some).ok_or_else(|| ExecError::BadUser(text.chars().take(80).collect()))
}
