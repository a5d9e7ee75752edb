//! Commands that make accounts.

use super::options::Known;
use super::{Declared, Effect};
use crate::packages::deb::emulate::accounts::{self, Range, User};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use std::collections::BTreeMap;

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: false, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["adduser"], adduser, "makes users (`--system`: the first free number from 100 up), puts users into groups"),
    does!(&["addgroup"], addgroup, "makes groups (`--system`: the first free number from 100 up)"),
    does!(&["useradd"], useradd, "makes users (`--system`: the first free number from 999 down)"),
    does!(&["groupadd"], groupadd, "makes groups (`--system`: the first free number from 999 down)"),
    does!(&["usermod"], usermod, "changes a user's comment, home, shell and groups"),
    does!(&["systemd-sysusers"], sysusers, "makes what files in sysusers.d declare, numbers from 999 down"),
    does!(&["getent"], getent, "prints users and groups"),
    does!(&["shadowconfig"], shadowconfig, "moves passwords to /etc/shadow and /etc/gshadow"),
    Declared {
        names: &["pwconv", "grpconv"],
        effect: Effect::Run(shadowconfig),
        essential: false,
        about: "as `shadowconfig on`",
    },
    Declared {
        names: &["update-passwd"],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing: the accounts are those of the same base-passwd",
    },
    Declared {
        names: &["chage", "passwd", "chfn", "deluser", "delgroup", "userdel", "groupdel"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: accounts that were just made have no password, and none is removed at a first installation",
    },
];

/// The home of accounts that have none.
const NO_HOME: &str = "/nonexistent";

/// The shell of accounts that nobody logs in to.
const NO_SHELL: &str = "/usr/sbin/nologin";

/// The group of accounts without one of their own.
const NOGROUP: u32 = 65_534;

fn numeric(shell: &Shell<'_>, value: Option<&str>) -> Run<Option<u32>> {
    value.map(|text| text.parse().map_err(|_| shell.obstacle("a number is expected here"))).transpose()
}

const ADDUSER: Known = Known {
    flags: "q",
    valued: "hsgucifl",
    long: &[
        ("system", 'S'),
        ("group", 'G'),
        ("quiet", 'q'),
        ("disabled-password", 'q'),
        ("disabled-login", 'q'),
        ("no-create-home", 'H'),
        ("force-badname", 'q'),
        ("allow-badname", 'q'),
        ("allow-bad-names", 'q'),
        ("allow-all-names", 'q'),
        ("verbose", 'q'),
        ("home", 'h'),
        ("shell", 's'),
        ("ingroup", 'i'),
        ("uid", 'u'),
        ("gid", 'g'),
        ("gecos", 'c'),
        ("comment", 'c'),
        ("firstuid", 'f'),
        ("lastuid", 'l'),
    ],
};

fn adduser(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let given = ADDUSER.read(shell, arguments)?;
    if let [user, group] = given.operands.as_slice() {
        let result = accounts::join_group(shell.root, user, group);
        return shell.answer(io, "adduser", group, result);
    }
    let [name] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `adduser` is not understood"));
    };
    if given.has('G') && !given.has('h') && !given.has('s') && given.has('S') && arguments[0] == "--group" {
        return addgroup(shell, arguments, io);
    }
    if given.has('f') || given.has('l') || !given.has('S') {
        return Err(shell.obstacle("only `adduser --system` is understood"));
    }
    let uid = numeric(shell, given.value('u'))?;
    let stated = numeric(shell, given.value('g'))?;
    let home = given.value('h').unwrap_or(NO_HOME).to_owned();
    let login = given.value('s').unwrap_or(NO_SHELL).to_owned();
    let comment = given.value('c').unwrap_or_default().to_owned();
    let ingroup = given.value('i').map(|group| super::files::group_id(shell, group)).transpose()?;
    let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
        let exists = accounts::lines(shell.root, "/etc/passwd")?.iter().any(|fields| fields[0] == *name);
        if exists {
            return Ok(());
        }
        let gid = match (given.has('G'), stated.or(ingroup)) {
            (true, gid) => accounts::add_group(shell.root, name, gid.or(uid), Range::Up)?,
            (false, Some(gid)) => gid,
            (false, None) => NOGROUP,
        };
        let user = User { name: name.clone(), uid, gid, comment: comment.clone(), home: home.clone(), shell: login };
        let (uid, _) = accounts::add_user(shell.root, &user, Range::Up)?;
        if !given.has('H') && home != NO_HOME && shell.root.stat(&home, true).is_none() {
            make_home(shell, &home, uid, gid, 0o755)?;
        }
        Ok(())
    };
    let result = run(shell);
    shell.answer(io, "adduser", name, result)
}

