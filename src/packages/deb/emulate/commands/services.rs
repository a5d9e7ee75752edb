//! Services are started by whoever runs a system, not when an image is built.

use super::options::Known;
use super::{Declared, Effect};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use crate::tree::Entry;

pub(super) const COMMANDS: &[Declared] = &[
    Declared {
        names: &[
            "deb-systemd-helper",
            "deb-systemd-invoke",
            "update-rc.d",
            "invoke-rc.d",
            "service",
            "initctl",
            "telinit",
        ],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing: no service is enabled or started in an image",
    },
    Declared {
        names: &["systemctl"],
        effect: Effect::Run(systemctl),
        essential: false,
        about: "nothing; whoever asks is told that no unit is active or enabled",
    },
    Declared {
        names: &["systemd-tmpfiles"],
        effect: Effect::Run(tmpfiles),
        essential: false,
        about: "makes the directories, files and links that tmpfiles.d declares outside of /run, /tmp and /dev",
    },
    Declared {
        names: &["start-stop-daemon", "s6-svc", "runsv"],
        effect: Effect::Nothing,
        essential: true,
        about: "nothing: no service is started in an image",
    },
    Declared {
        names: &["systemd-machine-id-setup", "dbus-uuidgen", "journalctl", "systemd-hwdb", "bootctl", "loginctl"],
        effect: Effect::Nothing,
        essential: false,
        about: "nothing: what tells one machine from another is made when it starts",
    },
];

fn systemctl(_: &mut Shell<'_>, arguments: &[String], _: &mut Io) -> Run<i32> {
    Ok(i32::from(arguments.iter().any(|a| a.starts_with("is-") || a == "status" || a == "--help")))
}

fn tmpfiles(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "",
        valued: "rpx",
        long: &[
            ("create", 'c'),
            ("remove", 'R'),
            ("root", 'r'),
            ("prefix", 'p'),
            ("exclude-prefix", 'x'),
            ("boot", 'b'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('p') {
        // Only what concerns one folder, of all files: what is there is there.
        return Ok(0);
    }
    let mut status = 0;
    for name in &given.operands {
        let paths = if name.starts_with('/') {
            vec![name.clone()]
        } else {
            ["/etc/tmpfiles.d", "/usr/lib/tmpfiles.d"].map(|folder| format!("{folder}/{name}")).to_vec()
        };
        let Some(path) = paths.into_iter().find(|path| shell.root.stat(path, true).is_some()) else {
            io.complain(format!("systemd-tmpfiles: {name}: No such file or directory"));
            status = 1;
            continue;
        };
        let text = match shell.root.read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(fault) => return shell.answer(io, "systemd-tmpfiles", &path, Err(fault)),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let result = declare(shell, line)?;
            status = status.max(shell.answer(io, "systemd-tmpfiles", line, result)?);
        }
    }
    Ok(status)
}

/// Makes what one line of tmpfiles.d declares.
fn declare(shell: &mut Shell<'_>, line: &str) -> Run<Result<(), Fault>> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let get = |i: usize| fields.get(i).copied().filter(|text| *text != "-");
    let (Some(kind), Some(path)) = (get(0), get(1)) else {
        return Err(shell.obstacle(format!("tmpfiles.d: `{line}` is not understood")));
    };
    let letter = kind.trim_end_matches(['!', '-', '=', '~', '^', '$', '+']);
    let at_start = kind.contains('!')
        || ["/run/", "/tmp/", "/dev/", "/proc/", "/sys/", "/var/tmp/", "/var/run/"]
            .iter()
            .any(|folder| format!("{path}/").starts_with(folder));
    if at_start
        || path.contains('%')
        || matches!(letter, "x" | "X" | "r" | "R" | "a" | "A" | "t" | "T" | "h" | "H" | "m")
    {
        return Ok(Ok(()));
    }
    let mode = get(2).and_then(|m| u16::from_str_radix(m.trim_start_matches(['~', ':']), 8).ok());
    let uid = get(3).map(|user| super::files::user_id(shell, user.trim_start_matches(':'))).transpose()?;
    let gid = get(4).map(|group| super::files::group_id(shell, group.trim_start_matches(':'))).transpose()?;
    let argument = if fields.len() > 6 { fields[6..].join(" ") } else { String::new() };
    let known = matches!(letter, "d" | "D" | "q" | "Q" | "v" | "e" | "f" | "F" | "L" | "z" | "Z" | "C" | "w" | "p");
    if !known {
        return Err(shell.obstacle(format!("the kind `{kind}` of tmpfiles.d is not understood")));
    }
    let mut run = || -> Result<(), Fault> {
        let exists = shell.root.stat(path, true).is_some();
        match letter {
            "d" | "D" | "q" | "Q" | "v" if !exists => shell.root.make_dirs(path, 0o755)?,
            "f" | "F" if !exists => shell.root.write(path, argument.as_bytes(), 0o644)?,
            "L" if shell.root.stat(path, false).is_none() => {
                let source = if argument.is_empty() { format!("/usr/share/factory{path}") } else { argument.clone() };
                return shell.root.make(path, Entry::symlink(source.as_bytes()));
            }
            "d" | "D" | "q" | "Q" | "v" | "f" | "F" | "z" | "Z" | "e" if exists => {}
            // Copies come from a factory folder that images do not start from.
            _ => return Ok(()),
        }
        let place = shell.root.find(path, true)?;
        shell.root.change(&place, |entry| {
            entry.mode = mode.unwrap_or(entry.mode);
            entry.uid = uid.unwrap_or(entry.uid);
            entry.gid = gid.unwrap_or(entry.gid);
        })
    };
    let result = run();
    Ok(result)
}
