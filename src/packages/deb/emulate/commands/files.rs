//! Commands that change files.

use super::options::Known;
use super::{Declared, Effect};
use crate::packages::deb::emulate::accounts;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use crate::tree::{Entry, Node, TreePath};

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: true, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["mkdir"], mkdir, "makes directories"),
    does!(&["rmdir"], rmdir, "removes empty directories"),
    does!(&["rm", "unlink"], rm, "removes files and folders"),
    does!(&["ln"], ln, "makes symbolic and hard links"),
    does!(&["cp"], cp, "copies files and folders"),
    does!(&["mv"], mv, "moves files and folders"),
    does!(&["touch"], touch, "makes empty files; their time is that of the package"),
    does!(&["install"], install, "copies a file or makes directories, with mode and owner"),
    does!(&["chmod"], chmod, "sets modes"),
    does!(&["chown"], chown, "sets owners, by name or number"),
    does!(&["chgrp"], chgrp, "sets groups, by name or number"),
    does!(&["mktemp", "tempfile"], mktemp, "makes a file or folder in /tmp that is gone when the set is done"),
    does!(&["readlink"], readlink, "prints where a link leads"),
    does!(&["realpath"], readlink_all, "prints a path without links"),
    does!(&["stat"], stat, "prints mode, owner and size"),
    does!(&["ls"], ls, "prints names"),
    does!(&["find"], find, "prints paths below a folder, by kind and name"),
    does!(&["basename"], basename, "prints the last part of a path"),
    does!(&["dirname"], dirname, "prints a path without its last part"),
    does!(&["savelog"], rm_only_option, "renames log files; there are none"),
];

fn rm_only_option(_: &mut Shell<'_>, _: &[String], _: &mut Io) -> Run<i32> {
    Ok(0)
}

