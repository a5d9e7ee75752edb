use super::*;

/// What programs of builds call, and what must stay refused.
#[test]
fn the_filters_compile_for_each_architecture() {
    for arch in [TargetArch::x86_64, TargetArch::aarch64] {
        for rules in [allowed(arch), sockets(), refused(arch)] {
            let program = program(&rules, arch).unwrap();
            // The kernel takes at most 4096 instructions.
            assert!(!program.is_empty() && program.len() < 4096, "{}", program.len());
        }
    }
}

#[test]
fn no_call_is_both_used_and_refused() {
    for arch in [TargetArch::x86_64, TargetArch::aarch64] {
        let mut refused = calls::refused(arch);
        assert!(refused.all(|name| !calls::ALLOWED.contains(&name) && !calls::ALLOWED_X86_64.contains(&name)));
    }
    for name in ["clone3", "unshare", "mount", "bpf", "keyctl"] {
        assert!(!calls::ALLOWED.contains(&name));
    }
}
