use super::*;

fn advice(what: Forbidden, switches: &[(&str, &str)]) -> String {
    what.advice(|path| switches.iter().find(|(name, _)| path.ends_with(name)).map(|(_, value)| format!("{value}\n")))
}

#[test]
fn the_switch_that_forbids_is_named() {
    let all = |value| {
        [
            ("apparmor_restrict_unprivileged_userns", value),
            ("unprivileged_userns_clone", "1"),
            ("max_user_namespaces", "100"),
        ]
    };
    let seen = advice(Forbidden::Mounts, &all("1"));
    assert!(seen.contains("sysctl kernel.apparmor_restrict_unprivileged_userns=0"), "{seen}");
    let seen = advice(Forbidden::UserNamespace, &[("unprivileged_userns_clone", "0")]);
    assert!(seen.contains("sysctl kernel.unprivileged_userns_clone=1"), "{seen}");
    let seen = advice(Forbidden::UserNamespace, &[("max_user_namespaces", "0")]);
    assert!(seen.contains("sysctl user.max_user_namespaces="), "{seen}");
    let seen = advice(Forbidden::UserNamespace, &all("0"));
    assert!(seen.contains("--security-opt seccomp=unconfined") && seen.ends_with(WITHOUT), "{seen}");
    assert!(advice(Forbidden::Proc, &all("1")).contains("systempaths=unconfined"));
}

#[test]
fn the_error_says_all_of_it() {
    let error = Forbidden::UserNamespace.error(Errno::PERM).to_string();
    assert!(error.starts_with("this machine forbids user namespaces: "), "{error}");
    assert!(error.contains("need none of this"), "{error}");
}
