//! Releases that are killed at any moment: the old tag stands, and the next run ends what was begun.

use super::{REPOSITORY, Releasing};
use crate::support::program::World;
use crate::support::registry::{Options, Registry};
use std::time::{Duration, Instant};

/// How often a release is killed, with each kind of registry.
const KILLS: u32 = 50;

fn kill_at_random_points(referrers: bool) {
    let releasing = Releasing::to(Registry::start(Options { referrers, ..Options::default() }));
    releasing.release("1.0", &[]).run().done();
    let old = releasing.tag("1.0").unwrap();
    // The time that a release takes, to spread the kills over.
    releasing.site.world.write("app/main.py", "print('how long?')\n");
    let began = Instant::now();
    releasing.release("timed", &[]).run().done();
    let whole = began.elapsed();
    let mut moved = 0;
    for number in 0..KILLS {
        releasing.site.world.write("app/main.py", format!("print({number})\n"));
        let before = releasing.tag("1.0").unwrap();
        let mut child = releasing.release("1.0", &[]).start();
        // A low-discrepancy sequence instead of a random one: the same every time, and everywhere.
        let part = (f64::from(number) * 0.618_033_988_75).fract();
        std::thread::sleep(whole.mul_f64(part * 1.1) + Duration::from_millis(1));
        let _ = child.kill();
        child.wait().unwrap();
        let after = releasing.tag("1.0").unwrap();
        if after != before {
            // It moved, so everything must be there: somebody else verifies it.
            moved += 1;
            let name = format!("{}/{REPOSITORY}@{after}", releasing.registry.host());
            World::new().kiln(["verify", &name, "--key", &releasing.public_key()]).run().done();
        }
    }
    assert!(moved < KILLS, "no kill came in time");
    // The next run ends it.
    let sent_before = releasing.registry.log().len();
    releasing.release("1.0", &[]).run().done();
    assert!(releasing.registry.log().len() > sent_before);
    let last = releasing.tag("1.0").unwrap();
    assert_ne!(last, old);
    releasing.site.world.kiln(["verify", &releasing.reference("1.0"), "--key", &releasing.public_key()]).run().done();
}

#[test]
#[ignore = "takes a minute"]
fn a_release_that_is_killed_leaves_the_old_tag() {
    kill_at_random_points(true);
}

#[test]
#[ignore = "takes a minute"]
fn the_same_where_the_registry_has_no_list_of_referrers() {
    kill_at_random_points(false);
}
