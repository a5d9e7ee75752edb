//! Commands that copy, move and link files.

use super::files::{each, group_id, user_id};
use super::mode::Mode;
use super::options::Known;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use crate::tree::{Entry, Node, TreePath};

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

pub(super) fn ln(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
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
                let target = if given.has('r') { relative(shell, source, &path)? } else { source.clone() };
                return shell.root.make(&path, Entry::symlink(target.as_bytes()));
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

/// How a path is written as seen from the folder of a link.
fn relative(shell: &Shell<'_>, source: &str, link: &str) -> Result<String, Fault> {
    let source = shell.root.find(&shell.path(source), true)?;
    let folder = shell.root.find(link, false)?.parent().unwrap_or_else(TreePath::root);
    let shared = source.parts().zip(folder.parts()).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), folder.depth() - shared);
    let down = source.parts().skip(shared).map(|part| String::from_utf8_lossy(part).into_owned());
    Ok(up.chain(down).collect::<Vec<_>>().join("/"))
}

pub(super) fn cp(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
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

pub(super) fn mv(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
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

pub(super) fn install(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
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
