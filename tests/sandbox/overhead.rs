//! What a step costs beside its command.

use super::room::Room;
use std::time::Instant;

/// Prints medians; a machine under load proves nothing, so nothing is asserted but that it runs.
#[test]
#[ignore = "a measurement"]
fn of_a_step_that_does_nothing() {
    let room = Room::new();
    let step = room.step(&["nothing"]);
    let writing = room.step(&["put", "/x", "x"]);
    for (name, step) in [("a step that does nothing", &step), ("a step that writes a file", &writing)] {
        room.out(step);
        let mut times: Vec<f64> = (0..101)
            .map(|_| {
                let begin = Instant::now();
                room.out(step);
                begin.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name}: {:.2} ms (of 101: {:.2} to {:.2})", times[50], times[5], times[95]);
    }
}
