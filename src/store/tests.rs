use super::*;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

fn blob_file(store: &Store, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])
}

#[test]
fn content_comes_back_under_its_digest() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    assert_eq!(digest, Digest::of("hello"));
    assert_eq!(store.size(&digest), Some(5));
    assert_eq!(store.read(&digest, 5).unwrap(), b"hello");
    assert!(matches!(store.read(&digest, 4), Err(StoreError::TooLarge { size: 5, limit: 4, .. })));
    assert!(matches!(store.read(&Digest::of("x"), 9), Err(StoreError::Missing(_))));
}

#[test]
fn nothing_is_kept_of_content_that_is_not_what_was_expected() {
    let (_folder, store) = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"evil").unwrap();
    assert!(matches!(writer.commit_as(&Digest::of("good")), Err(StoreError::WrongDigest { .. })));
    assert!(!store.has(&Digest::of("evil")) && !store.has(&Digest::of("good")));
    drop(store.writer().unwrap());
    assert_eq!(std::fs::read_dir(store.session.unfinished().unwrap().parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_flipped_bit_or_a_lost_tail_is_found_and_the_blob_removed() {
    for damage in [&b"hellO"[..], b"hell", b"hello!", b""] {
        let (_folder, store) = store();
        let digest = store.put(b"hello").unwrap();
        std::fs::write(blob_file(&store, &digest), damage).unwrap();
        let store = Store::open(store.root()).unwrap();
        assert!(matches!(store.read(&digest, 100), Err(StoreError::Corrupt(_))));
        assert!(!store.has(&digest));
        store.put(b"hello").unwrap();
        assert_eq!(store.read(&digest, 100).unwrap(), b"hello");
    }
}

#[test]
fn a_streaming_reader_reports_damage_as_the_stores_own_error() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    std::fs::write(blob_file(&store, &digest), b"jello").unwrap();
    let store = Store::open(store.root()).unwrap();
    let error = store.reader(&digest).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    let error = StoreError::from(error);
    assert!(matches!(error, StoreError::Corrupt(d) if d == digest), "{error}");
    assert!(error.is_lost_content());
}

#[test]
fn what_one_stay_wrote_or_checked_is_checked_once() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    assert!(store.reader(&digest).unwrap().checked_file().is_some());
    let other = Store::open(store.root()).unwrap();
    assert!(other.reader(&digest).unwrap().checked_file().is_none());
    assert_eq!(other.read(&digest, 5).unwrap(), b"hello");
    assert!(other.reader(&digest).unwrap().checked_file().is_some());
    std::fs::write(blob_file(&store, &digest), b"jello").unwrap();
    other.verify().unwrap();
    assert!(!other.has(&digest));
}

#[test]
fn a_part_comes_only_of_content_that_is_sound() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    for store in [&store, &Store::open(store.root()).unwrap()] {
        assert_eq!(store.read_part(&digest, 1, 3).unwrap(), b"ell");
        assert_eq!(store.read_part(&digest, 5, 0).unwrap(), b"");
        for (offset, size) in [(1, 5), (6, 0), (u64::MAX, 2), (0, u64::MAX)] {
            assert!(matches!(store.read_part(&digest, offset, size), Err(StoreError::Io { .. })));
        }
    }
    std::fs::write(blob_file(&store, &digest), b"hellO").unwrap();
    let other = Store::open(store.root()).unwrap();
    assert!(matches!(other.read_part(&digest, 1, 3), Err(StoreError::Corrupt(_))));
    assert!(matches!(other.read_part(&digest, 1, 3), Err(StoreError::Missing(_))));
}

#[test]
fn putting_again_mends_a_blob_of_the_wrong_size() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    std::fs::write(blob_file(&store, &digest), b"hel").unwrap();
    store.put(b"hello").unwrap();
    assert_eq!(store.read(&digest, 9).unwrap(), b"hello");
}

#[test]
fn a_damaged_or_misplaced_record_counts_as_none() {
    let (_folder, store) = store();
    let (a, b) = (Digest::of("a"), Digest::of("b"));
    assert_eq!(store.record("result", &a).unwrap(), None);
    store.set_record("result", &a, b"value").unwrap();
    assert_eq!(store.record("result", &a).unwrap().as_deref(), Some(&b"value"[..]));
    store.set_record("result", &a, b"").unwrap();
    assert_eq!(store.record("result", &a).unwrap().as_deref(), Some(&b""[..]));

    let path = |key: &Digest| store.root().join("records/result").join(&key.hex()[..2]).join(&key.hex()[2..]);
    std::fs::create_dir_all(path(&b).parent().unwrap()).unwrap();
    std::fs::rename(path(&a), path(&b)).unwrap();
    assert_eq!(store.record("result", &b).unwrap(), None, "a record of another key");
    for damage in [&b""[..], b"short", &[7; 64]] {
        std::fs::write(path(&a), damage).unwrap();
        assert_eq!(store.record("result", &a).unwrap(), None);
        assert!(!path(&a).exists());
    }
}

