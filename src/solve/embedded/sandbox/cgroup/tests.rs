use super::*;

/// A machine with version 1 for the controllers, and a second version that has none.
const HYBRID: (&str, &str) = (
    "8:pids:/\n4:memory:/jobs/77\n3:cpuset:/\n2:cpu,cpuacct:/jobs/77\n0::/jobs/77\n",
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
     33 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
     32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
     39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
     41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
);

fn own(controller: &str, (groups, mounts): (&str, &str)) -> Option<(Version, String)> {
    place::of(controller, groups, mounts).map(|place| (place.version, place.own.to_str().unwrap().to_owned()))
}

#[test]
fn each_controller_is_found_in_its_hierarchy() {
    let first = |path: &str| Some((Version::One, path.to_owned()));
    let second = |path: &str| Some((Version::Two, path.to_owned()));
    assert_eq!(own("memory", HYBRID), first("/sys/fs/cgroup/memory/jobs/77"));
    assert_eq!(own("cpu", HYBRID), first("/sys/fs/cgroup/cpu,cpuacct/jobs/77"));
    assert_eq!(own("pids", HYBRID), first("/sys/fs/cgroup/pids/"));
    assert_eq!(own("io", HYBRID), second("/sys/fs/cgroup/unified/jobs/77"));
    let unified = (
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/kiln.scope\n",
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
    );
    let expected = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/kiln.scope";
    assert_eq!(own("memory", unified), second(expected));
}

#[test]
fn a_group_outside_of_what_is_mounted_is_none() {
    // A container without a control group namespace sees a part of the hierarchy.
    let part =
        ("4:memory:/docker/abc/in\n", "33 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    assert_eq!(own("memory", part), Some((Version::One, "/sys/fs/cgroup/memory/in".to_owned())));
    let other = ("4:memory:/other\n", part.1);
    assert_eq!(own("memory", other), None);
    assert_eq!(own("memory", ("0::/../elsewhere\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")), None);
    assert_eq!(own("memory", ("", "")), None);
    assert_eq!(own("memory", ("0::/a\n", "nonsense\n1 2 3\n")), None);
}

#[test]
fn mount_points_are_unescaped() {
    let mounts = "30 23 0:26 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw\n";
    assert_eq!(own("memory", ("0::/a\n", mounts)), Some((Version::Two, "/sys/fs/c group/a".to_owned())));
}

#[test]
fn what_is_not_asked_for_is_not_bounded() {
    assert!(bounds(&Limits::default()).is_empty());
    let groups = Groups::new(&Limits { time: Some(3), disk: Some(4), ..Limits::default() });
    assert!(groups.folders.is_empty() && groups.unbounded() == (Vec::new(), false));
}

#[test]
fn counts_are_read_from_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    std::fs::write(&file, "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n").unwrap();
    assert_eq!(count(&file, "oom_kill"), 3);
    assert_eq!(count(&folder.path().join("none"), "oom_kill"), 0);
}
