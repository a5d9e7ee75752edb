//! Builds that are killed, and builds that meet.

use super::{Site, archive};
use crate::support::deb::Mirror;
use std::time::{Duration, Instant};

/// Kills a build at so many moments between its start and its end; what follows must not notice.
fn killed_at(moments: u32) {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let started = Instant::now();
    let expected = site.built();
    let whole = started.elapsed();
    let (store, layout) = (site.world.path("store"), site.layout());
    for moment in 0..moments {
        std::fs::remove_dir_all(&store).unwrap();
        std::fs::remove_dir_all(&layout).unwrap();
        // Not on a grid: a build that is a little slower than the last one is hit elsewhere.
        let jitter = Duration::from_nanos(u64::from(started.elapsed().subsec_nanos()) % 5_000_000);
        let mut build = site.build().start();
        std::thread::sleep(whole * moment / moments + jitter);
        build.kill().unwrap();
        build.wait().unwrap();
        if layout.exists() {
            assert_eq!(super::contents(&layout), expected, "what is there is whole, moment {moment}");
        }
        assert_eq!(site.built(), expected, "moment {moment}");
    }
    // Nothing of the dead is left beside the living.
    let left: Vec<_> = std::fs::read_dir(store.join("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    let beside = std::fs::read_dir(site.world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut beside: Vec<String> = beside.map(|name| name.into_string().unwrap()).collect();
    beside.sort();
    assert_eq!(beside, ["cache", "config", "data", "home", "layout", "project", "store", "tmp"]);
}

#[test]
fn a_killed_build_is_as_if_it_had_not_been() {
    killed_at(5);
}

#[test]
#[ignore = "takes long"]
fn a_build_killed_at_fifty_moments_is_as_if_it_had_not_been() {
    killed_at(50);
}

#[test]
fn builds_at_the_same_time_on_one_store_give_the_same() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    std::fs::remove_dir_all(site.world.path("store")).unwrap();
    std::fs::remove_dir_all(site.layout()).unwrap();
    // Two of them write the same output.
    let outputs = ["layout", "layout", "second", "third"];
    let running: Vec<_> = outputs
        .iter()
        .map(|name| {
            let output = format!("oci:{}", site.world.path(name).display());
            site.world.kiln(["build", "--progress", "quiet", "-o", &output]).start()
        })
        .collect();
    for build in running {
        let output = build.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for name in outputs {
        assert_eq!(super::contents(&site.world.path(name)), expected);
    }
}

#[test]
fn a_failed_build_leaves_the_output_as_it_was() {
    let mirror = Mirror::of(&archive());
    let site = Site::of(&mirror).with_new_key();
    let expected = site.built();
    let spec = String::from_utf8(site.world.read("kiln.kdl")).unwrap();
    site.world.write("kiln.kdl", spec.replace(r#"copy "app""#, r#"copy "nothing""#));
    let outcome = site.build().run().code(4);
    assert!(outcome.stderr.contains("nothing"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    assert_eq!(super::contents(&site.layout()), expected);
}
