//! Which database of advisories releases are judged by.

use super::error::PlanError;
use super::lock::{Lock, LockedAdvisories};
use super::update::Refresh;
use crate::oci::Reference;

/// A database of advisories that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedAdvisories {
    /// The repository in which it is; none for the newest of this machine.
    pub reference: Option<Reference>,
}

/// What `kiln lock --update` calls it.
pub(super) const NAME: &str = "advisories";

impl WantedAdvisories {
    /// Whether what is locked is what is asked for.
    pub(super) fn fits(&self, locked: &LockedAdvisories) -> bool {
        self.reference.as_ref().map(ToString::to_string) == locked.reference
    }

    /// What of a lock stays; none where the newest is to be found.
    pub fn kept<'l>(&self, lock: &'l Lock, refresh: &Refresh) -> Option<&'l LockedAdvisories> {
        lock.advisories.as_ref().filter(|locked| self.fits(locked) && !refresh.touches(NAME))
    }

    /// What is locked from now on; `newest` is what was found.
    pub(super) fn update(
        &self,
        old: &Lock,
        refresh: &Refresh,
        newest: Option<&LockedAdvisories>,
    ) -> Result<LockedAdvisories, PlanError> {
        let kept = self.kept(old, refresh).or(newest).cloned();
        kept.ok_or(PlanError::NoAdvisories)
    }
}
