//! Capabilities: what root may do in a step.

use rustix::io::{Errno, Result};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// What build steps need: BuildKit's list without device nodes, raw sockets, the audit log and capabilities of files.
/// They count in the step's user namespace only.
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

/// Gives up all others for good, for this process and all that it starts.
pub(super) fn limit() -> Result<()> {
    // The kernel knows as many as it does not refuse.
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        if !KEPT.contains(one) {
            match rustix::thread::remove_capability_from_bounding_set(one) {
                Ok(()) => {}
                Err(Errno::INVAL) => break,
                Err(e) => return Err(e),
            }
        }
    }
    rustix::thread::clear_ambient_capability_set()
}

/// Gives up, in this process, what [`limit`] forbids to its children; what it has lost already stays lost.
pub(super) fn give_up() -> Result<()> {
    let had = rustix::thread::capabilities(None)?;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: had.effective & KEPT,
            permitted: had.permitted & KEPT,
            inheritable: CapabilitySet::empty(),
        },
    )
}
