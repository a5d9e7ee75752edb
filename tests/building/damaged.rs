//! Files of the store that are cut or changed are noticed and made anew; a full disk is an error, and no more.

use super::{Site, archive};
use crate::support::deb::Mirror;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All files below the store's contents and records.
fn stored(store: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (vec![], vec![store.join("blobs"), store.join("records")]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => waiting.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    found.sort();
    found
}

fn damage(place: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut content = fs::read(place).unwrap();
    how(&mut content);
    // The store's files may be read-only: damage does not ask.
    fs::remove_file(place).unwrap();
    fs::write(place, content).unwrap();
}

/// Damages every file of the store, one after the other, and builds each time without the output of before.
fn survives(how: impl Fn(&mut Vec<u8>)) {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    let store = site.world.path("store");
    for place in stored(&store) {
        // An earlier round may have had no use for it and cleared it.
        if place.exists() {
            damage(&place, &how);
            let _ = fs::remove_dir_all(site.layout());
            let outcome = site.build().run();
            assert_eq!(outcome.code, Some(0), "{}: {}", place.display(), outcome.stderr);
            assert_eq!(super::contents(&site.layout()), expected, "{}", place.display());
        }
    }
}

#[test]
fn truncated_files_of_the_store_are_made_anew() {
    survives(|content| content.truncate(content.len() / 2));
}

#[test]
fn changed_files_of_the_store_are_made_anew() {
    survives(|content| {
        let middle = content.len() / 2;
        if let Some(byte) = content.get_mut(middle) {
            *byte ^= 4;
        }
    });
}

#[test]
fn a_store_that_is_damaged_everywhere_is_made_anew() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    for place in stored(&site.world.path("store")) {
        damage(&place, |content| content.reverse());
    }
    fs::remove_dir_all(site.layout()).unwrap();
    assert_eq!(site.built(), expected);
}

/// Runs a build where some folder of the world is a file system of this size, and so soon full.
fn in_little_space(site: &Site, folder: &str, size: &str) -> std::process::Output {
    const SCRIPT: &str = r#"
        folder=$1 size=$2
        shift 2
        mkdir -p "$folder"
        mount -t tmpfs -o "size=$size" none "$folder"
        exec "$@"
    "#;
    let layout = format!("oci:{}", site.world.path("out/layout").display());
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--", "/bin/sh", "-ec", SCRIPT, "sh"]);
    command.arg(site.world.path(folder)).arg(size).arg(crate::support::program::KILN);
    command.args(["build", "--progress", "quiet", "-o", &layout]).current_dir(site.world.project());
    command.env_clear().envs(&site.world.environment).output().unwrap()
}

#[test]
#[ignore = "needs root, to mount a small file system"]
fn a_full_disk_is_an_error_that_says_so() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    for folder in ["store", "out"] {
        let mut failed = 0;
        for size in ["16k", "32k", "64k", "128k", "256k", "512k", "1m"] {
            let output = in_little_space(&site, folder, size);
            let said = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                assert_eq!(output.status.code(), Some(1), "{folder} of {size}: {said}");
                assert!(said.contains("o space left"), "{folder} of {size}: {said}");
                failed += 1;
            }
        }
        assert!(failed > 1, "{folder}");
    }
    assert!(in_little_space(&site, "store", "64m").status.success());
    assert_eq!(site.built(), expected);
}
