//! dpkg, its helpers, and what packages use to look after their configuration.

use super::options::Known;
use super::{Declared, Effect};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use crate::packages::deb::version;
use crate::tree::TreePath;
use std::cmp::Ordering;

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: true, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["dpkg"], dpkg, "compares versions, prints the architecture, lists and describes the packages of the set"),
    does!(&["dpkg-query"], dpkg_query, "describes the packages of the set"),
    does!(&["dpkg-divert"], dpkg_divert, "diverts a path: what other packages ship there comes to stand elsewhere"),
    does!(&["dpkg-statoverride"], dpkg_statoverride, "sets mode and owner of a path"),
    Declared {
        names: &["dpkg-trigger"],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing: all packages are there before the first is configured, so nothing is left for triggers to see",
    },
    Declared {
        names: &["dpkg-maintscript-helper"],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing: it moves what earlier versions left behind, and there is none",
    },
    Declared {
        names: &["dpkg-reconfigure"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: packages are configured in this very run",
    },
    does!(&["add-shell"], add_shell, "adds a line to /etc/shells"),
    does!(&["update-shells"], update_shells, "collects /usr/share/debianutils/shells.d in /etc/shells"),
    Declared {
        names: &["ucf"],
        effect: Effect::Run(ucf),
        essential: false,
        about: "copies a configuration file to its place where none stands",
    },
    Declared {
        names: &["ucfr", "ucfq"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: the register of ucf is for upgrades",
    },
    does!(&["run-parts"], run_parts, "lists programs with `--test`; runs shell scripts by the same rules"),
    Declared {
        names: &["setcap"],
        effect: Effect::Run(setcap),
        essential: false,
        about: "gives a program capabilities, or looks with `-v` whether it has them",
    },
    Declared {
        names: &["getcap"],
        effect: Effect::Nothing,
        essential: false,
        about: "prints nothing: capabilities of a first installation are those that scripts set",
    },
    Declared {
        names: &["pam-auth-update"],
        effect: Effect::Run(pam_auth_update),
        essential: false,
        about: "makes /etc/pam.d/common-* from the profiles of the set, all that are on by default",
    },
    Declared {
        names: &["aa-enabled", "apparmor_parser", "aa-status"],
        effect: Effect::Fails,
        essential: false,
        about: "nothing, and says no: AppArmor is the host's",
    },
];

/// A path that packages do not get, and where what they ship there goes instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::packages::deb) struct Diversion {
    /// The path.
    pub(in crate::packages::deb) from: TreePath,
    /// Where it goes.
    pub(in crate::packages::deb) to: TreePath,
    /// The package that keeps the path; none diverts it from all.
    pub(in crate::packages::deb) package: Option<String>,
}

/// `--compare-versions A OP B`; none for an operator that does not exist.
fn compare_versions(a: &str, operator: &str, b: &str) -> Option<bool> {
    // An empty version is earlier than all others, or later for the `-nl` forms.
    let order = |empty_is_later: bool| match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if !empty_is_later => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if !empty_is_later => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => version::compare(a, b),
    };
    let (operator, later) = match operator.strip_suffix("-nl") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let order = order(later);
    Some(match operator {
        "lt" | "<<" => order.is_lt(),
        "le" | "<=" | "<" => order.is_le(),
        "eq" | "=" => order.is_eq(),
        "ne" => order.is_ne(),
        "ge" | ">=" | ">" => order.is_ge(),
        "gt" | ">>" => order.is_gt(),
        _ => return None,
    })
}

