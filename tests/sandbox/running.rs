//! How commands run: what they get, and what comes back.

use super::room::{Ear, Room, path};
use kiln::llb::exec::{Limits, Network};
use kiln::solve::embedded::sandbox::{EnvValue, Limit, Mount, MountKind, Sandbox, SandboxError, Status, Step, User};
use kiln::tree::{Entry, TreePath};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_command_runs_and_its_output_comes_back() {
    let room = Room::new();
    let seen = room.run(&room.step(&["say", "to out", "to err"]));
    assert_eq!((seen.out.as_str(), seen.err.as_str()), ("to out", "to err"));
    assert_eq!(seen.ended.status, Status::Exited(0));
    let long = "x".repeat(300_000);
    let seen = room.run(&room.step(&["all", "say", &long[..100_000], "1", ";", "say", &long[..100_000], "2"]));
    assert_eq!((seen.out.len(), seen.err.as_str()), (200_000, "12"));
}

#[test]
fn codes_and_signals_come_back() {
    let room = Room::new();
    for code in [0, 1, 77, 255] {
        assert_eq!(room.run(&room.step(&["exit", &code.to_string()])).ended.status, Status::Exited(code));
    }
    for signal in [9, 11, 15] {
        assert_eq!(room.run(&room.step(&["signal", &signal.to_string()])).ended.status, Status::Signalled(signal));
    }
}

#[test]
fn the_environment_is_exactly_what_the_step_says() {
    let room = Room::new();
    let mut step = room.step(&["environment"]);
    step.env = vec![
        ("B".into(), EnvValue::Plain("two words".into())),
        ("A".into(), EnvValue::Plain(String::new())),
        ("TOKEN".into(), EnvValue::Secret(b"hidden \xff".to_vec().into())),
    ];
    step.args[1] = "environment".into();
    let seen = room.native.run(&step, &room.store, &Ear::default());
    assert_eq!(seen.unwrap().status, Status::Exited(0));
    step.env.pop();
    let mut lines: Vec<String> = room.out(&step).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["A=", "B=two words"]);
}

#[test]
fn a_step_has_no_file_open_but_three() {
    let room = Room::new();
    // The fourth is the folder that is listed.
    assert_eq!(room.out(&room.step(&["descriptors"])), "0\n1\n2\n3\n");
}

#[test]
fn host_name_umask_user_and_folder_are_those_of_the_step() {
    let room = Room::new();
    let args = ["all", "hostname", ";", "umask", ";", "folder", ";", "who"];
    let mut step = room.step(&args);
    step.hostname = "oven".into();
    step.cwd = "/made/for/it".into();
    assert_eq!(room.out(&step), "oven\n022\n/made/for/it\n0 0 0 0\n");
    step.user = User { uid: 1234, gid: 567, groups: vec![567, 99] };
    step.args.extend([";", "describe", "/made", ";", "describe", "/made/for/it"].map(str::to_owned));
    let seen = room.out(&step);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..3], ["oven", "022", "/made/for/it"]);
    assert!(lines[3].starts_with("1234 1234 567 567"), "{seen}");
    if is_root() {
        assert_eq!(lines[3], "1234 1234 567 567 99 567");
    }
    assert!(lines[4..].iter().all(|line| line.starts_with("40755 1234 567 ")), "{seen}");
}

#[test]
fn files_of_the_machine_are_made_for_the_step() {
    let room = Room::new();
    let mut step = room.step(&["all", "cat", "/etc/hosts", ";", "cat", "/etc/hostname", ";", "list", "/etc"]);
    step.hosts = vec![("db".into(), "10.0.0.7".into())];
    let seen = room.out(&step);
    assert!(seen.starts_with("127.0.0.1\tlocalhost kiln\n::1\t"), "{seen}");
    assert!(seen.ends_with("10.0.0.7\tdb\nkiln\nhostname\nhosts\n"), "{seen}");
    let devices = "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
    assert_eq!(room.out(&room.step(&["list", "/dev"])), devices);
}

