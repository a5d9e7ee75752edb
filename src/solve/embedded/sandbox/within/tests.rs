use super::*;
use std::os::unix::fs::symlink;

fn world() -> (tempfile::TempDir, Within) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::create_dir(folder.path().join("outside")).unwrap();
    for (at, target) in
        [("up", "../../outside"), ("abs", "/a"), ("a/back", "../a/b"), ("loop", "loop"), ("gone", "/x/y")]
    {
        symlink(target, root.join(at)).unwrap();
    }
    let within = Within::new(&root).unwrap();
    (folder, within)
}

#[test]
fn links_never_lead_out() {
    let (_folder, within) = world();
    let resolve = |path: &str| within.resolve(Path::new(path), |_, _| Err(Errno::NOENT));
    for (path, leads) in [
        ("/", "/"),
        ("a/./b/..", "/a"),
        ("../../..", "/"),
        ("abs/b", "/a/b"),
        ("a/back", "/a/b"),
        ("/abs/back/..", "/a"),
    ] {
        assert_eq!(resolve(path).unwrap(), Path::new(leads), "{path}");
    }
    assert_eq!(resolve("up").unwrap_err(), Errno::NOENT);
    assert_eq!(resolve("loop").unwrap_err(), Errno::LOOP);
}

#[test]
fn what_is_missing_is_made_in_its_place() {
    let (_folder, within) = world();
    let mut made = Vec::new();
    let path = within.resolve(Path::new("/gone/z"), |path, IsLast(is_last)| {
        made.push((path.to_owned(), is_last));
        rustix::fs::mkdirat(within.root(), inside(path), Mode::from_raw_mode(0o755))
    });
    assert_eq!(path.unwrap(), Path::new("/x/y/z"));
    assert_eq!(made, [("/x".into(), false), ("/x/y".into(), false), ("/x/y/z".into(), true)]);
    assert!(within.stat(Path::new("/x/y/z")).is_ok());
}
