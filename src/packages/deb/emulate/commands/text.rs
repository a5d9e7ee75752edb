//! Commands that read and print text.

use super::awk::awk;
use super::options::Known;
use super::pattern::{Style, compile};
use super::sed::sed;
use super::{Declared, Effect};
use crate::oci::Digest;
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use std::collections::BTreeSet;

macro_rules! does {
    ($names:expr, $run:expr, $about:expr) => {
        Declared { names: $names, effect: Effect::Run($run), essential: true, about: $about }
    };
}

pub(super) const COMMANDS: &[Declared] = &[
    does!(&["cat"], cat, "prints files"),
    does!(&["grep"], grep, "looks for expressions; references back are not understood"),
    does!(&["egrep"], egrep, "as `grep -E`"),
    does!(&["fgrep"], fgrep, "as `grep -F`"),
    does!(&["sed"], sed, "edits text: `s`, `y`, `p`, `d`, `q`, `a`, `i`, `c`, blocks and addresses"),
    does!(&["cut"], cut, "prints fields or characters"),
    does!(&["tr"], tr, "replaces, squeezes or deletes characters"),
    does!(&["head"], head, "prints the first lines"),
    does!(&["tail"], tail, "prints the last lines"),
    does!(&["sort"], sort, "sorts lines by their bytes"),
    does!(&["uniq"], uniq, "prints each of equal neighbouring lines once"),
    does!(&["wc"], wc, "counts lines, words or bytes"),
    does!(&["tee"], tee, "writes to files and prints"),
    does!(&["cmp"], cmp, "compares two files"),
    does!(&["diff"], diff, "compares two files; it prints nothing"),
    does!(&["md5sum"], md5sum, "prints MD5 checksums, or checks them with `-c`"),
    does!(&["sha256sum"], sha256sum, "prints SHA-256 checksums"),
    does!(&["awk", "mawk", "gawk"], awk, "prints fields of lines that match: `'/re/ {print $n}'`"),
    does!(&["xargs"], xargs, "runs a command with the words that it reads"),
    does!(&["seq"], seq, "prints numbers"),
];

/// What the files hold, or the input where there are none; the status is 1 where one cannot be read.
pub(super) fn inputs(shell: &mut Shell<'_>, who: &str, files: &[String], io: &Io) -> Run<(Vec<u8>, i32)> {
    if files.is_empty() {
        return Ok((io.input().rest(), 0));
    }
    let mut bytes = Vec::new();
    let mut status = 0;
    for file in files {
        match file.as_str() {
            "-" => bytes.extend(io.input().rest()),
            "/dev/null" => {}
            _ => match shell.root.read(&shell.path(file)) {
                Ok(content) => bytes.extend(content),
                Err(fault) => {
                    shell.answer(io, who, file, Err(fault))?;
                    status = 1;
                }
            },
        }
    }
    Ok((bytes, status))
}

/// The lines of a text without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let count = if bytes.is_empty() { 0 } else { usize::MAX };
    body.split(|b| *b == b'\n').take(count).collect::<Vec<_>>().into_iter()
}

fn print_line(io: &Io, line: &[u8]) {
    io.print([line, b"\n"].concat());
}

fn cat(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "u", valued: "", long: &[] };
    let given = KNOWN.read(shell, arguments)?;
    let (bytes, status) = inputs(shell, "cat", &given.operands, io)?;
    io.print(bytes);
    Ok(status)
}

fn grep(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    search(shell, arguments, io, Style::default())
}

fn egrep(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    search(shell, arguments, io, Style { extended: true, ..Style::default() })
}

fn fgrep(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    search(shell, arguments, io, Style { fixed: true, ..Style::default() })
}

