//! Programs that help an attacker more than the image's own.

use super::rights::path_shown;
use super::rule;
use crate::evidence::scan::finding::Finding;
use crate::evidence::scan::place::Place;
use crate::tree::{Entry, Tree, TreePath};

/// Shells, by the names of their programs.
pub(super) const SHELLS: &[&str] = &[
    "ash", "bash", "busybox", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "lksh", "mksh", "nu", "posh", "pwsh",
    "rbash", "sash", "sh", "tcsh", "toybox", "yash", "zsh",
];

const PACKAGE_MANAGERS: &[&str] = &[
    "apk",
    "apt",
    "apt-get",
    "aptitude",
    "bundle",
    "cargo",
    "composer",
    "conda",
    "dnf",
    "dnf5",
    "dpkg",
    "easy_install",
    "gem",
    "mamba",
    "microdnf",
    "npm",
    "opkg",
    "pacman",
    "pip",
    "pip3",
    "pipx",
    "pnpm",
    "poetry",
    "rpm",
    "snap",
    "uv",
    "yarn",
    "yum",
    "zypper",
];

const COMPILERS: &[&str] = &[
    "as", "c++", "c89", "c99", "cc", "cc1", "cc1plus", "clang", "clang++", "cpp", "csc", "dmd", "f77", "f95", "g++",
    "gcc", "gccgo", "gdc", "gfortran", "ghc", "gnatmake", "go", "javac", "kotlinc", "ld", "ld.bfd", "ld.gold",
    "ld.lld", "ldc2", "lld", "mcs", "nasm", "nvcc", "ocamlopt", "rustc", "scalac", "swiftc", "tcc", "tsc", "yasm",
    "zig",
];

const DEBUGGERS: &[&str] = &[
    "bpftrace",
    "delve",
    "dlv",
    "dumpcap",
    "gcore",
    "gdb",
    "gdb-multiarch",
    "gdbserver",
    "jdb",
    "jmap",
    "jstack",
    "lldb",
    "lldb-server",
    "ltrace",
    "nmap",
    "perf",
    "radare2",
    "rr",
    "strace",
    "tcpdump",
    "tshark",
    "valgrind",
];

const REMOTE_SHELLS: &[&str] =
    &["dropbear", "in.rlogind", "in.rshd", "in.telnetd", "rlogind", "rshd", "sshd", "telnetd", "utelnetd"];

/// Each rule with the names of its programs, sorted.
const PROGRAMS: [(&str, &[&str]); 5] = [
    ("shell", SHELLS),
    ("package-manager", PACKAGE_MANAGERS),
    ("compiler", COMPILERS),
    ("debugger", DEBUGGERS),
    ("remote-shell", REMOTE_SHELLS),
];

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, entry) in tree.iter().filter(|(path, entry)| may_be_called(path, entry)) {
        let Some(name) = path.file_name().and_then(|name| std::str::from_utf8(name).ok()) else { continue };
        let name = without_version(name);
        for (id, _) in PROGRAMS.iter().filter(|(_, names)| names.binary_search(&name).is_ok()) {
            // A link that leads nowhere is no program.
            if entry.link_target().is_some() && !leads_to_program(tree, path) {
                continue;
            }
            let title = format!("{} is {}", path_shown(path), article(id));
            findings.push(Finding::plain(rule(id), title, vec![Place::at(path)]));
        }
    }
    findings
}

/// Whether something stands where programs are looked for: an executable file, or a link that may lead to one.
fn may_be_called(path: &TreePath, entry: &Entry) -> bool {
    let folder = path.parent();
    let folder = folder.as_ref().and_then(|folder| folder.file_name());
    let is_called = folder.is_some_and(|name| matches!(name, b"bin" | b"sbin" | b"libexec"))
        || path.as_bytes().windows(8).any(|part| part == b"libexec/");
    is_called && (entry.link_target().is_some() || entry.is_file() && entry.mode & 0o111 != 0)
}

fn leads_to_program(tree: &Tree, path: &TreePath) -> bool {
    let target = tree.resolve(path.as_bytes()).ok();
    let entry = target.as_ref().and_then(|target| tree.get(target));
    entry.is_some_and(|entry| entry.is_file() && entry.mode & 0o111 != 0)
}

/// `gcc-12` and `x86_64-linux-gnu-gcc-12` are gcc, `pip3.11` is pip3, `clang-15` is clang.
fn without_version(name: &str) -> &str {
    let bare = name.rsplit_once('-').filter(|(_, end)| is_version(end)).map_or(name, |(bare, _)| bare);
    let bare = match bare.split_once('.') {
        Some((first, rest)) if first.ends_with(|c: char| c.is_ascii_digit()) && is_version(rest) => first,
        _ => bare,
    };
    TRIPLETS.iter().find_map(|triplet| bare.split_once(triplet).map(|(_, rest)| rest)).unwrap_or(bare)
}

/// What stands between an architecture and the program of a cross compiler.
const TRIPLETS: [&str; 4] = ["-linux-gnu-", "-linux-gnueabihf-", "-alpine-linux-musl-", "-redhat-linux-"];

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn article(id: &str) -> &'static str {
    match id {
        "shell" => "a shell",
        "package-manager" => "a package manager",
        "compiler" => "a compiler or a part of one",
        "debugger" => "a tool to watch other programs",
        _ => "a server for shells from afar",
    }
}

#[cfg(test)]
mod tests {
    use super::{PROGRAMS, without_version};

    #[test]
    fn names_of_programs_are_sorted() {
        for (rule, names) in PROGRAMS {
            assert!(names.is_sorted(), "{rule}");
        }
    }

    #[test]
    fn versions_and_architectures_say_nothing() {
        let bare =
            ["gcc-12", "x86_64-linux-gnu-gcc-12", "pip3.11", "clang-15", "python3", "apt-get", "ld.bfd", "g++-14.2"];
        let bare = bare.map(without_version);
        assert_eq!(bare, ["gcc", "gcc", "pip3", "clang", "python3", "apt-get", "ld.bfd", "g++"]);
    }
}