#[test]
fn leftovers_of_a_dead_process_are_cleared_and_those_of_a_living_one_are_not() {
    let (_folder, store) = store();
    let tmp = store.root().join("tmp");
    std::fs::create_dir(tmp.join("1-0")).unwrap();
    std::fs::write(tmp.join("1-0/0"), b"half").unwrap();
    std::fs::write(tmp.join("1-0.lock"), b"").unwrap();
    let mut writer = store.writer().unwrap();
    let second = Store::open(store.root()).unwrap();
    assert!(!tmp.join("1-0").exists() && !tmp.join("1-0.lock").exists());
    writer.write_all(b"alive").unwrap();
    let (digest, _) = writer.commit().unwrap();
    assert!(second.has(&digest));
}

#[test]
fn a_lock_is_exclusive_until_dropped() {
    let (_folder, store) = store();
    let held = store.lock("work").unwrap();
    let other = store.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _lock = other.lock("work").unwrap();
        sender.send(()).unwrap();
    });
    assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
    drop(held);
    receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    thread.join().unwrap();
}

#[test]
fn pruning_waits_for_nobody_and_then_removes_what_is_old() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    store.set_record("result", &digest, b"value").unwrap();
    let usage = store.usage().unwrap();
    assert_eq!((usage[0].kind.as_str(), usage[0].count, usage[0].bytes), ("blobs", 1, 5));
    assert_eq!((usage[1].kind.as_str(), usage[1].count), ("result", 1));

    let root = store.root().to_owned();
    assert!(matches!(Store::prune(&root, Bounds::default()), Err(StoreError::Busy(_))));
    drop(store);
    let hour = Bounds { older_than: Some(Duration::from_secs(3600)), keep: None };
    assert_eq!(Store::prune(&root, hour).unwrap(), Pruned::default());
    assert_eq!(
        Store::prune(&root, Bounds::default()).unwrap().count,
        2,
        "a blob and a record; the stay took its own files along"
    );
    assert!(!Store::open(&root).unwrap().has(&digest));
}

#[test]
fn pruning_takes_what_was_used_longest_ago_until_little_enough_is_left() {
    let (_folder, store) = store();
    let root = store.root().to_owned();
    let digests: Vec<Digest> = (0..4).map(|n| store.put(&[n; 100]).unwrap()).collect();
    for (n, digest) in (0..).zip(&digests) {
        let file = std::fs::File::open(blob_file(&store, digest)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1000 - n)).unwrap();
    }
    // Folders go as a whole, whatever times their files say, and after what is older.
    for folder in ["layers/boot-ids/name", "caches/name/0"] {
        std::fs::create_dir_all(root.join(folder).join("closed")).unwrap();
        std::fs::write(root.join(folder).join("closed/file"), [0; 50]).unwrap();
        let file = std::fs::File::open(root.join(folder).join("closed/file")).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        std::fs::set_permissions(root.join(folder).join("closed"), std::fs::Permissions::from_mode(0o500)).unwrap();
    }
    let usage = store.usage().unwrap();
    let of = |kind: &str| usage.iter().find(|usage| usage.kind == kind).map(|usage| (usage.count, usage.bytes));
    assert_eq!((of("layers"), of("caches")), (Some((1, 50)), Some((1, 50))));
    drop(store);

    let keep = |keep| Bounds { older_than: None, keep: Some(keep) };
    assert_eq!(Store::prune(&root, keep(500)).unwrap(), Pruned::default());
    assert_eq!(Store::prune(&root, keep(250)).unwrap(), Pruned { count: 3, bytes: 300 });
    let store = Store::open(&root).unwrap();
    assert_eq!(digests.iter().map(|digest| store.has(digest)).collect::<Vec<_>>(), [true, false, false, false]);
    drop(store);
    let both = Bounds { older_than: Some(Duration::from_secs(3600)), keep: Some(0) };
    assert_eq!(Store::prune(&root, both).unwrap().bytes, 100, "the folders are new");
    assert_eq!(Store::prune(&root, keep(60)).unwrap().bytes, 50);
    assert_eq!(Store::prune(&root, Bounds::default()).unwrap().bytes, 50);
    assert_eq!(std::fs::read_dir(root.join("layers/boot-ids")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(root.join("caches")).unwrap().count(), 0);
}