fn search(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io, style: Style) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "EFGqsivxwcnlLhHora",
        valued: "emfA",
        long: &[
            ("quiet", 'q'),
            ("silent", 'q'),
            ("no-messages", 's'),
            ("invert-match", 'v'),
            ("extended-regexp", 'E'),
            ("fixed-strings", 'F'),
            ("ignore-case", 'i'),
            ("line-regexp", 'x'),
            ("word-regexp", 'w'),
            ("count", 'c'),
            ("files-with-matches", 'l'),
            ("only-matching", 'o'),
            ("regexp", 'e'),
            ("max-count", 'm'),
            ("no-filename", 'h'),
        ],
    };
    let given = KNOWN.read(shell, arguments)?;
    if ['f', 'r', 'A', 'n', 'L'].iter().any(|o| given.has(*o)) {
        return Err(shell.obstacle("this option of `grep` is not understood"));
    }
    let mut operands = given.operands.as_slice();
    let mut expressions: Vec<&str> = given.values('e').collect();
    if expressions.is_empty() {
        let Some((first, rest)) = operands.split_first() else {
            return Err(shell.obstacle("`grep` has no expression"));
        };
        (expressions, operands) = (first.split('\n').collect(), rest);
    }
    let style = Style {
        extended: style.extended || given.has('E'),
        fixed: style.fixed || given.has('F'),
        any_case: given.has('i'),
        words: given.has('w'),
        lines: given.has('x'),
    };
    let compiled: Option<Vec<_>> = expressions.iter().map(|text| compile(text, style)).collect();
    let compiled = compiled.ok_or_else(|| shell.obstacle("this expression is not understood"))?;
    let quiet_io = Io::new(io.input(), super::super::shell::Output::Nowhere, super::super::shell::Output::Nowhere);
    let stated: Vec<String> = operands.to_vec();
    let names: Vec<Option<&String>> = if stated.is_empty() { vec![None] } else { stated.iter().map(Some).collect() };
    let limit = given.value('m').and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let (mut any, mut failed) = (false, false);
    for name in &names {
        let files: Vec<String> = name.iter().map(|n| (*n).clone()).collect();
        let errors = if given.has('s') { &quiet_io } else { &*io };
        let (bytes, status) = inputs(shell, "grep", &files, if name.is_none() { io } else { errors })?;
        failed |= status != 0;
        let is_hit = |line: &&[u8]| compiled.iter().any(|regex| regex.is_match(line)) != given.has('v');
        let hits: Vec<&[u8]> = lines(&bytes).filter(is_hit).take(limit).collect();
        any |= !hits.is_empty();
        if given.has('q') {
            continue;
        }
        if given.has('l') {
            if !hits.is_empty() {
                print_line(io, name.map_or(b"(standard input)", |n| n.as_bytes()));
            }
            continue;
        }
        let prefix = if names.len() > 1 && !given.has('h') { format!("{}:", stated_name(name)) } else { String::new() };
        if given.has('c') {
            io.print(format!("{prefix}{}\n", hits.len()));
            continue;
        }
        for line in hits {
            if given.has('o') {
                let found = compiled.iter().flat_map(|regex| regex.find_iter(line)).filter(|m| !m.is_empty());
                found.for_each(|m| print_line(io, &[prefix.as_bytes(), m.as_bytes()].concat()));
            } else {
                print_line(io, &[prefix.as_bytes(), line].concat());
            }
        }
    }
    Ok(if any && (given.has('q') || !failed) {
        0
    } else if failed {
        2
    } else {
        i32::from(!any)
    })
}

fn stated_name<'a>(name: &Option<&'a String>) -> &'a str {
    name.map(String::as_str).unwrap_or_default()
}

/// The positions, counted from 1, that a list such as `1,3-5,7-` names.
fn selected(list: &str, position: usize) -> Option<bool> {
    let mut any = false;
    for part in list.split(',') {
        any |= match part.split_once('-') {
            Some((from, to)) => {
                let from = if from.is_empty() { 1 } else { from.parse().ok()? };
                let to = if to.is_empty() { usize::MAX } else { to.parse().ok()? };
                (from..=to).contains(&position)
            }
            None => part.parse::<usize>().ok()? == position,
        };
    }
    Some(any)
}