/// Runs `each` for all operands; the status is the worst.
fn each(
    shell: &mut Shell<'_>,
    io: &Io,
    who: &str,
    operands: &[String],
    mut each: impl FnMut(&mut Shell<'_>, &str) -> Result<(), Fault>,
) -> Run<i32> {
    let mut status = 0;
    for operand in operands {
        let path = shell.path(operand);
        let result = each(shell, &path);
        status = status.max(shell.answer(io, who, operand, result)?);
    }
    Ok(status)
}

fn mkdir(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known =
        Known { flags: "pvZ", valued: "m", long: &[("parents", 'p'), ("mode", 'm'), ("verbose", 'v')] };
    let given = KNOWN.read(shell, arguments)?;
    let plain = 0o777 & !shell.umask();
    let mode = match given.value('m') {
        Some(text) => Some(Mode::parse(text).ok_or_else(|| shell.obstacle("this mode is not understood"))?),
        None => None,
    };
    each(shell, io, "mkdir", &given.operands, |shell, path| {
        let is_new = shell.root.stat(path, true).is_none();
        if given.has('p') {
            shell.root.make_dirs(path, plain)?;
        } else {
            shell.root.make(path.trim_end_matches('/'), Entry::dir(plain))?;
        }
        if let Some(mode) = mode.as_ref().filter(|_| is_new) {
            let place = shell.root.find(path, true)?;
            shell.root.change(&place, |entry| entry.mode = mode.apply(plain, true, shell_umask()))?;
        }
        Ok(())
    })
}

/// What symbolic modes without a letter for whom are limited by.
fn shell_umask() -> u16 {
    0o022
}

fn rmdir(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "pv",
        valued: "",
        long: &[("parents", 'p'), ("ignore-fail-on-non-empty", 'i'), ("verbose", 'v')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let lenient = given.has('i');
    each(shell, io, "rmdir", &given.operands, |shell, path| {
        let mut path = path.trim_end_matches('/').to_owned();
        loop {
            match shell.root.remove_dir(&path) {
                Err(Fault::Errno("Directory not empty")) if lenient => return Ok(()),
                other => other?,
            }
            let Some(end) = path.rfind('/').filter(|end| *end > 0 && given.has('p')) else { return Ok(()) };
            path.truncate(end);
        }
    })
}

fn rm(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "rRfvd",
        valued: "",
        long: &[("recursive", 'r'), ("force", 'f'), ("verbose", 'v'), ("one-file-system", 'o'), ("dir", 'd')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let (recursive, force) = (given.has('r') || given.has('R'), given.has('f'));
    each(shell, io, "rm", &given.operands, |shell, path| {
        let place = shell.root.find(path.trim_end_matches('/'), false)?;
        match shell.root.tree.get(&place) {
            None if place.is_root() => Err(Fault::Errno("refusing to remove the root")),
            None if force => Ok(()),
            None => Err(Fault::Errno("No such file or directory")),
            Some(entry) if entry.is_dir() && !recursive => Err(Fault::Errno("Is a directory")),
            Some(_) => {
                shell.root.remove(&place);
                Ok(())
            }
        }
    })
}

/// Where something ends up: in the folder that the last operand names, or in its place.
fn destination(shell: &Shell<'_>, source: &str, target: &str, plain: bool) -> String {
    let target = shell.path(target);
    if plain || !shell.root.stat(&target, true).is_some_and(Entry::is_dir) {
        return target.trim_end_matches('/').to_owned();
    }
    let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    format!("{}/{name}", target.trim_end_matches('/'))
}

/// The sources and the target among the operands.
fn sources_and_target<'a>(
    shell: &Shell<'_>,
    operands: &'a [String],
    folder: Option<&'a str>,
) -> Run<(&'a [String], &'a str)> {
    match (operands, folder) {
        ([_, ..], Some(folder)) => Ok((operands, folder)),
        ([sources @ .., target], None) if !sources.is_empty() => Ok((sources, target)),
        _ => Err(shell.obstacle("a source or a target is missing")),
    }
}

fn ln(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "sfnTvr",
        valued: "t",
        long: &[
            ("symbolic", 's'),
            ("force", 'f'),
            ("no-dereference", 'n'),
            ("no-target-directory", 'T'),
            ("verbose", 'v'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('r') {
        return Err(shell.obstacle("`ln -r` is not understood"));
    }
    let mut operands = given.operands.clone();
    if operands.len() == 1 && given.value('t').is_none() {
        operands.push(".".to_owned());
    }
    let (sources, target) = sources_and_target(shell, &operands, given.value('t'))?;
    let is_link = shell.root.stat(&shell.path(target), false).is_some_and(|e| e.link_target().is_some());
    let plain = given.has('T') || given.has('n') && is_link;
    let mut status = 0;
    for source in sources {
        let path = destination(shell, source, target, plain);
        let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
            if given.has('f') && shell.root.stat(&path, false).is_some() {
                shell.root.unlink(&path)?;
            }
            if given.has('s') {
                return shell.root.make(&path, Entry::symlink(source.as_bytes()));
            }
            let origin = shell.root.find(&shell.path(source), false)?;
            let entry = shell.root.tree.get(&origin).cloned().ok_or(Fault::Errno("No such file or directory"))?;
            if entry.is_dir() {
                return Err(Fault::Errno("hard link not allowed for directory"));
            }
            // Two names of one file: told apart from others by where it was first.
            let mut linked = entry.clone();
            if let Node::File { link: link @ None, .. } = &mut linked.node {
                *link = Some(crate::tree::LinkId::new("maintainer script", &origin));
                let node = linked.node.clone();
                shell.root.change(&origin, |entry| entry.node = node)?;
            }
            let mtime = linked.mtime;
            shell.root.make(&path, linked)?;
            let place = shell.root.find(&path, false)?;
            shell.root.change(&place, |entry| entry.mtime = mtime)
        };
        let result = run(shell);
        status = status.max(shell.answer(io, "ln", &path, result)?);
    }
    Ok(status)
}

fn cp(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "apdrRfnuvLPTlZi",
        valued: "t",
        long: &[
            ("archive", 'a'),
            ("recursive", 'r'),
            ("force", 'f'),
            ("no-clobber", 'n'),
            ("preserve", 'p'),
            ("no-target-directory", 'T'),
            ("verbose", 'v'),
            ("no-dereference", 'P'),
            ("dereference", 'L'),
            ("update", 'u'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('l') || given.has('i') {
        return Err(shell.obstacle("this option of `cp` is not understood"));
    }
    let (sources, target) = sources_and_target(shell, &given.operands, given.value('t'))?;
    let recursive = ['a', 'r', 'R'].iter().any(|o| given.has(*o));
    let preserve = given.has('a') || given.has('p');
    let follow = !(given.has('a') || given.has('d') || given.has('P') || recursive && !given.has('L'));
    let mut status = 0;
    for source in sources {
        let path = destination(shell, source, target, given.has('T'));
        let from = shell.path(source);
        let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
            if given.has('n') && shell.root.stat(&path, true).is_some() {
                return Ok(());
            }
            let origin = shell.root.find(from.trim_end_matches('/'), follow || from.ends_with('/'))?;
            copy(shell, &origin, &path, recursive, preserve)
        };
        let result = run(shell);
        status = status.max(shell.answer(io, "cp", source, result)?);
    }
    Ok(status)
}

/// Copies one entry, a folder with all below it.
fn copy(shell: &mut Shell<'_>, from: &TreePath, to: &str, recursive: bool, preserve: bool) -> Result<(), Fault> {
    let entry = shell.root.tree.get(from).cloned().ok_or(Fault::Errno("No such file or directory"))?;
    if entry.is_dir() && !recursive {
        return Err(Fault::Errno("it is a directory and was not copied"));
    }
    let target = shell.root.find(to, true)?;
    if entry.is_dir() && target.starts_with(from) {
        return Err(Fault::Errno("it cannot be copied into itself"));
    }
    let below: Vec<(TreePath, Entry)> = if entry.is_dir() {
        shell.root.tree.below(from).map(|(p, e)| (p.clone(), e.clone())).collect()
    } else {
        Vec::new()
    };
    put_copy(shell, entry, to, preserve)?;
    for (path, entry) in below {
        let relative = path.relative_to(from).expect("it is below").to_string();
        put_copy(shell, entry, &format!("{to}{relative}"), preserve)?;
    }
    Ok(())
}

fn put_copy(shell: &mut Shell<'_>, mut entry: Entry, to: &str, preserve: bool) -> Result<(), Fault> {
    let mtime = entry.mtime;
    if let Node::File { content, size, link } = &mut entry.node {
        *link = None;
        let (content, size) = (*content, *size);
        let place = shell.root.find(to, true)?;
        shell.root.write_content(place, content, size, entry.mode & 0o777 & !shell.umask())?;
    } else if entry.is_dir() {
        shell.root.make_dirs(to, entry.mode & 0o777 & !shell.umask())?;
    } else {
        if shell.root.stat(to, false).is_some() {
            shell.root.unlink(to)?;
        }
        shell.root.make(to, entry.clone())?;
    }
    if preserve {
        let place = shell.root.find(to, entry.link_target().is_none())?;
        shell.root.change(&place, |copy| {
            (copy.mode, copy.uid, copy.gid, copy.mtime) = (entry.mode, entry.uid, entry.gid, mtime);
            copy.xattrs = entry.xattrs;
        })?;
    }
    Ok(())
}

fn mv(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "fnTvZ",
        valued: "t",
        long: &[("force", 'f'), ("no-clobber", 'n'), ("no-target-directory", 'T'), ("verbose", 'v')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let (sources, target) = sources_and_target(shell, &given.operands, given.value('t'))?;
    let mut status = 0;
    for source in sources {
        let path = destination(shell, source, target, given.has('T'));
        let from = shell.path(source);
        let exists = shell.root.stat(&path, false).is_some();
        let result = if given.has('n') && exists { Ok(()) } else { shell.root.rename(&from, &path) };
        status = status.max(shell.answer(io, "mv", source, result)?);
    }
    Ok(status)
}

fn touch(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known =
        Known { flags: "acmfh", valued: "rdt", long: &[("no-create", 'c'), ("reference", 'r'), ("date", 'd')] };
    let given = KNOWN.read(shell, arguments)?;
    let mode = 0o666 & !shell.umask();
    let time = shell.root.time();
    each(shell, io, "touch", &given.operands, |shell, path| match shell.root.stat(path, true) {
        None if given.has('c') => Ok(()),
        None => shell.root.write(path, b"", mode),
        Some(_) => {
            let place = shell.root.find(path, true)?;
            shell.root.change(&place, |entry| entry.mtime = time)
        }
    })
}

fn install(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "dDpvcTZ",
        valued: "mogt",
        long: &[("directory", 'd'), ("mode", 'm'), ("owner", 'o'), ("group", 'g'), ("verbose", 'v')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let mode = Mode::parse(given.value('m').unwrap_or("0755"));
    let mode = mode.ok_or_else(|| shell.obstacle("this mode is not understood"))?.apply(0, true, 0);
    let uid = given.value('o').map(|name| user_id(shell, name)).transpose()?;
    let gid = given.value('g').map(|name| group_id(shell, name)).transpose()?;
    let dress = |shell: &mut Shell<'_>, path: &str| {
        let place = shell.root.find(path, true)?;
        shell.root.change(&place, |entry| {
            entry.mode = mode;
            entry.uid = uid.unwrap_or(entry.uid);
            entry.gid = gid.unwrap_or(entry.gid);
        })
    };
    if given.has('d') {
        return each(shell, io, "install", &given.operands, |shell, path| {
            shell.root.make_dirs(path, 0o755)?;
            dress(shell, path)
        });
    }
    let operands = given.operands.clone();
    let (sources, target) = sources_and_target(shell, &operands, given.value('t'))?;
    let mut status = 0;
    for source in sources {
        let path = destination(shell, source, target, given.has('T'));
        let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
            if given.has('D')
                && let Some((folder, _)) = path.rsplit_once('/')
            {
                shell.root.make_dirs(folder, 0o755)?;
            }
            if shell.root.stat(&path, false).is_some_and(|e| !e.is_dir()) {
                shell.root.unlink(&path)?;
            }
            let bytes = if source == "/dev/null" { Vec::new() } else { shell.root.read(&shell.path(source))? };
            shell.root.write(&path, &bytes, mode)?;
            dress(shell, &path)
        };
        let result = run(shell);
        status = status.max(shell.answer(io, "install", source, result)?);
    }
    Ok(status)
}

/// A mode as `chmod` takes it.
enum Mode {
    Octal(u16),
    Symbolic(Vec<Clause>),
}

struct Clause {
    who: String,
    operator: char,
    bits: String,
}

impl Mode {
    fn parse(text: &str) -> Option<Mode> {
        if !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
            return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).map(Mode::Octal);
        }
        let clause = |part: &str| {
            let at = part.find(['+', '-', '='])?;
            let (who, bits) = (&part[..at], &part[at + 1..]);
            let sound = who.chars().all(|c| "ugoa".contains(c)) && bits.chars().all(|c| "rwxXst".contains(c));
            let operator = part[at..].chars().next()?;
            sound.then(|| Clause { who: who.to_owned(), operator, bits: bits.to_owned() })
        };
        text.split(',').map(clause).collect::<Option<Vec<_>>>().map(Mode::Symbolic)
    }

    fn apply(&self, old: u16, is_dir: bool, umask: u16) -> u16 {
        let clauses = match self {
            Mode::Octal(mode) => return *mode,
            Mode::Symbolic(clauses) => clauses,
        };
        clauses.iter().fold(old, |mode, clause| clause.apply(mode, is_dir, umask))
    }
}

impl Clause {
    fn apply(&self, mode: u16, is_dir: bool, umask: u16) -> u16 {
        let all = self.who.is_empty() || self.who.contains('a');
        let whom = |c: char| all || self.who.contains(c);
        let mut classes = 0;
        for (class, mask) in [('u', 0o4700), ('g', 0o2070), ('o', 0o1007)] {
            classes |= if whom(class) { mask } else { 0 };
        }
        let mut bits = 0;
        for c in self.bits.chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if is_dir || mode & 0o111 != 0 => 0o111,
                's' => 0o6000,
                't' => 0o1000,
                _ => 0,
            };
        }
        // `+t` needs nobody to be named.
        let sticky = bits & 0o1000;
        bits = (bits & classes & !0o1000) | sticky;
        if self.who.is_empty() {
            bits &= !umask;
        }
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => (mode & !(classes & 0o777)) | bits,
        }
    }
}

