//! Mirrors that lie, stall, drop, redirect and replay, as a whole build meets them.

use super::{FIRST, Site, archive};
use crate::support::deb::{Archive, Deb, Mirror, TestKey};
use crate::support::http::{Manner, Reply};

/// The build must fail with this code, saying this, and leave neither lock nor output.
#[track_caller]
fn refused(site: &Site, code: i32, words: &[&str]) {
    let outcome = site.build().run().code(code);
    for word in words {
        assert!(outcome.stderr.contains(word), "{word:?} is missing in: {}", outcome.stderr);
    }
    assert_eq!(outcome.stdout, "");
    assert!(!site.layout().exists());
}

/// Whether any file of the store holds this.
fn stored(site: &Site, content: &[u8]) -> bool {
    crate::support::files::holds(&site.world.path("store"), content)
}

#[test]
fn a_package_with_other_content_is_refused_and_not_kept() {
    let mirror = Mirror::of(&archive());
    mirror.tamper(|files| {
        let package = files.iter_mut().find(|(path, _)| path.contains("pool/") && path.contains("/hello_")).unwrap().1;
        *package = Deb::new("hello", "2.10-5").file("./evil", 0o4755, "evil content").build();
    });
    let site = Site::of(&mirror);
    refused(&site, 7, &["hello"]);
    assert!(!stored(&site, b"evil content"));
}

#[test]
fn a_package_that_goes_on_for_ever_is_cut_off() {
    let mirror = Mirror::of(&archive());
    mirror.misbehave(|seen, honest| match seen.target.contains("/hello_") {
        true => Reply::ok(vec![0; 1 << 20]).announcing(None).in_manner(Manner::Endless),
        false => honest,
    });
    refused(&Site::of(&mirror), 7, &["hello"]);
}

#[test]
fn an_index_that_the_release_file_does_not_know_is_refused() {
    let mirror = Mirror::of(&archive());
    mirror.tamper(|files| {
        let other = Archive::new("trixie").with(Deb::new("hello", "9.evil")).files(&TestKey::new());
        for (path, content) in
            files.iter_mut().filter(|(path, _)| path.contains("Packages") || path.contains("by-hash"))
        {
            let name = if path.ends_with(".gz") { "Packages.gz" } else { "Packages.xz" };
            *content = other[&format!("dists/trixie/main/binary-amd64/{name}")].clone();
        }
    });
    refused(&Site::of(&mirror), 7, &["trixie"]);
}

#[test]
fn a_foreign_a_changed_and_a_missing_signature_are_refused() {
    let mirror = Mirror::of(&archive());
    let foreign = archive().files(&TestKey::new()).remove("dists/trixie/InRelease").unwrap();
    let own = archive().files(&mirror.key).remove("dists/trixie/InRelease").unwrap();
    let own = String::from_utf8(own).unwrap();
    let plain = own.split("\n\n").nth(1).unwrap().to_owned();
    for release in [foreign, own.replace("Label: Test", "Label: Best").into_bytes(), plain.into_bytes()] {
        mirror.tamper(|files| drop(files.insert("dists/trixie/InRelease".into(), release)));
        refused(&Site::of(&mirror), 7, &["trixie"]);
    }
}

#[test]
fn a_key_that_has_run_out_is_refused() {
    let mut key = TestKey::new();
    key.lasts = 1;
    refused(&Site::of(&Mirror::signed_by(&archive(), key)), 7, &["trixie"]);
}

#[test]
fn a_state_past_its_time_is_refused_unless_the_spec_says_otherwise() {
    let mut old = archive();
    old.valid_until = Some("Mon, 08 Sep 2025 12:00:00 UTC".into());
    let mirror = Mirror::of(&old);
    let site = Site::of(&mirror).with_new_key();
    refused(&site, 7, &["trixie", "check-valid-until"]);
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    site.world.write("kiln.kdl", spec.replace(r#"suite "trixie""#, r#"suite "trixie" check-valid-until=#false"#));
    site.build().run().done();
}

#[test]
fn an_older_state_than_the_lock_or_the_store_has_seen_is_refused() {
    let mut newer = archive();
    newer.date = "Tue, 02 Sep 2025 12:00:00 UTC".into();
    let mirror = Mirror::of(&newer);
    let site = Site::of(&mirror).with_new_key();
    site.build().run().done();
    let mut replay = archive();
    replay.date = FIRST.into();
    mirror.publish(&replay);
    // The lock knows.
    let (lock, store) = (site.world.project().join("kiln.lock"), site.world.path("store"));
    std::fs::rename(&store, site.world.path("kept")).unwrap();
    let outcome = site.world.kiln(["lock", "--update"]).run().code(7);
    assert!(outcome.stderr.contains("trixie"), "{}", outcome.stderr);
    // The store knows.
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(site.world.path("kept"), &store).unwrap();
    std::fs::remove_file(lock).unwrap();
    site.world.kiln(["lock"]).run().code(7);
}

#[test]
fn a_redirect_to_a_file_is_refused() {
    let mirror = Mirror::of(&archive());
    mirror.misbehave(|seen, honest| match seen.target.starts_with("/pool/") {
        true => Reply::redirect("file:///etc/hostname"),
        false => honest,
    });
    refused(&Site::of(&mirror), 7, &["hello"]);
}

#[test]
fn a_mirror_that_drops_connections_is_asked_again() {
    let mirror = Mirror::of(&archive());
    mirror.misbehave(|seen, honest| match seen.target.starts_with("/pool/") && seen.before == 0 {
        true => honest.in_manner(Manner::DropAfter(100)),
        false => honest,
    });
    Site::of(&mirror).with_new_key().build().run().done();
    // What came before the end of the connection was not fetched twice.
    assert!(mirror.requests().iter().any(|seen| seen.range() == Some(100)));
}

#[test]
fn a_mirror_that_is_not_there_is_an_outside_failure() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror);
    drop(mirror);
    refused(&site, 7, &["127.0.0.1"]);
}

#[test]
fn a_package_that_is_gone_is_named_with_what_helps() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    site.world.kiln(["lock"]).run().done();
    mirror.tamper(|files| files.retain(|path, _| !path.contains("/hello_")));
    std::fs::remove_dir_all(site.world.path("store")).unwrap();
    // Its snapshot is on a server that this machine does not reach: a proxy that nobody listens on stands for it.
    let call = site.build().env("http_proxy", "http://127.0.0.1:9").env("no_proxy", "127.0.0.1");
    let outcome = call.run();
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("hello"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("kiln lock --update"), "{}", outcome.stderr);
}