fn cut(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "s",
        valued: "dfcb",
        long: &[("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("bytes", 'b'), ("only-delimited", 's')],
    };
    let given = KNOWN.read(shell, arguments)?;
    let (bytes, status) = inputs(shell, "cut", &given.operands, io)?;
    let bad = || shell.obstacle("this form of `cut` is not understood");
    if let Some(list) = given.value('c').or(given.value('b')) {
        for line in lines(&bytes) {
            let mut out = Vec::new();
            for (i, byte) in line.iter().enumerate() {
                if selected(list, i + 1).ok_or_else(bad)? {
                    out.push(*byte);
                }
            }
            print_line(io, &out);
        }
        return Ok(status);
    }
    let list = given.value('f').ok_or_else(bad)?;
    let delimiter = given.value('d').unwrap_or("\t").bytes().next().ok_or_else(bad)?;
    for line in lines(&bytes) {
        if !line.contains(&delimiter) {
            if !given.has('s') {
                print_line(io, line);
            }
            continue;
        }
        let mut fields: Vec<&[u8]> = Vec::new();
        for (i, field) in line.split(|b| *b == delimiter).enumerate() {
            if selected(list, i + 1).ok_or_else(bad)? {
                fields.push(field);
            }
        }
        print_line(io, &fields.join(&delimiter));
    }
    Ok(status)
}

fn tr(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "dscC", valued: "", long: &[("delete", 'd'), ("squeeze-repeats", 's')] };
    let given = KNOWN.read(shell, arguments)?;
    let bad = || shell.obstacle("this form of `tr` is not understood");
    let sets: Option<Vec<Vec<u8>>> = given.operands.iter().map(|text| byte_set(text)).collect();
    let sets = sets.filter(|s| !s.is_empty()).ok_or_else(bad)?;
    let complement = given.has('c') || given.has('C');
    let within = |byte: u8| sets[0].contains(&byte) != complement;
    let map = |byte: u8| match sets.get(1) {
        Some(to) if within(byte) && !given.has('d') => {
            let position = sets[0].iter().rposition(|b| *b == byte).filter(|_| !complement);
            position.and_then(|i| to.get(i)).or(to.last()).copied().unwrap_or(byte)
        }
        _ => byte,
    };
    let squeezed =
        |byte: u8| given.has('s') && if given.operands.len() > 1 { sets[1].contains(&byte) } else { within(byte) };
    let mut out: Vec<u8> = Vec::new();
    for byte in io.input().rest() {
        if given.has('d') && within(byte) {
            continue;
        }
        let byte = map(byte);
        if !(squeezed(byte) && out.last() == Some(&byte)) {
            out.push(byte);
        }
    }
    io.print(out);
    Ok(0)
}

/// The bytes that a set of `tr` names, in order.
fn byte_set(text: &str) -> Option<Vec<u8>> {
    let mut set = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("[:").and_then(|r| r.split_once(":]")) {
            for (a, b) in super::super::shell::named_class(name)? {
                set.extend(a as u8..=b as u8);
            }
            rest = after;
            continue;
        }
        let (byte, length) = match c {
            '\\' => match rest.as_bytes().get(1)? {
                b'n' => (b'\n', 2),
                b't' => (b'\t', 2),
                b'r' => (b'\r', 2),
                b'0' => (0, rest.bytes().skip(1).take_while(|b| *b == b'0').count() + 1),
                other => (*other, 2),
            },
            c => (u8::try_from(c).ok()?, c.len_utf8()),
        };
        rest = &rest[length..];
        let end = rest.strip_prefix('-').and_then(|r| r.bytes().next()).filter(u8::is_ascii_alphanumeric);
        match end {
            Some(end) if byte.is_ascii_alphanumeric() => {
                set.extend(byte..=end);
                rest = &rest[2..];
            }
            _ => set.push(byte),
        }
    }
    Some(set)
}

fn head(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    ends(shell, arguments, io, false)
}

fn tail(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    ends(shell, arguments, io, true)
}

fn ends(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io, tail: bool) -> Run<i32> {
    const KNOWN: Known = Known { flags: "q", valued: "nc", long: &[("lines", 'n'), ("bytes", 'c')] };
    // `head -1`
    let arguments: Vec<String> = arguments
        .iter()
        .map(|a| match a.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => format!("-n{digits}"),
            _ => a.clone(),
        })
        .collect();
    let given = KNOWN.read(shell, &arguments)?;
    let (bytes, status) = inputs(shell, "head", &given.operands, io)?;
    let bad = || shell.obstacle("this form of `head` or `tail` is not understood");
    if let Some(count) = given.value('c') {
        let count: usize = count.parse().map_err(|_| bad())?;
        let count = count.min(bytes.len());
        io.print(if tail { &bytes[bytes.len() - count..] } else { &bytes[..count] });
        return Ok(status);
    }
    let text = given.value('n').unwrap_or("10");
    let all: Vec<&[u8]> = lines(&bytes).collect();
    let chosen = match (tail, text.strip_prefix('+'), text.strip_prefix('-')) {
        (true, Some(from), _) => &all[from.parse::<usize>().map_err(|_| bad())?.saturating_sub(1).min(all.len())..],
        (false, _, Some(but)) => &all[..all.len().saturating_sub(but.parse().map_err(|_| bad())?)],
        (_, _, minus) => {
            let count: usize = minus.unwrap_or(text).parse().map_err(|_| bad())?;
            let count = count.min(all.len());
            if tail { &all[all.len() - count..] } else { &all[..count] }
        }
    };
    chosen.iter().for_each(|line| print_line(io, line));
    Ok(status)
}