fn chmod(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    // `-x` and its like are modes, not options.
    let is_option =
        |word: &&String| matches!(word.as_str(), "-R" | "-f" | "-v" | "-c" | "--recursive" | "--quiet" | "--");
    let (options, rest): (Vec<&String>, Vec<&String>) = arguments.iter().partition(is_option);
    if let Some(reference) = rest.first().and_then(|w| w.strip_prefix("--reference=")) {
        let Some(mode) = shell.root.stat(&shell.path(reference), true).map(|entry| entry.mode) else { return Ok(1) };
        let operands: Vec<String> = rest[1..].iter().map(|w| (*w).clone()).collect();
        return each(shell, io, "chmod", &operands, |shell, path| {
            let place = shell.root.find(path, true)?;
            shell.root.change(&place, |entry| entry.mode = mode)
        });
    }
    let Some((mode, operands)) = rest.split_first() else { return Err(shell.obstacle("`chmod` has no mode")) };
    let mode = Mode::parse(mode).ok_or_else(|| shell.obstacle("this mode is not understood"))?;
    let recursive = options.iter().any(|o| *o == "-R" || *o == "--recursive");
    let operands: Vec<String> = operands.iter().map(|w| (*w).clone()).collect();
    let umask = shell.umask();
    each(shell, io, "chmod", &operands, |shell, path| {
        let place = shell.root.find(path, true)?;
        for place in with_below(shell, place, recursive) {
            shell.root.change(&place, |entry| {
                if entry.link_target().is_none() {
                    entry.mode = mode.apply(entry.mode, entry.is_dir(), umask);
                }
            })?;
        }
        Ok(())
    })
}

