//! The database of advisories: made, moved, looked at.

use super::{Judged, advisory, npm};
use crate::support::registry::{Options, Registry};
use serde_json::Value;

#[test]
fn a_database_travels_through_a_registry_as_it_is() {
    let registry = Registry::start(Options::default());
    let reference = format!("{}/security/advisories", registry.host());
    let judged = Judged::new("");
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "left")]);
    let show = |judged: &Judged| {
        let shown = judged.world.kiln(["db", "show", "--format", "json"]).run().done().stdout;
        serde_json::from_str::<Value>(&shown).unwrap()
    };
    let made = show(&judged);
    assert_eq!(made["records"]["npm"], 1);
    assert_eq!(made["feeds"][0]["name"], "osv.json");
    judged.world.kiln(["db", "push", &reference]).run().done();
    // Somebody else, who reaches no feed.
    let other = Judged::new("");
    other.world.kiln(["db", "show"]).run().code(3);
    other.world.kiln(["db", "pull", &reference]).run().done();
    assert_eq!(show(&other), made);
    // The same by the address of feeds, for machines on which the same job runs everywhere.
    let mut updated = Judged::new("");
    updated.world.set("KILN_FEEDS", format!("oci:{reference}"));
    updated.world.kiln(["db", "update"]).run().done();
    assert_eq!(show(&updated), made);
    updated.world.kiln(["db", "update", "--ecosystem", "npm"]).run().code(2);
    // A project that says where the database is, and a machine that has none.
    let third = Judged::new(&format!("policy {{ database \"{reference}\"; deny \"vulnerability\" }}"));
    third.world.write("app/node_modules/left/package.json", npm("left", "1.0.0"));
    let outcome = third.build(&["-o", "oci:out"]).run().code(5);
    assert!(outcome.stdout.contains("GHSA-aaaa-bbbb-cccc"), "{}", outcome.stdout);
    let lock = String::from_utf8(third.world.read("kiln.lock")).unwrap();
    assert!(
        lock.contains(&format!("\nadvisories \"{reference}:latest\""))
            || lock.contains(&format!("\nadvisories \"{reference}\"")),
        "{lock}"
    );
    // What is in the repository now is not what the lock says, and the lock counts.
    judged.database(&[advisory("GHSA-aaaa-bbbb-cccc", "others")]);
    judged.world.kiln(["db", "push", &reference]).run().done();
    third.build(&["-o", "oci:out", "--locked"]).run().code(5);
    third.world.kiln(["lock", "--update", "advisories"]).run().done();
    third.build(&["-o", "oci:out", "--locked"]).run().done();
    // An image is none.
    third.world.kiln(["push", "out", &format!("{}/acme/hello:1", registry.host())]).run();
    let image = format!("{}/acme/hello:1", registry.host());
    let outcome = other.world.kiln(["db", "pull", &image]).run();
    assert_ne!(outcome.code, Some(0), "{}", outcome.stdout);
}

#[test]
fn the_same_feeds_give_the_same_database() {
    let digest = |order: [usize; 2]| {
        let judged = Judged::new("");
        let advisories = [advisory("GHSA-aaaa-bbbb-cccc", "left"), advisory("CVE-2026-1", "right")];
        judged.database(&order.map(|at| advisories[at].clone()));
        let shown = judged.world.kiln(["db", "show", "--format", "json"]).run().done().stdout;
        serde_json::from_str::<Value>(&shown).unwrap()
    };
    // The feed is another file, and what is known is the same.
    assert_eq!(digest([0, 1])["records"], digest([1, 0])["records"]);
    assert_eq!(digest([0, 1]), digest([0, 1]));
}

#[test]
fn feeds_that_are_none_are_refused() {
    let judged = Judged::new("");
    for (name, content, code) in [("none.txt", "this is no feed\n", 1), ("empty.json", "", 1)] {
        judged.world.write(name, content);
        let outcome = judged.world.kiln(["db", "update", "--from", name]).run();
        assert_eq!(outcome.code, Some(code), "{name}: {}", outcome.stderr);
    }
    judged.world.kiln(["db", "update", "--from", "missing.zip"]).run().code(2);
    judged.world.kiln(["db", "update", "--from", "gopher://example.com/x"]).run().code(2);
    judged.world.kiln(["db", "show"]).run().code(3);
}