fn sort(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "urn", valued: "", long: &[("unique", 'u'), ("reverse", 'r')] };
    let given = KNOWN.read(shell, arguments)?;
    let (bytes, status) = inputs(shell, "sort", &given.operands, io)?;
    let mut all: Vec<&[u8]> = lines(&bytes).collect();
    let number = |line: &[u8]| -> i64 {
        let text = String::from_utf8_lossy(line);
        let end = text.trim_start().find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.trim_start().len());
        text.trim_start()[..end].parse().unwrap_or_default()
    };
    if given.has('n') {
        all.sort_by(|a, b| number(a).cmp(&number(b)).then_with(|| a.cmp(b)));
    } else {
        all.sort();
    }
    if given.has('u') {
        all.dedup();
    }
    if given.has('r') {
        all.reverse();
    }
    all.iter().for_each(|line| print_line(io, line));
    Ok(status)
}

fn uniq(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known =
        Known { flags: "cdu", valued: "", long: &[("count", 'c'), ("repeated", 'd'), ("unique", 'u')] };
    let given = KNOWN.read(shell, arguments)?;
    let (bytes, status) = inputs(shell, "uniq", &given.operands, io)?;
    let all: Vec<&[u8]> = lines(&bytes).collect();
    for run in all.chunk_by(|a, b| a == b) {
        if given.has('d') && run.len() == 1 || given.has('u') && run.len() > 1 {
            continue;
        }
        let count = if given.has('c') { format!("{:7} ", run.len()) } else { String::new() };
        print_line(io, &[count.as_bytes(), run[0]].concat());
    }
    Ok(status)
}

fn wc(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "lwc", valued: "", long: &[] };
    let given = KNOWN.read(shell, arguments)?;
    let (bytes, status) = inputs(shell, "wc", &given.operands, io)?;
    let count = if given.has('l') {
        bytes.iter().filter(|b| **b == b'\n').count()
    } else if given.has('w') {
        bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count()
    } else if given.has('c') {
        bytes.len()
    } else {
        return Err(shell.obstacle("`wc` without `-l`, `-w` or `-c` is not understood"));
    };
    match given.operands.first() {
        Some(name) => io.print(format!("{count} {name}\n")),
        None => io.print(format!("{count}\n")),
    }
    Ok(status)
}

fn tee(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "a", valued: "", long: &[("append", 'a')] };
    let given = KNOWN.read(shell, arguments)?;
    let bytes = io.input().rest();
    let mode = 0o666 & !shell.umask();
    let mut status = 0;
    for file in given.operands.iter().filter(|f| *f != "/dev/null") {
        let path = shell.path(file);
        let mut content = if given.has('a') { shell.root.read(&path).unwrap_or_default() } else { Vec::new() };
        content.extend_from_slice(&bytes);
        let result = shell.root.write(&path, &content, mode);
        status = status.max(shell.answer(io, "tee", file, result)?);
    }
    io.print(bytes);
    Ok(status)
}

/// The contents of two files; none, with a message, where one is missing.
fn two_files(shell: &mut Shell<'_>, who: &str, files: &[String], io: &Io) -> Run<Option<(Vec<u8>, Vec<u8>)>> {
    let [a, b] = files else { return Err(shell.obstacle(format!("`{who}` compares two files"))) };
    let (first, failed_first) = inputs(shell, who, std::slice::from_ref(a), io)?;
    let (second, failed_second) = inputs(shell, who, std::slice::from_ref(b), io)?;
    Ok((failed_first + failed_second == 0).then_some((first, second)))
}

