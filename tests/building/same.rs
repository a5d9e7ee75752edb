//! The same spec, lock and sources give the same bytes: image, bills of materials, provenance and signatures.

use super::{Site, archive};
use crate::support::deb::Mirror;
use crate::support::program::World;
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

#[test]
fn surroundings_leave_no_trace() {
    let mirror = Mirror::of(&archive());
    let first = Site::of(&mirror).with_new_key();
    let expected = first.built();

    // Another folder (each world has its own), user's mask, time zone, language, number of threads, terminal.
    let other = Site::of(&mirror).with_key_of(&first);
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(99));
    File::options().write(true).open(other.world.project().join("app/main.py")).unwrap().set_times(times).unwrap();
    let deep = other.world.project().join("app");
    let layout = format!("oci:{}", other.layout().display());
    let call = other.world.kiln(["build", "..", "-j", "1", "--progress", "plain", "-o", &layout]);
    let call = call.within(deep).umask(0o077).env("TZ", "Pacific/Kiritimati").env("LC_ALL", "tr_TR.UTF-8");
    call.env("COLUMNS", "40").env("USER", "someone").run().done();
    assert_eq!(super::contents(&other.layout()), expected);
}

#[test]
fn what_the_store_has_leaves_no_trace() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    // Everything is there, the output too.
    assert_eq!(site.built(), expected);
    std::fs::remove_dir_all(site.layout()).unwrap();
    assert_eq!(site.built(), expected);
    // Nothing is there.
    std::fs::remove_dir_all(site.world.path("store")).unwrap();
    assert_eq!(site.built(), expected);
    // A store that has done something else before.
    site.world.write("app/main.py", "print('changed')\n");
    assert_ne!(site.built(), expected);
    site.world.write("app/main.py", "print('hello')\n");
    assert_eq!(site.built(), expected);
}

#[test]
fn a_locked_build_asks_nobody() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    let asked = mirror.asked().len();
    let layout = format!("oci:{}", site.layout().display());
    site.world.kiln(["build", "--locked", "--offline", "-o", &layout]).run().done();
    assert_eq!(mirror.asked().len(), asked);
    assert_eq!(super::contents(&site.layout()), expected);
    // The lock alone is enough for another machine, which asks for packages and for no index.
    let other = Site::of(&mirror).with_key_of(&site);
    other.world.write("kiln.lock", site.world.read("kiln.lock"));
    let layout = format!("oci:{}", other.layout().display());
    other.world.kiln(["build", "--locked", "-o", &layout]).run().done();
    assert_eq!(super::contents(&other.layout()), expected);
    let later = mirror.asked().split_off(asked);
    assert!(later.iter().all(|target| target.starts_with("/pool/")), "{later:?}");
}

#[test]
fn the_executable_bit_is_all_that_counts_of_a_files_mode() {
    use std::os::unix::fs::PermissionsExt;
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    let file = site.world.project().join("app/main.py");
    let set = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o600);
    assert_eq!(site.built(), expected);
    set(0o700);
    assert_ne!(site.built(), expected);
}

#[test]
#[ignore = "needs root, to become somebody else"]
fn root_and_an_ordinary_user_build_the_same() {
    let mirror = Mirror::of(&archive());
    let root = Site::of(&mirror).with_new_key();
    let expected = root.built();
    let user = Site::within(World::of_user(54321), &mirror);
    // The key is root's, and unreadable: the user gets a copy.
    std::fs::copy(&root.key, &user.key).unwrap();
    std::os::unix::fs::chown(&user.key, Some(54321), Some(54321)).unwrap();
    let mut user = user;
    let key = user.key.to_str().unwrap().to_owned();
    user.world.set("KILN_KEY", key);
    assert_eq!(user.built(), expected);
}
