//! Commands that tell about the system, which here stands still.

use super::{Declared, Effect};
use crate::packages::deb::emulate::accounts;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: true, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["uname"], uname, "prints `Linux`, a fixed version and the machine of the set's architecture"),
    does!(&["id"], id, "prints numbers and names of users; the script runs as root"),
    does!(&["hostname"], hostname, "prints `localhost`"),
    does!(&["date"], date, "prints a fixed time, or the package's time for `+%s`"),
    does!(&["env"], env, "runs a command"),
    does!(&["sh", "dash"], sh, "runs a script of a line, by the same rules"),
    does!(&["getconf", "nproc"], one, "prints 1"),
    does!(&["expr"], expr, "adds, subtracts, multiplies and compares two numbers"),
    does!(&["df"], df, "says that there is room enough"),
    does!(&["perl"], perl, "nothing for an empty program; anything else is not understood"),
    does!(&["mountpoint"], mountpoint, "says yes for /proc, /sys and /dev"),
    does!(&["su", "runuser"], su, "runs a command as another user, by the same rules"),
    does!(&["openssl"], openssl, "nothing: it would make a secret, and none may be part of an image"),
    does!(&["locale"], locale, "prints C and POSIX"),
    Declared {
        names: &[
            "sync",
            "sleep",
            "pam_getenv",
            "ulimit",
            "restorecon",
            "chattr",
            "chcon",
            "udevadm",
            "clear",
            "tput",
            "stty",
        ],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing",
    },
    Declared {
        names: &["ischroot"],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing, and says yes: no system is running in the root",
    },
    Declared {
        names: &[
            "pidof",
            "pgrep",
            "pkill",
            "kill",
            "killall",
            "ps",
            "who",
            "fuser",
            "lsof",
            "findmnt",
            "tty",
            "ip",
            "modprobe",
            "lsmod",
            "selinuxenabled",
            "systemd-detect-virt",
            "systemd-notify",
            "runlevel",
            "swapon",
        ],
        effect: Effect::Fails,
        essential: true,
        about: "nothing, and says no: nothing is running, mounted or loaded",
    },
];

fn uname(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let machine = match shell.scene.architecture.as_str() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armhf" | "armel" => "armv7l",
        "i386" => "i686",
        "ppc64el" => "ppc64le",
        other => other,
    };
    let text = match arguments.first().map(String::as_str) {
        None | Some("-s" | "--kernel-name") => "Linux",
        // Later than whatever a C library asks for.
        Some("-r" | "--kernel-release") => "6.12.0",
        Some("-v" | "--kernel-version") => "#1",
        Some("-m" | "-i" | "-p" | "--machine") => machine,
        Some("-n" | "--nodename") => "localhost",
        Some("-o" | "--operating-system") => "GNU/Linux",
        Some(_) => return Err(shell.obstacle("this form of `uname` is not understood")),
    };
    io.print(format!("{text}\n"));
    Ok(0)
}

fn id(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let (mut letters, mut user) = (String::new(), None);
    for argument in arguments {
        match argument.strip_prefix('-') {
            Some(flags) if !flags.starts_with('-') => letters.push_str(flags),
            Some("-user") => letters.push('u'),
            Some("-group") => letters.push('g'),
            Some(_) => return Err(shell.obstacle("this form of `id` is not understood")),
            None => user = Some(argument.as_str()),
        }
    }
    let users = accounts::lines(shell.root, "/etc/passwd")?;
    let (uid, gid) = match user {
        None => shell.root.user,
        Some(name) => match users.iter().find(|fields| fields[0] == name || fields.get(2).is_some_and(|n| n == name)) {
            Some(fields) => {
                let number = |i: usize| fields.get(i).and_then(|n| n.parse().ok()).unwrap_or_default();
                (number(2), number(3))
            }
            None => {
                io.complain(format!("id: {name}: no such user"));
                return Ok(1);
            }
        },
    };
    let named = letters.contains('n');
    let text = if letters.contains('u') {
        if named { accounts::user_name(shell.root, uid)? } else { uid.to_string() }
    } else if letters.contains('g') || letters.contains('G') {
        if named { accounts::group_name(shell.root, gid)? } else { gid.to_string() }
    } else {
        format!("uid={uid} gid={gid}")
    };
    io.print(text + "\n");
    Ok(0)
}

fn hostname(_: &mut Shell<'_>, _: &[String], io: &mut Io) -> Run<i32> {
    io.print("localhost\n");
    Ok(0)
}

