//! Owners: numbers, or names to be looked up in a tree.

use super::super::accounts::{Accounts, GROUP, PASSWD};
use super::{FileError, Slot};
use crate::llb::pb::{self, file_action, user_opt};
use crate::store::Store;
use crate::tree::{Entry, Tree};

/// The numbers of an owner; none where owners are kept and new things are root's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids(Option<(u32, u32)>);

impl Ids {
    /// The numbers that an action asks for; `tree` gives the trees to look names up in.
    pub(super) fn of(
        owner: Option<&pb::ChownOpt>,
        tree: impl Fn(i64) -> Slot,
        store: &Store,
    ) -> Result<Self, FileError> {
        let Some(owner) = owner else { return Ok(Ids(None)) };
        let account = |account: &Option<pb::UserOpt>| account.as_ref().and_then(|account| account.user.clone());
        let (mut uid, mut gid) = (0, 0);
        match account(&owner.user) {
            Some(user_opt::User::ById(id)) => (uid, gid) = (id, id),
            Some(user_opt::User::ByName(user)) => {
                (uid, gid) = look_up_user(tree(user.input).tree(), &user.name, store)?;
            }
            None => {}
        }
        match account(&owner.group) {
            Some(user_opt::User::ById(id)) => gid = id,
            Some(user_opt::User::ByName(group)) => {
                gid = look_up_group(tree(group.input).tree(), &group.name, store)?;
            }
            None => {}
        }
        Ok(Ids(Some((uid, gid))))
    }

    /// Gives a new entry its owner.
    pub(super) fn own_new(self, entry: Entry) -> Entry {
        let (uid, gid) = self.0.unwrap_or_default();
        entry.owned_by(uid, gid)
    }

    /// Gives a copied entry its owner, where one was asked for.
    pub(super) fn own_copy(self, entry: &mut Entry) {
        if let Some((uid, gid)) = self.0 {
            (entry.uid, entry.gid) = (uid, gid);
        }
    }
}

/// The trees in which an action looks up names.
pub(in super::super) fn inputs(action: &file_action::Action) -> Vec<i64> {
    let owner = match action {
        file_action::Action::Copy(copy) => &copy.owner,
        file_action::Action::Mkdir(mkdir) => &mkdir.owner,
        file_action::Action::Mkfile(mkfile) => &mkfile.owner,
        file_action::Action::Symlink(symlink) => &symlink.owner,
        file_action::Action::Rm(_) => return Vec::new(),
    };
    let accounts = owner.iter().flat_map(|owner| [&owner.user, &owner.group]).flatten();
    let named = |account: &pb::UserOpt| match &account.user {
        Some(user_opt::User::ByName(named)) => Some(named.input),
        _ => None,
    };
    accounts.filter_map(named).collect()
}

fn look_up_user(tree: &Tree, name: &str, store: &Store) -> Result<(u32, u32), FileError> {
    let users = Accounts::read(tree, PASSWD, store)?;
    let row = users.named("user", name)?;
    Ok((users.number(&row, 2)?, users.number(&row, 3)?))
}

fn look_up_group(tree: &Tree, name: &str, store: &Store) -> Result<u32, FileError> {
    let groups = Accounts::read(tree, GROUP, store)?;
    groups.number(&groups.named("group", name)?, 2)
}