fn dpkg(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| !a.starts_with("--admindir")).collect();
    match words.as_slice() {
        ["--compare-versions", rest @ ..] => {
            let rest: Vec<&str> = rest.iter().copied().filter(|word| *word != "--").collect();
            let holds = match rest.as_slice() {
                [a, operator, b] => compare_versions(a, operator, b),
                _ => None,
            };
            let holds = holds.ok_or_else(|| shell.obstacle("this comparison of versions is not understood"))?;
            Ok(i32::from(!holds))
        }
        ["--print-architecture"] => {
            io.print(format!("{}\n", shell.scene.architecture));
            Ok(0)
        }
        ["--print-foreign-architectures"] | ["--assert-multi-arch"] | ["--assert-support-predepends"] => Ok(0),
        ["-L" | "--listfiles", names @ ..] => list_files(shell, names, io),
        ["-s" | "--status", names @ ..] => describe(shell, names, None, io),
        ["-S" | "--search", patterns @ ..] => search(shell, patterns, io),
        ["--validate-version" | "--validate-pkgname", ..] => Ok(0),
        _ => Err(shell.obstacle("this form of `dpkg` is not understood")),
    }
}

fn dpkg_query(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "WLsSl",
        valued: "f",
        long: &[
            ("search", 'S'),
            ("show", 'W'),
            ("showformat", 'f'),
            ("listfiles", 'L'),
            ("status", 's'),
            ("list", 'l'),
            ("control-path", 'c'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    let names: Vec<&str> = given.operands.iter().map(String::as_str).collect();
    if given.has('W') {
        let format = given.value('f').unwrap_or("${binary:Package}\t${Version}\n");
        // `-f='…'`
        let format = format.strip_prefix('=').unwrap_or(format).to_owned();
        return describe(shell, &names, Some(&format), io);
    }
    if given.has('l') {
        let row = "ii  ${binary:Package} ${Version} ${Architecture} -\n";
        return describe(shell, &names, Some(row), io);
    }
    if given.has('L') {
        return list_files(shell, &names, io);
    }
    if given.has('s') {
        return describe(shell, &names, None, io);
    }
    if given.has('S') {
        return search(shell, &names, io);
    }
    // The files of a package that is there come to stand below /var/lib/dpkg when all scripts have run.
    match names.first().filter(|name| given.has('c') && installed(shell, name).is_none()) {
        Some(name) => {
            io.complain(format!("dpkg-query: package '{name}' is not installed"));
            Ok(1)
        }
        None => Err(shell.obstacle("this form of `dpkg-query` is not understood")),
    }
}

/// The position of an installed package; the architecture behind a colon does not matter in a set of one.
fn installed(shell: &Shell<'_>, name: &str) -> Option<usize> {
    let name = name.split(':').next().unwrap_or_default();
    shell.scene.packages.iter().position(|package| package.stanza.name() == name)
}

/// Which packages have paths that fit.
fn search(shell: &mut Shell<'_>, patterns: &[&str], io: &mut Io) -> Run<i32> {
    let mut status = 0;
    for pattern in patterns {
        let fits = |path: &String| match pattern.contains(['*', '?', '[']) {
            true => crate::packages::deb::emulate::shell::glob(pattern, path),
            false if pattern.starts_with('/') => path == pattern,
            false => path.contains(pattern),
        };
        let mut found = Vec::new();
        for package in &shell.scene.packages {
            let name = package.stanza.name();
            found.extend(package.files.iter().filter(|path| fits(path)).map(|path| format!("{name}: {path}\n")));
        }
        if found.is_empty() {
            io.complain(format!("dpkg-query: no path found matching pattern {pattern}"));
            status = 1;
        }
        found.iter().for_each(|line| io.print(line));
    }
    Ok(status)
}

fn list_files(shell: &mut Shell<'_>, names: &[&str], io: &mut Io) -> Run<i32> {
    let mut status = 0;
    for name in names {
        match installed(shell, name) {
            Some(position) => {
                let owned = shell.scene.packages[position].files.clone();
                io.print("/.\n");
                owned.iter().for_each(|path| io.print(format!("{path}\n")));
            }
            None => {
                io.complain(format!("dpkg-query: package '{name}' is not installed"));
                status = 1;
            }
        }
    }
    Ok(status)
}

/// The names, and in place of a pattern all packages that fit it; a pattern that none fits stays.
fn matching(shell: &Shell<'_>, names: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for name in names {
        let known = shell.scene.packages.iter().map(|package| package.stanza.name());
        let mut found: Vec<&str> =
            known.filter(|known| crate::packages::deb::emulate::shell::glob(name, known)).collect();
        found.sort_unstable();
        match found.is_empty() {
            true => all.push((*name).to_owned()),
            false => all.extend(found.into_iter().map(str::to_owned)),
        }
    }
    all
}

fn describe(shell: &mut Shell<'_>, names: &[&str], format: Option<&str>, io: &mut Io) -> Run<i32> {
    let mut status = 0;
    for name in &matching(shell, names) {
        let Some(position) = installed(shell, name) else {
            io.complain(format!("dpkg-query: no packages found matching {name}"));
            status = 1;
            continue;
        };
        let stanza = &shell.scene.packages[position].stanza;
        let Some(format) = format else {
            io.print(stanza.text().replacen('\n', "\nStatus: install ok installed\n", 1));
            continue;
        };
        let mut text = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${") {
            let (field, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            let field = field.split(';').next().unwrap_or_default();
            text.push_str(match field {
                "binary:Package" => stanza.name(),
                "Status" => "install ok installed",
                "db:Status-Status" => "installed",
                "db:Status-Abbrev" => "ii ",
                "Conffiles" => "",
                other => stanza.get(other).unwrap_or_default(),
            });
            rest = after;
        }
        text.push_str(rest);
        io.print(text.replace("\\n", "\n").replace("\\t", "\t"));
    }
    Ok(status)
}

fn dpkg_divert(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "",
        valued: "dp",
        long: &[
            ("add", 'a'),
            ("remove", 'r'),
            ("list", 'l'),
            ("truename", 't'),
            ("listpackage", 'k'),
            ("rename", 'R'),
            ("no-rename", 'N'),
            ("local", 'L'),
            ("quiet", 'q'),
            ("divert", 'd'),
            ("package", 'p'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    let bad = || shell.obstacle("this form of `dpkg-divert` is not understood");
    let [path] = given.operands.as_slice() else {
        return if given.has('l') { Ok(0) } else { Err(bad()) };
    };
    let from = TreePath::from_user(path).map_err(|_| bad())?;
    let known = shell.scene.diversions.iter().position(|d| d.from == from);
    if given.has('l') || given.has('k') || given.has('t') {
        if let Some(position) = known {
            let diversion = shell.scene.diversions[position].clone();
            let by = diversion.package.unwrap_or_else(|| "LOCAL".to_owned());
            io.print(match (given.has('t'), given.has('k')) {
                (true, _) => format!("{}\n", diversion.to),
                (_, true) => format!("{by}\n"),
                _ => format!("diversion of {} to {} by {by}\n", diversion.from, diversion.to),
            });
        } else if given.has('t') {
            io.print(format!("{path}\n"));
        }
        return Ok(0);
    }
    let to = given.value('d').map_or_else(|| format!("{path}.distrib"), str::to_owned);
    let to = TreePath::from_user(&to).map_err(|_| bad())?;
    let (source, target) = if given.has('r') { (&to, &from) } else { (&from, &to) };
    let renamed = if given.has('R') && shell.root.tree.get(source).is_some() {
        shell.root.rename(&source.to_string(), &target.to_string())
    } else {
        Ok(())
    };
    let status = shell.answer(io, "dpkg-divert", path, renamed)?;
    match (given.has('r'), known) {
        (true, Some(position)) => {
            shell.scene.diversions.remove(position);
        }
        (false, None) => {
            let package = given.value('p').map(str::to_owned);
            let package = package.or_else(|| shell.variable("DPKG_MAINTSCRIPT_PACKAGE").map(str::to_owned));
            let package = package.filter(|_| !given.has('L'));
            shell.scene.diversions.push(Diversion { from, to, package });
        }
        _ => {}
    }
    Ok(status)
}

fn dpkg_statoverride(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "",
        valued: "",
        long: &[
            ("add", 'a'),
            ("remove", 'r'),
            ("list", 'l'),
            ("update", 'u'),
            ("force", 'f'),
            ("force-all", 'f'),
            ("quiet", 'q'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('l') {
        let known = |path: &String| shell.scene.overrides.iter().find(|(p, _)| p == path);
        let found: Vec<String> = given.operands.iter().filter_map(known).map(|(_, line)| line.clone()).collect();
        found.iter().for_each(|line| io.print(format!("{line}\n")));
        return Ok(i32::from(found.is_empty()));
    }
    if given.has('r') {
        let operands = given.operands.clone();
        shell.scene.overrides.retain(|(path, _)| !operands.contains(path));
        return Ok(0);
    }
    let [user, group, mode, path] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `dpkg-statoverride` is not understood"));
    };
    let (uid, gid) = (super::files::user_id(shell, user)?, super::files::group_id(shell, group)?);
    let bits = u16::from_str_radix(mode, 8).ok().filter(|bits| *bits <= 0o7777);
    let bits = bits.ok_or_else(|| shell.obstacle("this mode is not understood"))?;
    shell.scene.overrides.push((path.clone(), format!("{user} {group} {mode} {path}")));
    if shell.root.stat(path, true).is_none() {
        return Ok(0);
    }
    let place = shell.root.find(path, true);
    let result = place
        .and_then(|place| shell.root.change(&place, |entry| (entry.mode, entry.uid, entry.gid) = (bits, uid, gid)));
    shell.answer(io, "dpkg-statoverride", path, result)
}

/// What `/etc/shells` begins with.
const SHELLS_HEADER: &str = "# /etc/shells: valid login shells\n";

fn shells(shell: &mut Shell<'_>, add: &[String], io: &Io) -> Run<i32> {
    let run = |shell: &mut Shell<'_>| -> Result<(), Fault> {
        let old = match shell.root.read("/etc/shells") {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(Fault::Errno(_)) => SHELLS_HEADER.to_owned(),
            Err(other) => return Err(other),
        };
        let mut new = old.clone();
        for line in add.iter().filter(|line| !old.lines().any(|known| known == line.as_str())) {
            new.push_str(line);
            new.push('\n');
        }
        if new == old { Ok(()) } else { shell.root.write("/etc/shells", new.as_bytes(), 0o644) }
    };
    let result = run(shell);
    shell.answer(io, "add-shell", "/etc/shells", result)
}

fn add_shell(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    shells(shell, arguments, io)
}

fn update_shells(shell: &mut Shell<'_>, _: &[String], io: &mut Io) -> Run<i32> {
    const FOLDER: &str = "/usr/share/debianutils/shells.d";
    let mut found = Vec::new();
    for name in shell.root.names(FOLDER) {
        match shell.root.read(&format!("{FOLDER}/{name}")) {
            Ok(bytes) => {
                found.extend(String::from_utf8_lossy(&bytes).lines().filter(|l| l.starts_with('/')).map(str::to_owned))
            }
            Err(fault) => return shell.answer(io, "update-shells", &name, Err(fault)),
        }
    }
    // On a merged /usr each shell has both of its names.
    let mut all: Vec<String> = Vec::new();
    for path in found {
        let other = match path.strip_prefix("/usr") {
            Some(short) => short.to_owned(),
            None => format!("/usr{path}"),
        };
        for name in [path, other] {
            if !all.contains(&name) && shell.root.stat(&name, true).is_some() {
                all.push(name);
            }
        }
    }
    shells(shell, &all, io)
}

fn ucf(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "npv",
        valued: "sod",
        long: &[
            ("three-way", 't'),
            ("debconf-ok", 'D'),
            ("sum-file", 's'),
            ("src-dir", 'S'),
            ("purge", 'p'),
            ("no-action", 'n'),
            ("package", 'P'),
            ("state-dir", 'T'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('p') {
        return Ok(0);
    }
    let [from, to] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `ucf` is not understood"));
    };
    if shell.root.stat(&shell.path(to), true).is_some() {
        return Ok(0);
    }
    shell.call("cp", &["-p".to_owned(), from.clone(), to.clone()], io)
}

fn run_parts(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "v",
        valued: "ar",
        long: &[
            ("test", 't'),
            ("list", 'l'),
            ("verbose", 'v'),
            ("arg", 'a'),
            ("regex", 'r'),
            ("exit-on-error", 'e'),
            ("lsbsysinit", 'L'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    let [folder] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `run-parts` is not understood"));
    };
    if given.has('r') {
        return Err(shell.obstacle("this form of `run-parts` is not understood"));
    }
    let words: Vec<String> = given.values('a').map(str::to_owned).collect();
    for name in shell.root.names(&shell.path(folder)) {
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !plain || !shell.root.stat(&shell.path(&path), true).is_some_and(|e| e.is_file() && e.mode & 0o111 != 0) {
            continue;
        }
        if given.has('t') || given.has('l') {
            io.print(format!("{path}\n"));
        } else {
            shell.call(&path, &words, io)?;
        }
    }
    Ok(0)
}

/// The capabilities that packages give to programs, by number.
const CAPABILITIES: [(&str, u32); 12] = [
    ("cap_chown", 0),
    ("cap_dac_override", 1),
    ("cap_dac_read_search", 2),
    ("cap_setgid", 6),
    ("cap_setuid", 7),
    ("cap_net_bind_service", 10),
    ("cap_net_admin", 12),
    ("cap_net_raw", 13),
    ("cap_ipc_lock", 14),
    ("cap_sys_ptrace", 19),
    ("cap_sys_admin", 21),
    ("cap_sys_nice", 23),
];

/// The attribute that holds a program's capabilities.
const CAPABILITY: &[u8] = b"security.capability";

fn setcap(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "qv", valued: "", long: &[] };
    let given = KNOWN.read(shell, arguments)?;
    let [caps, path] = given.operands.as_slice() else {
        return Err(shell.obstacle("this form of `setcap` is not understood"));
    };
    let value = capability(caps).ok_or_else(|| shell.obstacle("these capabilities are not understood"))?;
    if given.has('v') {
        let entry = shell.root.stat(&shell.path(path), true);
        let has = entry.and_then(|entry| entry.xattrs.get(CAPABILITY)).is_some_and(|has| **has == *value);
        return Ok(i32::from(!has));
    }
    let place = shell.root.find(&shell.path(path), true);
    let result = place.and_then(|place| {
        shell.root.change(&place, |entry| {
            entry.xattrs.insert(CAPABILITY.into(), value.into());
        })
    });
    shell.answer(io, "setcap", path, result)
}

/// The attribute that the kernel reads: revision 2, permitted and perhaps effective.
fn capability(text: &str) -> Option<Vec<u8>> {
    let text = text.to_ascii_lowercase();
    let (names, flags) = text.split_once(['=', '+'])?;
    // `=+ep` is to have none and then these.
    let flags = flags.strip_prefix('+').unwrap_or(flags);
    if flags.is_empty() || !flags.chars().all(|c| "ep".contains(c)) {
        return None;
    }
    let mut bits = 0u32;
    for name in names.split(',') {
        bits |= 1 << CAPABILITIES.iter().find(|(n, _)| *n == name)?.1;
    }
    let magic = 0x0200_0000u32 | u32::from(flags.contains('e'));
    Some([magic, bits, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn pam_auth_update(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let known = ["--package", "--force", "--root", "", "--remove", "--enable", "--disable"];
    if arguments.iter().any(|a| a.starts_with('-') && !known.contains(&a.as_str())) {
        return Err(shell.obstacle("this option of `pam-auth-update` is not understood"));
    }
    let result = crate::packages::deb::emulate::pam::update(shell.root);
    shell.answer(io, "pam-auth-update", "/etc/pam.d", result)
}