fn date(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    if arguments.iter().any(|a| a == "+%s") {
        io.print(format!("{}\n", shell.root.time().unwrap_or_default()));
    } else {
        io.print("Thu Jan  1 00:00:00 UTC 1970\n");
    }
    Ok(0)
}

fn env(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let start = arguments.iter().position(|a| !a.contains('=') || a.starts_with('-')).unwrap_or(arguments.len());
    match arguments[start..].split_first() {
        Some((name, rest)) if !name.starts_with('-') => shell.call(name, rest, io),
        _ => Err(shell.obstacle("this form of `env` is not understood")),
    }
}

fn sh(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    match arguments {
        [option, script, ..] if option == "-c" => {
            let script = script.clone();
            shell.builtin_eval(&script, io)
        }
        [path, rest @ ..] if !path.starts_with('-') => shell.call(&shell.path(path), rest, io),
        _ => Err(shell.obstacle("this form of `sh` is not understood")),
    }
}

fn expr(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let bad = || shell.obstacle("this form of `expr` is not understood");
    let [left, operator, right] = arguments else { return Err(bad()) };
    let number = |text: &String| text.parse::<i64>().map_err(|_| bad());
    let (a, b) = (number(left)?, number(right)?);
    let value = match operator.as_str() {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        "%" => a.checked_rem(b),
        "<" => Some(i64::from(a < b)),
        ">" => Some(i64::from(a > b)),
        "=" => Some(i64::from(a == b)),
        _ => None,
    };
    let value = value.ok_or_else(bad)?;
    io.print(format!("{value}\n"));
    Ok(i32::from(value == 0))
}

fn df(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    if !arguments.iter().any(|a| a == "--output=avail") {
        return Err(shell.obstacle("only `df --output=avail` is understood"));
    }
    io.print("Avail\n1000000000\n");
    Ok(0)
}

fn perl(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    match arguments {
        [option, program] if option == "-e" && program.is_empty() => Ok(0),
        _ => Err(shell.obstacle("kiln runs no Perl program")),
    }
}

fn mountpoint(_: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    let is_mounted =
        arguments.last().is_some_and(|path| ["/proc", "/sys", "/dev"].contains(&path.trim_end_matches('/')));
    Ok(i32::from(!is_mounted))
}

fn openssl(shell: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    match arguments.first().map(String::as_str) {
        Some("version") => Ok(0),
        _ => Err(shell.obstacle("it may make a secret, and none may be part of an image")),
    }
}

/// `su -s SHELL USER -c COMMAND`, `runuser -u USER -- COMMAND …`
fn su(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let bad = |shell: &Shell<'_>| shell.obstacle("this form of `su` is not understood");
    let (mut user, mut script, mut command) = (None, None, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" | "--shell" => {
                words.next();
            }
            "-c" | "--command" => script = words.next().cloned(),
            "-u" | "--user" => user = words.next().cloned(),
            "-" | "-l" | "-m" | "-p" => {}
            "--" => command = words.by_ref().cloned().collect(),
            name if !name.starts_with('-') && user.is_none() => user = Some(name.to_owned()),
            _ => return Err(bad(shell)),
        }
    }
    let user = user.ok_or_else(|| bad(shell))?;
    let entry = accounts::lines(shell.root, "/etc/passwd")?.into_iter().find(|fields| fields[0] == user);
    let number = |i: usize| entry.as_ref().and_then(|fields| fields.get(i)?.parse::<u32>().ok());
    let (Some(uid), Some(gid)) = (number(2), number(3)) else {
        io.complain(format!("su: user {user} does not exist"));
        return Ok(1);
    };
    let outside = std::mem::replace(&mut shell.root.user, (uid, gid));
    let result = match (script, command.split_first()) {
        (Some(script), None) => shell.builtin_eval(&script, io),
        (None, Some((name, rest))) => shell.subshell(|shell| shell.call(name, rest, io)),
        _ => Err(bad(shell)),
    };
    shell.root.user = outside;
    result
}

fn one(_: &mut Shell<'_>, _: &[String], io: &mut Io) -> Run<i32> {
    io.print("1\n");
    Ok(0)
}

fn locale(_: &mut Shell<'_>, _: &[String], io: &mut Io) -> Run<i32> {
    io.print("C\nC.utf8\nPOSIX\n");
    Ok(0)
}
