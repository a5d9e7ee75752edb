//! What to do where a machine forbids sandboxes.

/// Which switch it is, how it can be set, and what works without.
pub(super) fn advice(what: &str) -> String {
    let switches = [
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ];
    let set = switches
        .iter()
        .filter(|(file, value, _)| std::fs::read_to_string(file).is_ok_and(|text| text.trim() == *value));
    let set: Vec<String> = set.map(|(_, _, setting)| format!("`sysctl -w {setting}`")).collect();
    let how = match (set.as_slice(), what) {
        ([], "overlay mounts") => "this needs Linux 5.11 or newer".to_owned(),
        ([], _) => "a container that runs kiln needs `--security-opt seccomp=unconfined --security-opt \
                    apparmor=unconfined`, or `--privileged`"
            .to_owned(),
        (settings, _) => format!("root can allow it with {}", settings.join(" and ")),
    };
    format!("{how}; specs without `run` and `check`, and the engine of a BuildKit daemon, need none of it")
}
