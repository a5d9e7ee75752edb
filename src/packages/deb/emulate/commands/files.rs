//! Commands that change files.

use super::copy::{cp, install, ln, mv};
use super::find::find;
use super::mode::Mode;
use super::options::Known;
use super::{Declared, Effect};
use crate::packages::deb::emulate::accounts;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use crate::tree::{Entry, TreePath};

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
    Declared { names: &["savelog"], effect: Effect::Nothing, essential: true, about: "nothing: there are no logs" },
];

/// Runs `each` for all operands; the status is the worst.
pub(super) fn each(
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
    let umask = shell.umask();
    let plain = 0o777 & !umask;
    let mode = match given.value('m').map(|text| (text, Mode::parse(text))) {
        Some((text, None)) => {
            io.complain(format!("mkdir: invalid mode '{text}'"));
            return Ok(1);
        }
        Some((_, mode)) => mode,
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
            shell.root.change(&place, |entry| entry.mode = mode.apply(plain, true, umask))?;
        }
        Ok(())
    })
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
        long: &[("directory", 'd'), ("quiet", 'q'), ("tmpdir", 't'), ("suffix", 's')],
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
    const KNOWN: Known = Known { flags: "1AaLdUfv", valued: "", long: &[] };
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