fn with_below(shell: &Shell<'_>, place: TreePath, recursive: bool) -> Vec<TreePath> {
    let mut places = vec![place];
    if recursive {
        places.extend(shell.root.tree.below(&places[0]).map(|(p, _)| p.clone()).collect::<Vec<_>>());
    }
    places
}

pub(super) fn user_id(shell: &Shell<'_>, name: &str) -> Run<u32> {
    accounts::user_id(shell.root, name)?
        .ok_or_else(|| shell.obstacle(format!("there is no user `{name}` in the set, nor is it one of Debian's own")))
}

pub(super) fn group_id(shell: &Shell<'_>, name: &str) -> Run<u32> {
    accounts::group_id(shell.root, name)?
        .ok_or_else(|| shell.obstacle(format!("there is no group `{name}` in the set, nor is it one of Debian's own")))
}

const OWNER_OPTIONS: Known = Known {
    flags: "RfvchHLP",
    valued: "",
    long: &[("recursive", 'R'), ("no-dereference", 'h'), ("quiet", 'f'), ("silent", 'f'), ("reference", '=')],
};

fn chown(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let given = OWNER_OPTIONS.read(shell, arguments)?;
    let Some((owner, operands)) = given.operands.split_first().filter(|_| !given.has('=')) else {
        return Err(shell.obstacle("this form of `chown` is not understood"));
    };
    let (user, group) = match owner.split_once([':', '.']) {
        Some((user, group)) => (user, group),
        None => (owner.as_str(), ""),
    };
    let uid = if user.is_empty() { None } else { Some(user_id(shell, user)?) };
    let gid = if group.is_empty() { None } else { Some(group_id(shell, group)?) };
    let (recursive, follow) = (given.has('R'), !given.has('h'));
    set_owner(shell, io, operands, uid, gid, recursive, follow)
}

