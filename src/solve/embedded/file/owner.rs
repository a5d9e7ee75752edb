//! Owners: numbers, or names to be looked up in a tree.

use super::{FileError, Slot};
use crate::llb::pb::{self, file_action, user_opt};
use crate::store::Store;
use crate::tree::{Entry, Tree};

/// The most that an account file may have.
const LIMIT: u64 = 16 << 20;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

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
pub(super) fn inputs(action: &file_action::Action) -> Vec<i64> {
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
    let fields = line(tree, PASSWD, name, store)?.ok_or_else(|| FileError::UnknownAccount {
        kind: "user",
        name: name.to_owned(),
        file: PASSWD,
    })?;
    Ok((number(&fields, 2, name, PASSWD)?, number(&fields, 3, name, PASSWD)?))
}

fn look_up_group(tree: &Tree, name: &str, store: &Store) -> Result<u32, FileError> {
    let fields = line(tree, GROUP, name, store)?.ok_or_else(|| FileError::UnknownAccount {
        kind: "group",
        name: name.to_owned(),
        file: GROUP,
    })?;
    number(&fields, 2, name, GROUP)
}

/// The fields of the first line of an account file that begins with a name.
fn line(tree: &Tree, file: &'static str, name: &str, store: &Store) -> Result<Option<Vec<String>>, FileError> {
    let path = tree.resolve(file)?;
    let Some(content) = tree.get(&path).and_then(Entry::content) else { return Ok(None) };
    let text = store.read(content, LIMIT)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let fields = lines.map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
    Ok(fields.into_iter().find(|fields| fields[0] == name))
}

fn number(fields: &[String], at: usize, name: &str, file: &'static str) -> Result<u32, FileError> {
    let malformed = || FileError::MalformedAccounts { name: name.to_owned(), file };
    fields.get(at).and_then(|field| field.parse().ok()).ok_or_else(malformed)
}