fn make_home(shell: &mut Shell<'_>, home: &str, uid: u32, gid: u32, mode: u16) -> Result<(), Fault> {
    shell.root.make_dirs(home, 0o755)?;
    let place = shell.root.find(home, true)?;
    shell.root.change(&place, |entry| (entry.mode, entry.uid, entry.gid) = (mode, uid, gid))
}

fn addgroup(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let given = ADDUSER.read(shell, arguments)?;
    if let [user, group] = given.operands.as_slice() {
        let result = accounts::join_group(shell.root, user, group);
        return shell.answer(io, "addgroup", group, result);
    }
    let [name] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `addgroup` is not understood"));
    };
    let gid = numeric(shell, given.value('g'))?;
    let range = if given.has('S') { Range::Up } else { Range::People };
    let result = accounts::add_group(shell.root, name, gid, range).map(drop);
    shell.answer(io, "addgroup", name, result)
}

fn useradd(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "rMNUmlo",
        valued: "dsgucGKpk",
        long: &[
            ("system", 'r'),
            ("no-create-home", 'M'),
            ("no-user-group", 'N'),
            ("user-group", 'U'),
            ("create-home", 'm'),
            ("home-dir", 'd'),
            ("home", 'd'),
            ("shell", 's'),
            ("gid", 'g'),
            ("uid", 'u'),
            ("comment", 'c'),
            ("groups", 'G'),
            ("no-log-init", 'l'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    let [name] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `useradd` is not understood"));
    };
    let range = if given.has('r') { Range::Down } else { Range::People };
    let uid = numeric(shell, given.value('u'))?;
    let stated = given.value('g').map(|group| super::files::group_id(shell, group)).transpose()?;
    let groups: Vec<String> = given.value('G').unwrap_or_default().split(',').map(str::to_owned).collect();
    let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
        let gid = match stated {
            Some(gid) => gid,
            None if given.has('N') => 100,
            None => accounts::add_group(shell.root, name, uid, range)?,
        };
        let home = given.value('d').map_or_else(|| format!("/home/{name}"), str::to_owned);
        let login = given.value('s').unwrap_or("/bin/sh").to_owned();
        let comment = given.value('c').unwrap_or_default().to_owned();
        let user = User { name: name.clone(), uid, gid, comment, home: home.clone(), shell: login };
        let (uid, _) = accounts::add_user(shell.root, &user, range)?;
        for group in groups.iter().filter(|group| !group.is_empty()) {
            accounts::join_group(shell.root, name, group)?;
        }
        if given.has('m') && shell.root.stat(&home, true).is_none() {
            make_home(shell, &home, uid, gid, 0o700)?;
        }
        Ok(())
    };
    let result = run(shell);
    shell.answer(io, "useradd", name, result)
}

fn groupadd(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "rfo", valued: "gK", long: &[("system", 'r'), ("force", 'f'), ("gid", 'g')] };
    let given = KNOWN.read(shell, arguments)?;
    let [name] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `groupadd` is not understood"));
    };
    let gid = numeric(shell, given.value('g'))?;
    let exists = accounts::lines(shell.root, "/etc/group")?.iter().any(|fields| fields[0] == *name);
    if exists {
        return Ok(if given.has('f') { 0 } else { 9 });
    }
    let range = if given.has('r') { Range::Down } else { Range::People };
    let result = accounts::add_group(shell.root, name, gid, range).map(drop);
    shell.answer(io, "groupadd", name, result)
}

fn usermod(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "aLUm",
        valued: "cdsgGe",
        long: &[
            ("append", 'a'),
            ("lock", 'L'),
            ("comment", 'c'),
            ("home", 'd'),
            ("shell", 's'),
            ("gid", 'g'),
            ("groups", 'G'),
            ("expiredate", 'e'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    let [name] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `usermod` is not understood"));
    };
    let mut changes = Vec::new();
    for (option, field) in [('c', 4), ('d', 5), ('s', 6)] {
        changes.extend(given.value(option).map(|value| (field, value.to_owned())));
    }
    if let Some(group) = given.value('g') {
        changes.push((3, super::files::group_id(shell, group)?.to_string()));
    }
    let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
        accounts::change_user(shell.root, name, &changes)?;
        for group in given.value('G').unwrap_or_default().split(',').filter(|group| !group.is_empty()) {
            accounts::join_group(shell.root, name, group)?;
        }
        Ok(())
    };
    let result = run(shell);
    shell.answer(io, "usermod", name, result)
}

fn shadowconfig(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    if arguments.first().is_some_and(|a| a == "off") {
        return Err(shell.obstacle("`shadowconfig off` is not understood"));
    }
    let result = accounts::make_shadow(shell.root);
    shell.answer(io, "shadowconfig", "/etc/shadow", result)
}

