use super::*;

#[test]
fn what_has_come_is_said_with_its_rate() {
    let said = so_far(120_000_000, 200_000_000, 45_000_000, Duration::from_secs(3));
    assert_eq!(said, "120.0 MB of 200.0 MB, 15.0 MB/s");
    assert_eq!(so_far(1, 2, 1, Duration::ZERO), "1 B of 2 B, 1.0 kB/s");
}
