use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nwww:x:33:\nadm:x:4:www\n";

fn debian(store: &Store, files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    tree.insert(path("etc"), Entry::dir(0o711)).unwrap();
    for (p, content) in files {
        let entry = Entry::file(store.put(content.as_bytes()).unwrap(), content.len() as u64, 0o640).owned_by(0, 42);
        tree.insert(path(p), entry.modified_at(Some(5))).unwrap();
    }
    tree
}

fn user(name: &str, uid: u32) -> User {
    User {
        name: name.into(),
        uid,
        gid: uid,
        gecos: String::new(),
        home: "/nonexistent".into(),
        shell: "/usr/sbin/nologin".into(),
        groups: vec![],
    }
}

fn group(name: &str, gid: u32) -> Group {
    Group { name: name.into(), gid }
}

fn content(store: &Store, change: &Change, p: &str) -> String {
    let entry = change.entries.get(&path(p)).unwrap_or_else(|| panic!("{p} is not changed"));
    String::from_utf8(store.read(entry.content().unwrap(), 10_000).unwrap()).unwrap()
}

#[test]
fn users_come_after_those_that_are_there() {
    let (_folder, store) = store();
    let tree =
        debian(&store, &[("etc/passwd", PASSWD), ("etc/group", GROUP), ("etc/shadow", "root:*:1:0:99999:7:::\n")]);
    let mut app = user("app", 10_001);
    app.groups = vec!["adm".into(), "extra".into()];
    (app.home, app.gecos) = ("/srv".into(), "The app".into());
    let change = add(&tree, &store, &[app, user("b", 7)], &[group("extra", 500)]).unwrap();
    assert_eq!(
        content(&store, &change, "etc/passwd"),
        format!("{PASSWD}app:x:10001:10001:The app:/srv:/usr/sbin/nologin\nb:x:7:7::/nonexistent:/usr/sbin/nologin\n")
    );
    assert_eq!(
        content(&store, &change, "etc/group"),
        "root:x:0:\nwww:x:33:\nadm:x:4:www,app\nextra:x:500:app\napp:x:10001:\nb:x:7:\n"
    );
    assert_eq!(content(&store, &change, "etc/shadow"), "root:*:1:0:99999:7:::\napp:!*:::::::\nb:!*:::::::\n");
    let entry = change.entries.get(&path("etc/passwd")).unwrap();
    assert_eq!((entry.mode, entry.gid, entry.mtime), (0o640, 42, None));
    assert_eq!(change.entries.get(&path("etc")).unwrap().mode, 0o711);
    assert!(change.takes_nothing_away() && change.entries.len() == 4);
}

#[test]
fn an_image_without_accounts_gets_the_files() {
    let (_folder, store) = store();
    let change = add(&Tree::new(), &store, &[user("app", 1000)], &[]).unwrap();
    assert_eq!(content(&store, &change, "etc/passwd"), "app:x:1000:1000::/nonexistent:/usr/sbin/nologin\n");
    assert_eq!(content(&store, &change, "etc/group"), "app:x:1000:\n");
    assert_eq!(
        change.entries.iter().map(|(p, e)| (p.to_string(), e.mode)).collect::<Vec<_>>(),
        [("/etc".into(), 0o755), ("/etc/group".into(), 0o644), ("/etc/passwd".into(), 0o644)]
    );
    assert!(add(&Tree::new(), &store, &[], &[]).unwrap().is_empty());
}

#[test]
fn what_is_there_just_so_is_left_alone() {
    let (_folder, store) = store();
    let tree = debian(&store, &[("etc/passwd", PASSWD), ("etc/group", GROUP)]);
    let mut www = user("www", 33);
    www.home = "/var/www".into();
    assert!(add(&tree, &store, &[www.clone()], &[group("adm", 4)]).unwrap().is_empty());
    www.groups = vec!["adm".into()];
    assert!(add(&tree, &store, &[www.clone()], &[]).unwrap().is_empty(), "a member already");
    www.shell = "/bin/sh".into();
    let error = add(&tree, &store, &[www], &[]).unwrap_err().to_string();
    assert_eq!(error, "user `www` is there already, with the shell `/usr/sbin/nologin` instead of `/bin/sh`");
}

