//! `update-ca-certificates`: `/etc/ssl/certs`.
use crate::packages::deb::root::{Fault, Root};
pub(super) fn update(_: &mut Root) -> Result<(), Fault> {
    Ok(())
}
