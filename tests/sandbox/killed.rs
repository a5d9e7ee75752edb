//! kiln killed in the middle of a step, and a step that somebody talks to: both need a process of their own, which is this
//! test binary once more.

use super::room::{Ear, Room};
use crate::support::program::processes_within;
use kiln::solve::embedded::sandbox::{Mount, MountKind, Sandbox, User};
use rustix::pty::OpenptFlags;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Says to the process what it is for; where it is not set, there is nothing to do.
const ROLE: &str = "KILN_TEST_ROLE";

fn again(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role).env("RUST_BACKTRACE", "0");
    command
}

/// Waits until something holds, for a while.
fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "it never happened");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn step_that_beats(room: &Room, folder: &Path) -> kiln::solve::embedded::sandbox::Step {
    let mut step = room.step(&["all", "daemon", "/shared/beat", ";", "sleep", "100"]);
    step.mounts.push(Mount { target: "/shared".into(), kind: MountKind::Folder { path: folder.to_owned() } });
    step
}

#[test]
fn the_one_that_is_killed() {
    let Ok(folder) = std::env::var(ROLE) else { return };
    let room = Room::at(Path::new(&folder));
    room.run(&step_that_beats(&room, &Path::new(&folder).join("shared")));
}

#[test]
fn a_step_dies_with_kiln_and_the_next_clears_up() {
    let folder = tempfile::tempdir().unwrap();
    let beat = || std::fs::read_to_string(folder.path().join("shared/beat")).ok().filter(|text| text.contains(' '));
    for moment in [0, 30, 60, 120, 2000] {
        let _ = std::fs::remove_dir_all(folder.path().join("shared"));
        let mut kiln = again("sandbox::killed::the_one_that_is_killed", folder.path().to_str().unwrap());
        let mut kiln: Child = kiln.stdout(Stdio::null()).spawn().unwrap();
        if moment == 2000 {
            wait_for(beat);
        } else {
            wait_for(|| folder.path().join("store/tmp").exists().then_some(()));
            std::thread::sleep(Duration::from_millis(moment));
        }
        kiln.kill().unwrap();
        kiln.wait().unwrap();
        wait_for(|| {
            let before = beat();
            std::thread::sleep(Duration::from_millis(100));
            (before == beat()).then_some(())
        });
    }
    assert!(processes_within(folder.path()).is_empty());
    // Another stay, with another sandbox: what was left goes, and a step runs.
    let room = Room::at(folder.path());
    room.out(&room.step(&["nothing"]));
    let own = format!("{}-", std::process::id());
    let tmp = std::fs::read_dir(folder.path().join("store/tmp")).unwrap();
    let left: Vec<_> =
        tmp.map(|e| e.unwrap().file_name().into_string().unwrap()).filter(|n| !n.starts_with(&own)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_one_that_is_talked_to() {
    let Ok(user) = std::env::var(ROLE) else { return };
    let room = Room::new();
    let mut step = room.step(&["talk"]);
    step.interactive = true;
    let uid = user.parse().unwrap();
    step.user = User { uid, gid: uid, groups: Vec::new() };
    let ear = Ear::default();
    let ended = room.native.run(&step, &room.store, &ear).unwrap();
    // It may be in raw mode no longer.
    print!("{}{:?}\n", String::from_utf8(ear.out.into_inner().unwrap()).unwrap(), ended.status);
}

#[test]
fn a_step_has_a_terminal_of_its_own_where_the_caller_has_one() {
    for user in ["0", "1000"] {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let own = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&own).unwrap();
        let end = rustix::pty::ioctl_tiocgptpeer(&own, flags).unwrap();
        let size = rustix::termios::Winsize { ws_row: 33, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&own, size).unwrap();
        let before = rustix::termios::tcgetattr(&end).unwrap();
        let mut kiln = again("sandbox::killed::the_one_that_is_talked_to", user);
        let both = (Stdio::from(end.try_clone().unwrap()), Stdio::from(end.try_clone().unwrap()));
        let mut kiln = kiln.stdin(both.0).stdout(both.1).spawn().unwrap();
        let mut own = std::fs::File::from(own);
        let mut seen = String::new();
        let read_until = |what: &str, own: &mut std::fs::File, seen: &mut String| {
            let mut buffer = [0; 4096];
            while !seen.contains(what) {
                let count = own.read(&mut buffer).unwrap();
                seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
        };
        read_until("ready", &mut own, &mut seen);
        assert!(seen.contains("terminal /dev/pts/0, 33 rows, 77 columns, controlling"), "{seen}");
        own.write_all(b"hello\n").unwrap();
        read_until("heard hello", &mut own, &mut seen);
        // Ctrl-C is the step's, and no signal for kiln.
        own.write_all(b"\x03").unwrap();
        read_until("Exited(7)", &mut own, &mut seen);
        assert!(seen.contains("interrupted"), "{seen}");
        assert!(kiln.wait().unwrap().success());
        let after = rustix::termios::tcgetattr(&end).unwrap();
        assert_eq!((after.local_modes, after.input_modes), (before.local_modes, before.input_modes));
    }
}

#[test]
fn a_step_that_is_talked_to_through_a_pipe_hears_its_end() {
    let mut kiln = again("sandbox::killed::the_one_that_is_talked_to", "0");
    let mut kiln = kiln.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    kiln.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let output = kiln.wait_with_output().unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(seen.contains("no terminal\nready\nheard one\nheard two\nend\nExited(0)\n"), "{seen}");
}
