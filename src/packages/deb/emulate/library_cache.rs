//! `/etc/ld.so.cache`.
use super::{Root, Scene};
use crate::store::StoreError;
pub(super) fn write(_: &mut Root, _: &mut Scene) -> Result<(), StoreError> {
    Ok(())
}
