//! Bounds: a step that uses more than it may is ended, or hears no; or it is said that the machine cannot bound it.

use super::room::Room;
use kiln::llb::exec::Limits;
use kiln::solve::embedded::sandbox::{Limit, Mount, MountKind, Status};

#[test]
fn memory_is_bounded_or_it_is_said_that_it_is_not() {
    let room = Room::new();
    let mut step = room.step(&["memory", "200"]);
    step.limits = Limits { memory: Some(64 << 20), ..Limits::default() };
    let seen = room.run(&step);
    match seen.ended.warnings.as_slice() {
        [] => assert_eq!(seen.ended.status, Status::Exceeded(Limit::Memory), "{seen:?}"),
        [warning] => {
            assert!(warning.starts_with("memory is not bounded: ") && warning.contains("Delegate=yes"), "{warning}");
            assert_eq!(seen.ended.status, Status::Exited(0));
        }
        more => panic!("{more:?}"),
    }
    step.args = vec!["/tool".into(), "memory".into(), "8".into()];
    assert_eq!(room.run(&step).ended.status, Status::Exited(0));
}

#[test]
fn processes_are_bounded() {
    let room = Room::new();
    let mut step = room.step(&["processes", "500"]);
    step.limits = Limits { pids: Some(40), ..Limits::default() };
    let seen = room.run(&step);
    assert_eq!(seen.ended.status, Status::Exited(0));
    let count: u32 = seen.out.trim().parse().unwrap();
    match seen.ended.warnings.as_slice() {
        [only] if only == "it wanted more processes than it may have" => assert_eq!(count, 39),
        // Counted by user, where there are no control groups.
        [only] => assert!(only.starts_with("the number of processes is ") && (30..45).contains(&count), "{seen:?}"),
        more => panic!("{more:?}"),
    }
}

#[test]
fn disk_is_bounded_wherever_it_is_written() {
    let room = Room::new();
    let cache = tempfile::tempdir().unwrap();
    for args in [["disk", "/f"], ["disk", "/cache/f"], ["hidden-disk", "/f"], ["hidden-disk", "/cache/f"]] {
        let mut step = room.step(&[args[0], args[1], "4000"]);
        step.mounts.push(Mount { target: "/cache".into(), kind: MountKind::Folder { path: cache.path().to_owned() } });
        step.limits = Limits { disk: Some(64 << 20), ..Limits::default() };
        let seen = room.run(&step);
        // One file alone may not grow so large either, and then the command hears of it first.
        let is_bounded = matches!(seen.ended.status, Status::Exceeded(Limit::Disk) | Status::Signalled(25));
        assert!(is_bounded, "{args:?}: {seen:?}");
    }
    let mut step = room.step(&["disk", "/f", "8"]);
    step.limits = Limits { disk: Some(64 << 20), ..Limits::default() };
    assert_eq!(room.run(&step).ended.status, Status::Exited(0));
}

#[test]
fn a_share_of_the_processors_is_no_hindrance() {
    let room = Room::new();
    let mut step = room.step(&["nothing"]);
    step.limits = Limits { cpu: Some(500), ..Limits::default() };
    assert_eq!(room.run(&step).ended.status, Status::Exited(0));
}