fn chgrp(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let given = OWNER_OPTIONS.read(shell, arguments)?;
    let Some((group, operands)) = given.operands.split_first().filter(|_| !given.has('=')) else {
        return Err(shell.obstacle("this form of `chgrp` is not understood"));
    };
    let gid = Some(group_id(shell, group)?);
    set_owner(shell, io, operands, None, gid, given.has('R'), !given.has('h'))
}

fn set_owner(
    shell: &mut Shell<'_>,
    io: &Io,
    operands: &[String],
    uid: Option<u32>,
    gid: Option<u32>,
    recursive: bool,
    follow: bool,
) -> Run<i32> {
    each(shell, io, "chown", operands, |shell, path| {
        let place = shell.root.find(path, follow && !recursive)?;
        for place in with_below(shell, place, recursive) {
            shell.root.change(&place, |entry| {
                let new = (uid.unwrap_or(entry.uid), gid.unwrap_or(entry.gid));
                // As the kernel does: a file that changes hands is no longer setuid.
                if entry.is_file() && entry.mode & 0o111 != 0 {
                    entry.mode &= 0o1777;
                }
                (entry.uid, entry.gid) = new;
            })?;
        }
        Ok(())
    })
}

fn mktemp(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "dqtu",
        valued: "pm",
        long: &[("directory", 'd'), ("quiet", 'q'), ("tmpdir", 'p'), ("suffix", 's')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let number = shell.scene.next_temporary();
    let path = match given.operands.first() {
        Some(template) if template.contains('/') && !given.has('t') => {
            shell.path(&format!("{}{number:06}", template.trim_end_matches('X')))
        }
        _ => format!("/tmp/kiln.{number:06}"),
    };
    shell.scene.temporary.push(path.clone());
    let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
        if path.starts_with("/tmp/") && shell.root.stat("/tmp", true).is_none() {
            shell.scene.temporary.insert(0, "/tmp".to_owned());
            shell.root.make("/tmp", Entry::dir(0o1777))?;
        }
        match given.has('d') {
            true => shell.root.make(&path, Entry::dir(0o700)),
            false => shell.root.write(&path, b"", 0o600),
        }
    };
    let result = run(shell);
    let status = shell.answer(io, "mktemp", &path, result)?;
    if status == 0 {
        io.print(format!("{path}\n"));
    }
    Ok(status)
}

