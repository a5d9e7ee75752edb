//! What a command that runs as root may do, and what it may never: all of it in a user namespace of its own.

use super::job::Failed;
use rustix::thread::{self, CapabilitySet, CapabilitySets};

/// What build steps need: to own files, to become another user, to chroot. Nothing that makes devices, speaks raw
/// network protocols, mounts, or marks programs as privileged.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SYS_CHROOT);

/// The highest number that a capability may have.
const HIGHEST: u32 = 63;

/// Takes away, for this process and all that it starts, what is not kept.
pub(super) fn drop_all_but_kept() -> Result<(), Failed> {
    let fail = || Failed::errno("drop capabilities");
    thread::clear_ambient_capability_set().map_err(fail())?;
    for number in 0..=HIGHEST {
        let one = CapabilitySet::from_bits_retain(1 << number);
        if !KEPT.contains(one) && thread::capability_is_in_bounding_set(one).unwrap_or(false) {
            thread::remove_capability_from_bounding_set(one).map_err(fail())?;
        }
    }
    let now = thread::capabilities(None).map_err(fail())?;
    let kept = |set: CapabilitySet| set & KEPT;
    let sets = CapabilitySets {
        effective: kept(now.effective),
        permitted: kept(now.permitted),
        inheritable: CapabilitySet::empty(),
    };
    thread::set_capabilities(None, sets).map_err(fail())
}