fn getent(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let (path, keys) = match arguments {
        [database, keys @ ..] if database == "passwd" => ("/etc/passwd", keys),
        [database, keys @ ..] if database == "group" => ("/etc/group", keys),
        [database, keys @ ..] if database == "shadow" => ("/etc/shadow", keys),
        _ => return Err(shell.obstacle("only `getent passwd`, `group` and `shadow` are understood")),
    };
    let entries = accounts::lines(shell.root, path)?;
    if keys.is_empty() {
        entries.iter().for_each(|fields| io.print(fields.join(":") + "\n"));
    }
    let mut status = 0;
    for key in keys {
        match entries.iter().find(|fields| fields[0] == *key || fields.get(2) == Some(key)) {
            Some(fields) => io.print(fields.join(":") + "\n"),
            None => status = 2,
        }
    }
    Ok(status)
}

/// Where files of sysusers.d lie; those in the first hide those of the same name in the second.
const SYSUSERS: [&str; 2] = ["/etc/sysusers.d", "/usr/lib/sysusers.d"];

/// The paths of all files of sysusers.d, by name.
fn sysusers_files(shell: &Shell<'_>) -> Vec<String> {
    let mut files = BTreeMap::new();
    for folder in SYSUSERS {
        for name in shell.root.names(folder).into_iter().filter(|name| name.ends_with(".conf")) {
            let path = format!("{folder}/{name}");
            files.entry(name).or_insert(path);
        }
    }
    files.into_values().collect()
}

fn sysusers(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let mut text = String::new();
    let is_place = |argument: &&String| argument.starts_with("--root=") || argument.starts_with("--replace=");
    let mut named: Vec<String> = arguments.iter().filter(|argument| !is_place(argument)).cloned().collect();
    if named.is_empty() {
        named = sysusers_files(shell);
    }
    for argument in &named {
        if argument == "-" {
            text.push_str(&String::from_utf8_lossy(&io.input().rest()));
        } else if argument.starts_with('-') {
            return Err(shell.obstacle(format!("`systemd-sysusers {argument}` is not understood")));
        } else {
            let path = if argument.starts_with('/') { argument.clone() } else { format!("{}/{argument}", SYSUSERS[1]) };
            match shell.root.read(&path) {
                Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(Fault::Store(e)) => return Err(e.into()),
                Err(Fault::Errno(message)) => {
                    io.complain(format!("systemd-sysusers: {path}: {message}"));
                    return Ok(1);
                }
            }
            text.push('\n');
        }
    }
    // Groups are made before users, as the real one does.
    let mut declared: Vec<Vec<String>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields = fields(line).ok_or_else(|| shell.obstacle(format!("sysusers.d: `{line}` is not understood")))?;
        if fields.len() < 2 || fields.iter().any(|field| field.contains('%')) {
            return Err(shell.obstacle(format!("sysusers.d: `{line}` is not understood")));
        }
        declared.push(fields);
    }
    let order = |kind: &str| match kind.trim_end_matches('!') {
        "g" => 0,
        "u" => 1,
        _ => 2,
    };
    declared.sort_by_key(|fields| order(&fields[0]));
    for fields in declared {
        let result = declare(shell, &fields)?;
        let status = shell.answer(io, "systemd-sysusers", &fields[1], result)?;
        if status != 0 {
            return Ok(status);
        }
    }
    Ok(0)
}

/// Makes what one line of sysusers.d declares.
fn declare(shell: &mut Shell<'_>, fields: &[String]) -> Run<Result<(), Fault>> {
    let get = |i: usize| fields.get(i).map(String::as_str).filter(|text| *text != "-");
    let name = fields[1].as_str();
    let id = get(2).unwrap_or_default();
    match fields[0].trim_end_matches('!') {
        "g" => Ok(accounts::add_group(shell.root, name, id.parse().ok(), Range::Down).map(drop)),
        "u" => {
            let (uid, group) = match id.split_once(':') {
                Some((uid, group)) => (uid.parse().ok(), Some(group)),
                None => (id.parse().ok(), None),
            };
            let gid = group.filter(|g| !g.is_empty()).map(|group| super::files::group_id(shell, group)).transpose()?;
            let mut run = || -> Result<(), Fault> {
                let gid = match gid {
                    Some(gid) => gid,
                    None => accounts::add_group(shell.root, name, uid, Range::Down)?,
                };
                let user = User {
                    name: name.to_owned(),
                    uid,
                    gid,
                    comment: get(3).unwrap_or_default().to_owned(),
                    home: get(4).unwrap_or("/").to_owned(),
                    shell: get(5).unwrap_or(NO_SHELL).to_owned(),
                };
                accounts::add_user(shell.root, &user, Range::Down).map(drop)
            };
            Ok(run())
        }
        "m" => Ok(accounts::join_group(shell.root, name, id)),
        "r" => Ok(Ok(())),
        _ => Err(shell.obstacle(format!("the kind `{}` of sysusers.d is not understood", fields[0]))),
    }
}

/// The fields of a line: words, some in double quotes.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    Some(fields)
}
