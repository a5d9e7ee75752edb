//! `user`, `account`, `group`: who runs the image, and who else there is in it; `owner=` of files.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::check::{MAX_ID, is_account_name};
use crate::spec::expand::{Cx, Given, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// An account that kiln writes into the image's `/etc/passwd` and `/etc/group`, and into `/etc/shadow` where there is one.
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

const USER: Form = Form::new("user", "user \"app\" uid=10001");
const ACCOUNT: Form = Form::new("account", "account \"db\" uid=10002");
const GROUP: Form = Form::new("group", "group \"www\" gid=20001");

/// Reads `user`.
pub(in crate::spec) fn read_user<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<RunAs>> {
    let mut reader = Reader::new(cx, item, USER);
    let span = reader.span();
    let who = reader.required("a number or a name");
    let run_as = who.and_then(|who| match reader.value(who)? {
        Given::Int(number) => run_as_number(&mut reader, who.span, number),
        Given::AnyInt(number) => run_as_number(&mut reader, who.span, number.into()),
        Given::Text(name) => run_as_name(&mut reader, Spanned::new(name, who.span)),
        other => {
            reader.report(mistake::wrong_type(who.span, "a number or a name", other.kind()));
            None
        }
    });
    if who.is_none() {
        ask_for_all(&mut reader);
    }
    reader.finish();
    run_as.map(|run_as| Spanned::new(run_as, span))
}

fn run_as_number(reader: &mut Reader, span: Span, number: i128) -> Option<RunAs> {
    let gid = reader.number_property("gid", 0, MAX_ID.into());
    let uid = reader.id(span, number)?;
    Some(RunAs::Id { uid, gid: gid.and_then(|gid| u32::try_from(gid).ok()) })
}

fn run_as_name(reader: &mut Reader, name: Spanned<String>) -> Option<RunAs> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        ask_for_all(reader);
        let (uid, gid) = name.split_once(':').unwrap_or((&name, ""));
        let gid = if gid.is_empty() { String::new() } else { format!(" gid={gid}") };
        let help = format!("write `user {}{}`", mistake::clip(uid), mistake::clip(&gid));
        reader.report(mistake::bad_value(name.span, "a user's number is written without quotes", help));
        return None;
    }
    let properties = !reader.node().props.is_empty() || reader.node().children.is_some();
    if properties {
        return account(reader, name).map(RunAs::Account);
    }
    valid_name(reader, &name, "a user").then_some(RunAs::Name(name.value))
}

/// Names all that a `user` may have, so that only what it may never have is reported.
fn ask_for_all(reader: &mut Reader) {
    for name in ["uid", "gid", "home", "shell"] {
        reader.property(name);
    }
    reader.children();
}

/// Reads `account`.
pub(in crate::spec) fn read_account<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Account> {
    let mut reader = Reader::new(cx, item, ACCOUNT);
    let account = match reader.word("a name") {
        Some(name) => account(&mut reader, name),
        None => {
            ask_for_all(&mut reader);
            None
        }
    };
    reader.finish();
    account
}

fn account(reader: &mut Reader, name: Spanned<String>) -> Option<Account> {
    let valid = valid_name(reader, &name, "a user");
    let uid = required_id(reader, "uid");
    let gid = reader.number_property("gid", 0, MAX_ID.into()).and_then(|gid| u32::try_from(gid).ok());
    let home = path_property(reader, "home").unwrap_or_else(|| "/nonexistent".to_owned());
    let shell = path_property(reader, "shell").unwrap_or_else(|| "/usr/sbin/nologin".to_owned());
    let groups = further_groups(reader);
    let uid = uid.filter(|_| valid)?;
    Some(Account { gid: gid.unwrap_or(uid.value), name, uid, home, shell, groups, span: reader.span() })
}

fn further_groups(reader: &mut Reader) -> Vec<Spanned<String>> {
    const GROUPS: Form = Form::within(ACCOUNT, "groups", "groups \"www\" \"adm\"");
    let mut groups = Vec::new();
    for child in reader.children() {
        if child.node.name.text != "groups" {
            reader.unknown_child(&child, &["groups"]);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, GROUPS);
        for name in inner.words("the names of groups") {
            if valid_name(&mut inner, &name, "a group") {
                groups.push(name);
            }
        }
        inner.finish();
    }
    groups
}

/// A path of `/etc/passwd`: there a colon would end it.
fn path_property(reader: &mut Reader, name: &'static str) -> Option<String> {
    let path = reader.text_property(name)?;
    let path = reader.absolute(path)?;
    if path.contains([':', '\n']) {
        reader.report(mistake::bad_value(path.span, "a path in `/etc/passwd` holds no colon", "choose another path"));
        return None;
    }
    Some(path.value)
}

fn required_id(reader: &mut Reader, name: &'static str) -> Option<Spanned<u32>> {
    let Some(argument) = reader.property(name) else {
        reader.missing_property(name);
        return None;
    };
    let number = reader.number(argument, &format!("`{name}`"), 0, MAX_ID.into())?;
    u32::try_from(number).ok().map(|id| Spanned::new(id, argument.span))
}

fn valid_name(reader: &mut Reader, name: &Spanned<String>, what: &str) -> bool {
    let valid = is_account_name(name);
    if !valid {
        let rule = "lower-case letters, digits, `_`, `-` and `.`, beginning with a letter or `_`, at most 32";
        reader.report(mistake::bad_name(name.span, what, name, rule));
    }
    valid
}

/// Reads `group`.
pub(in crate::spec) fn read_group<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Group> {
    let mut reader = Reader::new(cx, item, GROUP);
    let name = reader.word("a name").filter(|name| valid_name(&mut reader, name, "a group"));
    let gid = required_id(&mut reader, "gid");
    let span = reader.span();
    reader.finish();
    Some(Group { name: name?, gid: gid?, span })
}