#[test]
fn a_program_that_cannot_be_executed_is_named_with_the_reason() {
    let room = Room::new();
    let script = |first: &str| {
        let mut entry = room.file(&format!("{first}\n"));
        entry.mode = 0o755;
        entry
    };
    let tree = room.tree([
        (path("bin"), Entry::dir(0o755)),
        (path("bin/loose"), script("#!/no/such/shell")),
        (path("bin/text"), script("no script")),
        (path("bin/closed"), room.file("#!/tool\n")),
    ]);
    for (program, reason) in [
        ("nothing", "it is in none of the folders of PATH, /bin"),
        ("/bin/nothing", "there is no such file"),
        ("closed", "it is no file that this user may execute"),
        ("/bin", "it is no file that this user may execute"),
        ("loose", "the program that it needs to start is not"),
        ("text", "neither a program for this machine nor a script"),
        ("", "it has no name"),
    ] {
        let mut step = room.step_in(&tree, &[]);
        step.args = vec![program.into()];
        let error = room.try_run(&step).unwrap_err();
        assert!(matches!(&error, SandboxError::Program { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_program_is_found_by_the_paths_of_the_step() {
    let room = Room::new();
    let mut script = room.file("#!/tool arguments\n");
    script.mode = 0o755;
    let tree = room.tree([(path("opt"), Entry::dir(0o755)), (path("opt/run"), script)]);
    let mut step = room.step_in(&tree, &[]);
    step.args = vec!["run".into(), "it".into()];
    step.env = vec![("PATH".into(), EnvValue::Plain("/bin:/opt".into()))];
    assert_eq!(room.out(&step), "/tool\narguments\n/opt/run\nit\n");
    step.args[0] = "./run".into();
    step.cwd = "/opt".into();
    assert_eq!(room.out(&step), "/tool\narguments\n./run\nit\n");
}

#[test]
fn secrets_tmpfs_and_folders_are_mounted() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("made/cache");
    let args = ["all", "cat", "/run/secrets/token", ";", "describe", "/run/secrets/token", ";"];
    let more = ["put", "/tmp/x", "x", ";", "append", "/cache/kept", "more", ";", "cat", "/cache/kept"];
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("kept"), "kept ").unwrap();
    let mut step = room.step(&[&args[..], &more[..]].concat());
    step.mounts.extend([
        Mount {
            target: "/run/secrets/token".into(),
            kind: MountKind::Secret { content: b"hush\n".to_vec().into(), owner: (0, 0), mode: 0o400 },
        },
        Mount { target: "/tmp".into(), kind: MountKind::Tmpfs { size: Some(1 << 20) } },
        Mount { target: "/cache".into(), kind: MountKind::Folder { path: cache.clone() } },
    ]);
    let seen = room.out(&step);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!((lines[0], lines[2]), ("hush", "kept more"));
    assert!(lines[1].starts_with("100400 0 0 "), "{seen}");
    assert_eq!(std::fs::read_to_string(cache.join("kept")).unwrap(), "kept more");
    let refused = ["append", "/run/secrets/token", "x"];
    let seen = room.run(&Step { args: args_of(&refused), ..step });
    assert_eq!(seen.ended.status, Status::Exited(1), "{seen:?}");
}

fn args_of(args: &[&str]) -> Vec<String> {
    std::iter::once("/tool").chain(args.iter().copied()).map(str::to_owned).collect()
}

#[test]
fn a_folder_of_the_machine_is_made_where_it_is_missing() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("a/b");
    let mut step = room.step(&["put", "/cache/x", "y"]);
    step.mounts.push(Mount { target: "/cache".into(), kind: MountKind::Folder { path: cache.clone() } });
    room.out(&step);
    assert_eq!(std::fs::read_to_string(cache.join("x")).unwrap(), "y");
}

#[test]
fn trees_are_mounted_whole_and_in_part_and_links_in_them_stay_inside() {
    let room = Room::new();
    let other = room.tree([
        (path("d"), Entry::dir(0o755)),
        (path("d/f"), room.file("in d")),
        (path("l"), Entry::symlink("/d")),
        (path("up"), Entry::symlink("../../../../etc")),
    ]);
    let other = other.save(&room.store).unwrap();
    let mount = |target: &str, selector: TreePath, writable: bool| Mount {
        target: target.into(),
        kind: MountKind::Tree {
            tree: kiln::solve::embedded::sandbox::TreeRef { tree: other, history: Vec::new() },
            selector,
            writable,
            part: None,
        },
    };
    let base = room.tree([(path("out"), Entry::symlink("../../../../inside"))]);
    let mut step = room.step_in(&base, &["all", "cat", "/whole/d/f", ";", "cat", "/part/f", ";", "cat", "/one"]);
    step.mounts.extend([
        mount("/whole", TreePath::root(), false),
        mount("/part", path("l"), true),
        mount("/one", path("l/f"), false),
        mount("/out/nested", path("d"), false),
    ]);
    step.args.extend([";", "list", "/inside/nested", ";", "put", "/part/new", ""].map(str::to_owned));
    let seen = room.run(&step);
    assert_eq!(seen.out, "in din din df\n", "{seen:?}");
    let changed = seen.ended.changes.iter().flatten().last().unwrap();
    assert!(changed.entries.get(&path("d/new")).is_some(), "relative to the tree and not to the part: {changed:?}");
    for refused in ["/whole/x", "/one", "/inside/nested/x"] {
        step.args = args_of(&["put", refused, ""]);
        let seen = room.run(&step);
        assert_eq!((seen.ended.status, seen.err.contains("Read-only")), (Status::Exited(1), true), "{seen:?}");
    }
    step.mounts.push(mount("/bad", path("up/passwd"), false));
    let error = room.try_run(&step).unwrap_err();
    assert!(error.to_string().starts_with("cannot mount /up/passwd of a tree at /bad: "), "{error}");
}

#[test]
fn a_read_only_root_stays_as_it_is() {
    let room = Room::new();
    let mut step = room.step(&["put", "/x", ""]);
    let MountKind::Tree { writable, .. } = &mut step.mounts[0].kind else { unreachable!() };
    *writable = false;
    let seen = room.run(&step);
    assert_eq!(seen.ended.status, Status::Exited(1));
    assert!(seen.err.contains("Read-only file system"), "{}", seen.err);
}

#[test]
fn all_processes_end_with_the_command_and_the_dead_are_laid_to_rest() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let mut step = room.step(&["daemon", "/cache/beat"]);
    step.mounts.push(Mount { target: "/cache".into(), kind: MountKind::Folder { path: folder.path().to_owned() } });
    room.out(&step);
    let beat = || std::fs::read_to_string(folder.path().join("beat")).unwrap();
    let last = beat();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(last, beat());
    // Init and the command itself.
    assert_eq!(room.out(&room.step(&["zombies"])), "2\n");
}

#[test]
fn a_step_ends_when_it_is_cancelled_or_takes_too_long() {
    let room = Room::new();
    let begin = Instant::now();
    let ear = Ear::default();
    let status = std::thread::scope(|threads| {
        let run = threads.spawn(|| room.native.run(&room.step(&["sleep", "60"]), &room.store, &ear));
        std::thread::sleep(Duration::from_millis(300));
        ear.is_over.store(true, Ordering::Relaxed);
        run.join().unwrap().unwrap().status
    });
    assert_eq!(status, Status::Cancelled);
    let mut step = room.step(&["all", "say", "before", "", ";", "sleep", "60"]);
    step.limits = Limits { time: Some(1), ..Limits::default() };
    let seen = room.run(&step);
    assert_eq!((seen.ended.status, seen.out.as_str()), (Status::Exceeded(Limit::Time), "before"));
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn the_network_is_loopback_or_the_machines() {
    let room = Room::new();
    let mut step = room.step(&["cat", "/proc/net/dev"]);
    let seen = room.out(&step);
    assert_eq!(seen.lines().count(), 3, "{seen}");
    assert!(seen.contains("lo:"));
    step.network = Network::Host;
    let machine = std::fs::read_to_string("/proc/net/dev").unwrap();
    assert_eq!(room.out(&step).lines().count(), machine.lines().count());
    step.args = args_of(&["cat", "/etc/resolv.conf"]);
    assert_eq!(room.out(&step), std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
}

#[test]
fn nothing_is_left_of_steps() {
    let room = Room::new();
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    room.out(&room.step(&["all", "mkdir", "/d", ";", "put", "/d/f", "x", ";", "chmod", "000", "/d"]));
    let mut failing = room.step(&["nothing"]);
    failing.args[0] = "missing".into();
    room.try_run(&failing).unwrap_err();
    let ear = Ear::default();
    ear.is_over.store(true, Ordering::Relaxed);
    room.native.run(&room.step(&["sleep", "60"]), &room.store, &ear).unwrap();
    assert_eq!(mounts(), before);
    let tmp = room.store.root().join("tmp");
    let left: Vec<_> = walk(&tmp).into_iter().filter(|path| path.parent().unwrap().ends_with("0")).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}