fn readlink(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "femnqsvz", valued: "", long: &[("canonicalize", 'f')] };
    let given = KNOWN.read(shell, arguments)?;
    if ['f', 'e', 'm'].iter().any(|o| given.has(*o)) {
        return print_real(shell, &given.operands, given.has('e'), io);
    }
    let mut status = 0;
    for operand in &given.operands {
        match shell.root.stat(&shell.path(operand), false).and_then(|entry| entry.link_target()) {
            Some(target) => {
                io.print(target);
                io.print(if given.has('n') { "" } else { "\n" });
            }
            None => status = 1,
        }
    }
    Ok(status)
}

fn readlink_all(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "emqsLPz", valued: "", long: &[("canonicalize-missing", 'm'), ("quiet", 'q')] };
    let given = KNOWN.read(shell, arguments)?;
    if !given.has('s') {
        return print_real(shell, &given.operands, given.has('e'), io);
    }
    // Without following links.
    for operand in &given.operands {
        let mut parts: Vec<&str> = Vec::new();
        let path = shell.path(operand);
        for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        io.print(format!("/{}\n", parts.join("/")));
    }
    Ok(0)
}

fn print_real(shell: &Shell<'_>, operands: &[String], must_exist: bool, io: &Io) -> Run<i32> {
    let mut status = 0;
    for operand in operands {
        let path = shell.path(operand);
        match shell.root.find(&path, true) {
            Ok(place) if !must_exist || shell.root.stat(&path, true).is_some() => io.print(format!("{place}\n")),
            _ => status = 1,
        }
    }
    Ok(status)
}

fn stat(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known =
        Known { flags: "L", valued: "c", long: &[("format", 'c'), ("printf", 'c'), ("dereference", 'L')] };
    let given = KNOWN.read(shell, arguments)?;
    let Some(format) = given.value('c').map(str::to_owned) else {
        return Err(shell.obstacle("`stat` without a format is not understood"));
    };
    let mut status = 0;
    for operand in &given.operands {
        let Some(entry) = shell.root.stat(&shell.path(operand), given.has('L')).cloned() else {
            io.complain(format!("stat: {operand}: No such file or directory"));
            status = 1;
            continue;
        };
        let mut line = format.clone();
        let user = accounts::user_name(shell.root, entry.uid)?;
        let group = accounts::group_name(shell.root, entry.gid)?;
        let values = [
            ("%a", format!("{:o}", entry.mode)),
            ("%U", user),
            ("%G", group),
            ("%u", entry.uid.to_string()),
            ("%g", entry.gid.to_string()),
            ("%s", entry.size().to_string()),
            ("%Y", entry.mtime.unwrap_or_default().to_string()),
            ("%n", operand.clone()),
        ];
        for (code, value) in values {
            line = line.replace(code, &value);
        }
        if line.contains('%') {
            return Err(shell.obstacle("this format of `stat` is not understood"));
        }
        io.print(line + "\n");
    }
    Ok(status)
}