/// As files of a command's other ids are for an ordinary user: to be looked into and removed by none but root.
#[test]
fn what_pruning_cannot_look_into_or_remove_keeps_its_lock_and_stops_nothing() {
    let (_folder, store) = store();
    let root = store.root().to_owned();
    let digest = store.put(b"hello").unwrap();
    let closed = root.join("layers/boot-ids/name/closed");
    std::fs::create_dir_all(&closed).unwrap();
    std::fs::write(closed.join("file"), [0; 50]).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    // What an earlier pruning could not remove.
    let leftover = root.join("tmp/pruned-name");
    std::fs::create_dir_all(leftover.join("inside")).unwrap();
    std::fs::write(root.join("tmp/pruned-name.lock"), "").unwrap();
    assert!(store.usage().unwrap().iter().any(|usage| usage.kind == "layers"));
    drop(store);

    let held = session::open_lock(&root.join("tmp/pruned-name.lock")).unwrap();
    held.lock().unwrap();
    Store::prune(&root, Bounds::default()).unwrap();
    assert!(leftover.join("inside").exists() && root.join("tmp/pruned-name.lock").exists());
    assert!(root.join("layers/boot-ids/name").exists(), "there is no room for it to be moved to");
    drop(held);

    Store::prune(&root, Bounds::default()).unwrap();
    assert_eq!(std::fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    assert!(!root.join("layers/boot-ids/name").exists());
    assert!(!Store::open(&root).unwrap().has(&digest));
}

#[test]
fn losses_are_counted_and_results_can_be_forgotten() {
    let (_folder, store) = store();
    let digest = store.put(b"hello").unwrap();
    store.set_record("result", &digest, b"value").unwrap();
    store.set_record("seen", &digest, b"kept").unwrap();
    assert_eq!(store.losses(), 0);
    std::fs::write(blob_file(&store, &digest), b"jello").unwrap();
    let store = Store::open(store.root()).unwrap();
    assert!(store.read(&digest, 9).is_err());
    assert!(matches!(store.read(&digest, 9), Err(StoreError::Missing(_))));
    assert_eq!(store.losses(), 2);
    store.forget(&["seen"]).unwrap();
    assert_eq!(store.record("result", &digest).unwrap(), None);
    assert_eq!(store.record("seen", &digest).unwrap().as_deref(), Some(&b"kept"[..]));
}

#[test]
fn a_blob_that_was_not_read_to_its_end_is_checked_on_demand() {
    let (_dir, store) = store();
    let (good, bad) = (store.put(b"hello").unwrap(), store.put(b"world").unwrap());
    std::fs::write(blob_file(&store, &bad), b"vorld").unwrap();
    let store = Store::open(store.root()).unwrap();
    for digest in [&good, &bad] {
        let mut first = [0];
        store.reader(digest).unwrap().read_exact(&mut first).unwrap();
    }
    assert_eq!(store.losses(), 0);
    store.settle_doubts();
    assert_eq!(store.losses(), 1);
    assert!(store.has(&good) && !store.has(&bad));
    store.settle_doubts();
    assert_eq!(store.losses(), 1);
}

#[test]
fn all_blobs_can_be_checked_at_once() {
    let (_dir, store) = store();
    let digests: Vec<Digest> = (0..20_u8).map(|n| store.put(&[n; 10]).unwrap()).collect();
    for digest in &digests[5..8] {
        std::fs::write(blob_file(&store, digest), b"other").unwrap();
    }
    store.verify().unwrap();
    assert_eq!(store.losses(), 3);
    let left: Vec<bool> = digests.iter().map(|digest| store.has(digest)).collect();
    assert_eq!(left.iter().filter(|there| **there).count(), 17);
}

#[test]
fn an_error_without_a_file_still_says_where_it_happened() {
    let error = StoreError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
    assert!(error.to_string().starts_with("cannot read or write a file of the store: "), "{error}");
}

#[test]
fn passing_locks_are_held_by_one_and_leave_no_file() {
    let (_dir, store) = store();
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = Store::open(store.root()).unwrap();
                for _ in 0..50 {
                    let lock = store.lock_passing("step", &|| false).unwrap().unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(store.root().join("locks")).unwrap().count(), 0);
    let held = store.lock_passing("step", &|| false).unwrap().unwrap();
    assert!(store.lock_passing("step", &|| true).unwrap().is_none(), "whoever gives up gets none");
    drop(held);
    // What a killed process leaves behind is nobody's lock.
    let left = || std::fs::write(store.root().join("locks/step.passing"), "").unwrap();
    left();
    assert!(store.lock_passing("step", &|| true).unwrap().is_some());
    left();
    let held = store.lock_passing("other", &|| true).unwrap().unwrap();
    Store::open(store.root()).unwrap();
    let names = || std::fs::read_dir(store.root().join("locks")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names().collect::<Vec<_>>(), ["other.passing"], "what is held stays");
    drop(held);
}