fn cmp(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "s", valued: "", long: &[("quiet", 's'), ("silent", 's')] };
    let given = KNOWN.read(shell, arguments)?;
    let files = two_files(shell, "cmp", &given.operands, io)?;
    Ok(files.map_or(2, |(a, b)| i32::from(a != b)))
}

fn diff(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "qubsNw", valued: "", long: &[("brief", 'q')] };
    let given = KNOWN.read(shell, arguments)?;
    let files = two_files(shell, "diff", &given.operands, io)?;
    Ok(files.map_or(2, |(a, b)| i32::from(a != b)))
}

fn md5sum(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    checksums(shell, arguments, io, "md5sum", super::super::md5_hex)
}

fn sha256sum(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    checksums(shell, arguments, io, "sha256sum", |bytes| Digest::of(bytes).hex())
}

fn checksums(
    shell: &mut Shell<'_>,
    arguments: &[String],
    io: &mut Io,
    who: &str,
    sum: fn(&[u8]) -> String,
) -> Run<i32> {
    const KNOWN: Known = Known { flags: "cb", valued: "", long: &[("check", 'c'), ("status", 's'), ("quiet", 'q')] };
    let given = KNOWN.read(shell, arguments)?;
    if given.has('c') {
        let (list, mut status) = inputs(shell, who, &given.operands, io)?;
        for line in String::from_utf8_lossy(&list).lines() {
            let Some((expected, file)) = line.split_once(' ') else { continue };
            let file = file.trim_start_matches([' ', '*']);
            let matches = match shell.root.read(&shell.path(file)) {
                Ok(bytes) => sum(&bytes) == expected,
                Err(Fault::Errno(_)) => false,
                Err(Fault::Store(e)) => return Err(e.into()),
            };
            status = status.max(i32::from(!matches));
            if !given.has('s') {
                io.print(format!("{file}: {}\n", if matches { "OK" } else { "FAILED" }));
            }
        }
        return Ok(status);
    }
    if given.operands.is_empty() {
        io.print(format!("{}  -\n", sum(&io.input().rest())));
    }
    let mut status = 0;
    for file in &given.operands {
        let (bytes, failed) = inputs(shell, who, std::slice::from_ref(file), io)?;
        status = status.max(failed);
        if failed == 0 {
            io.print(format!("{}  {file}\n", sum(&bytes)));
        }
    }
    Ok(status)
}

fn xargs(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let options: BTreeSet<&str> = ["-r", "-0", "-0r", "-r0", "--no-run-if-empty", "--null"].into();
    let start = arguments.iter().position(|a| !options.contains(a.as_str())).unwrap_or(arguments.len());
    let (flags, command) = arguments.split_at(start);
    let null = flags.iter().any(|f| f.starts_with("-") && f.contains('0') || f == "--null");
    let always = !flags.iter().any(|f| f.starts_with("-") && f.contains('r') || f == "--no-run-if-empty");
    let Some((name, fixed)) = command.split_first().filter(|(name, _)| !name.starts_with('-')) else {
        return Err(shell.obstacle("this form of `xargs` is not understood"));
    };
    let text = String::from_utf8_lossy(&io.input().rest()).into_owned();
    let words: Vec<String> = if null {
        text.split('\0').filter(|w| !w.is_empty()).map(str::to_owned).collect()
    } else {
        text.split_ascii_whitespace().map(str::to_owned).collect()
    };
    if words.is_empty() && !always {
        return Ok(0);
    }
    let all: Vec<String> = fixed.iter().cloned().chain(words).collect();
    Ok(if shell.call(name, &all, io)? == 0 { 0 } else { 123 })
}

fn seq(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    let numbers: Option<Vec<i64>> = arguments.iter().map(|a| a.parse().ok()).collect();
    let (from, step, to) = match numbers.as_deref() {
        Some([to]) => (1, 1, *to),
        Some([from, to]) => (*from, 1, *to),
        Some([from, step, to]) if *step != 0 => (*from, *step, *to),
        _ => return Err(shell.obstacle("this form of `seq` is not understood")),
    };
    let numbers = std::iter::successors(Some(from), |n| n.checked_add(step));
    let numbers = numbers.take_while(|n| if step > 0 { *n <= to } else { *n >= to }).take(100_000);
    numbers.for_each(|n| io.print(format!("{n}\n")));
    Ok(0)
}