fn ls(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "1AaLdUf", valued: "", long: &[] };
    let given = KNOWN.read(shell, arguments)?;
    let mut operands = given.operands.clone();
    if operands.is_empty() {
        operands.push(".".to_owned());
    }
    let mut status = 0;
    for operand in &operands {
        let path = shell.path(operand);
        match shell.root.stat(&path, true) {
            None => {
                io.complain(format!("ls: {operand}: No such file or directory"));
                status = 2;
            }
            Some(entry) if entry.is_dir() && !given.has('d') => {
                let hidden = given.has('A') || given.has('a');
                for name in shell.root.names(&path).iter().filter(|name| hidden || !name.starts_with('.')) {
                    io.print(format!("{name}\n"));
                }
            }
            Some(_) => io.print(format!("{operand}\n")),
        }
    }
    Ok(status)
}

fn find(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let split = arguments.iter().position(|a| a.starts_with('-')).unwrap_or(arguments.len());
    let (folders, tests) = arguments.split_at(split);
    let mut kind = None;
    let mut names: Vec<String> = Vec::new();
    let mut depth = (0, usize::MAX);
    let mut delete = false;
    let mut words = tests.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| shell.obstacle("this form of `find` is not understood"));
        match word {
            "-type" => kind = Some(value()?.to_owned()),
            "-name" => names.push(value()?.to_owned()),
            "-mindepth" => depth.0 = value()?.parse().unwrap_or(0),
            "-maxdepth" => depth.1 = value()?.parse().unwrap_or(0),
            "-print" | "-xdev" | "-mount" => {}
            "-delete" => delete = true,
            _ => return Err(shell.obstacle(format!("`find {word}` is not understood"))),
        }
    }
    let mut status = 0;
    for folder in folders {
        let path = shell.path(folder);
        let place = match shell.root.find(&path, false) {
            Ok(place) if shell.root.stat(&path, false).is_some() => place,
            _ => {
                io.complain(format!("find: {folder}: No such file or directory"));
                status = 1;
                continue;
            }
        };
        let mut found = Vec::new();
        for p in with_below(shell, place.clone(), true) {
            let relative = p.relative_to(&place).expect("it is below");
            let level = relative.depth();
            let Some(entry) = shell.root.tree.get(&p) else { continue };
            let letter = match entry.node {
                Node::File { .. } => "f",
                Node::Dir => "d",
                Node::Symlink { .. } => "l",
                _ => "p",
            };
            let name = p.file_name().map(|n| String::from_utf8_lossy(n).into_owned()).unwrap_or_default();
            let fits = names.iter().all(|pattern| crate::packages::deb::emulate::shell::glob(pattern, &name));
            if level >= depth.0 && level <= depth.1 && kind.as_deref().is_none_or(|k| k == letter) && fits {
                let shown = if relative.is_root() { String::new() } else { relative.to_string() };
                found.push((p, format!("{}{shown}\n", folder.trim_end_matches('/'))));
            }
        }
        for (p, line) in found.iter().rev().filter(|_| delete) {
            if shell.root.tree.children(p).next().is_none() {
                shell.root.remove(p);
            } else {
                io.complain(format!("find: {line}: Directory not empty"));
                status = 1;
            }
        }
        if !delete {
            found.iter().for_each(|(_, line)| io.print(line));
        }
    }
    Ok(status)
}

fn basename(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let Some(path) = arguments.first().filter(|a| !a.starts_with('-')) else {
        return Err(shell.obstacle("this form of `basename` is not understood"));
    };
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = arguments.get(1).and_then(|suffix| name.strip_suffix(suffix.as_str())).unwrap_or(name);
    io.print(format!("{name}\n"));
    Ok(0)
}

fn dirname(_: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    for path in arguments {
        let trimmed = path.trim_end_matches('/');
        let folder = match trimmed.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None if trimmed.is_empty() => "/",
            None => ".",
        };
        io.print(format!("{folder}\n"));
    }
    Ok(0)
}