#[test]
fn clashes_are_errors() {
    let (_folder, store) = store();
    let tree = debian(&store, &[("etc/passwd", PASSWD), ("etc/group", GROUP)]);
    let fails = |users: &[User], groups: &[Group]| add(&tree, &store, users, groups).unwrap_err().to_string();
    assert_eq!(
        fails(&[user("www", 34)], &[]),
        "group `www` cannot have the number 34: it is there already with the number 33"
    );
    let primary = |name: &str, uid, gid| User { gid, ..user(name, uid) };
    assert_eq!(
        fails(&[primary("www", 34, 33)], &[]),
        "user `www` cannot have the number 34: it is there already with the number 33"
    );
    assert_eq!(fails(&[primary("app", 33, 4)], &[]), "user `app` cannot have the number 33: `www` has it already");
    assert_eq!(fails(&[], &[group("new", 4)]), "group `new` cannot have the number 4: `adm` has it already");
    assert!(fails(&[user("a", 50), user("a", 51)], &[]).contains("`a`"));
    assert!(fails(&[primary("a", 50, 0), primary("b", 50, 0)], &[]).contains("`a` has it"));
    assert!(fails(&[User { groups: vec!["nope".into()], ..user("a", 9) }], &[]).contains("no such group"));
}

#[test]
fn fields_that_would_break_the_files_are_errors() {
    let (_folder, store) = store();
    for name in ["", "1a", "-a", ".a", "a b", "a:b", "a\nroot", "ä", &"x".repeat(33)] {
        let error = add(&Tree::new(), &store, &[user(name, 9)], &[]).unwrap_err();
        assert!(matches!(error, AccountError::Name(_)), "{name:?}");
    }
    let breaking = [
        User { home: "/x:0".into(), ..user("a", 9) },
        User { shell: "/x\nroot2:x:0:0".into(), ..user("a", 9) },
        User { gecos: "a:b".into(), ..user("a", 9) },
    ];
    for user in breaking {
        assert!(matches!(add(&Tree::new(), &store, &[user], &[]), Err(AccountError::Field { .. })));
    }
    assert!(matches!(add(&Tree::new(), &store, &[user("a", u32::MAX)], &[]), Err(AccountError::NoId(_))));
}

#[test]
fn links_are_followed_inside_the_image_and_folders_refused() {
    let (_folder, store) = store();
    let mut tree = debian(&store, &[("etc/real", PASSWD)]);
    tree.insert(path("etc/passwd"), Entry::symlink("../../../etc/real")).unwrap();
    let change = add(&tree, &store, &[user("app", 9)], &[]).unwrap();
    assert!(content(&store, &change, "etc/real").contains("app:x:9"));
    assert!(change.entries.get(&path("etc/passwd")).is_none());
    tree.insert(path("etc/group"), Entry::dir(0o755)).unwrap();
    assert!(matches!(add(&tree, &store, &[], &[]), Err(AccountError::NotAFile { .. })));
}

#[test]
fn odd_lines_are_kept_and_name_nobody() {
    let (_folder, store) = store();
    let odd = "# app:x:1:1\n\n+app:x:2:2\nbroken\nnum:x:+5:x\nlast:x:6:6";
    let tree = debian(&store, &[("etc/passwd", odd)]);
    let change = add(&tree, &store, &[user("app", 5)], &[]).unwrap();
    assert_eq!(content(&store, &change, "etc/passwd"), format!("{odd}\napp:x:5:5::/nonexistent:/usr/sbin/nologin\n"));
    let accounts = Accounts::read(&tree, &store).unwrap();
    assert_eq!((accounts.user("last"), accounts.user("num"), accounts.user("broken")), (Some((6, 6)), None, None));
}

#[test]
fn names_are_resolved() {
    let (_folder, store) = store();
    let tree = debian(&store, &[("etc/passwd", PASSWD), ("etc/group", GROUP)]);
    let accounts = Accounts::read(&tree, &store).unwrap();
    assert_eq!((accounts.user("www"), accounts.user("nobody")), (Some((33, 33)), None));
    assert_eq!((accounts.group("adm"), accounts.group("x")), (Some(4), None));
    assert_eq!((accounts.user_name(0).as_deref(), accounts.user_name(1)), (Some("root"), None));
    let empty = Accounts::read(&Tree::new(), &store).unwrap();
    assert_eq!(empty.user("root"), None);
}
