//! `pam-auth-update`.
use crate::packages::deb::root::{Fault, Root};
pub(super) fn update(_: &mut Root) -> Result<(), Fault> {
    Ok(())
}
