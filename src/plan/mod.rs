//! Names to digests: what a spec asks for from outside, found, verified and
//! written down in `kiln.lock`, so that a build from the lock asks nobody.
//!
//! [`Lock`] is the file, [`levels`] puts an image together with the bases of
//! kiln's own that it stands on, [`Request`] is what an image asks of package
//! sources, and [`update`] brings a lock up to date with all that is [`Wanted`].

mod advisories;
mod attached;
mod commits;
mod error;
mod level;
pub mod lock;
mod own;
mod request;
mod update;

pub use advisories::WantedAdvisories;
pub use commits::WantedCommit;
pub use error::PlanError;
pub use level::{Bases, Level, LevelError, levels};
pub use lock::{
    Lock, LockError, LockedAdvisories, LockedCommit, LockedDownload, LockedEntry, LockedImage, LockedLayout, LockedSet,
};
pub use own::{OwnBase, own_base};
pub use request::{Request, RequestedSource, RequestedWish};
pub use update::{Outside, Refresh, Wanted, WantedDownload, WantedImage, WantedSet, mirrors, update};
